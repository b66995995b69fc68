# SPDX-License-Identifier: Apache-2.0
"""The cluster and the operator in it, for the end-to-end tests."""

import fcntl
import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import pytest
from pytest_kind import KindCluster

from e2e.support import ROOT, Namespace, built_image, eventually

BIN = ROOT / "build" / "bin"
OPERATOR_NAMESPACE = "exposedapp-system"
REPLICAS = 2
PODS = ("--selector", "app.kubernetes.io/name=exposedapp")
RESTRICTED_NAMESPACE = {
    "apiVersion": "v1",
    "kind": "Namespace",
    "metadata": {
        "name": OPERATOR_NAMESPACE,
        "labels": {"pod-security.kubernetes.io/enforce": "restricted"},
    },
}


def local_cluster(folder: Path) -> KindCluster:
    """The cluster of `make cluster`; changes the working directory to a folder of the caller's."""
    # pytest-kind puts its folder into the working directory.
    os.chdir(folder)
    kind_cluster = KindCluster(
        "exposedapp",
        kubeconfig=ROOT / "build" / "kubeconfig",
        kind_path=BIN / "kind",
        kubectl_path=BIN / "kubectl",
    )
    kind_cluster.create(ROOT / "tests" / "kind" / "three-nodes.yaml")
    return kind_cluster


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> KindCluster:
    """The cluster of `make cluster`; it is kept for the next run."""
    return local_cluster(tmp_path_factory.mktemp("kind"))


class Operator:
    """The operator as a person installs it, with what a test may do to it."""

    def __init__(self, cluster: KindCluster) -> None:
        self.namespace = Namespace(cluster, OPERATOR_NAMESPACE)
        self._log = ""

    def install(self) -> None:
        """Installs or upgrades the chart with the image built from this tree."""
        repository, _, tag = built_image("OPERATOR_IMAGE").rpartition(":")
        helm: list[str | Path] = [BIN / "helm", "upgrade", "--install", "exposedapp"]
        helm += [ROOT / "deploy" / "chart" / "exposedapp", "--create-namespace"]
        helm += ["--namespace", OPERATOR_NAMESPACE, "--wait", "--timeout", "120s"]
        helm += ["--take-ownership"]  # of a CRD that `make dev` applied
        helm += ["--set", f"image.repository={repository}", "--set", f"image.tag={tag}"]
        environment = {**os.environ, "KUBECONFIG": str(self.namespace.cluster.kubeconfig_path)}
        subprocess.run(helm, check=True, env=environment, capture_output=True)

    def stop(self) -> None:
        """Ends the operator's pods and waits until they are deleted."""
        self._log = self.logs()
        self.namespace.kubectl("scale", "deployment/exposedapp", "--replicas=0")
        self.namespace.kubectl("wait", "pod", "--all", "--for=delete", "--timeout=60s")

    def start(self) -> None:
        """Starts the operator and waits until it answers its probes."""
        self.namespace.kubectl("scale", "deployment/exposedapp", f"--replicas={REPLICAS}")
        self.namespace.kubectl("rollout", "status", "deployment/exposedapp", "--timeout=60s")

    def logs(self) -> str:
        """The operator's log since it was installed."""
        return self._log + self.namespace.kubectl("logs", *PODS, "--tail=-1")


@pytest.fixture(scope="session")
def operator(cluster: KindCluster) -> Iterator[Operator]:
    """The operator, installed by Helm. At the end its log must show no traceback."""
    installed = Operator(cluster)
    # Tests that share the cluster run in several processes, and each of them comes here.
    with (ROOT / "build" / "e2e-install.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        installed.namespace.apply(RESTRICTED_NAMESPACE)
        installed.install()
    yield installed
    assert "Traceback" not in installed.logs()


def reconciled_apps(cluster: KindCluster) -> int:
    """Number of apps that the leading operator has reconciled, by its own metrics."""
    operator = Namespace(cluster, OPERATOR_NAMESPACE)
    pods = json.loads(operator.kubectl("get", "pods", *PODS, "-o", "json"))["items"]
    counts = [0]
    for pod in (pod for pod in pods if "deletionTimestamp" not in pod["metadata"]):
        name = pod["metadata"]["name"]
        path = f"/api/v1/namespaces/{OPERATOR_NAMESPACE}/pods/{name}:8081/proxy/metrics"
        lines = operator.kubectl("get", "--raw", path).splitlines()
        prefix = 'exposedapp_apps{condition="Ready"'
        values = [float(line.rpartition(" ")[2]) for line in lines if line.startswith(prefix)]
        counts.append(round(sum(values)))
    return max(counts)


@contextmanager
def namespace_of(cluster: KindCluster) -> Iterator[Namespace]:
    """A new namespace, deleted at the end."""
    namespace = Namespace(cluster, f"test-{uuid4().hex[:8]}")
    namespace.kubectl("create", "namespace", namespace.name)
    eventually(lambda: namespace.get("serviceaccount", "default"))
    try:
        yield namespace
    finally:
        namespace.kubectl("delete", "namespace", namespace.name, "--wait=false")


@pytest.fixture
def namespace(cluster: KindCluster, operator: Operator) -> Iterator[Namespace]:
    """A namespace of the test's own, with the operator at work."""
    with namespace_of(cluster) as created:
        yield created


@pytest.fixture(scope="session")
def single_node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KindCluster]:
    """A second cluster, of one node, with ten node ports and with IPv6, with the operator at work.

    Who needs it runs last, see below: two clusters at a time are much for a small machine.
    """
    scripts = ROOT / "tests" / "kind"
    subprocess.run([scripts / "cluster.sh", "up", "single-node"], check=True, capture_output=True)
    subprocess.run([scripts / "images.sh", "single-node"], check=True, capture_output=True)
    os.chdir(tmp_path_factory.mktemp("kind"))
    kind_cluster = KindCluster(
        "exposedapp-single",
        kubeconfig=ROOT / "build" / "kubeconfig-single",
        kind_path=BIN / "kind",
        kubectl_path=BIN / "kubectl",
    )
    kind_cluster.create(ROOT / "tests" / "kind" / "single-node.yaml")
    operator = Operator(kind_cluster)
    operator.namespace.apply(RESTRICTED_NAMESPACE)
    operator.install()
    yield kind_cluster
    assert "Traceback" not in operator.logs()
    subprocess.run([scripts / "cluster.sh", "down", "single-node"], check=True, capture_output=True)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The tests on the second cluster come last and together, so that it is created once."""
    items.sort(key=lambda item: "single_node" in getattr(item, "fixturenames", ()))


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """When something failed, keeps the operator's log where a person finds it."""
    if session.testsfailed and (BIN / "kubectl").exists():
        process = os.environ.get("PYTEST_XDIST_WORKER", "main")
        target: Path = ROOT / "build" / "logs" / f"operator-after-failed-e2e-{process}.log"
        target.parent.mkdir(parents=True, exist_ok=True)
        command: list[str | Path] = [BIN / "kubectl", "--namespace", OPERATOR_NAMESPACE]
        command += ["logs", *PODS, "--prefix", "--tail=-1"]
        environment = {**os.environ, "KUBECONFIG": str(ROOT / "build" / "kubeconfig")}
        with target.open("wb") as file:
            subprocess.run(command, check=False, env=environment, stdout=file, stderr=file)
