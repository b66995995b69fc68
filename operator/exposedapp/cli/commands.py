"""The commands: each reads what was typed, asks, and shows."""

import re
import sys
import webbrowser
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer
from typer.core import TyperGroup

from exposedapp.api.meta import Json
from exposedapp.cli.arguments import parse_duration
from exposedapp.cli.doctor.diagnosis import diagnose
from exposedapp.cli.exit_codes import EXIT_CODES, Exit, Failure
from exposedapp.cli.manifest import make_app
from exposedapp.cli.offline import documents, render
from exposedapp.cli.output import (
    Format,
    WaysFormat,
    complain,
    dump,
    dump_objects,
    say,
    show_report,
    show_rows,
)
from exposedapp.cli.ports import port_forward
from exposedapp.cli.status_view import Verdict, rows, verdict, ways
from exposedapp.cli.validation.schema_check import problems
from exposedapp.version import __version__

T = TypeVar("T")

LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
CLICKABLE = ("http://", "https://")


class ServiceType(StrEnum):
    """What --type takes."""

    NODE_PORT = "NodePort"
    CLUSTER_IP = "ClusterIP"
    LOAD_BALANCER = "LoadBalancer"


class Commands(TyperGroup):
    """All commands, with one place where an expected error becomes a line and an exit code."""

    def invoke(self, ctx: Any) -> Any:
        """Runs the command."""
        try:
            return super().invoke(ctx)
        except Failure as failure:
            complain(f"Error: {failure}")
            raise typer.Exit(failure.code) from failure


