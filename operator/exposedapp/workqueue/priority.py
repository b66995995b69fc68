"""How soon a key is to be worked on."""

from enum import IntEnum


class Priority(IntEnum):
    """How soon a key is to be worked on."""

    HIGH = 0
    """Somebody changed this app, and waits for what comes of it."""
    NORMAL = 1
    """Somebody made this app, perhaps with hundreds of others."""
    LOW = 2
    """Something around the app changed, or it is only looked after."""
