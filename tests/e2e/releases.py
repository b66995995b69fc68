# SPDX-License-Identifier: Apache-2.0
"""Installs the operator as an earlier or a later release: other code, another chart, another name.

Used by test_upgrade.py.
"""

import json
import os
import subprocess
from pathlib import Path

import pytest
from pytest_kind import KindCluster

from e2e.conftest import BIN, OPERATOR_NAMESPACE, PODS
from e2e.support import ROOT, Namespace, built_image

CHART = ROOT / "deploy" / "chart" / "exposedapp"

FORMER_COMMIT = "8020840ae0e1821b49bac8c2894d45cd8484db9b"
"""One operator without a standby, and the chart that goes with it."""

DOCKERFILE = """\
ARG BASE
FROM ${BASE}
USER root
RUN ["python3", "-c", "import shutil; shutil.rmtree('/app/exposedapp')"]
COPY exposedapp /app/exposedapp
USER 65532:65532
"""


def helm(cluster: KindCluster, *words: str | Path) -> None:
    """Run helm for the operator's namespace."""
    environment = {**os.environ, "KUBECONFIG": str(cluster.kubeconfig_path)}
    command = [BIN / "helm", "--namespace", OPERATOR_NAMESPACE, *words]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def install(cluster: KindCluster, release: str, chart: Path, image: str) -> None:
    """Install or upgrade a release, and wait until its operators are ready."""
    repository, _, tag = image.rpartition(":")
    values = [f"--set=image.repository={repository}", f"--set=image.tag={tag}", "--reset-values"]
    waiting = ["--wait", "--timeout", "120s", "--take-ownership"]
    # Whoever applied the plain manifests before owns fields of the CustomResourceDefinition.
    helm(cluster, "upgrade", "--install", release, chart, *values, *waiting, "--force-conflicts")


def uninstall(cluster: KindCluster, release: str) -> None:
    """Uninstall a release, and wait until its operators have ended."""
    helm(cluster, "uninstall", release, "--wait", "--timeout", "60s")
    operator = Namespace(cluster, OPERATOR_NAMESPACE)
    operator.kubectl("wait", "pod", *PODS, "--for=delete", "--timeout=60s")


def current_image() -> str:
    """The image of this tree."""
    return built_image("OPERATOR_IMAGE")


def former_tree(folder: Path) -> Path:
    """The operator and the chart of FORMER_COMMIT; skips where the history is not there."""
    command: list[str | Path] = [
        "git",
        "-C",
        ROOT,
        "archive",
        FORMER_COMMIT,
        "operator",
        "deploy/chart",
    ]
    done = subprocess.run(command, capture_output=True, check=False)
    if done.returncode:
        pytest.skip(f"no commit {FORMER_COMMIT}: git fetch --unshallow")
    subprocess.run(["tar", "--extract", "--directory", folder], input=done.stdout, check=True)
    return folder


def build_image(cluster: KindCluster, package: Path, tag: str, folder: Path) -> str:
    """Another package in this tree's image, loaded into the cluster."""
    image = f"localhost/exposedapp/operator:{tag}"
    (folder / "Dockerfile").write_text(DOCKERFILE)
    subprocess.run(["cp", "-r", package, folder / "exposedapp"], check=True)
    subprocess.run(["chmod", "-R", "a+rX", folder / "exposedapp"], check=True)
    command: list[str | Path] = [
        "docker",
        "build",
        "--build-arg",
        f"BASE={current_image()}",
        "--tag",
        image,
        folder,
    ]
    subprocess.run(command, check=True, capture_output=True)
    load: list[str | Path] = [BIN / "kind", "load", "docker-image", image, "--name", cluster.name]
    subprocess.run(load, check=True, capture_output=True)
    return image


def existing_apps(cluster: KindCluster) -> int:
    """Number of apps in the cluster."""
    text = Namespace(cluster, OPERATOR_NAMESPACE).kubectl("get", "xapp", "-A", "-o", "json")
    return len(json.loads(text)["items"])
