# SPDX-License-Identifier: Apache-2.0
"""`python -m dashboard`: draws docs/images/dashboard.png. Run by `make dashboard`.

The operator in the cluster of `make cluster` gets work for some minutes, and a Prometheus server on
this machine scrapes it. Then that server runs every query of the dashboard's file, and every panel
is drawn. Fails when a query does, or has no answer: so it is a test of each of them.
"""

import base64
import json
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from dashboard.panels import FILE, check_other_queries, digest, read_panels
from dashboard.picture import draw, save
from dashboard.prometheus import Prometheus, Span, prometheus
from dashboard.work import give_work
from e2e.conftest import OPERATOR_NAMESPACE, PODS, Operator, local_cluster, namespace_of
from e2e.releases import CHART, helm
from e2e.support import ROOT, eventually

PICTURE = ROOT / "docs" / "images" / "dashboard.png"
SCRAPE_SECONDS = 5
STEP_SECONDS = 5
JOB = "exposedapp-metrics"
"""As Prometheus Operator names it: after the Service."""


def scrape_configuration(operator: Operator) -> dict[str, Any]:
    """The operator's pods as targets, through the API server: this machine may not reach them."""
    pods = json.loads(operator.namespace.kubectl("get", "pods", *PODS, "-o", "json"))["items"]
    kubeconfig = yaml.safe_load(operator.namespace.cluster.kubeconfig_path.read_text())
    [cluster], [user] = kubeconfig["clusters"], kubeconfig["users"]
    return {
        "job_name": JOB,
        "scrape_interval": f"{SCRAPE_SECONDS}s",
        "scheme": "https",
        "tls_config": {
            "ca": _decoded(cluster["cluster"]["certificate-authority-data"]),
            "cert": _decoded(user["user"]["client-certificate-data"]),
            "key": _decoded(user["user"]["client-key-data"]),
        },
        "static_configs": [
            {
                "targets": [cluster["cluster"]["server"].removeprefix("https://")],
                "labels": {
                    "__metrics_path__": f"/api/v1/namespaces/{OPERATOR_NAMESPACE}/pods/"
                    f"{pod['metadata']['name']}:8081/proxy/metrics",
                    "instance": f"{pod['status']['podIP']}:8081",
                },
            }
            for pod in pods
            if "deletionTimestamp" not in pod["metadata"]
        ],
    }


@contextmanager
def admitting_operator(folder: Path) -> Iterator[Operator]:
    """The operator, installed with its webhook; at the end without it, as `make e2e` has it."""
    operator = Operator(local_cluster(folder))
    operator.install()
    webhook = ["--reset-then-reuse-values", "--set=admission.enabled=true"]
    waiting = ["--wait", "--timeout", "120s"]
    try:
        helm(operator.namespace.cluster, "upgrade", "exposedapp", CHART, *webhook, *waiting)
        eventually(lambda: _has_no_former_pods(operator))
        yield operator
    finally:
        operator.install()


def record(server: Prometheus, operator: Operator) -> Span:
    """Give the operator work while the server scrapes it; from when to when."""

    def is_scraped() -> None:
        assert server.down_targets() == []

    eventually(is_scraped)
    start = time.time()
    with namespace_of(operator.namespace.cluster) as namespace:
        give_work(namespace)
        return Span(start, time.time(), STEP_SECONDS)


def main() -> None:
    """Write docs/images/dashboard.png."""
    text = FILE.read_text()
    dashboard = json.loads(text)
    with tempfile.TemporaryDirectory() as folder, admitting_operator(Path(folder)) as operator:
        with prometheus(Path(folder), scrape_configuration(operator)) as server:
            span = record(server, operator)
            check_other_queries(dashboard, server.query, span)
            panels = read_panels(dashboard, server.query, span, SCRAPE_SECONDS)
        save(draw(panels, span.times, dashboard["title"]), PICTURE, digest(text))


def _has_no_former_pods(operator: Operator) -> None:
    deployment = operator.namespace.get("deployment", "exposedapp")
    assert len(operator.namespace.names("pods", PODS[1])) == deployment["spec"]["replicas"]


def _decoded(data: str) -> str:
    return base64.b64decode(data).decode()


if __name__ == "__main__":
    main()
