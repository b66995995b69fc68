# SPDX-License-Identifier: Apache-2.0
"""What the imports have made is left out of each garbage collection: it is most of the heap."""

import subprocess
import sys

WHEN_THE_LOOP_STARTS = """
import asyncio, gc
from exposedapp import main

def report(**_):
    print(gc.get_freeze_count(), len(gc.get_objects()))
    raise SystemExit

asyncio.Runner = report
main.main()
"""


def test_the_imports_are_not_collected_again_and_again() -> None:
    output = subprocess.check_output([sys.executable, "-c", WHEN_THE_LOOP_STARTS], text=True)
    frozen, collected = map(int, output.split())
    assert frozen > 50_000
    assert collected < frozen / 20
