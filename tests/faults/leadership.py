# SPDX-License-Identifier: Apache-2.0
"""That only the holder of the Lease writes, seen by the proxies of all operators."""

import json

from aiohttp import web

from faults.proxy import Call, Fault


class Leadership:
    """Who holds the Lease, by the requests that passed the proxies."""

    def __init__(self) -> None:
        self.holder = ""
        self.changes = 0
        self.violations: list[str] = []

    def hold(self, identity: str) -> None:
        """Note a Lease that was written."""
        if identity and identity != self.holder:
            self.changes += 1
        self.holder = identity


class LeaderOnly(Fault):
    """Notes each write of one operator that does not hold the Lease; interferes with nothing."""

    def __init__(self, leadership: Leadership) -> None:
        super().__init__()
        self._leadership = leadership
        self._identity = ""
        self.writes = 0

    def restarted(self) -> None:
        """Forget the name that the process before had."""
        self._identity = ""

    @property
    def is_leader(self) -> bool:
        """Whether the operator holds the Lease."""
        return bool(self._identity) and self._identity == self._leadership.holder

    async def before(self, call: Call) -> web.Response | None:
        if identity := _identity(call):
            self._identity = identity
        elif call.is_write:
            self._check(call)
        return None

    def _check(self, call: Call) -> None:
        self.writes += 1
        if not self.is_leader:
            self._leadership.violations.append(
                f"{call.verb} {call.resource} {call.namespace}/{call.name} by "
                f"{self._identity or 'an operator without a name'}; {self._leadership.holder} leads"
            )

    async def after(self, call: Call, status: int) -> None:
        if call.resource == "leases" and call.body and status < 300:
            self._leadership.hold(_identity(call))


def _identity(call: Call) -> str:
    """The holder that a write to the Lease names; empty for a release, and for other requests."""
    if call.resource != "leases" or not call.body:
        return ""
    return str(json.loads(call.body)["spec"].get("holderIdentity") or "")
