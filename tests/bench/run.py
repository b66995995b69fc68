"""One run: who is measured, by which rows, in which order."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from bench.client import Api, Json, Refused
from bench.environment import namespace
from bench.operators import Subject
from bench.processes import Ended
from bench.progress import say
from bench.rows.flip import flip
from bench.rows.heartbeats import heartbeats
from bench.rows.idle import idle
from bench.rows.pods import pods
from bench.rows.restart import restart
from bench.rows.single import single
from bench.rows.storm import storm
from bench.session import Size, Stage, stage

ROWS = ("single", "storm", "flip", "heartbeats", "restart", "idle", "pods")
AFTER_STORM = {"flip", "heartbeats", "restart", "idle", "pods"}
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

    def add(self, on: Stage) -> None:
        """Takes what a stage found."""
        values = self.values.setdefault(on.subject.name, {})
        for key, value in on.found.items():
            values.setdefault(key, []).append(value)
        self.writes.setdefault(on.subject.name, {}).update(on.writes)

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
    """The floor comes first and last in each round, so that a drift of the machine shows in it.

    A subject that fails is told of, and the others go on.
    """
    results = Results()
    floors = [it for it in subjects if not it.is_operator]
    for number in range(1, repeat + 1):
        for subject in [*subjects, *floors]:
            say(f"round {number} of {repeat}: {subject.title}")
            try:
                await _measure(api, subject, rows, size, fakes, results)
            except* FAILURES as group:
                for error in _leaves(group):
                    told = f"{subject.title}: {str(error) or type(error).__name__}"
                    results.failures.append(told)
                    say(f"FAILED {told}; its log: build/logs/bench-{subject.name}.log")
    return results


async def _measure(
    api: Api,
    subject: Subject,
    rows: Sequence[str],
    size: Size,
    fakes: list[str],
    results: Results,
) -> None:
    async with stage(api, subject, size, fakes) as on:
        try:
            await _rows(on, set(rows))
        finally:
            results.add(on)


async def _rows(on: Stage, wanted: set[str]) -> None:
    name, subject = f"bench-{on.subject.name}", on.subject
    if "single" in wanted:
        say("  one app after the other")
        async with namespace(on.api, f"{name}-single") as found:
            await single(on, found)
    if not wanted & {"storm", *AFTER_STORM}:
        return
    async with namespace(on.api, name) as found:
        say(f"  a storm of {on.size.apps} apps")
        await storm(on, found)
        if "flip" in wanted and (subject.watches_nodes or not subject.is_operator):
            say("  one node's flip")
            await flip(on, found)
        if "heartbeats" in wanted and subject.is_operator:
            say(f"  {on.size.heartbeats} node heartbeats")
            await heartbeats(on)
        on.note("memory.peak_mib", on.usage().peak_mib)
        if "restart" in wanted and subject.is_operator:
            say("  a restart")
            await restart(on, found)
        if "pods" in wanted and subject.probes:
            say("  apps with pods, whose URLs are tried")
            async with namespace(on.api, f"{name}-pods") as with_pods:
                await pods(on, with_pods)
        elif "idle" in wanted and subject.is_operator:
            say("  nothing happens")
            await idle(on)
        say("  deleting the apps")


def _leaves(group: BaseExceptionGroup[Exception]) -> list[BaseException]:
    found: list[BaseException] = []
    for error in group.exceptions:
        found += _leaves(error) if isinstance(error, BaseExceptionGroup) else [error]
    return found[:3]
