# SPDX-License-Identifier: Apache-2.0
"""Whose object is whose: nothing foreign is touched, and what is handed over is taken with care."""

import json
from functools import partial

import pytest

from e2e.conftest import Operator
from e2e.support import DEMO_IMAGE, Json, Namespace, app, condition, eventually, fetch, kstatus

pytestmark = pytest.mark.shares_cluster

ADOPT = "exposedapp.dev/adopt=true"


def uids(namespace: Namespace, selector: str) -> set[str]:
    pods = json.loads(namespace.kubectl("get", "pods", "-l", selector, "-o", "json"))["items"]
    return {pod["metadata"]["uid"] for pod in pods}


def test_adoption_restarts_no_pod(namespace: Namespace) -> None:
    """A Deployment and a Service from a tutorial are taken over with all that cannot be changed."""
    image = f"--image={DEMO_IMAGE}"
    namespace.kubectl("create", "deployment", "old", image, "--replicas=2", "--port=8080")
    namespace.kubectl("rollout", "status", "deployment/old", "--timeout=60s")
    expose = ("--port=80", "--target-port=8080", "--type=NodePort")
    namespace.kubectl("expose", "deployment", "old", *expose)
    service = namespace.get("service", "old")
    pods = uids(namespace, "app=old")
    assert len(pods) == 2

    namespace.apply(app("old", replicas=2))
    eventually(partial(says, namespace, "old", "NotOwned", "kubectl annotate deployment old"))
    assert kstatus(namespace.get("xapp", "old")) == "Failed"
    namespace.kubectl("annotate", "deployment/old", "service/old", ADOPT)
    # The annotation is seen at the next try, which comes later and later; a change is seen at once.
    namespace.apply(app("old", replicas=2, service={"sessionAffinity": "None"}))
    adopted = namespace.wait_ready("old")

    deployment = namespace.get("deployment", "old")
    assert deployment["spec"]["selector"]["matchLabels"] == {"app": "old"}
    assert deployment["spec"]["template"]["metadata"]["labels"] == {"app": "old"}
    assert [
        container["name"] for container in deployment["spec"]["template"]["spec"]["containers"]
    ] == ["demo"]
    assert uids(namespace, "app=old") == pods
    assert adopted["status"]["selector"] == "app=old"
    assert adopted["status"]["ports"][0]["nodePort"] == service["spec"]["ports"][0]["nodePort"]
    assert adopted["status"]["clusterIPs"] == service["spec"]["clusterIPs"]
    eventually(partial(fetch, adopted["status"]["url"]))

    # From now on it is the app's: changed with it, and repaired.
    namespace.apply(app("old", replicas=1, env=[{"name": "NODE_NAME", "value": "adopted"}]))
    namespace.wait_ready("old")
    eventually(lambda: answers(adopted["status"]["url"], "on adopted"))
    namespace.kubectl("scale", "deployment/old", "--replicas=3")
    eventually(lambda: has_replicas(namespace, "old", 1))


def answers(url: str, text: str) -> None:
    assert text in fetch(url)


def has_replicas(namespace: Namespace, name: str, count: int) -> None:
    assert namespace.get("deployment", name)["spec"]["replicas"] == count


def says(namespace: Namespace, name: str, reason: str, words: str) -> None:
    ready = namespace.ready(name)
    assert ready["reason"] == reason, ready
    assert words in ready["message"], ready


def test_an_object_of_another_controller_is_not_adopted(namespace: Namespace) -> None:
    namespace.apply(app("first"))
    owner = namespace.wait_ready("first")["metadata"]["uid"]
    namespace.kubectl("create", "service", "clusterip", "second", "--tcp=80:80")
    reference = {
        "apiVersion": "exposedapp.dev/v1alpha1",
        "kind": "ExposedApp",
        "name": "first",
        "uid": owner,
        "controller": True,
    }
    patch = json.dumps({"metadata": {"ownerReferences": [reference]}})
    namespace.kubectl("patch", "service", "second", "--type=merge", "-p", patch)
    namespace.kubectl("annotate", "service/second", ADOPT)
    namespace.apply(app("second"))
    eventually(partial(says, namespace, "second", "NotOwned", "is controlled by ExposedApp first"))
    assert namespace.get("service", "second")["spec"]["type"] == "ClusterIP"


def test_what_another_client_adds_to_the_service_is_removed(namespace: Namespace) -> None:
    """A port that the spec does not have, and a label that no pod of the app has."""
    namespace.apply(app("strict", ports=[{"name": "web", "port": 80, "targetPort": 8080}]))
    namespace.wait_ready("strict")
    port = {"name": "back-door", "port": 81, "targetPort": 22}
    more = [
        {"op": "add", "path": "/spec/ports/-", "value": port},
        {"op": "add", "path": "/spec/selector/version", "value": "two"},
    ]
    namespace.kubectl("patch", "service", "strict", "--type=json", "-p", json.dumps(more))

    def repaired() -> None:
        spec = namespace.get("service", "strict")["spec"]
        assert [port["port"] for port in spec["ports"]] == [80]
        assert spec["selector"] == {"exposedapp.dev/name": "strict"}

    eventually(repaired)
    eventually(lambda: has_event(namespace, "strict", "Repaired", "spec.selector of the Service"))


