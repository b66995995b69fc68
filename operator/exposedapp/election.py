# SPDX-License-Identifier: Apache-2.0
"""Leader election with a Lease: of several operators, only the one that holds it writes.

The rules are those of client-go (tools/leaderelection); why they are not taken from a library is in
docs/decisions/0015-leader-election.md. Built by runtime.py, with an API client of its own: a
renewal must not wait behind 32 other requests.

Nothing here compares two machines' clocks. A holder counts as alive for the Lease's duration after
its record was last seen to change, on the monotonic clock of whoever looks at it; the times in the
record are for people.

The Lease also shows that etcd was restored: each candidate reads it every two seconds, from etcd
itself, and its resourceVersion only grows. A watch may not show that, because revisions soon reach
again what they were before.
"""

import asyncio
import logging
import random
import socket
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol
from uuid import uuid4

from exposedapp.api.meta import Json, version_of
from exposedapp.cache.versions import HistoryRewrittenError
from exposedapp.kube.errors import ApiError, broken_response_error

log = logging.getLogger(__name__)

POD_NAMESPACE_FILE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")
DEFAULT_NAMESPACE = "default"
"""Outside of a pod: it exists in every cluster."""
RELEASE_ATTEMPTS = 3
"""A renewal that was cancelled while it was sent may reach the API server before the release."""

OnLeading = Callable[[], None]


class Request(Protocol):
    """The API client's method for one request. Raises ApiError."""

    async def __call__(self, method: str, path: str, body: Json | None = None) -> Json:
        """The parsed response."""


@dataclass(frozen=True, slots=True)
class ElectionPeriods:
    """client-go's defaults, and how long one attempt may take.

    Between the first two, an old holder has stopped to write and a new one cannot have begun.
    """

    lease_seconds: float = 15.0
    """How long a holder that does not renew is waited for."""
    renew_deadline_seconds: float = 10.0
    """How long after its last renewal a holder may write."""
    retry_seconds: float = 2.0
    """Between two attempts to acquire or to renew."""
    attempt_seconds: float = 4.0
    """How long one attempt may take: a dead connection must leave time for another attempt."""


class LeaseLostError(Exception):
    """The Lease was not renewed in time, or has another holder."""


def seconds_since_boot() -> float:
    """A monotonic clock that goes on while the machine is suspended, as Lease holders elsewhere do.

    On Linux time.monotonic stops then (clock_gettime(2)); on macOS it does not.
    """
    return time.clock_gettime(time.CLOCK_BOOTTIME) if sys.platform == "linux" else time.monotonic()


def lease_namespace(configured: str | None) -> str:
    """The configured namespace, or the pod's, or, outside of a pod, `default`."""
    if configured:
        return configured
    try:
        return POD_NAMESPACE_FILE.read_text().strip()
    except OSError:
        return DEFAULT_NAMESPACE


def new_identity() -> str:
    """A holder's name that no other process has, one restarted in the same pod included."""
    return f"{socket.gethostname()}_{uuid4()}"


