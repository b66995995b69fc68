# SPDX-License-Identifier: Apache-2.0
"""Waiting for an event, but not for ever."""

import asyncio


async def wait_until_set(event: asyncio.Event, seconds: float | None) -> bool:
    """Wait until the event is set; False when it is not within `seconds` (None: no limit).

    Not asyncio.wait_for: in Python 3.11 it forgets a cancellation that comes with the event.
    """
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return False
    return True
