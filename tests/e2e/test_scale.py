# SPDX-License-Identifier: Apache-2.0
"""What Kubernetes scales and guards by itself works with an ExposedApp too."""

import json
import os
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import partial
from http.client import HTTPException
from threading import Event

import pytest

from e2e.support import DEMO_IMAGE, Json, Namespace, Refused, app, condition, eventually, fetch

pytestmark = pytest.mark.shares_cluster

# Metrics come every 10 s, and the autoscaler looks at them every 15 s.
AUTOSCALER_SECONDS = 180.0


@contextmanager
def watched(namespace: Namespace, name: str) -> Iterator[list[str]]:
    """The statuses of the condition Ready, one after the other, until the block ends."""
    path = 'jsonpath={.status.conditions[?(@.type=="Ready")].status}{"\\n"}'
    command = [str(namespace.cluster.kubectl_path), "-n", namespace.name, "get", "xapp", name]
    environment = {**os.environ, "KUBECONFIG": str(namespace.cluster.kubeconfig_path)}
    statuses: list[str] = []
    with subprocess.Popen(
        [*command, "--watch", "-o", path], env=environment, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        statuses.append(process.stdout.readline().strip())
        yield statuses
        process.terminate()
        statuses += process.stdout.read().split()


@contextmanager
def load(url: str, clients: int = 2) -> Iterator[None]:
    """Requests without a pause, until the block ends."""
    over = Event()

    def client() -> None:
        while not over.is_set():
            with suppress(OSError, HTTPException):
                fetch(url)

    with ThreadPoolExecutor(clients) as pool:
        for _ in range(clients):
            pool.submit(client)
        try:
            yield
        finally:
            over.set()


def test_a_step_of_an_autoscaler_does_not_flap_ready(namespace: Namespace) -> None:
    """Three of four pods are enough, as Kubernetes means it (maxUnavailable)."""
    namespace.apply(app("steps", replicas=4))
    namespace.wait_ready("steps")
    # Three are enough for that; of the five that come next, three would be too few.
    eventually(partial(runs, namespace, "steps", 4))
    with watched(namespace, "steps") as statuses:
        for count in (5, 4):
            namespace.kubectl("scale", "xapp/steps", f"--replicas={count}")
            eventually(partial(runs, namespace, "steps", count))
            eventually(partial(is_settled, namespace, "steps"))
    assert set(statuses) == {"True"}


def is_settled(namespace: Namespace, name: str) -> None:
    assert not condition(namespace.status(name), "Reconciling")


def runs(namespace: Namespace, name: str, count: int) -> None:
    status = namespace.status(name)
    assert status["replicas"] == count
    assert status["endpoints"]["ready"] == count


def test_autoscaler_answers_real_load(namespace: Namespace) -> None:
    namespace.apply(app("busy", replicas=1, resources={"requests": {"cpu": "10m"}}))
    url = namespace.wait_ready("busy")["status"]["url"]
    # More than Python takes to start: only the requests can bring that about.
    namespace.kubectl("autoscale", "exposedapp/busy", "--min=1", "--max=3", "--cpu=500%")

    def grew() -> None:
        metrics = namespace.get("hpa", "busy")["status"].get("currentMetrics")
        assert metrics, "no metrics yet"
        assert metrics[0]["resource"]["current"]["averageUtilization"] > 500
        assert namespace.status("busy")["replicas"] >= 2

    with load(url):
        eventually(grew, AUTOSCALER_SECONDS)

    def all_agree() -> None:
        desired = namespace.get("hpa", "busy")["status"]["desiredReplicas"]
        assert desired >= 2
        assert namespace.get("xapp", "busy")["spec"]["replicas"] == desired
        assert namespace.get("deployment", "busy")["spec"]["replicas"] == desired
        runs(namespace, "busy", desired)
        assert namespace.ready("busy")["status"] == "True"

    eventually(all_agree)


def test_autoscaler_keeps_a_minimum(namespace: Namespace) -> None:
    autoscaler: Json = {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "web"},
        "spec": {
            "scaleTargetRef": {
                "apiVersion": "exposedapp.dev/v1alpha1",
                "kind": "ExposedApp",
                "name": "web",
            },
            "minReplicas": 2,
            "maxReplicas": 3,
        },
    }
    namespace.apply(app("web", replicas=1), autoscaler)
    eventually(partial(runs, namespace, "web", 2))
    assert namespace.wait_ready("web")["spec"]["replicas"] == 2


