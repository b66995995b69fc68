# SPDX-License-Identifier: Apache-2.0
"""Children that are restored, orphaned, handed over and given back, on a real API server.

What others ran into: velero#4707, cluster-api#6007 and tidb-operator#1246 (children without their
owner), kubernetes#99003 (fields that stay with a former manager).
"""

import json
from functools import partial

import pytest

from e2e.support import (
    DEMO_IMAGE,
    Json,
    Namespace,
    Refused,
    app,
    eventually,
    fetch,
)

ANNOTATION = "exposedapp.dev/adopt"
CHILDREN = ("deployment", "service")


def pod_uids(namespace: Namespace, selector: str) -> set[str]:
    pods = json.loads(namespace.kubectl("get", "pods", "-l", selector, "-o", "json"))["items"]
    return {pod["metadata"]["uid"] for pod in pods if "deletionTimestamp" not in pod["metadata"]}


def node_port(namespace: Namespace, name: str) -> int:
    number: int = namespace.get("service", name)["spec"]["ports"][0]["nodePort"]
    return number


def is_owned(namespace: Namespace, name: str, *kinds: str) -> None:
    """The children have one owner, the app of the name as it is now."""
    uid = namespace.get("xapp", name)["metadata"]["uid"]
    for kind in kinds or CHILDREN:
        references = namespace.get(kind, name)["metadata"].get("ownerReferences", [])
        assert [reference["uid"] for reference in references] == [uid], (kind, references)


def is_free(namespace: Namespace, kind: str, name: str) -> None:
    """The object carries nothing of the operator's."""
    metadata = namespace.get(kind, name)["metadata"]
    assert "ownerReferences" not in metadata
    assert "exposedapp.dev/name" not in metadata.get("labels", {})
    assert "exposedapp.dev/desired-hash" not in metadata.get("annotations", {})
    body = namespace.kubectl("get", kind, name, "-o", "json", "--show-managed-fields")
    managers = {entry["manager"] for entry in json.loads(body)["metadata"].get("managedFields", ())}
    assert "exposedapp" not in managers


def is_not_owned(namespace: Namespace, name: str, words: str) -> None:
    ready = namespace.ready(name)
    assert (ready["status"], ready["reason"]) == ("False", "NotOwned"), ready
    assert words in ready["message"], ready


def do_not_exist(namespace: Namespace, *objects: str) -> None:
    for each in objects:
        with pytest.raises(Refused, match="NotFound"):
            namespace.kubectl("get", each)


def has_event(namespace: Namespace, name: str, reason: str, words: str) -> None:
    field = f"involvedObject.kind=ExposedApp,involvedObject.name={name},reason={reason}"
    output = namespace.kubectl("get", "events", f"--field-selector={field}", "-o", "json")
    assert any(words in event["message"] for event in json.loads(output)["items"]), output


def backup(namespace: Namespace, name: str) -> list[Json]:
    """Both children as a restore creates them: without identity, owner, managers and status."""
    bodies = [namespace.get(kind, name) for kind in CHILDREN]
    for body in bodies:
        kept = ("name", "labels", "annotations")
        body["metadata"] = {field: body["metadata"][field] for field in kept}
        del body["status"]
        for field in ("clusterIP", "clusterIPs"):
            body["spec"].pop(field, None)
    return bodies


def create(namespace: Namespace, bodies: list[Json], command: str = "create") -> None:
    for body in bodies:
        namespace.kubectl(command, "-f", "-", stdin=json.dumps(body))


def delete_app(namespace: Namespace, name: str) -> None:
    namespace.kubectl("delete", "xapp", name)
    eventually(partial(do_not_exist, namespace, *(f"{kind}/{name}" for kind in CHILDREN)))


