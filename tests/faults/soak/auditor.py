# SPDX-License-Identifier: Apache-2.0
"""Looks at the cluster every second for violations that last."""

import asyncio
import time
from collections.abc import Callable

from faults.api_server import ApiServer, Json
from faults.scenario import RECOVERY_SECONDS
from faults.soak.actor import NODES
from faults.soak.invariants import Snapshot, node_ports, violations
from faults.soak.plan import Plan

PERIOD_SECONDS = 1.0


class Auditor:
    """Remembers for how long each violation has lasted while nothing interfered."""

    def __init__(self, api: ApiServer, namespace: str, plan: Plan) -> None:
        self.failures: list[str] = []
        self._api = api
        self._namespace = namespace
        self._plan = plan
        self._lasted: dict[str, float] = {}
        self._ports: dict[str, tuple[str, dict[int, int]]] = {}

    async def run(self, is_disturbed: Callable[[], bool]) -> None:
        """Audit until cancelled."""
        before = time.monotonic()
        while True:
            await asyncio.sleep(PERIOD_SECONDS)
            snapshot = await self.snapshot()
            now = time.monotonic()
            self._audit(snapshot, 0.0 if is_disturbed() else now - before)
            before = now

    async def snapshot(self) -> Snapshot:
        """The objects as they are now: the apps last, so that an owner is not missed."""
        services = await self._api.list("services", self._namespace)
        deployments = await self._api.list("deployments", self._namespace)
        nodes: list[Json] = (await self._api.request("GET", NODES))["items"]
        apps = await self._api.list("exposedapps", self._namespace)
        return Snapshot(apps, deployments, services, nodes)

    def _audit(self, snapshot: Snapshot, seconds: float) -> None:
        """Count what there is now as `seconds` longer there."""
        present = set(violations(snapshot))
        lasted = {text: self._lasted.get(text, 0.0) + seconds for text in present}
        self._lasted = {text: age for text, age in lasted.items() if age <= RECOVERY_SECONDS}
        for text in lasted.keys() - self._lasted.keys():
            self.failures.append(f"{text}, for {RECOVERY_SECONDS:.0f} s")
        self._compare_ports(node_ports(snapshot.services))

    def _compare_ports(self, ports: dict[str, tuple[str, dict[int, int]]]) -> None:
        for name in self._plan.keeps_ports & self._ports.keys() & ports.keys():
            if ports[name] != self._ports[name]:
                self.failures.append(f"{name}: {self._ports[name]} became {ports[name]}")
        self._ports = ports
