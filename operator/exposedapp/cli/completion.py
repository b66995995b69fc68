"""What kubectl asks when somebody types `kubectl exposedapp` and a tab.

kubectl looks for an executable kubectl_complete-exposedapp, gives it the words behind the plugin's
name, the last one unfinished, and reads cobra's format: a candidate on each line, with a tab before
its description, and at the end a colon and a number that tells the shell what to do with files.
Source: k8s.io/kubectl/pkg/cmd/plugin/plugin_completion.go, cobra's ShellCompDirective.
"""

import io
import os
import shlex
from collections.abc import Sequence
from contextlib import redirect_stdout, suppress

from exposedapp.cli.commands import app

PROGRAM = "exposedapp"
FILES, NO_FILES = 0, 4
"""cobra's ShellCompDirectiveDefault and ShellCompDirectiveNoFileComp."""
TAKES_FILE = {"-f", "--filename"}


def answer(words: Sequence[str]) -> str:
    """The answer for kubectl. Of typer's own dialects fish's is the one that cobra speaks, too."""
    os.environ |= {
        f"_{PROGRAM.upper()}_COMPLETE": "complete_fish",
        "_TYPER_COMPLETE_FISH_ACTION": "get-args",
        "_TYPER_COMPLETE_ARGS": _line(words),
    }
    with redirect_stdout(io.StringIO()) as found, suppress(SystemExit):
        app([], prog_name=PROGRAM)
    directive = FILES if TAKES_FILE.intersection(words[-2:-1]) else NO_FILES
    return "\n".join([*filter(None, found.getvalue().splitlines()), f":{directive}"])


def _line(words: Sequence[str]) -> str:
    """The words as they stand on a command line; an empty last one as the blank before it."""
    *done, last = words or [""]
    return f"{shlex.join([PROGRAM, *done])} {shlex.quote(last) if last else ''}"
