# SPDX-License-Identifier: Apache-2.0
"""The port that Prometheus asks."""

import asyncio
import socket
import time

import aiohttp
import pytest

from exposedapp.telemetry import metrics_server as metrics_server
from exposedapp.telemetry.metrics import Metrics
from exposedapp.telemetry.metrics_server import measure_loop_lag, serve_metrics
from support.sockets import free_port, loopbacks

OPEN_METRICS = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5"


async def test_get_metrics_and_nothing_else() -> None:
    port = free_port()
    async with serve_metrics(Metrics(), port), aiohttp.ClientSession() as session:
        for host in loopbacks():
            url = f"http://{host}:{port}"
            async with session.get(f"{url}/metrics") as answer:
                assert answer.status == 200
                assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
                assert "\nworkqueue_depth{" in await answer.text()
            async with session.get(f"{url}/metrics", headers={"Accept": OPEN_METRICS}) as answer:
                assert answer.headers["Content-Type"].startswith("application/openmetrics-text")
                assert (await answer.text()).endswith("# EOF\n")
            for method, path in (("GET", "/"), ("HEAD", "/metrics"), ("POST", "/metrics")):
                async with session.request(method, url + path) as answer:
                    assert answer.status in {404, 405}, (method, path)
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", port)


async def test_a_port_that_is_taken_does_not_end_the_operator(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with socket.create_server(("", 0)) as taken:
        port = taken.getsockname()[1]
        async with serve_metrics(Metrics(), port):
            pass
    assert f"Metrics are not served: port {port}" in caplog.text


async def test_port_0_is_none() -> None:
    before = asyncio.all_tasks()
    async with serve_metrics(Metrics(), 0):
        assert asyncio.all_tasks() == before


async def test_a_blocked_event_loop_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics_server, "LAG_PERIOD_SECONDS", 0.01)
    metrics = Metrics()
    task = asyncio.create_task(measure_loop_lag(metrics))
    name = "exposedapp_event_loop_lag_seconds"
    await asyncio.sleep(0)
    time.sleep(0.2)  # noqa: ASYNC251 - what it is about
    await asyncio.sleep(0.02)  # its sleep is over since long
    task.cancel()
    assert (metrics.registry.get_sample_value(f"{name}_sum") or 0) >= 0.15
