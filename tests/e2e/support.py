# SPDX-License-Identifier: Apache-2.0
"""What the end-to-end tests share: a cluster to talk to, and waiting for conditions."""

import json
import os
import re
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar

import yaml
from kubernetes.aio import client, config
from pytest_kind import KindCluster

from exposedapp.kube.client import KubeClient

Json = dict[str, Any]
T = TypeVar("T")
Api = TypeVar("Api", bound=KubeClient)

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "deploy" / "examples"
DEMO_IMAGE = "localhost/exposedapp/demo:dev"
IMAGES = ROOT / "build" / "images.env"
"""The names of the images that tests/kind/images.sh has built."""
DEADLINE_SECONDS = 90.0
APP_LABEL = "exposedapp.dev/name"


def built_image(variable: str) -> str:
    """The name of an image that was built of this tree; empty before that."""
    lines = IMAGES.read_text().splitlines() if IMAGES.exists() else []
    return dict(line.split("=", 1) for line in lines).get(variable, "")


class Refused(Exception):
    """kubectl failed; the text is its error output."""


def eventually(probe: Callable[[], T], deadline: float = DEADLINE_SECONDS) -> T:
    """Tries until the probe raises nothing; its last failure is the test's.

    What kubectl or a URL refuses now may come true, as well as what the probe asserts.
    """
    end = time.monotonic() + deadline
    while True:
        try:
            return probe()
        except (AssertionError, OSError, KeyError, Refused):
            if time.monotonic() > end:
                raise
            time.sleep(0.2)


def fetch(url: str) -> str:
    """The body of an HTTP answer, asked for on a connection of its own."""
    with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310 - our own nodes
        text: str = answer.read().decode()
    return text


class Cluster(Protocol):
    """How a cluster is reached: a KindCluster, or an API server alone (tests/matrix)."""

    @property
    def kubectl_path(self) -> Path: ...

    @property
    def kubeconfig_path(self) -> Path: ...

    def kubectl(self, *args: str) -> str: ...


@asynccontextmanager
async def api_server(cluster: Cluster, kind: type[Api]) -> AsyncIterator[Api]:
    """The cluster's API server without kubectl in between, for tests with many requests."""
    configuration = client.Configuration()
    await config.load_kube_config(  # type: ignore[no-untyped-call]
        str(cluster.kubeconfig_path), client_configuration=configuration
    )
    api = kind(configuration)
    yield api
    await api.close()


