# SPDX-License-Identifier: Apache-2.0
"""Runs requests of one app at the same time.

Called by children.py, child_reader.py and admission/.
"""

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

T = TypeVar("T")


async def gather_all(*awaitables: Awaitable[T]) -> list[T]:
    """The results of all; when one fails, its error is raised after all have ended.

    The next reconcile of the app must find no request in flight.
    """
    results = await asyncio.gather(*awaitables, return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException):
            raise result
    return [result for result in results if not isinstance(result, BaseException)]
