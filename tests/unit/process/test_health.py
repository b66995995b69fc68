# SPDX-License-Identifier: Apache-2.0
"""Alive and ready mean working: the real process, and an API server that says nothing."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from aiohttp import web

from exposedapp.election import ElectionPeriods
from exposedapp.runtime import Periods
from exposedapp.telemetry.health import HealthLimits
from support.http_api_server import HttpApiServer, refuse
from support.operator_process import OperatorProcess, until

PERIODS = Periods(
    election=ElectionPeriods(lease_seconds=120.0, renew_deadline_seconds=100.0),
    health=HealthLimits(api_silence_seconds=9.0, watch_silence_seconds=4.0),
    watch_seconds=1,
)


@pytest.fixture
async def server() -> AsyncIterator[HttpApiServer]:
    async with HttpApiServer() as http_api_server:
        yield http_api_server


async def test_a_black_hole_makes_it_unready_then_not_alive_and_its_end_heals_all(
    server: HttpApiServer, tmp_path: Path
) -> None:
    server.app("web")
    async with OperatorProcess(server, tmp_path, periods=PERIODS) as operator:
        await operator.until_ready()
        await operator.until_url("web")
        server.is_black_hole = True
        server.app("during")
        await operator.until_status("/readyz", 503)
        assert await operator.get("/healthz") == 200
        await operator.until_status("/healthz", 503)
        server.is_black_hole = False
        await operator.until_status("/healthz", 200)
        await operator.until_status("/readyz", 200)
        await operator.until_url("during")


async def test_after_a_long_silence_it_logs_in_again(server: HttpApiServer, tmp_path: Path) -> None:
    """With what the files say then: here another address, as it may be another CA. So does kopf."""

    async def unavailable(_: web.Request) -> web.StreamResponse | None:
        return refuse(503)

    server.app("web")
    periods = replace(PERIODS, health=HealthLimits(), renewal_seconds=2.0)
    async with (
        OperatorProcess(server, tmp_path, periods=periods) as operator,
        HttpApiServer() as new,
    ):
        await operator.until_url("web")
        server.faults.append(unavailable)
        server.end_watches()
        new.skip_revisions(100_000)
        new.app("after")
        new.kubeconfig(tmp_path / "operator", "operator")
        await until(lambda: new.url_of("after"), "the app of the new address has a URL")
        assert "logged in again" in operator.log
        new.app("later")
        await until(lambda: new.url_of("later"), "events are delivered")
        assert operator.is_running


async def test_a_quiet_cluster_is_ready(server: HttpApiServer, tmp_path: Path) -> None:
    """Bookmarks, and kopf's short watches, are heard of for longer than the limit."""
    async with OperatorProcess(server, tmp_path, periods=PERIODS) as operator:
        await operator.until_ready()
        requests = len(server.requests)
        statuses = set()
        while len(server.requests) - requests < 12:  # of the Lease and of kopf
            statuses.add(await operator.get("/readyz"))
        assert statuses == {200}


async def test_one_kind_that_is_not_heard_of_makes_it_unready(
    server: HttpApiServer, tmp_path: Path
) -> None:
    async with OperatorProcess(server, tmp_path, periods=PERIODS) as operator:
        await operator.until_ready()
        server.refused_path = "/api/v1/nodes"
        server.end_watches("nodes")
        await operator.until_status("/readyz", 503)
        assert await operator.get("/healthz") == 200
        server.refused_path = None
        await operator.until_status("/readyz", 200)


async def test_a_token_that_stays_refused_ends_in_a_restart(
    server: HttpApiServer, tmp_path: Path
) -> None:
    """Another process reads another token."""

    async def unauthorized(_: object) -> object:
        return refuse(401)

    server.faults.append(unauthorized)  # type: ignore[arg-type]
    async with OperatorProcess(server, tmp_path, periods=PERIODS) as operator:
        await operator.until_status("/healthz", 200)
        await operator.until_status("/healthz", 503)


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
async def test_it_waits_for_the_crd_alive_and_not_ready(
    server: HttpApiServer, tmp_path: Path, path: str
) -> None:
    server.has_crd = False
    async with OperatorProcess(server, tmp_path, periods=PERIODS) as operator:
        expected = {"/healthz": 200, "/readyz": 503}[path]
        await operator.until_status(path, expected)
        server.has_crd = True
        await operator.until_ready()
