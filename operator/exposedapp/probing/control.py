# SPDX-License-Identifier: Apache-2.0
"""Tells an app that does not answer from a way to its node that is cut.

Built by runtime.py, used by the prober in place of attempt.py. Where no connection to a URL comes
about, another port of the node is tried: that of the kubelet, which is open on every node. If that
fails in the same way, the failure says nothing about the app.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from exposedapp.exposure.probes import (
    NO_REPLY_OUTCOMES,
    ProbeOutcome,
    ProbeResult,
    Target,
)
from exposedapp.exposure.recently_used import RecentlyUsed
from exposedapp.probing.attempt import Attempt, probe_once

MAX_CONTROL_AGE_SECONDS = 3.0
"""How long the result of a control try counts, for all URLs at the node. Shorter than a URL that
has answered takes to fail twice: so the failure that counts is compared with a newer control."""

CONTROL_TIMEOUT_SECONDS = 2.0
"""Of a control try, whatever timeout the app has whose URL fails first: the result counts for all
apps at the node. Long enough for a SYN that is lost, which Linux sends again after one second
(TCP_TIMEOUT_INIT in include/net/tcp.h, RFC 6298), and the default of probe.timeoutSeconds."""

MAX_NODES = 10_000

TARGET_URL = "control"


@dataclass(slots=True)
class _Control:
    """The last control try of a port."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    outcome: ProbeOutcome = ProbeOutcome.NOT_ATTEMPTED
    ended_at: float | None = None


class ControlledAttempt:
    """Attempts to reach URLs; results that prove nothing are marked as blocked."""

    def __init__(
        self, attempt: Attempt = probe_once, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._attempt = attempt
        self._clock = clock
        self._controls = RecentlyUsed[tuple[str, int], _Control](MAX_NODES)

    async def __call__(self, target: Target) -> ProbeResult:
        """Try a URL once; if no connection comes about, its control port as well."""
        result = await self._attempt(target)
        if target.control_port is None or not _is_comparable(result.outcome):
            return result
        control = await self._control(target, target.control_port)
        return replace(result, blocked=_is_alike(result.outcome, control))

    async def _control(self, target: Target, port: int) -> ProbeOutcome:
        """The outcome of trying a port of the target's host, once for all who wait for it."""
        control = self._controls.get((target.host, port), _Control)
        async with control.lock:
            ended_at = control.ended_at
            if ended_at is None or self._clock() - ended_at > MAX_CONTROL_AGE_SECONDS:
                attempt = replace(
                    target,
                    url=TARGET_URL,
                    port=port,
                    http=False,
                    timeout=CONTROL_TIMEOUT_SECONDS,
                )
                control.outcome = (await self._attempt(attempt)).outcome
                control.ended_at = self._clock()
        return control.outcome


def _is_comparable(outcome: ProbeOutcome) -> bool:
    """Whether it may be the way that is cut."""
    return outcome in NO_REPLY_OUTCOMES or outcome is ProbeOutcome.REFUSED


def _is_alike(outcome: ProbeOutcome, control: ProbeOutcome) -> bool:
    """Whether both are dropped, or both refused: what refuses one and drops the other lets it pass.

    Some network plugins refuse what a policy forbids, such as kube-router, which k3s has.
    """
    return outcome is control or {outcome, control} <= NO_REPLY_OUTCOMES
