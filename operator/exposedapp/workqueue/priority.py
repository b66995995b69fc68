"""How soon a key is to be worked on."""

from enum import IntEnum


class Lane(IntEnum):
    """How soon a key is to be worked on."""

    CHANGED = 0
    """Somebody changed this app, and waits for what comes of it."""
    NEW = 1
    """Somebody made this app, perhaps with hundreds of others."""
    SWEEP = 2
    """Something around the app changed, or it is only looked after."""
