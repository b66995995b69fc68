# SPDX-License-Identifier: Apache-2.0
"""Helm, at one of the API servers."""

import os
import subprocess
from pathlib import Path

from matrix.api_server import BUILD, ROOT, ApiServer

CHART = ROOT / "deploy" / "chart" / "exposedapp"
IMAGE = ("--set=image.repository=registry.example/exposedapp", "--set=image.tag=matrix")
"""Of a Deployment whose pods never start."""


def helm(server: ApiServer, *args: str | Path, namespace: str) -> str:
    """Run helm as the administrator; its output. Raises AssertionError."""
    done = subprocess.run(
        [BUILD / "bin" / "helm", *args, "--namespace", namespace, *IMAGE],
        env={**os.environ, "KUBECONFIG": str(server.kubeconfig_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