def has_event(namespace: Namespace, name: str, reason: str, words: str) -> None:
    assert any(
        item["reason"] == reason and words in item["message"] for item in events_of(namespace, name)
    )


def events_of(namespace: Namespace, name: str) -> list[Json]:
    field = f"involvedObject.kind=ExposedApp,involvedObject.name={name}"
    output = namespace.kubectl("get", "events", f"--field-selector={field}", "-o", "json")
    items: list[Json] = json.loads(output)["items"]
    return items


def test_events_tell_what_happened_once(namespace: Namespace) -> None:
    namespace.apply(app("noted"))
    port = namespace.wait_ready("noted")["status"]["ports"][0]["nodePort"]
    eventually(lambda: has_event(namespace, "noted", "Created", "the Deployment and the Service"))
    words = f"Assigned node port {port} to 80/TCP."
    eventually(lambda: has_event(namespace, "noted", "PortsAssigned", words))
    eventually(lambda: has_event(namespace, "noted", "Available", "1 of 1 pods are ready"))
    for replicas in (2, 3):
        namespace.kubectl("scale", "deployment/noted", f"--replicas={replicas}")

        def counted(times: int = replicas - 1) -> None:
            events = events_of(namespace, "noted")
            repaired = [event for event in events if event["reason"] == "Repaired"]
            assert len(repaired) == 1  # none yet is a failure that eventually() waits out
            assert repaired[0]["count"] >= times
            assert "spec.replicas of the Deployment" in repaired[0]["message"]

        eventually(counted)
    output = namespace.kubectl("describe", "xapp", "noted")
    assert "Reverted changes by another client" in output
    for item in events_of(namespace, "noted"):
        assert item["involvedObject"]["uid"] == namespace.get("xapp", "noted")["metadata"]["uid"]


def test_suspended(namespace: Namespace) -> None:
    """Children are left as they are, whoever changes them; the status stays true."""
    namespace.apply(app("still", replicas=2))
    namespace.wait_ready("still")
    namespace.apply(app("still", replicas=3, suspend=True))

    def is_reported() -> None:
        body = namespace.get("xapp", "still")
        assert body["status"]["observedGeneration"] == body["metadata"]["generation"]
        ready = condition(body["status"], "Ready")
        assert ready["status"] == "True"
        assert "Suspended" in ready["message"]

    eventually(is_reported)
    namespace.kubectl("scale", "deployment/still", "--replicas=1")

    def follows() -> None:
        status = namespace.status("still")
        assert (status["replicas"], status["endpoints"]["ready"]) == (1, 1)

    eventually(follows)
    assert namespace.get("deployment", "still")["spec"]["replicas"] == 1
    namespace.apply(app("still", replicas=3))
    eventually(lambda: has_replicas(namespace, "still", 3))
    assert "Suspended" not in namespace.wait_ready("still")["status"]["conditions"][0]["message"]


@pytest.mark.parametrize("what", ["app", "namespace"])
def test_nothing_comes_back_while_it_goes(
    namespace: Namespace, operator: Operator, what: str
) -> None:
    """An app that a finalizer holds, and children that are deleted under it."""
    held = app("held")
    held["metadata"]["finalizers"] = ["example.com/hold"]
    namespace.apply(held)
    before = namespace.wait_ready("held")["status"]
    children = ("deployment/held", "service/held")
    try:
        if what == "app":
            namespace.kubectl("delete", "xapp", "held", "--wait=false")
            namespace.kubectl("delete", *children, "--timeout=60s")
        else:
            namespace.kubectl("delete", "namespace", namespace.name, "--wait=false")
            namespace.kubectl("wait", *children, "--for=delete", "--timeout=60s")
        # The operator answers other apps meanwhile, so it has seen what happened to this one.
        eventually(lambda: seen_by(operator))
        assert namespace.names("deployments,services") == []
        after = namespace.get("xapp", "held")
        assert kstatus(after) == "Terminating"
        assert after["status"]["observedGeneration"] == before["observedGeneration"]
    finally:
        release = '{"metadata": {"finalizers": null}}'
        namespace.kubectl("patch", "xapp", "held", "--type=merge", "-p", release)


def seen_by(operator: Operator) -> None:
    namespace = operator.namespace
    namespace.apply(app("probe", replicas=0))
    try:
        namespace.wait_ready("probe", seconds=30)
    finally:
        namespace.kubectl("delete", "xapp", "probe")
