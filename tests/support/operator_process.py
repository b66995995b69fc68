# SPDX-License-Identifier: Apache-2.0
"""The operator as a process of its own, beside an API server that a test controls."""

import asyncio
import os
import re
import signal
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Self

import aiohttp

from exposedapp.runtime import Periods
from support.http_api_server import HttpApiServer
from support.sockets import free_port

ROOT = Path(__file__).parents[2]
DEADLINE_SECONDS = 30.0
IMPORTS = """
from exposedapp.election import ElectionPeriods
from exposedapp.main import main
from exposedapp.runtime import Periods
from exposedapp.telemetry.health import HealthLimits
"""


async def until(condition: Callable[[], object], what: str) -> None:
    """Wait until something is true; fails after DEADLINE_SECONDS."""
    try:
        async with asyncio.timeout(DEADLINE_SECONDS):
            while not condition():
                await asyncio.sleep(0.02)
    except TimeoutError:
        raise AssertionError(f"not within {DEADLINE_SECONDS:.0f} s: {what}") from None


class OperatorProcess:
    """`python -m exposedapp.main`, perhaps with other periods, and its log."""

    def __init__(
        self,
        server: HttpApiServer,
        folder: Path,
        name: str = "operator",
        periods: Periods | None = None,
        packages: Path | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """`name` is the token of its requests; `periods` are other than in production.

        What is in the folder `packages` is imported instead of what is installed.
        """
        self._server = server
        folder = folder / name
        folder.mkdir(exist_ok=True)
        self._code = f"{IMPORTS}\nmain({periods!r})"
        self.health_port = free_port()
        self.metrics_port = free_port()
        self._log_path = folder / "operator.log"
        self._environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(
                map(str, (ROOT / "operator", *([packages] if packages else ())))
            ),
            "KUBECONFIG": str(server.kubeconfig(folder, name)),
            "EXPOSEDAPP_HEALTH_PORT": str(self.health_port),
            "EXPOSEDAPP_METRICS_PORT": str(self.metrics_port),
            "EXPOSEDAPP_PROBE": "false",
            "PYTHONWARNINGS": "default",
            **(environment or {}),
        }
        self._process: asyncio.subprocess.Process | None = None

    async def __aenter__(self) -> Self:
        with self._log_path.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, "-c", self._code, env=self._environment, stderr=log
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

    @property
    def pid(self) -> int:
        """The process ID."""
        assert self._process
        return self._process.pid

    async def end(self) -> int:
        """Wait for its end; its exit code."""
        assert self._process
        async with asyncio.timeout(DEADLINE_SECONDS):
            return await self._process.wait()

    def send(self, number: signal.Signals) -> None:
        """Send a signal."""
        assert self._process
        self._process.send_signal(number)

    async def terminate(self) -> int:
        """Send SIGTERM, and wait for the end; its exit code."""
        self.send(signal.SIGTERM)
        return await self.end()

    async def get(self, path: str, port: int | None = None) -> int:
        """The status code of a page; 0 when there is no answer."""
        url = f"http://127.0.0.1:{port or self.health_port}{path}"
        try:
            async with aiohttp.ClientSession() as session, session.get(url) as response:
                return response.status
        except aiohttp.ClientError:
            return 0

    async def text(self, path: str) -> str:
        """What a page says; empty when there is no answer."""
        url = f"http://127.0.0.1:{self.health_port}{path}"
        try:
            async with aiohttp.ClientSession() as session, session.get(url) as response:
                return await response.text()
        except aiohttp.ClientError:
            return ""

    async def metric(self, name: str, **labels: str) -> float:
        """The value of the only series of a metric with these labels."""
        url = f"http://127.0.0.1:{self.metrics_port}/metrics"
        async with aiohttp.ClientSession() as session, session.get(url) as response:
            text = await response.text()
        pattern = ".*".join(f'{label}="{value}"' for label, value in labels.items())
        [value] = re.findall(rf"^{name}(?:\{{.*{pattern}.*\}})? (.+)$", text, re.MULTILINE)
        return float(value)

    async def until_status(self, path: str, status: int) -> None:
        """Wait until a page has this status."""
        async with asyncio.timeout(DEADLINE_SECONDS):
            while await self.get(path) != status:
                assert self.is_running, self.log
                await asyncio.sleep(0.05)

    async def until_url(self, name: str) -> None:
        """Wait until an app has a URL."""
        await until(lambda: self._server.url_of(name), f"{name} has a URL")

    async def until_ready(self) -> None:
        """Wait until /readyz says so."""
        await self.until_status("/readyz", 200)
