# SPDX-License-Identifier: Apache-2.0
"""The admission webhook of the real process; the test calls it as the API server does."""

import asyncio
import signal
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from exposedapp.admission.certificate import (
    LIFETIME,
    RENEW_BEFORE_END,
    make_certificate,
)
from exposedapp.admission.reviewer import FAILED, TOO_LATE
from exposedapp.admission.serving_secret import ServingSecret
from exposedapp.runtime import Periods
from support.admission import DNS_NAME, WebhookCaller, app_body, review_body
from support.http_api_server import Fault, HttpApiServer, status_body
from support.operator_process import OperatorProcess, until
from support.sockets import free_port

Json = dict[str, Any]

PERIODS = Periods(certificate_check_seconds=0.1)
INVALID = (
    'Deployment.apps "web" is invalid: spec.template.spec.containers[0].resources.requests: '
    'Invalid value: "2": must be less than or equal to cpu limit of 1'
)


@pytest.fixture
async def server() -> AsyncIterator[HttpApiServer]:
    async with HttpApiServer() as http_api_server:
        yield http_api_server


@pytest.fixture
def caller(server: HttpApiServer) -> WebhookCaller:
    return WebhookCaller(server)


def start(
    server: HttpApiServer,
    folder: Path,
    caller: WebhookCaller,
    name: str = "operator",
    port: int = 0,
    **environment: str,
) -> OperatorProcess:
    return OperatorProcess(
        server,
        folder,
        name,
        PERIODS,
        environment={
            "EXPOSEDAPP_ADMISSION_PORT": str(port or caller.port),
            "EXPOSEDAPP_ADMISSION_REFERENCES": "ConfigMap",
            **environment,
        },
    )


async def until_served(operator: OperatorProcess, caller: WebhookCaller, port: int = 0) -> None:
    async with asyncio.timeout(30):
        while not (await caller.review(app_body("first"), port=port or None)).get("allowed"):
            assert operator.is_running, operator.log
            await asyncio.sleep(0.05)


def refusing(kind: str, code: int, message: str) -> Fault:
    """Refuse dry runs of a kind."""

    async def handle(request: web.Request) -> web.StreamResponse | None:
        if f"/{kind}/" in request.path and "dryRun" in request.query:
            return web.json_response(status_body(code, message), status=code)
        return None

    return handle


def writes_of(server: HttpApiServer, name: str) -> list[web.Request]:
    return [
        request
        for request in server.requests
        if request.method != "GET"
        and request.headers["Authorization"] == f"Bearer {name}"
        and "/leases" not in request.path
    ]


async def test_an_app_is_refused_in_the_words_of_the_api_server_and_nothing_is_stored(
    server: HttpApiServer, caller: WebhookCaller, tmp_path: Path
) -> None:
    async with start(server, tmp_path, caller) as operator:
        await until_served(operator, caller)
        server.faults.append(refusing("deployments", 422, INVALID))
        response = await caller.review(app_body())
        assert response["allowed"] is False
        assert response["uid"] == "uid-of-review"
        assert response["status"] == {"message": INVALID, "code": 422}
        assert server.get("deployments", "web") is None
        assert server.get("services", "web") is None
        assert "shop/web: refused" in operator.log
        assert "created" not in operator.log
        assert "failed permanently" not in operator.log
        assert await operator.metric("exposedapp_admission_requests_total", result="refused") == 1
        assert await operator.metric("exposedapp_admission_duration_seconds_count") >= 2
        assert await operator.terminate() == 0
    assert "Unclosed" not in operator.log
    assert "Traceback" not in operator.log