class Election:
    """One candidate."""

    def __init__(
        self,
        request: Request,
        namespace: str,
        name: str,
        identity: str,
        periods: ElectionPeriods | None = None,
        clock: Callable[[], float] = seconds_since_boot,
        wall_clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._request = request
        self._collection = f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases"
        self._name = name
        self._path = f"{self._collection}/{name}"
        self._title = f"Lease {namespace}/{name}"
        self._identity = identity
        self._periods = periods or ElectionPeriods()
        self._clock = clock
        self._wall_clock = wall_clock
        self._record: Json = {}
        """The Lease's spec as it was last seen."""
        self._version = 0
        """The resourceVersion of the Lease as it was last seen."""
        self._changed_at = clock()
        """When the record was first seen as it is now."""
        self._renewed_at: float | None = None
        """When the last successful renewal began; None while another process holds the Lease."""
        self._last_message = ""
        """What was last logged about a failed attempt; empty after one that succeeded."""

    @property
    def is_leader(self) -> bool:
        """Whether this process may write now; False as soon as the renew deadline has passed.

        Also in a process that was stopped for a while, before anything else of it has run.
        """
        return self._seconds_left() > 0

    async def run(self, on_leading: OnLeading) -> None:
        """Wait for the Lease, call `on_leading`, and renew the Lease.

        Raises LeaseLostError, and HistoryRewrittenError when etcd was restored.
        """
        while not self.is_leader:
            if not await self._attempt(self._periods.attempt_seconds):
                await asyncio.sleep(self._retry_delay())
        log.info("Leading: this operator holds the %s", self._title)
        on_leading()
        while self.is_leader:
            await asyncio.sleep(min(self._retry_delay(), self._seconds_left()))
            if self.is_leader:  # and was not stopped for longer than the deadline
                await self._attempt(min(self._periods.attempt_seconds, self._seconds_left()))
        raise LeaseLostError(f"{self._title} was not renewed in time ({self._last_message})")

    async def release(self) -> None:
        """Let another candidate have the Lease at once; call it when nothing writes any more."""
        if self._renewed_at is None:
            return
        self._renewed_at = None
        for _ in range(RELEASE_ATTEMPTS):
            try:
                async with asyncio.timeout(self._periods.attempt_seconds / RELEASE_ATTEMPTS):
                    lease = await self._send("GET", self._path)
                    if (lease.get("spec") or {}).get("holderIdentity") == self._identity:
                        await self._put(lease, {"holderIdentity": "", "leaseDurationSeconds": 1})
                    return
            except HistoryRewrittenError:
                return
            except (ApiError, TimeoutError) as error:
                log.debug("the %s was not released: %s", self._title, error or "no answer")

    def _seconds_left(self) -> float:
        """For how long this process may go on to write without another renewal."""
        if self._renewed_at is None:
            return 0.0
        return self._renewed_at + self._periods.renew_deadline_seconds - self._clock()

    def _retry_delay(self) -> float:
        return self._periods.retry_seconds * random.uniform(0.8, 1.0)  # noqa: S311 - jitter

    async def _attempt(self, seconds: float) -> bool:
        """Acquire or renew the Lease, within these seconds; whether that succeeded."""
        begin = self._clock()
        try:
            async with asyncio.timeout(seconds):
                if await self._acquire_or_renew():
                    self._renewed_at, self._last_message = begin, ""
                    return True
                message = f"held by {self._record.get('holderIdentity')}"
                self._renewed_at = None
                level = logging.INFO
        except (ApiError, TimeoutError) as error:
            message, level = str(error) or "no answer from the API server", logging.WARNING
        if message != self._last_message:
            log.log(level, "%s: %s", self._title, message)
            self._last_message = message
        return False

    async def _acquire_or_renew(self) -> bool:
        try:
            lease = await self._send("GET", self._path)
        except ApiError as error:
            if error.status != 404:
                raise
            lease = None
        if lease is None:
            if self._is_held_by_another():
                return False  # somebody deleted the Lease; its holder does not know that yet
            await self._create()
            return True
        self._observe(lease.get("spec") or {})
        if self._is_held_by_another():
            return False
        is_holder = self._record.get("holderIdentity") == self._identity
        await self._put(lease, self._holding(since=self._record if is_holder else None))
        return True

    def _is_held_by_another(self) -> bool:
        """Whether the Lease that was last seen is another process's, and has not expired."""
        return self._record.get("holderIdentity") != self._identity and not self._is_expired()

    def _observe(self, record: Json) -> None:
        if record != self._record:
            self._record, self._changed_at = record, self._clock()

    def _is_expired(self) -> bool:
        seconds = self._record.get("leaseDurationSeconds") or self._periods.lease_seconds
        is_held = bool(self._record.get("holderIdentity"))
        return not is_held or self._clock() - self._changed_at >= seconds

    def _holding(self, since: Json | None) -> Json:
        """The record of a holder; `since` is its own one before, if any."""
        now = self._wall_clock().strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        transitions = self._record.get("leaseTransitions") or 0
        return {
            "holderIdentity": self._identity,
            "leaseDurationSeconds": max(1, round(self._periods.lease_seconds)),
            "acquireTime": since.get("acquireTime", now) if since else now,
            "renewTime": now,
            "leaseTransitions": transitions if since or not self._record else transitions + 1,
        }

    async def _create(self) -> None:
        record = self._holding(since=None)
        lease = {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": {"name": self._name},
            "spec": record,
        }
        await self._send("POST", self._collection, lease)
        self._observe(record)

    async def _put(self, lease: Json, record: Json) -> None:
        """Replace the record; refused (ApiError 409) when the Lease has changed meanwhile."""
        changed = {**lease, "spec": {**(lease.get("spec") or {}), **record}}
        await self._send("PUT", self._path, changed)
        self._observe(changed["spec"])

    async def _send(self, method: str, path: str, body: Json | None = None) -> Json:
        """The Lease in the response. Raises HistoryRewrittenError when it is an older one.

        This process does not lead any more then, and does not release the Lease either: the other
        candidates must see it as it was restored.
        """
        lease = await self._request(method, path, body)
        try:
            version = version_of(lease)
        except (KeyError, TypeError, ValueError) as error:
            raise broken_response_error(error) from error
        if version < self._version:
            self._renewed_at = None
            raise HistoryRewrittenError(
                f"{self._title}: resourceVersion {version} after {self._version}"
            )
        self._version = version
        return lease
