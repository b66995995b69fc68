# SPDX-License-Identifier: Apache-2.0
"""Which Events an app has, and how they are written."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from itertools import combinations

import pytest

from exposedapp.api.app import ExposedAppStatus
from exposedapp.api.conditions import Reason
from exposedapp.api.meta import AppRef, Json
from exposedapp.exposure.probes import ProbeResult, ProbeResults
from exposedapp.reconcile import event_recorder
from exposedapp.reconcile.event_recorder import MAX_COUNTED, MAX_PENDING, EventRecorder
from exposedapp.status.events import (
    MAX_MESSAGE_LENGTH,
    ChildChange,
    EventMessage,
    ReachableStatus,
    child_events,
    event_object,
    last_reachable,
    reachability_events,
    status_events,
)
from exposedapp.status.observation import PodFailure, Problem
from support.fake_api_server import FakeApiServer
from support.harness import AWAY, BUSY
from support.objects import APP, port, service_body
from support.probes import OK, REFUSED
from support.snapshots import NORMAL, STOPPED, TWO, WELL, Seen, compute
from support.tasks import running
from support.virtual_time import in_virtual_time

FIRST, LAST = "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"

# --- changes of the children ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ([], []),
        (
            [ChildChange("Service", "Created"), ChildChange("Deployment", "Created")],
            [("Created", "Created the Deployment and the Service.")],
        ),
        ([ChildChange("Service", "Created")], [("Created", "Created the Service.")]),
        (
            [ChildChange("Deployment", "Updated")],
            [("Updated", "Updated the Deployment after a change of the spec.")],
        ),
        (
            [ChildChange("Deployment", "Repaired", ("spec.replicas",))],
            [
                (
                    "Repaired",
                    "Reverted changes by another client: spec.replicas of the Deployment.",
                )
            ],
        ),
        (
            [
                ChildChange("Deployment", "Repaired", ("spec.replicas", "spec.paused")),
                ChildChange("Service", "Repaired", ("spec.ports",)),
            ],
            [
                (
                    "Repaired",
                    "Reverted changes by another client: spec.replicas of the Deployment, "
                    "spec.paused of the Deployment, spec.ports of the Service.",
                )
            ],
        ),
        (
            [ChildChange("Service", "Adopted")],
            [("Adopted", "Adopted the existing Service.")],
        ),
        (
            [ChildChange("Deployment", "Removed"), ChildChange("Service", "Updated")],
            [
                ("Updated", "Updated the Service after a change of the spec."),
                ("Removed", "Deleted the Deployment: the app no longer runs pods of its own."),
            ],
        ),
    ],
    ids=["nothing", "both", "one", "updated", "repaired", "several fields", "adopted", "removed"],
)
def test_of_children(changes: list[ChildChange], expected: list[tuple[str, str]]) -> None:
    events = child_events(changes)
    assert [(event.reason, event.message) for event in events] == expected
    assert {event.type for event in events} <= {"Normal"}


# --- changes of the status ------------------------------------------------------------------------

A, B = "http://10.0.0.1:30001", "http://10.0.0.2:30001"


def probed(
    a: ProbeResult | None, b: ProbeResult | None, waited: float = 30.0, seen: Seen = WELL
) -> Seen:
    return replace(seen, answers=ProbeResults(0.0, {A: a, B: b}), waited=waited)


PORTS = ("Normal", "PortsAssigned")
AVAILABLE = ("Normal", "Available")
FAILED = ("Warning", "NotReachable")
ANSWERED = ("Normal", "Reachable")
CRASH = replace(TWO, pod_failure=PodFailure(Reason.CRASH_LOOP, "It ends."))
OTHERWISE = replace(TWO, pod_failure=PodFailure(Reason.CRASH_LOOP, "It ends again."))
PULL = replace(TWO, pod_failure=PodFailure(Reason.IMAGE_PULL, "No such image."))
REFUSAL = replace(WELL, problems=[Problem(Reason.FORBIDDEN, "The server's words.", "Service")])
MOVED = replace(WELL, service=service_body(port(80, 30002)))
INSIDE = replace(WELL, service=service_body(port(80), type="ClusterIP"))
NO_SERVICE = replace(WELL, service=None)
ALL, SOME, YET, NONE = (
    probed(OK, OK),
    probed(OK, REFUSED),
    probed(None, None, 29.0),
    probed(REFUSED, REFUSED, 30),
)


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (None, TWO, [PORTS]),
        (None, WELL, [PORTS, AVAILABLE]),
        (None, STOPPED, [PORTS, ("Normal", "ScaledToZero")]),
        (None, INSIDE, [AVAILABLE]),
        (None, NO_SERVICE, []),
        (WELL, WELL, []),
        (WELL, MOVED, [PORTS]),
        (WELL, INSIDE, []),
        (WELL, NO_SERVICE, []),
        (WELL, TWO, []),
        (TWO, WELL, [AVAILABLE]),
        (TWO, CRASH, [("Warning", "CrashLoopBackOff")]),
        (CRASH, OTHERWISE, []),
        (CRASH, PULL, [("Warning", "ImagePullBackOff")]),
        (WELL, REFUSAL, [("Warning", "Forbidden")]),
        (REFUSAL, WELL, [AVAILABLE]),
        (WELL, replace(WELL, nodes=[]), [("Warning", "NoEligibleNode")]),
        (TWO, YET, []),
        (YET, ALL, [AVAILABLE]),
        (YET, NONE, []),
        (NONE, ALL, [AVAILABLE]),
        (NONE, SOME, [AVAILABLE]),
        (ALL, SOME, []),
        (ALL, NONE, []),
        (ALL, WELL, []),
        (WELL, ALL, []),
    ],
    ids=[
        "new",
        "new and ready",
        "new and stopped",
        "new inside",
        "new without a Service",
        "nothing",
        "another node port",
        "no node port any more",
        "no Service any more",
        "a pod is missing",
        "all pods are there",
        "a crash",
        "another word for it",
        "another trouble",
        "a refusal",
        "it is granted",
        "no node",
        "waiting for an answer",
        "the first answer",
        "no answer",
        "all answer again",
        "some answer again",
        "some fail",
        "all fail",
        "tried no more",
        "tried from now on",
    ],
)  # fmt: skip
def test_of_status(before: Seen | None, after: Seen, expected: list[tuple[str, str]]) -> None:
    first = compute(before) if before else NORMAL
    second = compute(replace(after, previous=first))
    events = status_events(first, second)
    assert [(event.type, event.reason) for event in events] == expected
    assert all(event.message for event in events)


def test_node_ports_are_told() -> None:
    two = replace(WELL, service=service_body(port(80, 30001), port(53, 30002, "UDP")))
    message = "Assigned node port 30001 to 80/TCP, 30002 to 53/UDP."
    assert status_events(NORMAL, compute(two))[0] == EventMessage(
        "Normal", "PortsAssigned", message
    )


def test_who_does_not_answer_is_told() -> None:
    (event,) = reachability_events("True", compute(SOME))
    assert f"{B}: {REFUSED}" in event.message


@pytest.mark.parametrize(
    ("last", "after", "expected"),
    [
        (None, ALL, []),
        (None, YET, []),
        (None, WELL, []),
        (None, NONE, [FAILED]),
        ("True", ALL, []),
        ("True", YET, []),
        ("True", SOME, [FAILED]),
        ("True", NONE, [FAILED]),
        ("False", ALL, [ANSWERED]),
        ("False", YET, []),
        ("False", SOME, []),
        ("False", NONE, []),
    ],
)
def test_of_answers(
    last: ReachableStatus | None, after: Seen, expected: list[tuple[str, str]]
) -> None:
    events = reachability_events(last, compute(after))
    assert [(event.type, event.reason) for event in events] == expected


def test_what_was_told_last_of_the_answers() -> None:
    last = [last_reachable(compute(seen)) for seen in (ALL, SOME, NONE, YET, WELL)]
    assert last == ["True", "False", "False", None, None]
    assert last_reachable(NORMAL) is None


def test_nothing_becomes_of_nothing() -> None:
    assert status_events(NORMAL, ExposedAppStatus(observed_generation=1)) == []


# --- the Event object -----------------------------------------------------------------------------

HAPPENED = EventMessage("Normal", "Created", "Created the Service.")
OTHERS = [
    (APP, HAPPENED),
    (replace(APP, uid="another"), HAPPENED),
    (APP, replace(HAPPENED, type="Warning")),
    (APP, replace(HAPPENED, reason="Updated")),
    (APP, replace(HAPPENED, message="Created the Deployment.")),
]


def name_of(body: Json) -> str:
    return str(body["metadata"]["name"])


def test_an_event() -> None:
    body = event_object(APP, HAPPENED, 3, FIRST, LAST)
    name = body["metadata"].pop("name")
    assert name.startswith("web.")
    assert len(name) == len("web.") + 16
    assert body == {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"namespace": "shop"},
        "involvedObject": {
            "apiVersion": "exposedapp.dev/v1alpha1",
            "kind": "ExposedApp",
            "name": "web",
            "namespace": "shop",
            "uid": APP.uid,
        },
        "type": "Normal",
        "reason": "Created",
        "message": "Created the Service.",
        "count": 3,
        "firstTimestamp": FIRST,
        "lastTimestamp": LAST,
        "source": {"component": "exposedapp"},
        "reportingComponent": "exposedapp",
    }


def test_the_same_happening_has_the_same_name() -> None:
    first, again = (
        event_object(APP, HAPPENED, 1, FIRST, FIRST),
        event_object(APP, HAPPENED, 2, FIRST, LAST),
    )
    assert name_of(first) == name_of(again)
    for one, other in combinations(OTHERS, 2):
        assert name_of(event_object(*one, 1, FIRST, FIRST)) != name_of(
            event_object(*other, 1, FIRST, FIRST)
        )


def test_a_long_message_is_cut() -> None:
    long = replace(HAPPENED, message="x" * 5000)
    assert event_object(APP, long, 1, FIRST, FIRST)["message"] == "x" * MAX_MESSAGE_LENGTH


# --- the recorder ---------------------------------------------------------------------------------

DEADLINE_SECONDS = 10.0


class Recording:
    """A recorder, and the API server that it writes to."""

    def __init__(self) -> None:
        self.cluster = FakeApiServer()
        self.recorder = EventRecorder(self.cluster)

    def record(self, happened: EventMessage = HAPPENED, app: AppRef = APP) -> None:
        self.recorder.record(app, happened)

    @property
    def events(self) -> list[Json]:
        return [body for (kind, _, _), body in self.cluster.objects.items() if kind == "Event"]

    @property
    def written(self) -> int:
        return self.cluster.writes.count("apply Event")

    async def until(self, happens: Callable[[], bool]) -> None:
        async with asyncio.timeout(DEADLINE_SECONDS):
            while not happens():
                await asyncio.sleep(0)


@pytest.fixture
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """The pause between two Events takes no time."""
    monkeypatch.setattr(event_recorder, "PAUSE_SECONDS", 0.0)


@asynccontextmanager
async def running_recorder() -> AsyncIterator[Recording]:
    recording = Recording()
    async with running(recording.recorder.run()):
        yield recording


async def test_what_happens_again_is_counted(unhurried: None) -> None:
    async with running_recorder() as recording:
        recording.record()
        await recording.until(lambda: recording.written == 1)
        (first,) = recording.events
        assert first["count"] == 1
        recording.record()
        await recording.until(lambda: recording.written == 2)
        (again,) = recording.events
        assert again["count"] == 2
        assert again["firstTimestamp"] == first["firstTimestamp"]
        assert name_of(again) == name_of(first)


async def test_what_differs_is_written_beside_it(unhurried: None) -> None:
    async with running_recorder() as recording:
        for app, happened in OTHERS:
            recording.record(happened, app)
        await recording.until(lambda: recording.written == len(OTHERS))
        assert [body["count"] for body in recording.events] == [1] * len(OTHERS)


@pytest.mark.parametrize("error", [AWAY, BUSY], ids=["no answer", "throttled"])
async def test_one_that_cannot_be_written_is_lost(unhurried: None, error: Exception) -> None:
    async with running_recorder() as recording:
        recording.cluster.failures["apply Event"] = [error]  # type: ignore[list-item]
        recording.record()
        recording.record(replace(HAPPENED, reason="Updated"))
        await recording.until(lambda: recording.written == 2)
        assert [body["reason"] for body in recording.events] == ["Updated"]


async def test_the_newest_wait_when_there_are_too_many(unhurried: None) -> None:
    recording = Recording()
    for number in range(MAX_PENDING + 5):
        recording.record(replace(HAPPENED, message=str(number)))
    async with running(recording.recorder.run()):
        await recording.until(lambda: recording.written == MAX_PENDING)
    messages = {body["message"] for body in recording.events}
    assert messages == {str(number) for number in range(5, MAX_PENDING + 5)}


async def test_what_is_counted_is_bounded(unhurried: None) -> None:
    async with running_recorder() as recording:
        for batch in range(2):
            for number in range(MAX_COUNTED // 2 + 1):
                recording.record(replace(HAPPENED, message=f"{batch} {number}"))
            await recording.until(lambda: recording.written == (batch + 1) * (MAX_COUNTED // 2 + 1))  # noqa: B023
        # The oldest is forgotten, and counted from one again; the newest is not.
        for message in ("0 0", "1 0"):
            recording.record(replace(HAPPENED, message=message))
        await recording.until(lambda: recording.written == MAX_COUNTED + 4)
        counts = {body["message"]: body["count"] for body in recording.events}
        assert (counts["0 0"], counts["1 0"]) == (1, 2)


@in_virtual_time
async def test_events_leave_time_for_the_rest() -> None:
    async with running_recorder() as recording:
        for number in range(30):
            recording.record(replace(HAPPENED, message=str(number)))
        await asyncio.sleep(2)
        assert recording.written == pytest.approx(20, abs=1)


async def test_the_end_does_not_wait() -> None:
    recording = Recording()
    async with asyncio.timeout(DEADLINE_SECONDS), running(recording.recorder.run()):
        recording.record()
    assert len(asyncio.all_tasks()) == 1


async def test_in_a_storm_of_apps_events_are_told_more_slowly(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pauses: list[float] = []
    busy = iter([True, True, False])
    cluster, sleep = FakeApiServer(), asyncio.sleep

    async def record_pause(seconds: float) -> None:
        pauses.append(seconds)
        await sleep(0)

    monkeypatch.setattr("exposedapp.reconcile.event_recorder.asyncio.sleep", record_pause)
    recorder = EventRecorder(cluster, lambda: next(busy))
    for number in range(3):
        recorder.record(replace(APP, name=f"app-{number}"), HAPPENED)
    async with asyncio.timeout(DEADLINE_SECONDS), running(recorder.run()):
        while len(pauses) < 3:
            await sleep(0)
    slow, usual = event_recorder.BUSY_PAUSE_SECONDS, event_recorder.PAUSE_SECONDS
    assert pauses == [slow, slow, usual]


async def test_an_error_nobody_thought_of_does_not_end_the_telling(
    unhurried: None, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async with running_recorder() as recording:
        with monkeypatch.context() as broken:
            broken.setattr(recording.cluster, "apply", lambda *_: 1 / 0)
            recording.record()
            await recording.until(lambda: "ZeroDivisionError" in caplog.text)
        recording.record()
        await recording.until(lambda: recording.written == 1)
