# SPDX-License-Identifier: Apache-2.0
"""Splits the body of a watch response into lines.

Called by transport.py; pure but for the stream.
"""

from collections.abc import AsyncIterator

MAX_LINE_BYTES = 16 * 1024 * 1024
"""More than any event: etcd accepts objects of 1.5 MiB. aiohttp's own limit for a line is lower
than the size that its escapes can give an object."""


class BrokenStreamError(Exception):
    """The stream ended within a line, or has a line that no event can have."""


async def read_lines(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The lines of a stream without their ends. Raises BrokenStreamError."""
    parts: list[bytes] = []
    size = 0
    async for chunk in chunks:
        *ends, beginning = chunk.split(b"\n")
        for end in ends:
            yield b"".join([*parts, end])
            parts, size = [], 0
        parts.append(beginning)
        size += len(beginning)
        if size > MAX_LINE_BYTES:
            raise BrokenStreamError(f"a line is longer than {MAX_LINE_BYTES} bytes")
    if size:
        raise BrokenStreamError("the connection ended within an event")
