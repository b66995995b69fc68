# SPDX-License-Identifier: Apache-2.0
"""One soak: rounds of random actions, after each of which everything must become as it should be.

Called by __main__.py. An Auditor looks at the cluster every second meanwhile.
"""

import asyncio
import time
from contextlib import suppress
from pathlib import Path

from faults.api_server import ApiServer
from faults.leadership import Leadership
from faults.replicas import Replica, two_operators
from faults.scenario import RECOVERY_SECONDS, new_namespace
from faults.soak.actor import FAULTS, NODES, Actor
from faults.soak.auditor import Auditor
from faults.soak.invariants import unfinished
from faults.soak.memory import MemoryCheck
from faults.soak.plan import Plan

ACTIONS_PER_ROUND = 60
POLL_SECONDS = 0.5


async def run(seed: int, seconds: float, folder: Path) -> list[str]:
    """The violations. Prints what happens."""
    leadership = Leadership()
    async with ApiServer.connect() as api:
        await _delete_nodes(api)  # of a soak that was interrupted
        namespace = await new_namespace(api)
        try:
            async with two_operators(api, folder, namespace, leadership) as replicas:
                soak = _Soak(api, namespace, replicas, Plan(seed, list(FAULTS)))
                failures = await soak.run(seconds, folder / "actions.log")
                writes = sum(replica.leader_only.writes for replica in replicas)
                print(f"{writes} writes, {leadership.changes} leaders one after the other")
        finally:
            await api.delete(f"/api/v1/namespaces/{namespace}")
            await _delete_nodes(api)
    return [*failures, *leadership.violations]


class _Soak:
    def __init__(self, api: ApiServer, namespace: str, replicas: list[Replica], plan: Plan) -> None:
        self._plan = plan
        self._replicas = replicas
        self._actor = Actor(api, namespace, replicas)
        self._auditor = Auditor(api, namespace, plan)
        self._memory = MemoryCheck()
        self._failures: list[str] = []

    async def run(self, seconds: float, actions: Path) -> list[str]:
        """Play rounds until the time is over."""
        auditing = asyncio.create_task(self._auditor.run(lambda: self._actor.is_disturbing))
        end, number = time.monotonic() + seconds, 0
        with actions.open("w") as log:
            while time.monotonic() < end and not auditing.done():
                number += 1
                for _ in range(ACTIONS_PER_ROUND):
                    action = self._plan.next()
                    print(action, file=log, flush=True)
                    await asyncio.sleep(action.pause)
                    await self._actor.perform(action)
                await self._settle(number)
        auditing.cancel()
        with suppress(asyncio.CancelledError):
            await auditing
        return [*self._failures, *self._auditor.failures, *self._memory.failures, *self._errors()]

    async def _settle(self, number: int) -> None:
        """End the faults, and wait for what the specs lead to."""
        await self._actor.until_calm()
        start, problems = time.monotonic(), ["not seen yet"]
        while problems and time.monotonic() - start < RECOVERY_SECONDS:
            await asyncio.sleep(POLL_SECONDS)
            problems = list(unfinished(await self._auditor.snapshot(), self._plan.apps))
        self._failures += [f"round {number}: {problem}" for problem in problems]
        for problem in problems:
            print(f"  {problem}", flush=True)
        memory = self._memory.measure(self._replicas)
        print(
            f"round {number}: {len(self._plan.apps)} apps, as expected after "
            f"{time.monotonic() - start:.1f} s, {memory}, "
            f"starts {[replica.starts for replica in self._replicas]}, "
            f"{len(problems)} problems",
            flush=True,
        )

    def _errors(self) -> list[str]:
        return [
            f"{replica.operator.log_path}: a traceback"
            for replica in self._replicas
            if "Traceback" in replica.operator.log
        ]


async def _delete_nodes(api: ApiServer) -> None:
    for node in (await api.request("GET", NODES))["items"]:
        if node["metadata"]["name"].startswith("soak-"):
            await api.delete(f"{NODES}/{node['metadata']['name']}")
