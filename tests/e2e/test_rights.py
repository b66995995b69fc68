# SPDX-License-Identifier: Apache-2.0
"""The chart's roles allow the requests that the operator sends, and no others."""

import json
from collections.abc import Iterator

import pytest
from pytest_kind import KindCluster

from e2e.conftest import namespace_of
from e2e.support import Json, Namespace, app, eventually, on_node
from support.rbac import Right, allowed, may_get

NODE = "exposedapp-single-control-plane"
LOG = "/var/log/kubernetes/audit/requests.log"

NOT_REQUESTED = {("update", "exposedapps/finalizers")}
"""The admission plugin OwnerReferencesPermissionEnforcement checks that the operator has it."""


@pytest.fixture
def shop(single_node: KindCluster) -> Iterator[Namespace]:
    with namespace_of(single_node) as namespace:
        yield namespace


def requests() -> list[Json]:
    """The operator's requests since the cluster was created, as the API server recorded them."""
    return [json.loads(line) for line in on_node(NODE, "cat", LOG).splitlines()]


def rights_of(request: Json) -> set[Right]:
    """What a request for an object needs; none for a path without one."""
    about = request.get("objectRef")
    if not about or "resource" not in about:
        return set()
    subresource = about.get("subresource")
    resource = about["resource"] + (f"/{subresource}" if subresource else "")
    rights = {(request["verb"], resource)}
    if request["verb"] == "patch" and request["responseStatus"]["code"] == 201:
        # Server-side apply of an object that did not exist.
        rights.add(("create", resource))
    return rights


def test_the_rights_are_those_of_the_requests(shop: Namespace) -> None:
    """Each request that the operator knows is caused once; those of its start were sent already."""
    before = len(requests())
    # Created; then the Deployment is not needed any more, and is deleted.
    shop.apply(app("web"))
    shop.wait_ready("web")
    # The app is read before a child is created again, and an Event is repeated.
    for _ in range(2):
        shop.kubectl("delete", "service", "web")
        eventually(lambda: shop.get("service", "web"))
    # Pods that do not start are listed.
    shop.apply(app("broken", image="localhost/exposedapp/none:dev"))
    eventually(lambda: reports(shop, "broken", "ImagePullBackOff"))
    # The Events of a pod are listed whose status does not say why it is not ready.
    volume = {"name": "tls", "secret": {"secretName": "nowhere"}}
    mounting = {"name": "app", "volumeMounts": [{"name": "tls", "mountPath": "/tls"}]}
    template = {"spec": {"volumes": [volume], "containers": [mounting]}}
    shop.apply(app("silent", podTemplate=template))
    eventually(lambda: reports(shop, "silent", "FailedMount"))
    # Objects of others have the names of the children.
    shop.kubectl("create", "deployment", "taken", "--image=localhost/exposedapp/demo:dev")
    shop.kubectl("create", "service", "clusterip", "taken", "--tcp=80:80")
    shop.apply(app("taken"))
    eventually(lambda: reports(shop, "taken", "NotOwned"))
    # Who has the node port is looked for among all Services.
    port = shop.status("web")["ports"][0]["nodePort"]
    shop.apply(app("late", ports=[{"port": 80, "targetPort": 8080, "nodePort": port}]))
    eventually(lambda: reports(shop, "late", "NodePortConflict"))
    without_image = app("web", selector={"app": "other"})
    del without_image["spec"]["image"]
    shop.kubectl("replace", "-f", "-", stdin=json.dumps(without_image))
    eventually(lambda: is_deleted(shop, "deployment", "web"))

    eventually(all_rights_are_used, deadline=30)
    recorded = requests()
    # Earlier tests restart the API server, which refuses everything until it has read the roles.
    assert [line for line in recorded[before:] if line["responseStatus"]["code"] == 403] == []
    for request in recorded:
        if "objectRef" not in request:
            assert may_get(request["requestURI"].partition("?")[0]), request["requestURI"]


def all_rights_are_used() -> None:
    used = {right for request in requests() for right in rights_of(request)}
    assert used == allowed() - NOT_REQUESTED


def reports(namespace: Namespace, name: str, reason: str) -> None:
    ready = namespace.ready(name)
    assert ready["reason"] == reason, ready


def is_deleted(namespace: Namespace, kind: str, name: str) -> None:
    assert name not in namespace.names(kind)
