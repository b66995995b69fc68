# SPDX-License-Identifier: Apache-2.0
"""Reads the files of -f: several, folders, the standard input. Called by the commands."""

import sys
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from exposedapp.cli.exit_codes import CommandError, ExitCode
from exposedapp.cli.manifests import parse_documents

STANDARD_INPUT = "-"

SUFFIXES = (".json", ".yaml", ".yml")
"""What kubectl takes from a folder, and like kubectl without the folders in it.

Source: FileExtensions in k8s.io/cli-runtime, pkg/resource/builder.go."""


def read_documents(names: Sequence[str]) -> Iterator[tuple[str, list[Any]]]:
    """Each file's name for messages, and its documents.

    Raises CommandError for one that cannot be read, and for a folder without any.
    """
    for name in names:
        if name == STANDARD_INPUT:
            source = "standard input"
            yield source, parse_documents(_read(source, sys.stdin.read), source)
            continue
        for path in _files_of(Path(name)):
            text = _read(str(path), partial(path.read_text, encoding="utf-8"))
            yield str(path), parse_documents(text, str(path))


def _files_of(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    files = sorted(file for file in path.iterdir() if file.suffix in SUFFIXES and file.is_file())
    if not files:
        raise _unreadable(str(path), f"the folder has no file that ends in {', '.join(SUFFIXES)}")
    return files


def _read(source: str, read: Callable[[], str]) -> str:
    try:
        return read()
    except UnicodeDecodeError as error:
        raise _unreadable(source, "not a text in UTF-8") from error
    except OSError as error:
        raise _unreadable(source, error.strerror or "cannot be read") from error


def _unreadable(source: str, reason: str) -> CommandError:
    return CommandError(ExitCode.USAGE, f"{source}: {reason}")
