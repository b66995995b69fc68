# SPDX-License-Identifier: Apache-2.0
"""Progress, for the person who waits."""

import sys
import time

START = time.monotonic()


def show_progress(text: str) -> None:
    """A line to stderr, with the seconds since the start."""
    print(f"{time.monotonic() - START:6.0f} s  {text}", file=sys.stderr, flush=True)
