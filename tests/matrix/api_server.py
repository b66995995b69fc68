# SPDX-License-Identifier: Apache-2.0
"""An API server of one Kubernetes version, with an etcd of its own: two processes on 127.0.0.1.

There is nothing else of a cluster: no controllers, no nodes. Used by conftest.py.
"""

import json
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from e2e.support import Namespace, Refused
from support.programs import process
from support.sockets import free_port

ROOT = Path(__file__).parents[2]
BUILD = ROOT / "build"
START_SECONDS = 120.0

ADMIN = "admin"
OPERATOR = "system:serviceaccount:exposedapp-system:exposedapp"
"""The account of the chart's Deployment in namespace exposedapp-system."""
CATALOG = f"{OPERATOR}-catalog"
"""The account of the catalog's Deployment there."""
ACCOUNT_GROUPS = "system:serviceaccounts,system:serviceaccounts:exposedapp-system"
GROUPS = {ADMIN: "system:masters", OPERATOR: ACCOUNT_GROUPS, CATALOG: ACCOUNT_GROUPS}
"""Of each user; the token of a user is the name."""


@dataclass(frozen=True, slots=True)
class ApiServer:
    """A running API server, and the files to reach it with."""

    minor: str
    """As in 1.29."""
    folder: Path
    port: int

    @property
    def kubectl_path(self) -> Path:
        return BUILD / "bin" / "kubectl"

    @property
    def kubeconfig_path(self) -> Path:
        """For an administrator."""
        return self.kubeconfig(ADMIN)

    def kubeconfig(self, user: str) -> Path:
        """Write a kubeconfig for one of the users in GROUPS."""
        path = self.folder / f"kubeconfig-{user.replace(':', '-')}"
        cluster = {
            "server": f"https://127.0.0.1:{self.port}",
            "certificate-authority": str(self.folder / "apiserver.crt"),
        }
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "matrix",
            "clusters": [{"name": "matrix", "cluster": cluster}],
            "users": [{"name": "matrix", "user": {"token": user}}],
            "contexts": [{"name": "matrix", "context": {"cluster": "matrix", "user": "matrix"}}],
        }
        path.write_text(yaml.safe_dump(config))
        return path

    def kubectl(self, *args: str) -> str:
        """Run kubectl as the administrator; its output. Raises Refused with its error output."""
        return Namespace(self, "default").kubectl(*args)

    def is_ready(self) -> bool:
        """Whether it answers, and all its checks pass."""
        try:
            return self.kubectl("get", "--raw", "/readyz") == "ok"
        except Refused:
            return False

    def require(self, minor: str, feature: str) -> None:
        """Skip the test on a version that is older than the one that has a feature by default."""
        if _numbers(self.minor) < _numbers(minor):
            pytest.skip(f"without {feature} ({minor} and newer)")

    @property
    def version(self) -> str:
        """As the API server reports it, such as v1.29.15."""
        version: str = json.loads(self.kubectl("get", "--raw", "/version"))["gitVersion"]
        return version


@contextmanager
def running(minor: str, folder: Path) -> Iterator[ApiServer]:
    """Start the API server of a minor version, and end it. Raises AssertionError with its log."""
    etcd_url = f"http://127.0.0.1:{free_port()}"
    server = ApiServer(minor, folder, free_port())
    with (
        process(_etcd(folder, etcd_url), folder / "etcd.log"),
        process(_kube_apiserver(server, etcd_url), folder / "kube-apiserver.log") as started,
    ):
        _wait_until_ready(server, started)
        yield server


def _numbers(version: str) -> list[int]:
    return [int(part) for part in version.split(".")]


def _etcd(folder: Path, url: str) -> list[str | Path]:
    peer_url = f"http://127.0.0.1:{free_port()}"
    return [
        BUILD / "matrix" / "etcd",
        f"--data-dir={folder / 'etcd'}",
        f"--listen-client-urls={url}",
        f"--advertise-client-urls={url}",
        f"--listen-peer-urls={peer_url}",
        f"--initial-advertise-peer-urls={peer_url}",
        f"--initial-cluster=default={peer_url}",
        "--unsafe-no-fsync",
        "--log-level=warn",
    ]


def _kube_apiserver(server: ApiServer, etcd_url: str) -> list[str | Path]:
    tokens = server.folder / "tokens.csv"
    lines = [f'{user},{user},{user},"{groups}"\n' for user, groups in GROUPS.items()]
    tokens.write_text("".join(lines))
    # The API server generates this key and its certificate at its start, before it reads them.
    key = server.folder / "apiserver.key"
    return [
        BUILD / "matrix" / f"v{server.minor}" / "kube-apiserver",
        f"--etcd-servers={etcd_url}",
        "--bind-address=127.0.0.1",
        f"--secure-port={server.port}",
        f"--cert-dir={server.folder}",
        f"--token-auth-file={tokens}",
        "--authorization-mode=RBAC",
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--service-account-key-file={key}",
        f"--service-account-signing-key-file={key}",
        "--service-cluster-ip-range=10.0.0.0/16,fd00:10::/112",
        # No controller creates accounts, or endpoints of the API server.
        "--disable-admission-plugins=ServiceAccount",
        "--endpoint-reconciler-type=none",
    ]


def _wait_until_ready(server: ApiServer, started: subprocess.Popen[bytes]) -> None:
    log = server.folder / "kube-apiserver.log"
    end = time.monotonic() + START_SECONDS
    while not server.is_ready():
        assert started.poll() is None, f"the API server ended: {log.read_text()[-2000:]}"
        assert time.monotonic() < end, f"the API server is not ready: {log.read_text()[-2000:]}"
        time.sleep(0.2)
