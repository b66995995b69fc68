"""Options and arguments that several commands share. Imported by commands/."""

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from exposedapp.api.readiness import Readiness
from exposedapp.cli.exit_codes import CommandError, ExitCode
from exposedapp.cli.output import Format, print_error

DNS_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")

DEFAULT_TIMEOUT = "120s"


def _dns_label(text: str | None) -> str | None:
    """The text of a name; anything else must not become a part of a request's path."""
    if text is not None and not DNS_LABEL.fullmatch(text):
        raise typer.BadParameter(f"'{text}' is not a name: use at most 63 of a-z, 0-9 and '-'")
    return text


Name = Annotated[
    str, typer.Argument(help="Name of the ExposedApp.", show_default=False, callback=_dns_label)
]

Namespace = Annotated[
    str | None,
    typer.Option(
        "--namespace",
        "-n",
        metavar="NAME",
        help="Namespace. Default: that of the kubeconfig's context.",
        callback=_dns_label,
    ),
]

Context = Annotated[str | None, typer.Option(metavar="NAME", help="Context of the kubeconfig.")]

Output = Annotated[
    Format | None, typer.Option("--output", "-o", help="Output format for programs.")
]

Timeout = Annotated[
    str,
    typer.Option(metavar="DURATION", help="How long to wait, such as 90s, 1.5m or 1h30m."),
]


@contextmanager
def usage_errors() -> Iterator[None]:
    """Turn the ValueError of a parser into an error of usage."""
    try:
        yield
    except ValueError as error:
        raise CommandError(ExitCode.USAGE, str(error)) from error


def show_progress(readiness: Readiness) -> None:
    """Print what the app is waiting for, to a terminal only."""
    if sys.stderr.isatty():
        print_error(f"  {readiness}")
