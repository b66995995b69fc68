# SPDX-License-Identifier: Apache-2.0
"""The machine that a run was measured on."""

import asyncio
import os
import platform
import subprocess
import time
from pathlib import Path

from bench.client import ROOT, Api, Json
from bench.progress import show_progress

BUSY_PER_CORE = 0.5
"""Processes that want to run, on average: with more, times are too long and ratios shaky."""
QUIET_SECONDS = 180.0


async def wait_for_quiet() -> None:
    """A new cluster keeps the machine busy for a while; waits for its end, not for ever."""
    end, is_reported = time.monotonic() + QUIET_SECONDS, False
    while is_busy(load := os.getloadavg()[0], os.cpu_count() or 1) and time.monotonic() < end:
        if not is_reported:
            show_progress(f"waiting for a quiet machine (load {load:.1f})")
            is_reported = True
        await asyncio.sleep(2)


def is_busy(load: float, cores: int) -> bool:
    """Whether others take so much of the machine that they would be measured, too."""
    return load > cores * BUSY_PER_CORE


async def machine(api: Api) -> Json:
    """Cores, CPU, memory, kernel, Kubernetes; how busy it was before."""
    nodes = (await api.get("/api/v1/nodes"))["items"]
    return {
        "cores": os.cpu_count(),
        "cpu": _first("/proc/cpuinfo", "model name"),
        "memory_gib": round(int(_first("/proc/meminfo", "MemTotal").split()[0]) / 2**20, 1),
        "kernel": platform.release(),
        "kubernetes": (await api.get("/version"))["gitVersion"],
        "python": platform.python_version(),
        "nodes": len(nodes),
        "load_before": round(os.getloadavg()[0], 1),
    }


def _first(file: str, key: str) -> str:
    for line in Path(file).read_text().splitlines():
        name, _, value = line.partition(":")
        if name.strip() == key:
            return value.strip()
    return "0" if file.endswith("meminfo") else "unknown"


def commit() -> str:
    """The commit of the tree, with a + when it has changes of its own."""
    revision = _git("rev-parse", "--short=7", "HEAD")
    return f"{revision}+" if _git("status", "--porcelain", "--", "operator", "deploy") else revision


def _git(*words: str) -> str:
    done = subprocess.run(["git", *words], cwd=ROOT, check=True, capture_output=True, text=True)
    return done.stdout.strip()
