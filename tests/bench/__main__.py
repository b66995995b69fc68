# SPDX-License-Identifier: Apache-2.0
"""`python -m bench`: see README.md."""

import asyncio
import dataclasses
import fcntl
import json
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.console import Console

from bench.client import KUBECONFIG, ROOT, Api, Json, Refused
from bench.comparison import compare
from bench.environment import Busy, apply_crd, check_alone, fake_nodes
from bench.machine import commit, machine, wait_for_quiet
from bench.metrics import lines
from bench.operators import Subject, subjects
from bench.plot import plot, saved
from bench.processes import Ended
from bench.progress import show_progress
from bench.run import ROWS, run
from bench.session import SIZES, Size
from bench.table import WIDTH, render

RESULTS = ROOT / "docs" / "benchmarks"
SUBJECTS = "floor,tutorial,go,operator"
LARGE_SUBJECTS = "floor,go,operator"
LARGE_ROWS = ["storm", "flip", "burst", "heartbeats", "restart", "idle"]

cli = typer.Typer(pretty_exceptions_enable=False, add_completion=False)


@cli.command()
def main(
    rows: Annotated[
        list[str] | None, typer.Argument(help=f"Of {', '.join(ROWS)}; without any: all.")
    ] = None,
    size: Annotated[str, typer.Option(help=f"One of {', '.join(SIZES)}.")] = "default",
    subject: Annotated[str, typer.Option(help="Subjects to measure, in this order.")] = "",
    repeat: Annotated[int, typer.Option(min=1, help="Rounds; the median counts.")] = 1,
    apps: Annotated[int | None, typer.Option(min=1, help="How many apps.")] = None,
    nodes: Annotated[int | None, typer.Option(min=8, help="How many fake nodes.")] = None,
    idle_seconds: Annotated[float, typer.Option(min=1, help="How long to watch idleness.")] = 30,
    *,
    save: Annotated[bool, typer.Option(help="Write the results into docs/benchmarks/.")] = False,
) -> None:
    """Measures the floor, operators in Go and after kopf's tutorial, and this one."""
    if size not in SIZES:
        raise typer.BadParameter(f"no size {size}: one of {', '.join(SIZES)}")
    chosen = SIZES[size]
    selected = rows or (list(ROWS) if size == "default" else LARGE_ROWS)
    if unknown := set(selected) - set(ROWS):
        raise typer.BadParameter(f"no row {', '.join(unknown)}: of {', '.join(ROWS)}")
    measured = _measured(subject or (SUBJECTS if size == "default" else LARGE_SUBJECTS))
    chosen = dataclasses.replace(
        chosen,
        apps=apps or chosen.apps,
        nodes=nodes or chosen.nodes,
        idle_seconds=idle_seconds,
    )
    try:
        with _exclusive():
            report = asyncio.run(_run(measured, selected, chosen, repeat))
    except (Busy, Refused, Ended, OSError) as error:
        print(f"The benchmark could not be run: {error}", file=sys.stderr)
        raise typer.Exit(1) from None
    except (asyncio.CancelledError, KeyboardInterrupt):
        print("Ended; what it had created is deleted.", file=sys.stderr)
        raise typer.Exit(130) from None
    _show(report, {item.name: item.title for item in measured}, save=save)
    if report["failures"]:
        raise typer.Exit(1)


def _measured(names: str) -> list[Subject]:
    known = subjects()
    if unknown := set(names.split(",")) - set(known):
        raise typer.BadParameter(f"no subject {', '.join(unknown)}: of {', '.join(known)}")
    return [known[name] for name in names.split(",")]


@contextmanager
def _exclusive() -> Iterator[None]:
    """Wait until no other benchmark runs: two on one cluster would measure each other."""
    with (ROOT / "build" / "bench.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            show_progress("waiting for another benchmark to end (build/bench.lock)")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


async def _run(measured: list[Subject], rows: list[str], size: Size, repeat: int) -> Json:
    task = asyncio.current_task()
    if task:
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    async with Api.connect(KUBECONFIG) as api:
        await apply_crd(api)
        await check_alone(api)
        async with fake_nodes(api, size.nodes) as fakes:
            await wait_for_quiet()
            where = await machine(api)
            results = await run(api, measured, rows, size, fakes, repeat)
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "commit": commit(),
        "machine": where,
        "size": dataclasses.asdict(size),
        "rows": rows,
        "repeat": repeat,
        **results.as_json(),
    }


def _show(report: Json, titles: dict[str, str], *, save: bool) -> None:
    scale = report["size"]["name"]
    comparison = compare(saved(RESULTS, scale), report)
    shown = render(report, lines(report["values"], scale), titles, comparison)
    Console(width=None if sys.stdout.isatty() else WIDTH).print(shown)
    if not save:
        return
    if report["failures"]:
        print("Not saved: something failed.", file=sys.stderr)
        return
    RESULTS.mkdir(parents=True, exist_ok=True)
    name = f"{report['date'][:10]}-{report['commit']}" + (f"-{scale}" if scale != "default" else "")
    (RESULTS / f"{name}.json").write_text(json.dumps(report, indent=1) + "\n")
    with (RESULTS / f"{name}.txt").open("w") as file:
        Console(file=file, width=WIDTH).print(shown)
    curve = RESULTS / f"curve-{scale}.png"
    plot(saved(RESULTS, scale), curve)
    print(f"Saved: docs/benchmarks/{name}.json, .txt, {curve.relative_to(ROOT)}")


cli()
