# SPDX-License-Identifier: Apache-2.0
"""API servers of several Kubernetes versions: every test runs against each of them.

`pytest tests/matrix --kubernetes 1.29 --kubernetes 1.37`, or `--kubernetes all`; without the
option, against the oldest and the newest. tests/matrix/build.sh builds them. `--table FILE` writes
the results into a page.
"""

import json
import os
import re
import subprocess
import sys
from collections import defaultdict
from collections.abc import AsyncIterator, Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import pytest

from e2e.admission import ADMISSION_NAME
from e2e.support import Namespace, eventually
from e2e.support import api_server as client_of
from exposedapp.kube.client import KubeClient
from matrix.api_server import OPERATOR, ROOT, ApiServer, running
from matrix.helm import CHART, helm
from matrix.table import Results, render, replace_table
from support.programs import process
from support.sockets import free_port

HERE = Path(__file__).parent
CRD = CHART / "files" / "crd.yaml"
OPERATOR_NAMESPACE = "exposedapp-system"
REVIEWED = {"reviewed": "true"}
"""The label of namespaces whose apps the webhook reviews."""
KUBERNETES = re.compile(r"^\s*k8s\.io/kubernetes (v\S+)", re.MULTILINE)

RESULTS = pytest.StashKey[dict[tuple[str, str], Results]]()
"""By version and module."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--kubernetes", action="append", metavar="MINOR", help="such as 1.29; or all")
    parser.addoption("--table", type=Path, metavar="FILE", help="a page to write the results to")


def pytest_configure(config: pytest.Config) -> None:
    config.stash[RESULTS] = defaultdict(Results)


def minors(config: pytest.Config) -> list[str]:
    """The minor versions to test, the oldest first."""
    done = subprocess.run(
        [HERE / "build.sh", "--minors"], capture_output=True, text=True, check=True
    )
    known = done.stdout.split()
    chosen = config.getoption("--kubernetes") or [known[0], known[-1]]
    return [minor for minor in known if minor in chosen or "all" in chosen]


def version_of(minor: str) -> str:
    """As the module has it, such as v1.29.15."""
    match = KUBERNETES.search((HERE / f"v{minor}" / "go.mod").read_text())
    assert match
    return match[1]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "api_server" in metafunc.fixturenames:
        metafunc.parametrize("api_server", minors(metafunc.config), indirect=True, scope="session")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if isinstance(item, pytest.Function) and (report.when == "call" or not report.passed):
        version = version_of(str(item.callspec.params["api_server"]))
        results = item.config.stash[RESULTS][version, Path(item.path).stem]
        if report.skipped:
            results.left_out.add(str(call.excinfo.value) if call.excinfo else "")
        elif report.passed:
            results.passed += 1
        else:
            results.failed += 1
    return report


def pytest_sessionfinish(session: pytest.Session) -> None:
    page: Path | None = session.config.getoption("--table")
    results = session.config.stash[RESULTS]
    if page and results:
        page.write_text(replace_table(page.read_text(), render(results)))


@pytest.fixture(scope="session")
def api_server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ApiServer]:
    """The API server of one version."""
    minor: str = request.param
    with running(minor, tmp_path_factory.mktemp(f"v{minor}-")) as server:
        assert server.version == version_of(minor)
        yield server


@pytest.fixture(scope="session")
def definition(api_server: ApiServer) -> ApiServer:
    """The API server once it serves ExposedApps."""
    file = f"--filename={CRD}"
    api_server.kubectl("apply", "--server-side", file)
    # kubectl fails at a definition that has no conditions yet.
    wait = ("wait", "--for=condition=Established", "--timeout=30s", file)
    eventually(lambda: api_server.kubectl(*wait))
    # Established is true a moment before the kind is served.
    eventually(lambda: api_server.kubectl("get", "xapp"))
    return api_server


def new_namespace(server: ApiServer) -> Namespace:
    """A namespace that no other test has."""
    namespace = Namespace(server, f"test-{uuid4().hex[:8]}")
    namespace.kubectl("create", "namespace", namespace.name)
    return namespace


@pytest.fixture
def namespace(definition: ApiServer) -> Namespace:
    return new_namespace(definition)


def lead_to_this_machine(server: ApiServer, port: int) -> None:
    """Have the API server find the webhook's Service at localhost, where there is no kube-proxy.

    Of a Service of type ExternalName it calls the name, at the webhook's own port.
    """
    service = Namespace(server, OPERATOR_NAMESPACE)
    service.kubectl("delete", "service", ADMISSION_NAME)
    service.kubectl(
        "create", "service", "externalname", ADMISSION_NAME, "--external-name=localhost"
    )
    change = [{"op": "replace", "path": "/webhooks/0/clientConfig/service/port", "value": port}]
    target = ("validatingwebhookconfiguration", ADMISSION_NAME)
    server.kubectl("patch", *target, "--type=json", f"--patch={json.dumps(change)}")


@dataclass(frozen=True, slots=True)
class Operator:
    """The operator's process, with the rights that the chart gives it."""

    api_server: ApiServer
    log: Path


@pytest.fixture(scope="session")
def operator(definition: ApiServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Operator]:
    """The operator at work, until the end. Its log must show no traceback, and no missing right.

    Its admission webhook reviews apps in the namespaces that are labelled for it.
    """
    flags = ("--create-namespace", "--take-ownership", "--set=admission.enabled=true")
    selector = f"--set-json=admission.namespaceSelector={json.dumps({'matchLabels': REVIEWED})}"
    helm(definition, "install", "exposedapp", CHART, *flags, selector, namespace=OPERATOR_NAMESPACE)
    admission_port = free_port()
    lead_to_this_machine(definition, admission_port)
    log = tmp_path_factory.mktemp("operator") / "operator.log"
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT / "operator"),
        "KUBECONFIG": str(definition.kubeconfig(OPERATOR)),
        "EXPOSEDAPP_LEASE_NAMESPACE": OPERATOR_NAMESPACE,
        "EXPOSEDAPP_HEALTH_PORT": str(free_port()),
        "EXPOSEDAPP_METRICS_PORT": "0",
        "EXPOSEDAPP_PROBE": "false",
        "EXPOSEDAPP_ADMISSION_PORT": str(admission_port),
        "EXPOSEDAPP_ADMISSION_REFERENCES": "ConfigMap,ServiceAccount",
    }
    with process([sys.executable, "-m", "exposedapp.main"], log, environment) as running_process:
        yield Operator(definition, log)
        assert running_process.poll() is None, log.read_text()
    assert "Traceback" not in log.read_text()
    assert "forbidden" not in log.read_text()


@pytest.fixture
async def client(definition: ApiServer) -> AsyncIterator[KubeClient]:
    """The operator's own API client."""
    async with client_of(definition, KubeClient) as kube_client:
        yield kube_client