def test_an_app_deleted_without_its_children_takes_them_back(namespace: Namespace) -> None:
    namespace.apply(app("orphan", replicas=2))
    namespace.wait_ready("orphan")
    pods, number = pod_uids(namespace, "exposedapp.dev/name=orphan"), node_port(namespace, "orphan")
    assert len(pods) == 2
    namespace.kubectl("delete", "xapp", "orphan", "--cascade=orphan")
    for kind in CHILDREN:
        assert "ownerReferences" not in namespace.get(kind, "orphan")["metadata"]
    namespace.apply(app("orphan", replicas=2))
    url = namespace.wait_ready("orphan")["status"]["url"]
    eventually(partial(is_owned, namespace, "orphan"))
    assert pod_uids(namespace, "exposedapp.dev/name=orphan") == pods
    assert node_port(namespace, "orphan") == number
    assert url.endswith(f":{number}")
    eventually(partial(fetch, url))


def test_children_restored_before_their_app(namespace: Namespace) -> None:
    namespace.apply(app("restored"))
    namespace.wait_ready("restored")
    children, number = backup(namespace, "restored"), node_port(namespace, "restored")
    delete_app(namespace, "restored")
    create(namespace, children)
    namespace.kubectl("rollout", "status", "deployment/restored", "--timeout=60s")
    pods = pod_uids(namespace, "exposedapp.dev/name=restored")
    namespace.apply(app("restored"))
    namespace.wait_ready("restored")
    eventually(partial(is_owned, namespace, "restored"))
    eventually(partial(has_event, namespace, "restored", "Adopted", "Deployment and the Service"))
    assert node_port(namespace, "restored") == number
    assert pod_uids(namespace, "exposedapp.dev/name=restored") == pods
    # What the restore has set is the app's again, so that it can be given up.
    namespace.apply(app("restored", env=[{"name": "EXTRA", "value": "1"}]))
    eventually(lambda: has_variables(namespace, "restored", "EXTRA"))
    namespace.apply(app("restored"))
    eventually(lambda: has_variables(namespace, "restored"))


def test_children_restored_after_their_app(namespace: Namespace) -> None:
    namespace.apply(app("restored"))
    namespace.wait_ready("restored")
    children, number = backup(namespace, "restored"), node_port(namespace, "restored")
    delete_app(namespace, "restored")
    namespace.apply(app("restored"))
    namespace.wait_ready("restored")
    create(namespace, children, "replace")

    def has_former_node_port() -> None:
        assert node_port(namespace, "restored") == number
        assert namespace.status("restored")["ports"][0]["nodePort"] == number
        is_owned(namespace, "restored")

    eventually(has_former_node_port)
    url = namespace.wait_ready("restored")["status"]["url"]
    eventually(partial(fetch, url))


def manual_deployment(name: str, *, replicas: int, env: list[Json] | None = None) -> Json:
    container: Json = {"name": "main", "image": DEMO_IMAGE, "env": env or []}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "annotations": {ANNOTATION: "true"}},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": name}},
            "template": {
                "metadata": {"labels": {"app": name}},
                "spec": {"containers": [container]},
            },
        },
    }


def variables(namespace: Namespace, name: str) -> list[str]:
    template = namespace.get("deployment", name)["spec"]["template"]
    return sorted(variable["name"] for variable in template["spec"]["containers"][0].get("env", []))


def has_variables(namespace: Namespace, name: str, *names: str) -> None:
    assert variables(namespace, name) == [*names]


@pytest.mark.parametrize("command", ["create", "apply"])
def test_what_an_app_sets_goes_when_the_app_drops_it(namespace: Namespace, command: str) -> None:
    """kubernetes#99003: the variable stayed with the manager that had made the Deployment."""
    debug, node = {"name": "DEBUG", "value": "1"}, {"name": "NODE_NAME", "value": "a"}
    probe = {"httpGet": {"path": "/healthz", "port": 8080}}
    body = manual_deployment("taken", replicas=1, env=[debug, node])
    body["spec"]["template"]["spec"]["containers"][0]["readinessProbe"] = probe
    create(namespace, [body], command)
    namespace.kubectl("rollout", "status", "deployment/taken", "--timeout=60s")
    pods = pod_uids(namespace, "app=taken")
    namespace.apply(app("taken", env=[debug], readinessProbe=probe))
    namespace.wait_ready("taken")
    has_variables(namespace, "taken", "DEBUG", "NODE_NAME")
    assert pod_uids(namespace, "app=taken") == pods
    namespace.apply(app("taken"))
    eventually(lambda: has_variables(namespace, "taken", "NODE_NAME"))
    (container,) = namespace.get("deployment", "taken")["spec"]["template"]["spec"]["containers"]
    assert "readinessProbe" not in container
    namespace.wait_ready("taken")


