"""Pure: how a command ends."""

from enum import IntEnum


class Exit(IntEnum):
    """Exit codes; programs read them."""

    FINE = 0
    UNWELL = 1
    USAGE = 2
    NO_APP = 3
    CLUSTER = 4


EXIT_CODES = (
    "Exit codes: 0 fine; 1 the app is not well; 2 wrong usage or wrong input; 3 no such app; "
    "4 the cluster cannot be reached, or refuses."
)


class Failure(Exception):
    """What ends a command; the message is for the person who typed it."""

    def __init__(self, code: Exit, message: str) -> None:
        super().__init__(message)
        self.code = code


def no_such_app(namespace: str, name: str) -> Failure:
    """There is no app of that name."""
    return Failure(Exit.NO_APP, f"there is no ExposedApp {name} in namespace {namespace}")
