"""On what it was measured."""

import os
import platform
import subprocess
from pathlib import Path

from bench.client import ROOT, Api, Json


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
    found = _git("rev-parse", "--short=7", "HEAD")
    return f"{found}+" if _git("status", "--porcelain", "--", "operator", "deploy") else found


def _git(*words: str) -> str:
    done = subprocess.run(["git", *words], cwd=ROOT, check=True, capture_output=True, text=True)
    return done.stdout.strip()
