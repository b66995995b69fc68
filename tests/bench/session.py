# SPDX-License-Identifier: Apache-2.0
"""One subject at work on the cluster, and what every row measures with."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from bench import apps, counters
from bench.client import Api
from bench.environment import namespace
from bench.operators import Subject
from bench.processes import Process, Usage
from bench.progress import show_progress

Counts = Counter[str]

STARTED_SECONDS = 60.0
QUIET_SECONDS = 3.0
SETTLED_SECONDS = 120.0
SETTLED_SECONDS_PER_APP = 0.8
IDLE_CPU = 0.05
"""Of a core: a process that takes less does nothing that is waited for."""


@dataclass(frozen=True, slots=True)
class Size:
    """How much of everything."""

    name: str
    apps: int
    nodes: int
    list_all: bool
    """Whether every app lists all nodes, or spec.nodes.limit has its default."""
    singles: int = 30
    heartbeats: int = 1000
    probed: int = 100
    idle_seconds: float = 30.0
    burst: int = 0
    """How many nodes stop being listed at once."""
    wait_for_events: bool = True
    """Whether a storm is over when its last Event is written; this operator sends 10 a second."""


SIZES = {
    size.name: size
    for size in (
        Size("default", apps=500, nodes=50, list_all=True),
        # The default range of node ports has 2,768.
        Size("large", apps=2500, nodes=1000, list_all=False, wait_for_events=False),
        # As large as Kubernetes says that a cluster may be, with nearly all node ports in use.
        Size("largest", 2700, nodes=5000, list_all=False, burst=500, wait_for_events=False),
    )
}


@dataclass(slots=True)
class Session:
    """A running subject. Rows put what they measured into `measurements` and `writes`."""

    api: Api
    subject: Subject
    size: Size
    fakes: list[str]
    """The names of the fake nodes."""
    process: Process
    measurements: dict[str, float] = field(default_factory=dict)
    writes: dict[str, dict[str, float]] = field(default_factory=dict)
    """Per row: writes by kind."""

    def record(self, key: str, value: float) -> None:
        """Notes a measurement."""
        self.measurements[key] = value
        show_progress(f"   {key} {value:.2f}")

    def usage(self) -> Usage:
        """What the subject's process has used."""
        return self.process.usage()

    async def count(self, *, also_events: bool = False) -> Counts:
        """The writes so far, when there have been none for a moment."""
        end = time.monotonic() + SETTLED_SECONDS + SETTLED_SECONDS_PER_APP * self.size.apps
        counts, since = await self._counts(), time.monotonic()
        while time.monotonic() - since < QUIET_SECONDS:
            await asyncio.sleep(0.5)
            self.usage()
            now = await self._counts()
            written = counters.since(counts, now)
            if counters.total(written) or (also_events and counters.events(written)):
                since = time.monotonic()
            counts = now
            if time.monotonic() > end:
                raise TimeoutError("it does not stop writing")
        return counts

    async def settle(self, *, also_events: bool = False) -> None:
        """Waits until the subject neither writes nor works."""
        await self.count(also_events=also_events)
        end = time.monotonic() + SETTLED_SECONDS
        while await self.cpu(2.0) > IDLE_CPU:
            if time.monotonic() > end:
                raise TimeoutError(f"it takes more than {IDLE_CPU:.0%} of a core all the time")

    async def cpu(self, seconds: float) -> float:
        """How much of a core the subject takes, over so many seconds."""
        before, start = self.usage().cpu_seconds, time.monotonic()
        await asyncio.sleep(seconds)
        return (self.usage().cpu_seconds - before) / (time.monotonic() - start)

    async def _counts(self) -> Counts:
        return counters.parse(await self.api.text("/metrics"))

    def record_writes(self, row: str, before: Counts, now: Counts, per: int = 1) -> float:
        """Notes what was written in a row, per app if asked for; the sum, Events left out."""
        written = counters.since(before, now)
        self.writes[row] = {key: count / per for key, count in written.items()}
        return counters.total(written) / per

    def events(self, before: Counts, now: Counts, per: int = 1) -> float:
        """The Events between two countings, whoever sent them."""
        return counters.events(counters.since(before, now)) / per

    async def restart(self) -> float:
        """Ends the subject and starts it again; the moment of it."""
        await self.process.stop()
        start = time.monotonic()
        self.process = self.subject.start()
        return start


@asynccontextmanager
async def start_session(
    api: Api, subject: Subject, size: Size, fakes: list[str]
) -> AsyncIterator[Session]:
    """Starts a subject, and ends it. It is used to its work when this begins."""
    session = Session(api, subject, size, fakes, subject.start())
    show_progress(f"{subject.title}: process {session.process.pid}, log {session.process.log}")
    try:
        await _warm_up(session)
        yield session
    finally:
        await session.process.stop()


async def _warm_up(session: Session) -> None:
    """The first apps pay for connections and imports; they tell that the subject is there, too."""
    async with namespace(session.api, f"bench-{session.subject.name}-warm") as name:
        names = [f"warm-{number:02}" for number in range(20)]
        async with apps.Watch(session.api, name) as watch:
            goal = watch.expect(names, apps.has_urls)
            for app_name in names:
                await session.api.post(apps.path(name), apps.app(app_name))
            await goal.wait(STARTED_SECONDS)
        await session.settle()
