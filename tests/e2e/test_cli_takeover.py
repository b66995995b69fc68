# SPDX-License-Identifier: Apache-2.0
"""The way in and the way out, while a client never stops fetching."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest
import yaml

from e2e.support import DEMO_IMAGE, Json, Namespace, eventually, exposedapp, fetch

OWN = ("exposedapp.dev/", "managed-by: exposedapp", "manager: exposedapp")
"""What must not be left on a released object, in its YAML."""

DEPLOYMENT: Json = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "shop", "labels": {"team": "a"}},
    "spec": {
        "replicas": 2,
        "selector": {"matchLabels": {"app": "shop"}},
        "template": {
            "metadata": {"labels": {"app": "shop", "tier": "front"}},
            "spec": {
                "volumes": [{"name": "scratch", "emptyDir": {}}],
                "containers": [
                    {
                        "name": "web",
                        "image": DEMO_IMAGE,
                        "ports": [{"name": "http", "containerPort": 8080}],
                        "env": [
                            {
                                "name": "NODE_NAME",
                                "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}},
                            }
                        ],
                        "volumeMounts": [{"name": "scratch", "mountPath": "/scratch"}],
                        "readinessProbe": {"httpGet": {"path": "/", "port": "http"}},
                        "resources": {"requests": {"cpu": "10m"}},
                    }
                ],
            },
        },
    },
}

SERVICE: Json = {
    "apiVersion": "v1",
    "kind": "Service",
    "metadata": {"name": "shop"},
    "spec": {
        "type": "NodePort",
        "selector": {"app": "shop"},
        "ports": [{"port": 80, "targetPort": "http"}],
    },
}


class Client:
    """Fetches a URL without a pause, on a connection of its own each time."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.answers = 0
        self.errors: list[str] = []
        self._ends = threading.Event()

    def run(self) -> None:
        while not self._ends.is_set():
            try:
                fetch(self.url)
                self.answers += 1
            except OSError as error:
                self.errors.append(str(error))

    def stop(self) -> None:
        self._ends.set()


@contextmanager
def fetching(url: str) -> Iterator[Client]:
    """Fetches while the block runs; nothing may fail."""
    client = Client(url)
    thread = threading.Thread(target=client.run)
    thread.start()
    try:
        yield client
    finally:
        client.stop()
        thread.join()
    assert client.errors == []
    assert client.answers > 10


def pods(namespace: Namespace) -> set[str]:
    items = json.loads(namespace.kubectl("get", "pods", "-l", "app=shop", "-o", "json"))["items"]
    return {pod["metadata"]["uid"] for pod in items}


def start(namespace: Namespace) -> str:
    """A Deployment and a Service, written by hand; a URL that answers."""
    namespace.apply(DEPLOYMENT, SERVICE)
    namespace.kubectl("rollout", "status", "deployment/shop", "--timeout=90s")
    port = namespace.get("service", "shop")["spec"]["ports"][0]["nodePort"]
    nodes = json.loads(namespace.kubectl("get", "nodes", "-o", "json"))["items"]
    address = next(
        item["address"] for item in nodes[0]["status"]["addresses"] if item["type"] == "InternalIP"
    )
    url = f"http://{address}:{port}"
    eventually(partial(fetch, url))
    return url


def plain(body: Json) -> Json:
    """What of an object a person sees as its content."""
    metadata = {key: body["metadata"].get(key) for key in ("labels", "annotations", "uid")}
    annotations = metadata["annotations"] or {}
    annotations = {key: value for key, value in annotations.items() if "revision" not in key}
    return {**metadata, "annotations": annotations, "spec": body["spec"]}


@pytest.mark.shares_cluster
def test_in_and_out_without_a_lost_request(namespace: Namespace) -> None:
    url = start(namespace)
    before = {kind: namespace.get(kind, "shop") for kind in ("deployment", "service")}
    pods_before = pods(namespace)
    with fetching(url):
        shown = exposedapp(namespace, "expose", "deployment/shop", "--dry-run")
        assert shown.code == 0, shown.err
        assert namespace.names("xapp") == []

        done = exposedapp(namespace, "expose", "deployment/shop")
        assert done.code == 0, done.err
        assert url.rpartition(":")[2] in done.out
        app = namespace.get("xapp", "shop")
        spec = yaml.safe_load(shown.out)["spec"]
        for field in ("image", "replicas", "env", "podTemplate"):
            assert app["spec"][field] == spec[field]
        for kind, body in before.items():
            live = namespace.get(kind, "shop")
            assert live["metadata"]["uid"] == body["metadata"]["uid"]
            assert live["metadata"]["ownerReferences"][0]["kind"] == "ExposedApp"

        exported = exposedapp(namespace, "export", "shop")
        assert exported.code == 0, exported.err
        namespace.kubectl("apply", "--dry-run=server", "-f", "-", stdin=exported.out)

        done = exposedapp(namespace, "release", "shop")
        assert done.code == 0, done.err
        assert namespace.names("xapp") == []
    assert pods(namespace) == pods_before
    for kind, body in before.items():
        assert plain(namespace.get(kind, "shop")) == plain(body)
        text = namespace.kubectl("get", kind, "shop", "-o", "yaml", "--show-managed-fields")
        assert [word for word in OWN if word in text] == []