async def test_what_may_be_resolved_without_the_author_is_a_warning(
    server: HttpApiServer, caller: WebhookCaller, tmp_path: Path
) -> None:
    async with start(server, tmp_path, caller) as operator:
        await until_served(operator, caller)
        taken = "spec.ports[0].nodePort: Invalid value: 30080: provided port is already allocated"
        server.faults.append(refusing("services", 422, taken))
        app = app_body(envFrom=[{"configMapRef": {"name": "settings"}}])
        response = await caller.review(app)
        assert response["allowed"] is True
        port, settings = response["warnings"]
        assert port.startswith(f"NodePortConflict: {taken}")
        assert settings.startswith("the pods wait for ConfigMap settings: ")
        server.faults.clear()
        server.put("configmaps", {"metadata": {"namespace": "shop", "name": "settings"}})
        assert "warnings" not in await caller.review(app)


async def test_without_a_node_the_author_is_warned(
    server: HttpApiServer, caller: WebhookCaller, tmp_path: Path
) -> None:
    async with start(server, tmp_path, caller) as operator:
        await until_served(operator, caller)
        app = app_body(nodes={"selector": {"zone": "nowhere"}})
        [warning] = (await caller.review(app))["warnings"]
        assert warning.startswith("NoEligibleNode: ")


async def test_an_app_whose_spec_is_as_it_was_is_not_judged(
    server: HttpApiServer, caller: WebhookCaller, tmp_path: Path
) -> None:
    async with start(server, tmp_path, caller) as operator:
        await until_served(operator, caller)
        server.faults.append(refusing("deployments", 422, INVALID))
        old, new = app_body(), app_body()
        new["metadata"]["labels"] = {"team": "blue"}
        assert await caller.review(new, old) == {"uid": "uid-of-review", "allowed": True}
        assert (await caller.review(app_body(replicas=1), old))["allowed"] is False


async def test_who_does_not_know_the_path_gets_no_answer(
    server: HttpApiServer, caller: WebhookCaller, tmp_path: Path
) -> None:
    async with start(server, tmp_path, caller) as operator:
        await until_served(operator, caller)
        before = len(writes_of(server, "operator"))
        body = review_body(app_body())
        assert await caller.post(body, path="/validate") == (404, {})
        assert len(writes_of(server, "operator")) == before


async def test_an_api_server_that_does_not_answer_delays_an_app_by_two_seconds(
    server: HttpApiServer, caller: WebhookCaller, tmp_path: Path
) -> None:
    async def silence(request: web.Request) -> web.StreamResponse | None:
        if "dryRun" in request.query:
            await asyncio.Event().wait()
        return None

    async with start(server, tmp_path, caller) as operator:
        await until_served(operator, caller)
        server.faults.append(silence)
        response = await caller.review(app_body())
        assert response["allowed"] is True
        assert response["warnings"] == [TOO_LATE]
        assert await operator.metric("exposedapp_admission_requests_total", result="timeout") == 1
        assert "is cancelled" not in operator.log


@pytest.mark.parametrize(
    "broken",
    [
        {"object": {"metadata": {"namespace": "shop", "name": "web"}}},
        {"resource": {"group": "", "version": "v1", "resource": "pods"}},
        {"userInfo": None},
    ],
    ids=["no spec", "another kind", "no user"],
)
async def test_a_request_that_fails_is_allowed(
    server: HttpApiServer, caller: WebhookCaller, tmp_path: Path, broken: Json
) -> None:
    async with start(server, tmp_path, caller) as operator:
        await until_served(operator, caller)
        status, review = await caller.post(review_body(app_body(), **broken))
        assert status == 200
        response = review["response"]
        assert response["uid"] == "uid-of-review"
        assert response["allowed"] is True
        assert response["warnings"] == [FAILED]
        assert await operator.metric("exposedapp_admission_requests_total", result="error") == 1
        assert operator.is_running


async def test_what_is_no_review_is_a_bad_request(
    server: HttpApiServer, caller: WebhookCaller, tmp_path: Path
) -> None:
    async with start(server, tmp_path, caller) as operator:
        await until_served(operator, caller)
        assert (await caller.post({"kind": "Other"}))[0] == 400


