# SPDX-License-Identifier: Apache-2.0
"""An unforeseen error in the reconcile of one app."""

from typing import Any

import pytest

from exposedapp.reconcile import reconciler
from exposedapp.reconcile.children import Children
from exposedapp.reconcile.observer import Observer
from exposedapp.reconcile.pod_poller import PodPoller
from exposedapp.reconcile.probes import Probes
from exposedapp.reconcile.reconciler import DELETION_CHECK_SECONDS
from support.harness import AWAY, KEY, World

PHASES: dict[str, tuple[Any, str]] = {
    "parse": (reconciler, "parse_app"),
    "children": (Children, "_apply"),
    "observe": (Observer, "observe"),
    "probe": (Probes, "sync"),
    "poll pods": (PodPoller, "poll"),
    "compute the status": (reconciler, "compute_status"),
}


def fail(monkeypatch: pytest.MonkeyPatch, phase: str, error: Exception) -> None:
    def raise_error(*_: Any, **__: Any) -> None:
        raise error

    owner, name = PHASES[phase]
    monkeypatch.setattr(owner, name, raise_error)


@pytest.mark.parametrize("phase", PHASES)
async def test_it_is_in_the_status_until_it_is_over(
    running: World, monkeypatch: pytest.MonkeyPatch, phase: str
) -> None:
    before = running.status()
    running.app(replicas=2, ports=[{"port": 81, "targetPort": 80}])
    with monkeypatch.context() as broken:
        fail(broken, phase, ZeroDivisionError("1 by 0"))
        result = await running.fails()
    assert (result.label, type(result.error)) == ("panic", ZeroDivisionError)
    assert running.ready() == ("False", "InternalError")
    assert "ZeroDivisionError" in running.message()
    status = running.status()
    assert status["observedGeneration"] == 2
    assert status["urls"] == before["urls"]
    stalled = [condition for condition in status["conditions"] if condition["type"] == "Stalled"]
    assert [condition["status"] for condition in stalled] == ["True"]
    assert running.happened[-1].reason == "InternalError"
    await running.settle()
    assert running.ready() == ("True", "Available")
    assert "Stalled" not in {condition["type"] for condition in running.status()["conditions"]}


@pytest.mark.parametrize("phase", PHASES)
async def test_a_new_app_has_a_status_too(
    world: World, monkeypatch: pytest.MonkeyPatch, phase: str
) -> None:
    world.app()
    fail(monkeypatch, phase, KeyError("x"))
    await world.fails()
    assert world.ready() == ("False", "InternalError")
    assert world.status()["observedGeneration"] == 1


async def test_it_is_logged_once_and_written_once(
    running: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    fail(monkeypatch, "observe", RuntimeError("first"))
    for _ in range(5):
        await running.fails()
        running.now += 60
    assert caplog.text.count("Traceback") == 1
    assert running.cluster.writes.count("patch status") == 1
    fail(monkeypatch, "observe", TypeError("another"))
    for _ in range(5):
        await running.fails()
        running.now += 60
    assert caplog.text.count("Traceback") == 2


async def test_it_is_logged_again_when_it_comes_back(
    running: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(2):
        with monkeypatch.context() as broken:
            fail(broken, "observe", RuntimeError("again"))
            await running.fails()
        await running.settle()
    assert caplog.text.count("Traceback") == 2


async def test_it_is_retried_though_its_status_cannot_be_written(
    running: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    fail(monkeypatch, "observe", RuntimeError("x"))
    running.cluster.fail("patch status", AWAY)
    result = await running.fails()
    assert result.label == "panic"
    await running.fails()
    assert running.ready() == ("False", "InternalError")


async def test_an_app_that_is_deleted_meanwhile_is_forgotten(
    running: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    fail(monkeypatch, "observe", RuntimeError("x"))
    running.cluster.before["patch status"] = lambda: running.cluster.remove("ExposedApp", *KEY)
    assert await running.reconcile() == DELETION_CHECK_SECONDS
