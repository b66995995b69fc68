# SPDX-License-Identifier: Apache-2.0
"""How soon a key is worked on, compared with others."""

from enum import IntEnum


class Priority(IntEnum):
    """Priorities, the most urgent first.

    As in controller-runtime's priority queue, LOW is for the initial list and for resyncs.
    """

    HIGH = 0
    """The user changed this app, and waits for the result."""
    NORMAL = 1
    """The user created this app, perhaps together with hundreds of others."""
    LOW = 2
    """Something around the app changed, or the app is only checked."""
