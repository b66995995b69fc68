# SPDX-License-Identifier: Apache-2.0
"""An operator of some namespaces, as a real process: its rights, and others beside it."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web

from exposedapp.runtime import Periods
from exposedapp.telemetry.health import HealthLimits
from support.http_api_server import HttpApiServer, refuse
from support.operator_process import DEADLINE_SECONDS, OperatorProcess, until
from support.rbac import NamespacedRights, right_of

NAMESPACES = ("shop", "staging")
SHORT_WATCHES = Periods(watch_seconds=2)
SOON_UNREADY = Periods(watch_seconds=2, health=HealthLimits(watch_silence_seconds=4.0))


def environment(*namespaces: str, lease: str = "exposedapp", host: str = "") -> dict[str, str]:
    return {
        "EXPOSEDAPP_WATCH_NAMESPACES": ",".join(namespaces),
        "EXPOSEDAPP_LEASE_NAME": lease,
        "EXPOSEDAPP_NODES_HOST": host,
    }


@pytest.fixture
def rights() -> NamespacedRights:
    return NamespacedRights(set(NAMESPACES))


@pytest.fixture
async def server(rights: NamespacedRights) -> AsyncIterator[HttpApiServer]:
    async with HttpApiServer() as http_api_server:
        http_api_server.allow = rights.allow
        yield http_api_server


def start(
    server: HttpApiServer,
    folder: Path,
    *,
    periods: Periods = SHORT_WATCHES,
    host: str = "",
) -> OperatorProcess:
    given = environment(*NAMESPACES, host=host)
    return OperatorProcess(server, folder, periods=periods, environment=given)


async def page(operator: OperatorProcess, path: str, words: str) -> None:
    """Wait until a page says something."""
    async with asyncio.timeout(DEADLINE_SECONDS):
        while words not in await operator.text(path):
            await asyncio.sleep(0.05)


async def has_url(server: HttpApiServer, name: str, namespace: str) -> None:
    await until(lambda: server.url_of(name, namespace), f"{namespace}/{name} has a URL")


async def test_it_works_in_its_namespaces_with_their_roles_and_in_no_other(
    server: HttpApiServer, rights: NamespacedRights, tmp_path: Path
) -> None:
    for namespace in (*NAMESPACES, "foreign"):
        server.app("web", namespace)
    async with start(server, tmp_path) as operator:
        for namespace in NAMESPACES:
            await has_url(server, "web", namespace)
        await operator.until_ready()
        server.app("later", "staging")
        await has_url(server, "later", "staging")
        server.end_watches()  # so the deletion comes between two watches
        server.delete("services", "web", "shop")
        await until(lambda: server.get("services", "web"), "drift is repaired")
        assert await operator.terminate() == 0
    assert all(map(rights.allow, server.requests))
    namespaces = {namespace for _, namespace in map(right_of, server.requests)}
    assert namespaces == {*NAMESPACES, rights.lease_namespace, ""}
    of_cluster = {right for right, namespace in map(right_of, server.requests) if not namespace}
    assert {right for right in of_cluster if not right[1].startswith("/")} == {
        ("list", "nodes"),
        ("watch", "nodes"),
    }
    assert server.url_of("web", "foreign") is None


async def test_with_a_host_for_all_apps_it_needs_no_cluster_role(
    server: HttpApiServer, rights: NamespacedRights, tmp_path: Path
) -> None:
    rights.has_cluster_role = False
    server.app("web")
    async with start(server, tmp_path, host="apps.example") as operator:
        await has_url(server, "web", "shop")
        await operator.until_ready()
    assert (server.url_of("web") or "").startswith("http://apps.example:")
    assert "nodes" not in {right[1] for right, _ in map(right_of, server.requests)}


async def test_a_namespace_that_is_forbidden_at_first_stops_no_other(
    server: HttpApiServer, rights: NamespacedRights, tmp_path: Path
) -> None:
    rights.namespaces.remove("staging")
    for namespace in NAMESPACES:
        server.app("web", namespace)
    async with start(server, tmp_path) as operator:
        await has_url(server, "web", "shop")
        await page(operator, "/readyz", "services in namespace staging")
        assert await operator.get("/readyz") == 503
        assert await operator.get("/healthz") == 200
        assert "services in namespace staging: refused by the test" in operator.log
        rights.namespaces.add("staging")
        await has_url(server, "web", "staging")
        await operator.until_ready()
        assert operator.is_running


async def test_a_namespace_that_cannot_be_read_at_first_stops_no_other(
    server: HttpApiServer, tmp_path: Path
) -> None:
    """Such as one with an object that the API server cannot decrypt."""

    async def fail(request: web.Request) -> web.Response | None:
        return refuse(500) if right_of(request)[1] == "staging" else None

    server.faults.append(fail)
    for namespace in NAMESPACES:
        server.app("web", namespace)
    async with start(server, tmp_path) as operator:
        await has_url(server, "web", "shop")
        kinds = ("deployments", "services", "endpointslices", "exposedapps")
        unsynced = ", ".join(f"{kind} in namespace staging" for kind in kinds)
        await page(operator, "/readyz", f"synced: {unsynced}\n")
        assert await operator.get("/healthz") == 200
        server.faults.clear()
        await has_url(server, "web", "staging")
        await operator.until_ready()
        assert operator.is_running


async def test_until_it_starts_readiness_names_what_is_not_listed(
    server: HttpApiServer, tmp_path: Path
) -> None:
    """Without the nodes no app can be reconciled, in no namespace."""
    server.refused_path = "/api/v1/nodes"
    server.app("web")
    async with start(server, tmp_path) as operator:
        await page(operator, "/readyz", "have not synced: nodes, exposedapps\n")
        server.refused_path = None
        await has_url(server, "web", "shop")
        await operator.until_ready()


async def test_nothing_is_written_where_not_everything_can_be_listed(
    server: HttpApiServer, rights: NamespacedRights, tmp_path: Path
) -> None:
    """A status without the endpoints, which are there, would be wrong."""
    rights.withheld.add(("endpointslices", "staging"))
    for namespace in NAMESPACES:
        server.app("web", namespace)
    async with start(server, tmp_path) as operator:
        await has_url(server, "web", "shop")
        await until(lambda: is_watched(server, "staging"), "kopf has listed the apps of staging")
        server.app("later", "shop")
        await has_url(server, "later", "shop")
        await page(operator, "/readyz", "synced: endpointslices in namespace staging\n")
        sent = len(server.requests)
        rights.withheld.clear()
        await has_url(server, "web", "staging")
        await operator.until_ready()
    assert not [
        request
        for request in server.requests[:sent]
        if request.method != "GET" and right_of(request)[1] == "staging"
    ]


def is_watched(server: HttpApiServer, namespace: str) -> bool:
    """Whether the apps of a namespace are watched, and so were listed before."""
    watch = ("watch", "exposedapps"), namespace
    return any(right_of(request) == watch for request in server.requests)


async def test_rights_that_are_taken_away_and_given_back(
    server: HttpApiServer, rights: NamespacedRights, tmp_path: Path
) -> None:
    for namespace in NAMESPACES:
        server.app("web", namespace)
        server.app("deleted", namespace)
    async with start(server, tmp_path, periods=SOON_UNREADY) as operator:
        for namespace in NAMESPACES:
            await has_url(server, "web", namespace)
            await has_url(server, "deleted", namespace)
        await operator.until_ready()
        rights.namespaces.remove("staging")
        server.end_watches()
        await page(operator, "/readyz", "in namespace staging")
        server.delete("exposedapps", "deleted", "staging")
        server.app("later", "shop")
        server.app("later", "staging")
        await has_url(server, "later", "shop")
        assert server.url_of("later", "staging") is None
        rights.namespaces.add("staging")
        await has_url(server, "later", "staging")
        await operator.until_ready()
        assert operator.is_running
    assert "Traceback" not in operator.log


async def test_operators_of_different_namespaces_each_lead(
    server: HttpApiServer, rights: NamespacedRights, tmp_path: Path
) -> None:
    for namespace in NAMESPACES:
        server.app("web", namespace)
    first, second = (
        OperatorProcess(
            server,
            tmp_path,
            f"of-{namespace}",
            SHORT_WATCHES,
            environment=environment(namespace, lease=f"of-{namespace}"),
        )
        for namespace in NAMESPACES
    )
    server.allow = lambda _: True  # the Lease's name is the chart's matter
    async with first, second:
        for namespace in NAMESPACES:
            await has_url(server, "web", namespace)
        for operator in (first, second):
            await operator.until_ready()
            assert await operator.metric("leader_election_master_status") == 1
    writers = {
        (request.headers["Authorization"].removeprefix("Bearer of-"), right_of(request)[1])
        for request in server.requests
        if request.method != "GET" and "/leases" not in request.path
    }
    assert writers == {(namespace, namespace) for namespace in NAMESPACES}
