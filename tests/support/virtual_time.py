# SPDX-License-Identifier: Apache-2.0
"""An event loop on which waiting takes no time: its clock jumps to whatever is due next."""

import asyncio
import functools
import selectors
from collections.abc import Callable, Coroutine
from typing import Any, ParamSpec

P = ParamSpec("P")

MAX_TURNS = 1000
CLOCK_RESOLUTION = 1e-9


class _Selector(selectors.DefaultSelector):
    """Nothing comes from outside, so a wait is over when its time is."""

    now = 0.0
    _turns = 0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            msg = "everything waits for something that never comes"
            raise RuntimeError(msg)
        self.now += max(timeout, 0.0)
        self._turns = 0 if timeout > 0 else self._turns + 1
        if self._turns > MAX_TURNS:
            # The loop fires a timer that is due within its clock's resolution; who then finds that
            # its time has not quite come, and waits again, must not do so for ever.
            self.now += CLOCK_RESOLUTION
        return super().select(0)


class _Loop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._virtual = _Selector()
        super().__init__(self._virtual)

    def time(self) -> float:
        return self._virtual.now


def in_virtual_time(test: Callable[P, Coroutine[Any, Any, None]]) -> Callable[P, None]:
    """Runs a test on such a loop."""

    @functools.wraps(test)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        with asyncio.Runner(loop_factory=_Loop) as runner:
            runner.run(test(*args, **kwargs))

    return run
