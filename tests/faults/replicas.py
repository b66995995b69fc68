# SPDX-License-Identifier: Apache-2.0
"""Two operators, as the chart runs them: each with a proxy, and started again when it ends."""

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path

from faults.api_server import ApiServer
from faults.leadership import LeaderOnly, Leadership
from faults.operator import Operator
from faults.proxy import Fault, Proxy

RESTART_POLL_SECONDS = 0.2
FREEZE_SECONDS = 20.0
"""Longer than a Lease lasts: another operator leads when this one goes on."""
PAGE_BYTES = 4096
"""Source: proc_pid_statm(5); of the machines that the tests run on."""


class Replica:
    """One of the operators."""

    def __init__(self, operator: Operator, leadership: Leadership) -> None:
        self.operator = operator
        self.leader_only = LeaderOnly(leadership)
        operator.proxy.faults.append(self.leader_only)
        self.starts = 0

    async def keep_running(self) -> None:
        """Start the process, and again whenever it has ended, until this is cancelled."""
        while True:
            if not self.operator.is_running:
                self.leader_only.restarted()
                self.starts += 1
                await self.operator.start()
            await asyncio.sleep(RESTART_POLL_SECONDS)

    async def interfere(self, fault: Fault, seconds: float) -> None:
        """Let a fault last for a while."""
        self.operator.proxy.faults.append(fault)
        try:
            await asyncio.sleep(seconds)
        finally:
            fault.ended.set()
            self.operator.proxy.faults.remove(fault)

    def send(self, number: signal.Signals) -> None:
        """Send the process a signal."""
        if self.operator.process:
            with suppress(ProcessLookupError):
                self.operator.process.send_signal(number)

    async def freeze(self) -> None:
        """Stop the process for a while."""
        process = self.operator.process
        self.send(signal.SIGSTOP)
        try:
            await asyncio.sleep(FREEZE_SECONDS)
        finally:
            if process is self.operator.process:
                self.send(signal.SIGCONT)

    @property
    def memory_mib(self) -> float:
        """The resident memory of the process; 0 when there is none."""
        if not self.operator.process:
            return 0.0
        try:
            pages = Path(f"/proc/{self.operator.process.pid}/statm").read_text().split()[1]
        except (OSError, IndexError):
            return 0.0
        return int(pages) * PAGE_BYTES / 2**20


@asynccontextmanager
async def two_operators(
    api: ApiServer, folder: Path, namespace: str, leadership: Leadership
) -> AsyncIterator[list[Replica]]:
    """Two operators that are kept running."""
    async with AsyncExitStack() as stack:
        replicas = []
        for name in ("a", "b"):
            (folder / name).mkdir(parents=True, exist_ok=True)
            proxy = await stack.enter_async_context(Proxy(api))
            replicas.append(Replica(Operator(api, proxy, folder / name, namespace), leadership))
        tasks = [asyncio.create_task(replica.keep_running()) for replica in replicas]
        try:
            yield replicas
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            for replica in replicas:
                replica.operator.proxy.faults.clear()
                await replica.operator.kill()