async def test_a_standby_answers_with_the_leader_s_certificate_and_stores_nothing(
    server: HttpApiServer, caller: WebhookCaller, tmp_path: Path
) -> None:
    async with start(server, tmp_path, caller, "leader") as leader:
        await until_served(leader, caller)
        other_port = free_port()
        async with start(server, tmp_path, caller, "standby", other_port) as standby:
            await until_served(standby, caller, other_port)
            server.faults.append(refusing("deployments", 422, INVALID))
            response = await caller.review(app_body(), port=other_port)
            assert response["allowed"] is False
            writes = writes_of(server, "standby")
            assert writes
            assert all("dryRun" in request.query for request in writes)


async def test_an_operator_whose_port_is_taken_goes_on_without_the_webhook(
    server: HttpApiServer, caller: WebhookCaller, tmp_path: Path
) -> None:
    async with start(server, tmp_path, caller, "leader") as leader:
        await until_served(leader, caller)
        async with start(server, tmp_path, caller, "standby") as standby:
            await until(lambda: "are not served" in standby.log, "it is logged")
            await standby.until_ready()
            leader.send(signal.SIGKILL)
            server.app("later")
            await until(lambda: server.url_of("later"), "the app has a URL")


# --- the certificate ------------------------------------------------------------------------------


def serving_secret(age: timedelta) -> ServingSecret:
    certificate, key = make_certificate(DNS_NAME, datetime.now(UTC) - age)
    return ServingSecret(certificate, key, certificate, "a-token")


async def test_a_certificate_is_renewed_before_its_end_and_the_old_one_stays_trusted(
    server: HttpApiServer, caller: WebhookCaller, tmp_path: Path
) -> None:
    old = serving_secret(LIFETIME - RENEW_BEFORE_END + timedelta(minutes=1))
    caller.put_secret(old)
    async with start(server, tmp_path, caller) as operator:
        await until(lambda: caller.secret()["tls.crt"] != old.certificate, "it is renewed")
        new = caller.secret()
        assert new["ca.crt"] == new["tls.crt"] + old.certificate == caller.trusted
        assert new["token"] == old.token
        assert caller.client_config["service"]["path"] == f"/{old.token}"
        await until_served(operator, caller)
        assert (await caller.post(review_body(app_body()), trusted=new["tls.crt"]))[0] == 200


async def test_a_running_operator_replaces_a_certificate_that_is_lost(
    server: HttpApiServer, caller: WebhookCaller, tmp_path: Path
) -> None:
    async with start(server, tmp_path, caller) as operator:
        await until_served(operator, caller)
        first = caller.secret()
        caller.put_secret(ServingSecret())
        await until(lambda: caller.secret().get("tls.crt"), "there is another one")
        assert caller.secret()["tls.crt"] != first["tls.crt"]
        await until_served(operator, caller)
        assert (await caller.review(app_body()))["allowed"] is True


async def test_a_configuration_that_was_changed_is_repaired(
    server: HttpApiServer, caller: WebhookCaller, tmp_path: Path
) -> None:
    async with start(server, tmp_path, caller) as operator:
        await until_served(operator, caller)
        before = caller.client_config
        caller.apply_configuration()
        assert caller.client_config != before
        await until(lambda: caller.client_config == before, "it is as it was")
        assert operator.is_running


async def test_a_given_certificate_is_served_and_the_ca_bundle_left_to_who_gives_it(
    server: HttpApiServer, caller: WebhookCaller, tmp_path: Path
) -> None:
    given = serving_secret(timedelta())
    async with start(
        server, tmp_path, caller, EXPOSEDAPP_ADMISSION_CERTIFICATE="given"
    ) as operator:
        await until(lambda: caller.client_config["service"].get("path"), "the path is written")
        assert operator.is_running
        caller.put_secret(given, "-tls")
        async with asyncio.timeout(30):
            while (await caller.post(review_body(app_body()), trusted=given.certificate))[0] != 200:
                await asyncio.sleep(0.05)
        assert "caBundle" not in caller.client_config
        assert caller.secret()["tls.crt"] == ""
