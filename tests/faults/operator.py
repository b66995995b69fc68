# SPDX-License-Identifier: Apache-2.0
"""The operator under test: `python -m exposedapp.main` behind a proxy of its own."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import aiohttp

from faults.api_server import ROOT, ApiServer
from faults.proxy import Proxy
from support.sockets import free_port

START_SECONDS = 60.0


class Operator:
    """The process, which can be killed and started again, and its proxy."""

    def __init__(self, api: ApiServer, proxy: Proxy, folder: Path, namespace: str) -> None:
        self.proxy = proxy
        self.log_path = folder / "operator.log"
        self.process: asyncio.subprocess.Process | None = None
        self._api = api
        self._lease = f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases/exposedapp"
        self._health_port = free_port()
        self._environment = {
            **os.environ,
            "PYTHONPATH": str(ROOT / "operator"),
            "KUBECONFIG": str(proxy.kubeconfig(folder)),
            "EXPOSEDAPP_HEALTH_PORT": str(self._health_port),
            "EXPOSEDAPP_METRICS_PORT": "0",
            "EXPOSEDAPP_LEASE_NAMESPACE": namespace,
        }

    @property
    def log(self) -> str:
        """What it has logged."""
        return self.log_path.read_text() if self.log_path.exists() else ""

    @property
    def is_running(self) -> bool:
        """Whether the process is there."""
        return self.process is not None and self.process.returncode is None

    async def start(self) -> None:
        """Start the process; it may not be ready yet."""
        with self.log_path.open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "exposedapp.main", env=self._environment, stderr=log
            )

    async def kill(self) -> None:
        """SIGKILL, and wait for the end."""
        if self.process and self.is_running:
            with suppress(ProcessLookupError):
                self.process.kill()
            await self.process.wait()

    async def restart_if_ended(self) -> None:
        """Start a process that has ended again.

        Its Lease is deleted: each of the tests would wait for its expiry for 15 s. What happens
        then is tested in test_leader.py.
        """
        if not self.is_running:
            await self._api.delete(self._lease)
            await self.start()

    @asynccontextmanager
    async def kept_running(self) -> AsyncIterator[None]:
        """Start a process that ends again, as the kubelet does."""

        async def restart() -> None:
            while True:
                await self.restart_if_ended()
                await asyncio.sleep(0.2)

        restarting = asyncio.create_task(restart())
        try:
            yield
        finally:
            restarting.cancel()

    async def until_ready(self) -> None:
        """Wait until /readyz answers 200."""
        async with asyncio.timeout(START_SECONDS):
            while not await self._is_ready():
                assert self.is_running, self.log
                await asyncio.sleep(0.05)

    async def _is_ready(self) -> bool:
        url = f"http://127.0.0.1:{self._health_port}/readyz"
        try:
            async with aiohttp.ClientSession() as session, session.get(url) as response:
                return response.status == 200
        except aiohttp.ClientError:
            return False


@asynccontextmanager
async def running_operator(api: ApiServer, folder: Path, namespace: str) -> AsyncIterator[Operator]:
    """A ready operator; killed at the end."""
    async with Proxy(api) as proxy:
        operator = Operator(api, proxy, folder, namespace)
        await operator.start()
        try:
            await operator.until_ready()
            yield operator
        finally:
            proxy.faults.clear()
            await operator.kill()
