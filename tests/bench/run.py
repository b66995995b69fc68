# SPDX-License-Identifier: Apache-2.0
"""One run: the subjects, rows and rounds in order."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from bench.client import Api, Json, Refused
from bench.environment import namespace
from bench.operators import Subject
from bench.processes import Ended
from bench.progress import show_progress
from bench.rows.admission import admission
from bench.rows.burst import burst
from bench.rows.flip import flip
from bench.rows.heartbeats import heartbeats
from bench.rows.idle import idle
from bench.rows.pods import pods
from bench.rows.restart import restart
from bench.rows.single import single
from bench.rows.storm import storm
from bench.session import Session, Size, start_session

ROWS = ("single", "storm", "flip", "burst", "heartbeats", "restart", "idle", "pods", "admission")
AFTER_STORM = {"flip", "burst", "heartbeats", "restart", "idle", "pods"}
"""They need the apps that the storm creates."""
FAILURES = (Refused, Ended, TimeoutError, AssertionError, OSError)


@dataclass(slots=True)
class Results:
    """What was measured, per subject."""

    values: dict[str, dict[str, list[float]]] = field(default_factory=dict)
    """Per subject and metric: a value per round."""
    writes: dict[str, dict[str, dict[str, float]]] = field(default_factory=dict)
    """Per subject and row: writes by kind, of the last round."""
    failures: list[str] = field(default_factory=list)

    def add(self, session: Session) -> None:
        """Takes what a stage errors."""
        values = self.values.setdefault(session.subject.name, {})
        for key, value in session.measurements.items():
            values.setdefault(key, []).append(value)
        self.writes.setdefault(session.subject.name, {}).update(session.writes)

    def as_json(self) -> Json:
        """For the file."""
        return {"values": self.values, "writes": self.writes, "failures": self.failures}


async def run(
    api: Api,
    subjects: Sequence[Subject],
    rows: Sequence[str],
    size: Size,
    fakes: list[str],
    repeat: int,
) -> Results:
    """Each round measures all subjects, so that a drift of the machine affects all of them.

    The floor comes first and last in each round, so that the drift shows.
    A subject that fails is reported, and the others are measured.
    """
    results = Results()
    floors = [subject for subject in subjects if not subject.is_operator]
    for number in range(1, repeat + 1):
        for subject in [*subjects, *floors]:
            show_progress(f"round {number} of {repeat}: {subject.title}")
            try:
                await _measure(api, subject, rows, size, fakes, results)
            except* FAILURES as group:
                for error in _leaves(group):
                    message = f"{subject.title}: {str(error) or type(error).__name__}"
                    results.failures.append(message)
                    show_progress(f"FAILED {message}; its log: build/logs/bench-{subject.name}.log")
    return results


async def _measure(
    api: Api,
    subject: Subject,
    rows: Sequence[str],
    size: Size,
    fakes: list[str],
    results: Results,
) -> None:
    async with start_session(api, subject, size, fakes) as session:
        try:
            await _rows(session, set(rows))
        finally:
            results.add(session)


async def _rows(session: Session, selected: set[str]) -> None:
    name, subject = f"bench-{session.subject.name}", session.subject
    if "single" in selected:
        show_progress("  one app after the other")
        async with namespace(session.api, f"{name}-single") as name_of_apps:
            await single(session, name_of_apps)
    if "admission" in selected and subject.reviews:
        show_progress("  with and without the admission webhook")
        await admission(session, f"{name}-admission")
    if not selected & {"storm", *AFTER_STORM}:
        return
    async with namespace(session.api, name) as name_of_apps:
        show_progress(f"  a storm of {session.size.apps} apps")
        await storm(session, name_of_apps)
        if "flip" in selected and (subject.watches_nodes or not subject.is_operator):
            show_progress("  one node's flip")
            await flip(session, name_of_apps)
        if "burst" in selected and session.size.burst and subject.watches_nodes:
            show_progress(f"  {session.size.burst} nodes at once")
            await burst(session, name_of_apps)
        if "heartbeats" in selected and subject.is_operator:
            show_progress(f"  {session.size.heartbeats} node heartbeats")
            await heartbeats(session)
        session.record("memory.peak_mib", session.usage().peak_mib)
        if "restart" in selected and subject.is_operator:
            show_progress("  a restart")
            await restart(session, name_of_apps)
        if "pods" in selected and subject.probes:
            show_progress("  apps with pods, whose URLs are probed")
            async with namespace(session.api, f"{name}-pods") as with_pods:
                await pods(session, with_pods)
        elif "idle" in selected and subject.is_operator:
            show_progress("  nothing happens")
            await idle(session)
        show_progress("  deleting the apps")


def _leaves(group: BaseExceptionGroup[Exception]) -> list[BaseException]:
    errors: list[BaseException] = []
    for error in group.exceptions:
        errors += _leaves(error) if isinstance(error, BaseExceptionGroup) else [error]
    return errors[:3]