class Namespace:
    """One namespace of the cluster, through kubectl: what a user would do."""

    def __init__(self, cluster: Cluster, name: str) -> None:
        self.cluster = cluster
        self.name = name

    def kubectl(self, *args: str, stdin: str | None = None) -> str:
        """What kubectl prints, in the namespace; raises Refused with its words when it fails."""
        return self.run_kubectl(*args, stdin=stdin).stdout

    def run_kubectl(self, *args: str, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
        """The same with its warnings, which are in stderr."""
        done = subprocess.run(
            [str(self.cluster.kubectl_path), "--namespace", self.name, *args],
            env={**os.environ, "KUBECONFIG": str(self.cluster.kubeconfig_path)},
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise Refused(done.stderr.strip())
        return done

    def may(self, user: str, verb: str, resource: str, *where: str) -> bool:
        """Whether a user has a right, in this namespace or with --all-namespaces."""
        try:
            self.kubectl("auth", "can-i", verb, resource, f"--as={user}", *where)
        except Refused:
            return False
        return True

    def apply(self, *objects: Json) -> None:
        """`kubectl apply` of the objects."""
        self.kubectl("apply", "-f", "-", stdin=yaml.safe_dump_all(objects))

    def get(self, kind: str, name: str) -> Json:
        """One object."""
        body: Json = json.loads(self.kubectl("get", kind, name, "-o", "json"))
        return body

    def names(self, kind: str, selector: str = "") -> list[str]:
        """The names of all objects of a kind, sorted."""
        text = self.kubectl("get", kind, "-l", selector, "-o", "jsonpath={.items[*].metadata.name}")
        return sorted(text.split())

    def pods_by_node(self, name: str) -> dict[str, list[str]]:
        """The pods of an app that are not going, by their node."""
        names_by_node: dict[str, list[str]] = {}
        for pod in json.loads(
            self.kubectl("get", "pods", "-l", f"{APP_LABEL}={name}", "-o", "json")
        )["items"]:
            if "deletionTimestamp" not in pod["metadata"]:
                names_by_node.setdefault(pod["spec"]["nodeName"], []).append(
                    pod["metadata"]["name"]
                )
        return names_by_node

    def wait_ready(self, name: str, seconds: int = 90) -> Json:
        """`kubectl wait` for Ready; the app as it is then."""
        try:
            self.kubectl("wait", f"xapp/{name}", "--for=condition=Ready", f"--timeout={seconds}s")
        except Refused as refused:
            raise AssertionError(f"{refused}\n{json.dumps(self.status(name), indent=1)}") from None
        return self.get("xapp", name)

    def status(self, name: str) -> Json:
        """The app's status."""
        status: Json = self.get("xapp", name)["status"]
        return status

    def ready(self, name: str) -> Json:
        """The app's condition Ready."""
        return condition(self.status(name), "Ready")


@dataclass(frozen=True)
class Done:
    """What a command left."""

    code: int
    out: str
    err: str


def exposedapp(namespace: Namespace, *words: str, stdin: str | None = None) -> Done:
    """Runs a command in the namespace; no command ever shows a traceback."""
    done = subprocess.run(
        [sys.executable, "-m", "exposedapp.cli", *words, "--namespace", namespace.name],
        env={
            **os.environ,
            "KUBECONFIG": str(namespace.cluster.kubeconfig_path),
            "PYTHONPATH": str(ROOT / "operator"),
        },
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return Done(done.returncode, done.stdout, done.stderr)


def on_node(node: str, *command: str) -> str:
    """Runs a command on a kind node; its output."""
    done = subprocess.run(
        ["docker", "exec", node, *command], check=True, capture_output=True, text=True
    )
    return done.stdout


def kstatus(body: Json) -> str:
    """What kstatus makes of an object: Current, InProgress, Failed or Terminating."""
    done = subprocess.run(
        [ROOT / "build" / "bin" / "kstatus"],
        input=json.dumps(body),
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.partition("\t")[0]


def condition(status: Json, kind: str) -> Json:
    """One condition of a status; empty when it is not there."""
    return next((item for item in status.get("conditions") or () if item["type"] == kind), {})


def app(name: str, **spec: Any) -> Json:
    """An ExposedApp that runs the demo image, unless the spec says otherwise."""
    return {
        "apiVersion": "exposedapp.dev/v1alpha1",
        "kind": "ExposedApp",
        "metadata": {"name": name},
        "spec": {"image": DEMO_IMAGE, "ports": [{"port": 80, "targetPort": 8080}], **spec},
    }


METRIC = re.compile(r"^apiserver_request_total\{(.*)\} (\S+)$", re.MULTILINE)
COUNTED = {"deployments", "services", "exposedapps", "exposedapps/status", "events"}
"""What an operator may write. A Deployment's status and scale are written by others."""
QUIET_SECONDS = 3.0


def count_writes(cluster: KindCluster) -> Counter[str]:
    """How often the API server was asked to write, by its own count, per "VERB resource"."""
    counts: Counter[str] = Counter()
    for labels, value in METRIC.findall(cluster.kubectl("get", "--raw", "/metrics")):
        label = dict(re.findall(r'(\w+)="([^"]*)"', labels))
        resource = "/".join(filter(None, (label["resource"], label["subresource"])))
        if label["verb"] in {"POST", "PUT", "PATCH", "APPLY"} and resource in COUNTED:
            counts[f"{label['verb']} {resource}"] += int(float(value))
    return counts


class WriteCounter:
    """Counts the writes between two moments at which nothing is going on."""

    def __init__(self, namespace: Namespace) -> None:
        self._namespace = namespace
        self._start = self._settled()

    def since_start(self) -> dict[str, int]:
        """The writes since the start or the last call, Events left out."""
        now = self._settled()
        written = {key: count - self._start[key] for key, count in now.items()}
        self._start = now
        return {key: count for key, count in written.items() if count and "events" not in key}

    def _settled(self) -> Counter[str]:
        eventually(self._no_namespace_is_terminating)
        counts, since = count_writes(self._namespace.cluster), time.monotonic()
        while time.monotonic() - since < QUIET_SECONDS:
            time.sleep(0.5)
            if (now := count_writes(self._namespace.cluster)) != counts:
                counts, since = now, time.monotonic()
        return counts

    def _no_namespace_is_terminating(self) -> None:
        """An earlier test's namespace is deleted in the background."""
        phases = self._namespace.kubectl(
            "get", "namespaces", "-o", "jsonpath={.items[*].status.phase}"
        )
        assert "Terminating" not in phases