def test_disruption_budget_protects_the_pod(namespace: Namespace) -> None:
    budget: Json = {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": "web"},
        "spec": {
            "minAvailable": 1,
            "selector": {"matchLabels": {"exposedapp.dev/name": "web"}},
        },
    }
    namespace.apply(app("web", replicas=1), budget)
    namespace.wait_ready("web")
    namespace.kubectl(
        "wait", "pdb/web", "--for=jsonpath={.status.currentHealthy}=1", "--timeout=60s"
    )
    pod = namespace.kubectl("get", "pods", "-o", "jsonpath={.items[0].metadata.name}")
    eviction = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": pod}}
    url = f"/api/v1/namespaces/{namespace.name}/pods/{pod}/eviction"
    with pytest.raises(Refused, match=r"TooManyRequests.*the pod's disruption budget"):
        namespace.kubectl("create", "--raw", url, "-f", "-", stdin=json.dumps(eviction))


def test_a_disruption_budget_in_percent_counts_the_app_s_replicas(namespace: Namespace) -> None:
    budget: Json = {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": "web"},
        "spec": {
            "maxUnavailable": "50%",
            "selector": {"matchLabels": {"exposedapp.dev/name": "web"}},
        },
    }
    namespace.apply(app("web", replicas=2), budget)
    namespace.wait_ready("web")

    def is_counted() -> None:
        status = namespace.get("pdb", "web")["status"]
        assert (status["expectedPods"], status["disruptionsAllowed"]) == (2, 1)

    eventually(is_counted)


def test_scale_subresource_tells_what_runs(namespace: Namespace) -> None:
    """It is all that autoscalers know of an app."""
    namespace.apply(app("web", replicas=1))
    url = f"/apis/exposedapp.dev/v1alpha1/namespaces/{namespace.name}/exposedapps/web/scale"
    for replicas in (3, 1):
        namespace.kubectl("scale", "xapp/web", f"--replicas={replicas}")
        eventually(partial(runs, namespace, "web", replicas))
        scale = json.loads(namespace.kubectl("get", "--raw", url))
        assert scale["spec"] == {"replicas": replicas}
        assert scale["status"] == {"replicas": replicas, "selector": "exposedapp.dev/name=web"}


def test_a_scale_without_pods_of_its_own_is_answered(namespace: Namespace) -> None:
    """The API server accepts it, and nothing can be scaled."""
    namespace.kubectl("create", "deployment", "other", f"--image={DEMO_IMAGE}")
    namespace.apply(app("existing", image=None, selector={"app": "other"}))
    namespace.wait_ready("existing")
    namespace.kubectl("scale", "xapp/existing", "--replicas=3")

    def is_answered() -> None:
        for kind in ("Ready", "WorkloadAvailable"):
            answer = condition(namespace.status("existing"), kind)
            assert answer["status"] == "True"
            assert "spec.replicas has no effect" in answer["message"]

    eventually(is_answered)
    assert namespace.get("deployment", "other")["spec"]["replicas"] == 1
    assert namespace.status("existing")["replicas"] == 1
    namespace.kubectl("scale", "xapp/existing", "--replicas=1")
    eventually(partial(message_is, namespace, "1 of 1 pods with app=other are ready."))


def message_is(namespace: Namespace, message: str) -> None:
    assert namespace.ready("existing")["message"] == message


def test_the_app_is_the_topmost_scalable_owner_of_its_pods(namespace: Namespace) -> None:
    """A VerticalPodAutoscaler follows the owners of a pod to the last one that has a scale."""
    namespace.apply(app("web"))
    namespace.wait_ready("web")
    (names,) = namespace.pods_by_node("web").values()
    body = namespace.get("pod", names[0])
    kinds = []
    while controllers := [
        reference
        for reference in body["metadata"].get("ownerReferences", [])
        if reference.get("controller")
    ]:
        (owner,) = controllers
        kinds.append(owner["kind"])
        body = namespace.get(owner["kind"], owner["name"])
    assert kinds == ["ReplicaSet", "Deployment", "ExposedApp"]
