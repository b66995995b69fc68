# SPDX-License-Identifier: Apache-2.0
"""Completion of `kubectl exposedapp`, in the format that kubectl reads.

kubectl runs an executable kubectl_complete-exposedapp with the words after the plugin's name, the
last one unfinished, and reads cobra's format: one candidate on each line, with a tab before its
description, and at the end a colon and a number that tells the shell whether to add file names.
Source: k8s.io/kubectl/pkg/cmd/plugin/plugin_completion.go, cobra's ShellCompDirective.
"""

import io
import os
import shlex
from collections.abc import Sequence
from contextlib import redirect_stdout, suppress

from exposedapp.cli.app import app

PROGRAM = "exposedapp"

FILES, NO_FILES = 0, 4
"""cobra's ShellCompDirectiveDefault and ShellCompDirectiveNoFileComp."""

FILE_OPTIONS = {"-f", "--filename"}


def complete_words(words: Sequence[str]) -> str:
    """The candidates in cobra's format, from typer's for fish: the lines of the two are alike."""
    os.environ |= {
        f"_{PROGRAM.upper()}_COMPLETE": "complete_fish",
        "_TYPER_COMPLETE_FISH_ACTION": "get-args",
        "_TYPER_COMPLETE_ARGS": _command_line(words),
    }
    with redirect_stdout(io.StringIO()) as candidates, suppress(SystemExit):
        app([], prog_name=PROGRAM)
    directive = FILES if FILE_OPTIONS.intersection(words[-2:-1]) else NO_FILES
    return "\n".join([*filter(None, candidates.getvalue().splitlines()), f":{directive}"])


def _command_line(words: Sequence[str]) -> str:
    """The words as a shell would have them; an empty last one becomes the blank before it."""
    *complete, last = words or [""]
    return f"{shlex.join([PROGRAM, *complete])} {shlex.quote(last) if last else ''}"
