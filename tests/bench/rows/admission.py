# SPDX-License-Identifier: Apache-2.0
"""The price of the admission webhook: an apply, a storm, and a webhook that does not answer.

With and without it is the same operator: the ValidatingWebhookConfiguration is what comes and goes.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from statistics import median

from bench import apps
from bench.client import for_each
from bench.environment import namespace
from bench.operators import ADMISSION_NAME
from bench.session import Session
from bench.stats import percentile
from bench.webhook import BLACK_HOLE, Webhook

ROUNDS = 3
APPLIES = 50
"""In each round, with and without."""
UNANSWERED_APPLIES = 5
UNANSWERED_SECONDS = 1.0
SECONDS_PER_APP = 0.5


async def admission(session: Session, prefix: str) -> None:
    """All of it, in namespaces whose names begin with `prefix`."""
    environment = session.subject.environment
    async with Webhook.create(session.api, ADMISSION_NAME, environment) as webhook:
        without, with_webhook = [], []
        for number in range(ROUNDS):
            async with namespace(session.api, f"{prefix}-{number}") as name:
                await webhook.remove()
                without += await _applies(session, name, "without", APPLIES)
                await webhook.install()
                with_webhook += await _applies(session, name, "with", APPLIES)
        base = _record(session, "without", without)
        _record(session, "with", with_webhook)
        await webhook.remove()
        seconds_without = await _storm(session, f"{prefix}-storm-without")
        await webhook.install()
        seconds_with = await _storm(session, f"{prefix}-storm-with")
        session.record("admission.storm_seconds", seconds_with)
        session.record("admission.storm_ratio", seconds_with / seconds_without)
        async with namespace(session.api, f"{prefix}-away") as name:
            await webhook.lead_to(BLACK_HOLE)
            # The API server goes on with the connection that it has, until the process ends.
            await session.restart()
            dead = await _applies(session, name, "dead", UNANSWERED_APPLIES)
            session.record("admission.dead_delay_seconds", max(dead) - base)
            async with _silent_server() as port:
                await webhook.lead_to(webhook.address, port)
                slow = await _applies(session, name, "slow", UNANSWERED_APPLIES)
            session.record("admission.slow_delay_seconds", max(slow) - base)
            if min(dead[0], slow[0]) < UNANSWERED_SECONDS:
                raise AssertionError("the API server did not wait: it reached another webhook")


async def _applies(session: Session, name: str, prefix: str, count: int) -> list[float]:
    """The seconds that each of some creations took, one after the other."""
    seconds = []
    for number in range(count):
        start = time.monotonic()
        await session.api.post(apps.path(name), apps.app(f"{prefix}-{number:03}"))
        seconds.append(time.monotonic() - start)
    return seconds


def _record(session: Session, which: str, seconds: list[float]) -> float:
    """Note the percentiles; the median in seconds."""
    session.record(f"admission.{which}_p50_ms", median(seconds) * 1000)
    session.record(f"admission.{which}_p99_ms", percentile(seconds, 99) * 1000)
    return median(seconds)


async def _storm(session: Session, name: str) -> float:
    """The seconds until many apps that are created at once have their URLs."""
    names = [f"app-{number:04}" for number in range(session.size.apps)]
    async with namespace(session.api, name), apps.Watch(session.api, name) as watch:
        goal = watch.expect(names, apps.has_urls)
        start = time.monotonic()
        await for_each(names, lambda app: session.api.post(apps.path(name), apps.app(app)))
        await goal.wait(60 + SECONDS_PER_APP * len(names))
        seconds = max(goal.reached_at.values()) - start
        await session.settle()
    return seconds


@asynccontextmanager
async def _silent_server() -> AsyncIterator[int]:
    """A server that accepts connections and never answers; its port."""

    async def wait(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.read(65536):
            pass
        writer.close()

    server = await asyncio.start_server(wait, "0.0.0.0", 0)  # noqa: S104 - the nodes call it
    async with server:
        yield server.sockets[0].getsockname()[1]
