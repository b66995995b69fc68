# SPDX-License-Identifier: Apache-2.0
"""Each long-lived task is supervised: one that ends, by whatever exception, ends the process."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from exposedapp.runtime import Runtime
from exposedapp.settings import Settings
from exposedapp.supervisor import Supervisor
from support.http_api_server import HttpApiServer
from support.sockets import free_port

TASKS = (
    "health server",
    "metrics server",
    "event loop lag",
    "watch of deployments",
    "watch of services",
    "watch of endpointslices",
    "watch of nodes",
    "event recorder",
    "prober",
    "worker 0",
    "worker 31",
    "resync of exposedapps",
    "leader election",
)


@pytest.fixture
async def runtime(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Runtime]:
    async with HttpApiServer() as server:
        # The client library reads KUBECONFIG when it is imported.
        monkeypatch.setattr(
            "kubernetes.aio.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION",
            str(server.kubeconfig(tmp_path, "operator")),
        )
        runtime = Runtime(Settings(health_port=free_port(), metrics_port=free_port()))
        try:
            await runtime.start()
            async with asyncio.timeout(10):
                # until it leads
                while "worker 31" not in tasks() or "catch-up of exposedapps" in tasks():
                    await asyncio.sleep(0.01)
            yield runtime
        finally:
            await runtime.stop()


def tasks() -> dict[str, asyncio.Task[object]]:
    return {task.get_name(): task for task in asyncio.all_tasks()}


async def test_what_runs_is_what_is_tested_here(runtime: Runtime) -> None:
    others = {f"worker {number}" for number in range(32)}
    supervised = {name for name in tasks() if not name.startswith(("Task-", "pytest"))}
    assert supervised | others == {*TASKS} | others


@pytest.mark.parametrize("name", TASKS)
async def test_a_task_that_is_cancelled_is_a_failure(runtime: Runtime, name: str) -> None:
    assert runtime.failure is None
    tasks()[name].cancel()
    async with asyncio.timeout(10):
        await runtime.stop_flag.wait()
    assert runtime.failure == f"{name} was cancelled"


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (None, "ended"),
        (RuntimeError("why"), "failed: RuntimeError: why"),
        (asyncio.CancelledError(), "was cancelled"),
        (KeyError("key"), "failed: KeyError: 'key'"),
    ],
)
async def test_how_a_task_ended_is_said(error: BaseException | None, reason: str) -> None:
    async def end() -> None:
        if error:
            raise error

    supervisor = Supervisor()
    supervisor.start("some work", end())
    async with asyncio.timeout(10):
        await supervisor.stop_flag.wait()
    assert supervisor.failure == f"some work {reason}"
    await supervisor.stop()


async def test_a_task_that_is_to_end_is_no_failure_unless_it_fails() -> None:
    async def end(error: Exception | None = None) -> None:
        if error:
            raise error

    supervisor = Supervisor()
    supervisor.start("first work", end(), ends=True)
    async with asyncio.timeout(10):
        while "first work" in tasks():
            await asyncio.sleep(0)
    assert supervisor.failure is None
    supervisor.start("second work", end(RuntimeError("why")), ends=True)
    async with asyncio.timeout(10):
        await supervisor.stop_flag.wait()
    assert supervisor.failure == "second work failed: RuntimeError: why"
    await supervisor.stop()


async def test_the_first_failure_counts(runtime: Runtime) -> None:
    running = tasks()
    for name in ("prober", "worker 0"):
        running[name].cancel()
        await asyncio.sleep(0.01)
    assert runtime.failure == "prober was cancelled"


async def test_a_stop_is_no_failure(runtime: Runtime) -> None:
    await runtime.stop()
    assert runtime.failure is None
    assert runtime.stop_flag.is_set()
    assert not {name for name in tasks() if not name.startswith("Task-")}


async def test_a_failure_cancels_all_other_work_at_once() -> None:
    """A write that is in flight when the Lease is lost must not wait for kopf to stop."""
    write = asyncio.Event()
    supervisor = Supervisor()

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            write.set()

    async def end() -> None:
        await asyncio.sleep(0)

    supervisor.start("worker", work())
    supervisor.start("leader election", end())
    async with asyncio.timeout(10):
        await write.wait()
    assert supervisor.failure == "leader election ended"
    await supervisor.stop()