app = typer.Typer(
    cls=Commands,
    epilog=EXIT_CODES,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # brackets in the help are brackets
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        say(f"exposedapp {__version__}")
        raise typer.Exit


@app.callback()
def options(
    _: Annotated[
        bool,
        typer.Option("--version", is_eager=True, callback=_version, help="Show the version."),
    ] = False,
) -> None:
    """Create, open and examine ExposedApps."""


def _label(text: str | None) -> str | None:
    """What becomes a part of a request's path is a name and nothing else."""
    if text is not None and not LABEL.fullmatch(text):
        raise typer.BadParameter(f"'{text}' is no name: write at most 63 of a-z, 0-9 and '-'")
    return text


Name = Annotated[
    str, typer.Argument(help="Name of the ExposedApp.", show_default=False, callback=_label)
]
Namespace = Annotated[
    str | None,
    typer.Option(
        "--namespace",
        "-n",
        help="Default: that of the kubeconfig's context.",
        callback=_label,
    ),
]
Context = Annotated[str | None, typer.Option(help="Context of the kubeconfig.")]
Output = Annotated[Format | None, typer.Option("--output", "-o", help="For programs.")]
Timeout = Annotated[str, typer.Option(help="How long to wait, such as 90s, 2m or 1h30m.")]


@app.command(epilog=EXIT_CODES)
def create(
    name: Name,
    image: Annotated[str, typer.Option(help="Container image.", show_default=False)],
    port: Annotated[
        list[str],
        typer.Option(
            help="PORT[:TARGETPORT][/udp][@NODEPORT], such as 80:8080; again for each port.",
            show_default=False,
        ),
    ],
    replicas: Annotated[int | None, typer.Option(min=0, help="How many pods.")] = None,
    env: Annotated[
        list[str] | None, typer.Option(help="NAME=VALUE; again for each variable.")
    ] = None,
    service_type: Annotated[
        ServiceType | None,
        typer.Option("--type", case_sensitive=False, help="Type of the Service."),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only show it, for `kubectl apply -f -`.")
    ] = False,
    wait_ready: Annotated[bool, typer.Option("--wait", help="Wait until it is ready.")] = False,
    timeout: Timeout = "120s",
    output: Output = None,
    namespace: Namespace = None,
    context: Context = None,
) -> None:
    """Create an ExposedApp from an image."""
    seconds = _usage(parse_duration, timeout)
    body = _usage(
        lambda _: make_app(
            name,
            image,
            port,
            replicas=replicas,
            env=env or (),
            service_type=service_type and service_type.value,
            namespace=namespace,
        ),
        name,
    )
    if wrong := problems(body):
        raise Failure(Exit.USAGE, "\n".join(wrong))
    if dry_run:
        dump(body, output or Format.YAML)
        return

    from exposedapp.cli import online

    made = online.create(body, context, namespace)
    if not output:
        say(f"exposedapp/{name} created in namespace {made['metadata']['namespace']}")
    if wait_ready:
        made = online.wait_for(name, seconds, _tell, context, namespace)
    if output:
        dump(made, output)
    elif wait_ready:
        say(_url(made))


@app.command(epilog=EXIT_CODES)
def urls(
    name: Name,
    output: Annotated[
        WaysFormat | None, typer.Option("--output", "-o", help="Default: a table on a terminal.")
    ] = None,
    namespace: Namespace = None,
    context: Context = None,
) -> None:
    """Show every way in: URLs, DNS name, proxy path, cluster IPs, ports."""
    from exposedapp.cli import online

    found = online.find(name, context, namespace)
    known = ways(found)
    if output in (WaysFormat.JSON, WaysFormat.YAML):
        dump(known, output)
    elif known:
        show_rows(rows(known), plain=output == WaysFormat.PLAIN)
    if not known:
        raise Failure(Exit.UNWELL, f"{name} has no address yet. {verdict(found)}")


@app.command("open", epilog=EXIT_CODES)
def open_(name: Name, namespace: Namespace = None, context: Context = None) -> None:
    """Open the app in the browser."""
    from exposedapp.cli import online

    found = online.find(name, context, namespace)
    url, now = _url(found), verdict(found)
    if not now.ready or not url:
        raise Failure(
            Exit.UNWELL, f"{name} is not ready. {now}\n`exposedapp doctor {name}` tells more."
        )
    say(url)
    if url == ways(found).get("clusterURL"):
        raise Failure(Exit.UNWELL, f"this address is one inside the cluster; {_from_here(found)}")
    if not url.startswith(CLICKABLE):
        complain("This is nothing for a browser.")
    elif not webbrowser.open(url):
        complain("No browser was found.")


@app.command("wait", epilog=EXIT_CODES)
def wait_(
    name: Name,
    timeout: Timeout = "120s",
    output: Output = None,
    namespace: Namespace = None,
    context: Context = None,
) -> None:
    """Wait until the app is ready."""
    from exposedapp.cli import online

    seconds = _usage(parse_duration, timeout)
    found = online.wait_for(name, seconds, _tell, context, namespace)
    if output:
        dump(found, output)
    else:
        say(f"{name} is ready: {_url(found) or verdict(found).message}")


@app.command("render", epilog=EXIT_CODES)
def render_(
    file: Annotated[str, typer.Option("--filename", "-f", help="A file, or - for the input.")],
    output: Annotated[Format, typer.Option("--output", "-o")] = Format.YAML,
    namespace: Annotated[
        str | None, typer.Option("--namespace", "-n", help="Where the file names none.")
    ] = None,
) -> None:
    """Show the Deployment and Service that ExposedApps in a file will become; needs no cluster."""
    source = "standard input" if file == "-" else file
    try:
        text = sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Failure(Exit.USAGE, f"{source}: {error}") from error
    objects = list(render(documents(text, source), source, namespace))
    if not objects:
        raise Failure(Exit.USAGE, f"{source}: there is no ExposedApp in it")
    dump_objects(objects, output)


@app.command(epilog=EXIT_CODES)
def doctor(
    name: Name, output: Output = None, namespace: Namespace = None, context: Context = None
) -> None:
    """Find out where the way to the app breaks, tried from this machine."""
    from exposedapp.cli import online

    report = diagnose(online.examine(name, context, namespace))
    if output:
        dump(report.as_json(), output)
    else:
        show_report(report)
    raise typer.Exit(report.exit)


def _from_here(found: Json) -> str:
    """How to get to an app that has no address outside the cluster."""
    elsewhere = (found["spec"].get("service") or {}).get("externalName")
    if elsewhere:
        return f"it stands for {elsewhere}: open that"
    metadata = found["metadata"]
    return f"from here: {port_forward(metadata['namespace'], metadata['name'], found)}"


def _usage(parse: Callable[[str], T], text: str) -> T:
    try:
        return parse(text)
    except ValueError as error:
        raise Failure(Exit.USAGE, str(error)) from error


def _tell(now: Verdict) -> None:
    """Progress, for a person who watches."""
    if sys.stderr.isatty():
        complain(f"  {now}")


def _url(found: Json) -> str:
    return str((found.get("status") or {}).get("url") or "")
