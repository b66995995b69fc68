# SPDX-License-Identifier: Apache-2.0
"""One fault at a time while a user changes apps; afterwards everything is as without it.

A row of FAULTS is a fault. It begins before the changes, and ends `seconds` after the last one.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from faults.api_server import ApiServer
from faults.conftest import RECOVERED
from faults.interference import (
    BlackHole,
    CutLine,
    Delay,
    Disconnect,
    ExpireWatch,
    LoseAnswer,
    LoseEvent,
    Refuse,
    SilentWatches,
    StaleLists,
    reads,
    right,
    writes,
)
from faults.operator import Operator, running_operator
from faults.proxy import Fault, Proxy
from faults.scenario import BEFORE, CHANGES, RECOVERY_SECONDS, Apps, State, reach


@dataclass(frozen=True, slots=True)
class Row:
    """A fault and how it is brought about."""

    name: str
    make: Callable[[Proxy], Fault]
    seconds: float = 2.0
    cuts: bool = False
    """Whether the connections are cut at the start, so that lists and watches follow."""
    kills: bool = False
    """Whether the operator is killed at the start and started again."""
    is_short: bool = False
    """Whether it is a part of `--short`."""


def _of(fault: Callable[[], Fault]) -> Callable[[Proxy], Fault]:
    return lambda _: fault()


def _revoke(verb: str, resource: str) -> Callable[[Proxy], Fault]:
    return _of(lambda: Refuse(403, right(verb, resource)))


FAULTS = [
    Row("none", _of(Fault), is_short=True),
    Row("all connections cut once", _of(Fault), cuts=True),
    Row("every connection cut", _of(Disconnect), cuts=True, is_short=True),
    Row("answers to writes lost", _of(LoseAnswer), is_short=True),
    Row("each request 1 s late", _of(lambda: Delay(1.0))),
    Row("black hole", _of(BlackHole), seconds=5.0, is_short=True),
    Row("black hole, 100 s", _of(BlackHole), seconds=100.0),
    Row("watch of apps silent", lambda proxy: SilentWatches(proxy, "exposedapps")),
    Row("watch of Services silent", lambda proxy: SilentWatches(proxy, "services")),
    Row("410 for every read", _of(lambda: Refuse(410, reads)), cuts=True, is_short=True),
    Row("429, Retry-After 1", _of(lambda: Refuse(429, retry_after=1)), cuts=True, is_short=True),
    Row("429, Retry-After 3600", _of(lambda: Refuse(429, retry_after=3600)), cuts=True),
    Row("500 for every write", _of(lambda: Refuse(500, writes)), is_short=True),
    Row("503 for everything", _of(lambda: Refuse(503)), cuts=True, is_short=True),
    Row("503 for everything, 60 s", _of(lambda: Refuse(503)), cuts=True, seconds=60.0),
    Row("watch cut in the middle of a line", _of(CutLine), is_short=True),
    Row("watch expired", _of(ExpireWatch), is_short=True),
    Row("event lost: app deleted", _of(lambda: LoseEvent("exposedapps", "DELETED")), is_short=True),
    Row("event lost: app changed", _of(lambda: LoseEvent("exposedapps", "MODIFIED"))),
    Row("event lost: app added", _of(lambda: LoseEvent("exposedapps", "ADDED"))),
    Row("event lost: Service changed", _of(lambda: LoseEvent("services", "MODIFIED"))),
    Row("event lost: Deployment changed", _of(lambda: LoseEvent("deployments", "MODIFIED"))),
    Row("restart on stale lists", StaleLists, kills=True, is_short=True),
    Row("stale lists", StaleLists, cuts=True),
    Row("killed", _of(Fault), kills=True),
    *(
        Row(f"right revoked: {verb} {resource}", _revoke(verb, resource), cuts=verb != "patch")
        for verb, resource in (
            ("patch", "exposedapps/status"),
            ("patch", "services"),
            ("patch", "deployments"),
            ("watch", "exposedapps"),
            ("list", "services"),
            ("watch", "nodes"),
            ("list", "pods"),
            ("create", "events"),
        )
    ),
]


@pytest.mark.parametrize(
    "row",
    [
        pytest.param(row, id=row.name, marks=[pytest.mark.short] if row.is_short else [])
        for row in FAULTS
    ],
)
async def test_after_a_fault_everything_is_as_without_it(
    row: Row,
    api: ApiServer,
    apps: Apps,
    undisturbed: tuple[State, State],
    tmp_path: Path,
    record_property: Callable[[str, object], None],
) -> None:
    before, expected = undisturbed
    async with running_operator(api, tmp_path, apps.namespace) as operator:
        await BEFORE(apps)
        await reach(apps, before, RECOVERY_SECONDS)
        await _disturb(row, operator, apps)
        start = time.monotonic()
        async with operator.kept_running():
            await reach(apps, expected, RECOVERY_SECONDS)
        record_property(RECOVERED, time.monotonic() - start)
        assert "Traceback" not in operator.log, operator.log


async def _disturb(row: Row, operator: Operator, apps: Apps) -> None:
    """Make the user's changes while the fault lasts."""
    fault = row.make(operator.proxy)
    operator.proxy.faults.append(fault)
    if row.cuts:
        operator.proxy.cut_all()
    if row.kills:
        await operator.kill()
        await operator.restart_if_ended()
    for change in CHANGES:
        await change(apps)
        await asyncio.sleep(row.seconds / len(CHANGES))
    fault.ended.set()
    operator.proxy.faults.remove(fault)
