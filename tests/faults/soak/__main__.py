# SPDX-License-Identifier: Apache-2.0
"""`python -m faults.soak`: random actions and faults for SOAK_MINUTES, checked throughout.

Run by `make soak`. SOAK_SEED repeats a soak: the same actions in the same order. Exit code 1 and
a line for each violation, if there are any.
"""

import asyncio
import os
import random
import sys
import tempfile
from pathlib import Path

from faults.cluster import prepare_cluster, restore_cluster
from faults.soak.soak import run

DEFAULT_MINUTES = 30.0


async def _main(minutes: float, seed: int) -> list[str]:
    replicas = await prepare_cluster()
    folder = Path(tempfile.mkdtemp(prefix="soak-"))
    print(f"soak: {minutes:g} minutes, SOAK_SEED={seed}, logs in {folder}", flush=True)
    try:
        return await run(seed, minutes * 60, folder)
    finally:
        await restore_cluster(replicas)


if __name__ == "__main__":
    seed = int(os.environ.get("SOAK_SEED") or random.randrange(10_000))  # noqa: S311
    minutes = float(os.environ.get("SOAK_MINUTES") or DEFAULT_MINUTES)
    failures = asyncio.run(_main(minutes, seed))
    print(*(f"VIOLATION: {failure}" for failure in failures), sep="\n")
    print(f"soak: {len(failures)} violations, SOAK_SEED={seed}")
    sys.exit(1 if failures else 0)
