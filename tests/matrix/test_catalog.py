# SPDX-License-Identifier: Apache-2.0
"""The catalog on every version, with the rights that the chart gives it, and with no others."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from e2e.support import Namespace, app, eventually, fetch
from matrix.api_server import CATALOG, ROOT, ApiServer
from matrix.conftest import OPERATOR_NAMESPACE
from matrix.helm import CHART, helm
from support.programs import process
from support.sockets import free_port

VERBS = ("get", "list", "watch", "create", "update", "patch", "delete")
ON = ("--set=catalog.enabled=true", "--show-only=templates/catalog.yaml")


@pytest.fixture
def catalog(definition: ApiServer, tmp_path: Path) -> Iterator[str]:
    """The URL of the catalog's process."""
    namespace = Namespace(definition, OPERATOR_NAMESPACE)
    if OPERATOR_NAMESPACE not in namespace.names("namespace"):
        namespace.kubectl("create", "namespace", OPERATOR_NAMESPACE)
    objects = helm(definition, "template", "exposedapp", CHART, *ON, namespace=OPERATOR_NAMESPACE)
    namespace.kubectl("apply", "--filename=-", stdin=objects)
    log, port = tmp_path / "catalog.log", free_port()
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT / "operator"),
        "KUBECONFIG": str(definition.kubeconfig(CATALOG)),
    }
    command = [sys.executable, "-m", "exposedapp.catalog", f"--port={port}"]
    with process(command, log, environment):
        url = f"http://localhost:{port}/"
        eventually(lambda: fetch(f"{url}readyz"))
        yield url
    assert "Traceback" not in log.read_text()
    assert "forbidden" not in log.read_text()
    namespace.kubectl("delete", "--filename=-", "--wait=false", stdin=objects)


def test_apps_appear_change_and_are_deleted(catalog: str, namespace: Namespace) -> None:
    key = f'data-key="{namespace.name}/web"'
    namespace.apply(app("web"))
    eventually(lambda: is_shown(catalog, key))
    namespace.kubectl("delete", "xapp", "web")
    eventually(lambda: is_not_shown(catalog, key))


def is_shown(url: str, text: str) -> None:
    assert text in fetch(url)


def is_not_shown(url: str, text: str) -> None:
    assert text not in fetch(url)


def test_its_account_reads_exposedapps_and_nothing_else(catalog: str, namespace: Namespace) -> None:
    everywhere = "--all-namespaces"
    may = [verb for verb in VERBS if namespace.may(CATALOG, verb, "exposedapps", everywhere)]
    assert may == [*VERBS[:3]]
    for other in ("secrets", "pods", "services", "nodes", "deployments.apps"):
        assert not namespace.may(CATALOG, "get", other, everywhere)
