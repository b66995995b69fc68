# SPDX-License-Identifier: Apache-2.0
"""Options and arguments that several commands share. Imported by commands/."""

import inspect
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Annotated, Any

import typer

from exposedapp.api.readiness import Readiness
from exposedapp.cli.arguments import parse_duration
from exposedapp.cli.connection import DEFAULT_REQUEST_SECONDS, ConnectionOptions
from exposedapp.cli.exit_codes import CommandError, ExitCode
from exposedapp.cli.output import Format, print_error

DNS_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")

DEFAULT_TIMEOUT = "120s"


def dns_label(text: str | None) -> str | None:
    """The text of a name; anything else must not become a part of a request's path."""
    if text is not None and not DNS_LABEL.fullmatch(text):
        raise typer.BadParameter(f"'{text}' is not a name: use at most 63 of a-z, 0-9 and '-'")
    return text


Name = Annotated[
    str,
    typer.Argument(
        metavar="NAME", help="Name of the ExposedApp.", show_default=False, callback=dns_label
    ),
]

Namespace = Annotated[
    str | None,
    typer.Option(
        "--namespace",
        "-n",
        metavar="NAME",
        help="Namespace. Default: that of the kubeconfig's context.",
        callback=dns_label,
    ),
]

Files = Annotated[
    list[str],
    typer.Option(
        "--filename",
        "-f",
        metavar="FILE",
        help="File, folder of .yaml, .yml and .json files, or - for the standard input; repeat "
        "for each.",
        show_default=False,
    ),
]

AllNamespaces = Annotated[bool, typer.Option("--all-namespaces", "-A", help="In all namespaces.")]

Output = Annotated[
    Format | None, typer.Option("--output", "-o", help="Output format for programs.")
]

Timeout = Annotated[
    str,
    typer.Option(metavar="DURATION", help="How long to wait, such as 90s, 1.5m or 1h30m."),
]


def _connection_options(
    namespace: Namespace = None,
    context: Annotated[
        str | None, typer.Option(metavar="NAME", help="Context of the kubeconfig.")
    ] = None,
    kubeconfig: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="Default: $KUBECONFIG, or ~/.kube/config."),
    ] = None,
    request_timeout: Annotated[
        str,
        typer.Option(metavar="DURATION", help="For one request to the API server; 0: no limit."),
    ] = f"{DEFAULT_REQUEST_SECONDS:g}s",
) -> ConnectionOptions:
    with usage_errors():
        seconds = parse_duration(request_timeout)
    return ConnectionOptions(namespace, context, kubeconfig, seconds or None)


def with_connection(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options of the connection in place of its parameter `connection`."""
    options = inspect.signature(_connection_options, eval_str=True).parameters
    signature = inspect.signature(command, eval_str=True)
    own = [parameter for name, parameter in signature.parameters.items() if name != "connection"]

    @wraps(command)
    def run(**values: Any) -> None:
        chosen = {name: values.pop(name) for name in options}
        command(**values, connection=_connection_options(**chosen))

    # typer reads the options from it.
    run.__signature__ = signature.replace(  # type: ignore[attr-defined]
        parameters=[
            parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY)
            for parameter in (*own, *options.values())
        ]
    )
    return run


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
