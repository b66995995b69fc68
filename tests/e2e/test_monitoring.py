# SPDX-License-Identifier: Apache-2.0
"""An API server that knows Prometheus Operator's kinds accepts what the chart has for it."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
import yaml
from pytest_kind import KindCluster

from e2e.conftest import BIN, namespace_of
from e2e.support import ROOT, Json, Namespace, Refused, eventually

MODULE = ROOT / "tests" / "kind" / "prometheus-crds"
KINDS = {"ServiceMonitor": "servicemonitors", "PrometheusRule": "prometheusrules"}
GROUP = "monitoring.coreos.com"
RELABELING = {"action": "labeldrop", "regex": "pod"}
OPTIONS: Json = {
    "enabled": True,
    "scrapeTimeout": "5s",
    "honorLabels": True,
    "relabelings": [RELABELING],
    "metricRelabelings": [RELABELING],
}
"""Every option of the chart's ServiceMonitor that Prometheus Operator's schema has to know."""


def definitions() -> list[Path]:
    """The files of the CustomResourceDefinitions, in the Go module's folder in Go's cache."""
    if shutil.which("go") is None:
        pytest.skip("no Go: it brings Prometheus Operator's CustomResourceDefinitions")
    done = subprocess.run(
        ["go", "-C", MODULE, "mod", "download", "-json"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    folder = Path(json.loads(done.stdout)["Dir"]) / "example" / "prometheus-operator-crd"
    return [folder / f"{GROUP}_{plural}.yaml" for plural in KINDS.values()]


@pytest.fixture(scope="module")
def monitored(cluster: KindCluster) -> Iterator[Namespace]:
    """A namespace where Prometheus Operator's kinds are known, until the end."""
    files = [f"--filename={file}" for file in definitions()]
    with namespace_of(cluster) as namespace:
        try:
            namespace.kubectl("apply", "--server-side", *files)
            namespace.kubectl("wait", "--for=condition=Established", "--timeout=60s", *files)
            # Established is true a moment before the kind is served.
            for plural in KINDS.values():
                eventually(partial(namespace.names, f"{plural}.{GROUP}"))
            yield namespace
        finally:
            namespace.kubectl("delete", "--ignore-not-found", *files)


def rendered(namespace: Namespace) -> list[Json]:
    """The chart with all that it has for Prometheus, under a name that no other release has."""
    helm: list[str | Path] = [BIN / "helm", "template", namespace.name]
    helm += [ROOT / "deploy" / "chart" / "exposedapp", "--namespace", namespace.name]
    helm += ["--set=metrics.prometheusRule.enabled=true"]
    helm += [f"--set-json=metrics.serviceMonitor={json.dumps(OPTIONS)}"]
    helm += ["--set=image.repository=unused", "--skip-tests"]
    done = subprocess.run(helm, check=True, capture_output=True, text=True)
    return list(yaml.safe_load_all(done.stdout))


def accepted(namespace: Namespace, *objects: Json) -> set[str]:
    """What the API server would store, as kind.group/name; it refuses a field it does not know."""
    command = ["apply", "--dry-run=server", "--validate=strict", "-o", "name", "-f", "-"]
    return set(namespace.kubectl(*command, stdin=yaml.safe_dump_all(objects)).split())


def test_the_chart_is_accepted(monitored: Namespace) -> None:
    names = accepted(monitored, *rendered(monitored))
    name = f"{monitored.name}-exposedapp"
    assert {f"{kind.lower()}.{GROUP}/{name}" for kind in KINDS} <= names


def test_a_field_that_does_not_exist_is_refused(monitored: Namespace) -> None:
    """Else it would mean nothing that the chart is accepted."""
    objects = {item["kind"]: item for item in rendered(monitored)}
    rule, monitor = objects["PrometheusRule"], objects["ServiceMonitor"]
    rule["spec"]["groups"][0]["rules"][0]["fro"] = "5m"
    with pytest.raises(Refused, match=r'unknown field "spec\.groups\[0\]\.rules\[0\]\.fro"'):
        accepted(monitored, rule)
    monitor["spec"]["endpoints"][0]["every"] = "30s"
    with pytest.raises(Refused, match=r'unknown field "spec\.endpoints\[0\]\.every"'):
        accepted(monitored, monitor)