def test_adopted_replicas_stay_and_the_deployment_is_given_back(namespace: Namespace) -> None:
    namespace.apply(manual_deployment("five", replicas=5))
    namespace.kubectl("rollout", "status", "deployment/five", "--timeout=90s")
    pods = pod_uids(namespace, "app=five")
    assert len(pods) == 5
    namespace.apply(app("five"))
    namespace.wait_ready("five")
    assert namespace.get("deployment", "five")["spec"]["replicas"] == 5
    eventually(partial(has_event, namespace, "five", "Adopted", "keeps its 5 replicas"))

    # Its pods are exposed by their labels from now on: nobody deletes what runs them.
    selecting = app("five", selector={"app": "five"})
    del selecting["spec"]["image"]
    namespace.apply(selecting)
    eventually(partial(is_free, namespace, "deployment", "five"))
    eventually(partial(has_event, namespace, "five", "Released", "the Deployment"))
    url = namespace.wait_ready("five")["status"]["url"]
    assert pod_uids(namespace, "app=five") == pods
    eventually(partial(fetch, url))
    namespace.kubectl("delete", "xapp", "five", "--cascade=foreground", "--timeout=60s")
    assert pod_uids(namespace, "app=five") == pods


def test_a_child_is_given_back_and_handed_over_again(namespace: Namespace) -> None:
    namespace.apply(app("back"))
    url = namespace.wait_ready("back")["status"]["url"]
    pods, number = pod_uids(namespace, "exposedapp.dev/name=back"), node_port(namespace, "back")
    for kind in CHILDREN:
        namespace.kubectl("annotate", f"{kind}/back", f"{ANNOTATION}=false")
        eventually(partial(is_free, namespace, kind, "back"))
    eventually(partial(is_not_owned, namespace, "back", f"{ANNOTATION}=false"))
    eventually(partial(fetch, url))

    for kind in CHILDREN:
        namespace.kubectl("annotate", f"{kind}/back", f"{ANNOTATION}=true", "--overwrite")
    # The annotation is seen at the next try; a change of the app is reconciled at once.
    namespace.apply(app("back", service={"sessionAffinity": "ClientIP"}))
    namespace.wait_ready("back", seconds=120)
    eventually(partial(is_owned, namespace, "back"))
    assert node_port(namespace, "back") == number
    assert pod_uids(namespace, "exposedapp.dev/name=back") == pods

    for kind in CHILDREN:
        namespace.kubectl("annotate", f"{kind}/back", f"{ANNOTATION}=false", "--overwrite")
        eventually(partial(is_free, namespace, kind, "back"))
    namespace.kubectl("delete", "xapp", "back", "--cascade=foreground", "--timeout=60s")
    assert pod_uids(namespace, "exposedapp.dev/name=back") == pods
    eventually(partial(fetch, url))


def test_an_app_gets_the_node_port_when_the_app_that_has_it_goes(namespace: Namespace) -> None:
    """It used to be tried again after 15 to 50 s."""
    namespace.apply(app("holder", replicas=0))
    number = namespace.wait_ready("holder")["status"]["ports"][0]["nodePort"]
    ports = [{"port": 80, "targetPort": 8080, "nodePort": number}]
    namespace.apply(app("waiting", replicas=0, ports=ports))

    def conflicts() -> None:
        ready = namespace.ready("waiting")
        assert ready["reason"] == "NodePortConflict", ready
        assert "Service holder" in ready["message"], ready

    eventually(conflicts)
    namespace.kubectl("delete", "xapp", "holder")
    namespace.wait_ready("waiting", seconds=10)
    assert node_port(namespace, "waiting") == number