@pytest.mark.shares_cluster
def test_a_service_is_taken_over_without_its_workload(namespace: Namespace) -> None:
    """A Service with its pods, whatever runs them; then only the Service is the app's."""
    url = start(namespace)
    with fetching(url):
        done = exposedapp(namespace, "expose", "service/shop")
        assert done.code == 0, done.err
        assert "ownerReferences" not in namespace.get("deployment", "shop")["metadata"]
        assert namespace.get("service", "shop")["metadata"]["ownerReferences"]
        assert exposedapp(namespace, "release", "shop").code == 0
    assert "ownerReferences" not in namespace.get("service", "shop")["metadata"]


@pytest.mark.shares_cluster
def test_what_the_operator_created_is_released_and_taken_over_again(namespace: Namespace) -> None:
    words = ["--image", DEMO_IMAGE, "--port", "80:8080", "--wait"]
    created = exposedapp(namespace, "create", "shop", *words)
    assert created.code == 0, created.err
    url = created.out.splitlines()[-1]
    with fetching(url):
        released = exposedapp(namespace, "release", "shop")
        assert released.code == 0, released.err
        service = namespace.kubectl("get", "service", "shop", "-o", "yaml")
        assert "exposedapp.dev/desired-hash" not in service
        again = exposedapp(namespace, "expose", "deployment/shop")
        assert again.code == 0, again.err
    # Another app may prefer another node; the port is the same.
    assert again.out.splitlines()[-1].rpartition(":")[2] == url.rpartition(":")[2]


@pytest.mark.shares_cluster
def test_a_manifest_is_imported(namespace: Namespace, tmp_path: Path) -> None:
    """Once as an app of its own, once as what runs already."""
    path = tmp_path / "shop.yaml"
    path.write_text(yaml.safe_dump_all([DEPLOYMENT, SERVICE]))
    url = start(namespace)
    pods_before = pods(namespace)
    with fetching(url):
        done = exposedapp(namespace, "import", "-f", str(path))
        assert done.code == 0, done.err
    assert pods(namespace) == pods_before
    namespace.kubectl("delete", "xapp", "shop", "--wait")
    eventually(lambda: no_children(namespace))
    done = exposedapp(namespace, "import", "-f", str(path))
    assert done.code == 0, done.err
    eventually(partial(fetch, done.out.splitlines()[-1]))


def no_children(namespace: Namespace) -> None:
    assert namespace.names("deployment") == []
    assert namespace.names("service") == []
    assert namespace.names("pods") == []


@pytest.mark.shares_cluster
def test_what_is_refused_changes_nothing(namespace: Namespace) -> None:
    """The Service selects a pod of something else as well, which the app's would not."""
    start(namespace)
    namespace.kubectl("run", "other", f"--image={DEMO_IMAGE}", "--labels=tier=front")
    namespace.apply({**SERVICE, "spec": {**SERVICE["spec"], "selector": {"tier": "front"}}})
    done = exposedapp(namespace, "expose", "deployment/shop")
    assert (done.code, "selects other pods" in done.err) == (1, True), done.err
    assert namespace.names("xapp") == []
    for kind in ("deployment", "service"):
        text = namespace.kubectl("get", kind, "shop", "-o", "yaml")
        assert "exposedapp.dev" not in text


def test_list_status_and_bundle(namespace: Namespace, tmp_path: Path) -> None:
    words = ["--image", DEMO_IMAGE, "--port", "80:8080"]
    assert exposedapp(namespace, "create", "good", *words).code == 0
    assert (
        exposedapp(namespace, "create", "bad", "--image", "localhost/none:1", "--port", "80").code
        == 0
    )
    watched = exposedapp(namespace, "status", "good", "--watch", "--timeout", "90s")
    assert watched.code == 0, watched.err
    assert "url" in watched.out

    eventually(lambda: reason_is(namespace, "bad", "ImagePullBackOff"))
    items = json.loads(exposedapp(namespace, "list", "-o", "json").out)["items"]
    assert [(item["name"], item["ready"]) for item in items] == [("bad", False), ("good", True)]
    assert "pull secret" in items[0]["advice"]

    doctor = exposedapp(namespace, "doctor", "-A", "-o", "json")
    assert doctor.code == 1
    reports = {
        item["name"]: item
        for item in json.loads(doctor.out)["items"]
        if item["namespace"] == namespace.name
    }
    assert set(reports) == {"bad"}
    assert reports["bad"]["code"] == "NoReadyPod"

    archive = tmp_path / "bad.tar.gz"
    bundle = exposedapp(namespace, "bundle", "bad", "--file", str(archive))
    assert (bundle.code, archive.exists()) == (0, True), bundle.err


def reason_is(namespace: Namespace, name: str, reason: str) -> None:
    assert namespace.ready(name)["reason"] == reason
