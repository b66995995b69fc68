"""What the chart prints after an install, done as it says."""

import os
import subprocess

from pytest_kind import KindCluster

from e2e.conftest import BIN, OPERATOR_NAMESPACE, Operator
from e2e.support import DEMO_IMAGE, Namespace

PUBLIC_IMAGE = "docker.io/nginxinc/nginx-unprivileged:stable"


def commands(notes: str) -> str:
    """The paragraphs that begin with a command, with an image that this cluster has."""
    assert PUBLIC_IMAGE in notes
    paragraphs = notes.replace(PUBLIC_IMAGE, DEMO_IMAGE).split("\n\n")
    return "\n\n".join(part for part in paragraphs if part.startswith("kubectl ")) + "\n"


def test_the_notes_of_the_chart_lead_to_an_app_that_is_ready(
    cluster: KindCluster, operator: Operator
) -> None:
    environment = {
        **os.environ,
        "KUBECONFIG": str(cluster.kubeconfig_path),
        "PATH": f"{BIN}:{os.environ['PATH']}",
    }
    helm = ["helm", "get", "notes", "exposedapp", "--namespace", OPERATOR_NAMESPACE]
    notes = subprocess.run(helm, env=environment, check=True, capture_output=True, text=True).stdout
    try:
        pasted = subprocess.run(
            ["bash", "-e"],
            input=commands(notes),
            env=environment,
            check=True,
            capture_output=True,
            text=True,
            timeout=240,
        )
    finally:
        Namespace(cluster, "default").kubectl("delete", "xapp", "hello", "--ignore-not-found")
    assert "here-document" not in pasted.stderr
    [line] = [line for line in pasted.stdout.splitlines() if line.startswith("hello ")]
    name, url, is_ready, *_ = line.split()
    assert (name, is_ready) == ("hello", "True")
    assert url.startswith("http://")
