# SPDX-License-Identifier: Apache-2.0
"""The subjects' processes: started, measured by the kernel's own numbers, stopped."""

import asyncio
import os
import socket
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import yaml

from bench.client import ROOT

TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
STOP_SECONDS = 15.0
LOGS = ROOT / "build" / "logs"


class Ended(Exception):
    """A subject's process ended by itself; the text says where its log is."""


@dataclass(frozen=True, slots=True)
class Usage:
    """What a process has used so far."""

    cpu_seconds: float
    rss_mib: float
    peak_mib: float


class Process:
    """A subject as a process of this machine."""

    def __init__(self, name: str, running: subprocess.Popen[bytes], log: IO[bytes]) -> None:
        self._name = name
        self._running = running
        self._log = log

    @classmethod
    def start(cls, name: str, command: Sequence[str], environment: dict[str, str]) -> "Process":
        """Starts it in a session of its own, its output in build/logs/."""
        LOGS.mkdir(parents=True, exist_ok=True)
        log = (LOGS / f"bench-{name}.log").open("ab")
        running = subprocess.Popen(
            command,
            env={**os.environ, **environment},
            cwd=ROOT,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        return cls(name, running, log)

    @property
    def pid(self) -> int:
        """Its number, for a profiler."""
        return self._running.pid

    @property
    def log(self) -> str:
        """The file with its output."""
        return str(Path(self._log.name).relative_to(ROOT))

    def usage(self) -> Usage:
        """Raises Ended when there is no such process any more."""
        if self._running.poll() is not None:
            raise Ended(
                f"{self._name} ended by itself (exit code {self._running.returncode}): "
                f"see {self.log}"
            )
        return _usage(self.pid)

    async def stop(self) -> None:
        """Ends it: politely, then not."""
        self._running.terminate()
        try:
            await asyncio.to_thread(self._running.wait, STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._running.kill()
            await asyncio.to_thread(self._running.wait)
        self._log.close()


def _usage(pid: int) -> Usage:
    proc = Path("/proc") / str(pid)
    # The program's name, in brackets, may have spaces.
    fields = (proc / "stat").read_text().rpartition(")")[2].split()
    status = dict(
        line.split(":", 1) for line in (proc / "status").read_text().splitlines() if ":" in line
    )
    return Usage(
        cpu_seconds=(int(fields[11]) + int(fields[12])) / TICKS_PER_SECOND,
        rss_mib=int(status["VmRSS"].split()[0]) / 1024,
        peak_mib=int(status["VmHWM"].split()[0]) / 1024,
    )


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    return port


def chart_environment() -> dict[str, str]:
    """The environment that the chart gives the operator, with its default values.

    Only the ports are others: what runs here shares the machine's with everybody.
    """
    chart = str(ROOT / "deploy" / "chart" / "exposedapp")
    rendered = subprocess.run(
        ["helm", "template", "exposedapp", chart, "--set", "image.repository=unused"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    documents = [item for item in yaml.safe_load_all(rendered) if item]
    deployment = next(item for item in documents if item["kind"] == "Deployment")
    container = deployment["spec"]["template"]["spec"]["containers"][0]
    given = {item["name"]: str(item["value"]) for item in container["env"] if "value" in item}
    ports = {name: str(free_port()) for name in given if name.endswith("_PORT")}
    return {**given, **ports, "EXPOSEDAPP_HEALTH_PORT": str(free_port())}


def python(module: str) -> list[str]:
    """The command that runs a module."""
    return [sys.executable, "-m", module]
