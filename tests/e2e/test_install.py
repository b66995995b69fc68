# SPDX-License-Identifier: Apache-2.0
"""docs/install.md and what the chart prints after an install, done as they say."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_kind import KindCluster

from e2e.conftest import BIN, OPERATOR_NAMESPACE, RESTRICTED_NAMESPACE, Operator
from e2e.releases import current_image, uninstall
from e2e.support import DEMO_IMAGE, ROOT, Namespace, Refused, app

PUBLIC_IMAGE = "docker.io/nginxinc/nginx-unprivileged:stable"
CHART = ROOT / "deploy" / "chart" / "exposedapp"
MANIFESTS = ROOT / "deploy" / "manifests"
OLDEST_VALUES = ROOT / "tests" / "unit" / "repository" / "oldest-chart-values.yaml"
RELEASE = "exposedapp"
SHELL_SECONDS = 240


@pytest.fixture(autouse=True)
def current_release(operator: Operator) -> Iterator[None]:
    """Whatever a test has installed or removed: at its end, the operator of this tree."""
    yield
    operator.namespace.apply(RESTRICTED_NAMESPACE)
    operator.install()


def run(cluster: KindCluster, command: list[str | Path], text: str = "") -> str:
    """What a command prints, with kubectl and helm on the PATH; the text is its input."""
    done = subprocess.run(
        command,
        env={
            **os.environ,
            "KUBECONFIG": str(cluster.kubeconfig_path),
            "PATH": f"{BIN}:{os.environ['PATH']}",
        },
        input=text,
        capture_output=True,
        text=True,
        timeout=SHELL_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "here-document" not in done.stderr
    return done.stdout


def helm(cluster: KindCluster, *words: str) -> str:
    return run(cluster, ["helm", "--namespace", OPERATOR_NAMESPACE, *words])


def commands(notes: str) -> str:
    """The paragraphs that begin with a command, with an image that this cluster has."""
    assert PUBLIC_IMAGE in notes
    paragraphs = notes.replace(PUBLIC_IMAGE, DEMO_IMAGE).split("\n\n")
    return "\n\n".join(part for part in paragraphs if part.startswith("kubectl ")) + "\n"


def test_the_notes_of_the_chart_lead_to_an_app_that_is_ready(cluster: KindCluster) -> None:
    notes = helm(cluster, "get", "notes", RELEASE)
    try:
        printed = run(cluster, ["bash", "-e"], commands(notes))
    finally:
        Namespace(cluster, "default").kubectl("delete", "xapp", "hello", "--ignore-not-found")
    [line] = [line for line in printed.splitlines() if line.startswith("hello ")]
    name, url, is_ready, *_ = line.split()
    assert (name, is_ready) == ("hello", "True")
    assert url.startswith("http://")


def test_helm_test_exposes_an_app_and_leaves_nothing(
    cluster: KindCluster, operator: Operator
) -> None:
    assert ": 200" in helm(cluster, "test", RELEASE, "--logs")
    assert operator.namespace.names("xapp") == []
    assert operator.namespace.names("serviceaccount") == ["default", "exposedapp"]


def test_a_rollback_leaves_the_apps_as_they_are(cluster: KindCluster, namespace: Namespace) -> None:
    namespace.apply(app("hello"))
    url = namespace.wait_ready("hello")["status"]["url"]
    values = ("--reset-then-reuse-values", "--set", "logLevel=DEBUG", "--wait")
    helm(cluster, "upgrade", RELEASE, str(CHART), *values)
    helm(cluster, "rollback", RELEASE, "--wait")
    assert namespace.wait_ready("hello")["status"]["url"] == url


def test_an_upgrade_reuses_the_values_of_an_older_chart(
    cluster: KindCluster, namespace: Namespace, tmp_path: Path
) -> None:
    """argo-helm#1114, cilium#18115: what has been added since then has its default."""
    older = tmp_path / "exposedapp"
    shutil.copytree(CHART, older)
    shutil.copy(OLDEST_VALUES, older / "values.yaml")
    repository, _, tag = current_image().rpartition(":")
    image = (f"--set=image.repository={repository}", f"--set=image.tag={tag}")
    helm(cluster, "upgrade", RELEASE, str(older), "--reset-values", *image, "--wait")
    helm(cluster, "upgrade", RELEASE, str(CHART), "--reuse-values", "--wait")
    namespace.apply(app("hello"))
    namespace.wait_ready("hello")


def test_without_helm(cluster: KindCluster, namespace: Namespace) -> None:
    """Refused without an image; with one it works; deleting it deletes no app."""
    uninstall(cluster, RELEASE)
    operator = Namespace(cluster, OPERATOR_NAMESPACE)
    operator.kubectl("apply", "--server-side", "-f", str(MANIFESTS / "crd.yaml"))
    with pytest.raises(Refused, match=r"image: Required value"):
        operator.kubectl("apply", "--server-side", "-f", str(MANIFESTS / "operator.yaml"))
    with_image = run(
        cluster,
        ["sed", f"s,image: .*,image: {current_image()},", MANIFESTS / "operator.yaml"],
    )
    operator.kubectl("apply", "--server-side", "-f", "-", stdin=with_image)
    operator.kubectl("rollout", "status", "deployment/exposedapp", "--timeout=60s")
    namespace.apply(app("hello"))
    namespace.wait_ready("hello")
    operator.kubectl("delete", "-f", str(MANIFESTS / "operator.yaml"), "--timeout=60s")
    assert namespace.names("xapp") == namespace.names("deployment") == ["hello"]


def test_an_app_that_is_deleted_without_its_children_leaves_them(namespace: Namespace) -> None:
    namespace.apply(app("hello"))
    namespace.wait_ready("hello")
    before = namespace.names("pods")
    namespace.kubectl("delete", "xapp", "hello", "--cascade=orphan", "--timeout=60s")
    for kind in ("deployment", "service"):
        assert "ownerReferences" not in namespace.get(kind, "hello")["metadata"]
    assert namespace.names("pods") == before
