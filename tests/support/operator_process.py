"""The operator as a process of its own, beside an API server that a test controls."""

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Self

import aiohttp

from support.http_api_server import HttpApiServer
from support.sockets import free_port

ROOT = Path(__file__).parents[2]
DEADLINE_SECONDS = 30.0


async def until(condition: Callable[[], object], what: str) -> None:
    """Wait until something is true; fails after DEADLINE_SECONDS."""
    try:
        async with asyncio.timeout(DEADLINE_SECONDS):
            while not condition():
                await asyncio.sleep(0.02)
    except TimeoutError:
        raise AssertionError(f"not within {DEADLINE_SECONDS:.0f} s: {what}") from None


class OperatorProcess:
    """`python -m exposedapp.main`, with its log."""

    def __init__(self, server: HttpApiServer, folder: Path) -> None:
        self.health_port = free_port()
        self.metrics_port = free_port()
        self._log_path = folder / "operator.log"
        self._environment = {
            **os.environ,
            "PYTHONPATH": str(ROOT / "operator"),
            "KUBECONFIG": str(server.kubeconfig(folder)),
            "EXPOSEDAPP_HEALTH_PORT": str(self.health_port),
            "EXPOSEDAPP_METRICS_PORT": str(self.metrics_port),
            "EXPOSEDAPP_PROBE": "false",
            "PYTHONWARNINGS": "default",
        }
        self._process: asyncio.subprocess.Process | None = None

    async def __aenter__(self) -> Self:
        with self._log_path.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "exposedapp.main", env=self._environment, stderr=log
            )
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._process
        with suppress(ProcessLookupError):
            self._process.kill()
        await self._process.wait()

    @property
    def log(self) -> str:
        """What it has logged."""
        return self._log_path.read_text()

    @property
    def is_running(self) -> bool:
        """Whether it has not ended."""
        return self._process is not None and self._process.returncode is None

    async def end(self) -> int:
        """Wait for its end; its exit code."""
        assert self._process
        async with asyncio.timeout(DEADLINE_SECONDS):
            return await self._process.wait()

    async def terminate(self) -> int:
        """Send SIGTERM, and wait for the end; its exit code."""
        assert self._process
        self._process.send_signal(signal.SIGTERM)
        return await self.end()

    async def get(self, path: str, port: int | None = None) -> int:
        """The status code of a page; 0 when there is no answer."""
        url = f"http://127.0.0.1:{port or self.health_port}{path}"
        try:
            async with aiohttp.ClientSession() as session, session.get(url) as response:
                return response.status
        except aiohttp.ClientError:
            return 0

    async def until_ready(self) -> None:
        """Wait until /readyz says so."""
        async with asyncio.timeout(DEADLINE_SECONDS):
            while await self.get("/readyz") != 200:
                assert self.is_running, self.log
                await asyncio.sleep(0.05)
