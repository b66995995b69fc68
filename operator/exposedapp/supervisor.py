# SPDX-License-Identifier: Apache-2.0
"""Runs the long-lived tasks of the process; one that ends, for whatever reason, is a failure.

Used by runtime.py, which ends the process then: a task that has ended unnoticed would leave an
operator that looks healthy and does nothing. Knows no Kubernetes.
"""

import asyncio
from collections.abc import Coroutine

STOP_SECONDS = 10.0
"""How long a task may take to end once it is cancelled: less than a pod's grace period."""


class Supervisor:
    """Starts named tasks that must not end, and records the first that does."""

    def __init__(self) -> None:
        self.stop_flag = asyncio.Event()
        """Set when a task has ended that should not have, and when all are stopped."""
        self.failure: str | None = None
        """Which task ended, and why, in one sentence; None while all of them run."""
        self._tasks: set[asyncio.Task[None]] = set()
        self._is_stopping = False

    def start(self, name: str, work: Coroutine[None, None, None], *, ends: bool = False) -> None:
        """Starts a task. `work` must run until it is cancelled, unless it is said that it `ends`.

        That it fails or is cancelled is a failure in any case.
        """
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._on_end if ends else self._on_done)

    def fail(self, reason: str) -> None:
        """Record why the process must end, and have it end; only the first reason is kept.

        All tasks are cancelled at once, and with them the requests they wait for: a process that
        has lost its Lease must not go on with them while kopf is stopping.
        """
        if self.failure:
            return  # all are cancelled already, and a task may be at its own clean-up
        self.failure = reason
        self.stop_flag.set()
        for task in self._tasks:
            task.cancel()

    async def stop(self) -> None:
        """Cancels all tasks and waits until they have ended, for STOP_SECONDS at most."""
        self._is_stopping = True
        self.stop_flag.set()
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=STOP_SECONDS)

    def _on_end(self, task: asyncio.Task[None]) -> None:
        if task.cancelled() or task.exception():
            self._on_done(task)
        else:
            self._tasks.discard(task)

    def _on_done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if self._is_stopping:
            return
        if task.cancelled():
            reason = "was cancelled"
        elif error is None:
            reason = "ended"
        else:
            reason = f"failed: {type(error).__name__}: {error}"
        self.fail(f"{task.get_name()} {reason}")
