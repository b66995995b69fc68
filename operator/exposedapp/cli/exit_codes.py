# SPDX-License-Identifier: Apache-2.0
"""Exit codes, and the error that ends a command with one. Pure."""

from enum import IntEnum


class ExitCode(IntEnum):
    """Exit codes of all commands. Programs read them: a value never changes."""

    OK = 0
    APP_PROBLEM = 1
    USAGE = 2
    NO_SUCH_APP = 3
    CLUSTER = 4


EXIT_CODES_HELP = (
    "Exit codes: 0 success; 1 the app has a problem; 2 wrong usage or input; 3 no such app; "
    "4 the cluster cannot be reached or refuses the request."
)


class CommandError(Exception):
    """An expected error that ends the command; its text is for the user."""

    def __init__(self, code: ExitCode, message: str) -> None:
        super().__init__(message)
        self.code = code


def no_such_app_error(namespace: str, name: str) -> CommandError:
    """The error for an app that does not exist."""
    return CommandError(
        ExitCode.NO_SUCH_APP, f"there is no ExposedApp {name} in namespace {namespace}"
    )
