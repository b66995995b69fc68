# SPDX-License-Identifier: Apache-2.0
"""The cluster for the fault tests, and the table of what was measured."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator
from pathlib import Path

import pytest

from faults.api_server import ROOT, ApiServer
from faults.cluster import prepare_cluster, restore_cluster
from faults.interference import write_name
from faults.operator import Operator, running_operator
from faults.scenario import (
    BEFORE,
    CHANGES,
    ONE_APP,
    Apps,
    State,
    Step,
    StepRun,
    new_namespace,
    settle,
)

TABLE = ROOT / "build" / "faults.md"
RECOVERED = "recovered in"
"""The property in which a test reports the seconds."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add --short: the part that `make test` runs."""
    parser.addoption("--short", action="store_true", help="only what is marked short")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "short: part of --short")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--short"):
        config.hook.pytest_deselected(items=[item for item in items if not _is_short(item)])
        items[:] = [item for item in items if _is_short(item)]


def _is_short(item: pytest.Item) -> bool:
    return item.get_closest_marker("short") is not None


@pytest.fixture(scope="session", autouse=True)
def prepared_cluster() -> Iterator[None]:
    """Install the CRD, and stop the operator in the cluster meanwhile."""
    replicas = asyncio.run(prepare_cluster())
    yield
    asyncio.run(restore_cluster(replicas))


@pytest.fixture
async def api() -> AsyncIterator[ApiServer]:
    """The API server without the proxy."""
    async with ApiServer.connect() as server:
        yield server


@pytest.fixture
async def apps(api: ApiServer) -> AsyncIterator[Apps]:
    """A namespace for a test."""
    namespace = await new_namespace(api)
    yield Apps(api, namespace)
    await api.delete(f"/api/v1/namespaces/{namespace}")


@pytest.fixture(scope="session")
def undisturbed(
    prepared_cluster: None, tmp_path_factory: pytest.TempPathFactory
) -> tuple[State, State]:
    """The states after BEFORE and after CHANGES when nothing interferes."""
    runs = asyncio.run(_run_undisturbed(tmp_path_factory.mktemp("all"), (BEFORE, *CHANGES)))
    return runs[0].state, runs[-1].state


@pytest.fixture(scope="session")
def undisturbed_app(
    prepared_cluster: None, tmp_path_factory: pytest.TempPathFactory
) -> list[StepRun]:
    """The steps of ONE_APP when nothing interferes."""
    return asyncio.run(_run_undisturbed(tmp_path_factory.mktemp("one"), ONE_APP.values()))


async def _run_undisturbed(folder: Path, steps: Iterable[Step]) -> list[StepRun]:
    async with ApiServer.connect() as api:
        apps = Apps(api, await new_namespace(api))
        async with running_operator(api, folder, apps.namespace) as operator:
            runs = [await _run_step(step, apps, operator) for step in steps]
            assert "Traceback" not in operator.log, operator.log
        await api.delete(f"/api/v1/namespaces/{apps.namespace}")
        return runs


async def _run_step(step: Step, apps: Apps, operator: Operator) -> StepRun:
    start = len(operator.proxy.calls)
    await step(apps)
    state = await settle(apps)
    calls = [call for call in operator.proxy.calls[start:] if call.namespace == apps.namespace]
    return StepRun(state, [name for call in calls if (name := write_name(call))])


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the table of recoveries, and write it to build/."""
    rows = [
        f"| {report.nodeid.partition('[')[2].rstrip(']')} | {seconds:.1f} |"
        for report in terminalreporter.stats.get("passed", ())
        for name, seconds in report.user_properties
        if name == RECOVERED and report.when == "call"
    ]
    if rows:
        table = "\n".join(["| fault | seconds until recovery |", "|---|---|", *rows])
        TABLE.write_text(table + "\n")
        terminalreporter.write_line(table)
