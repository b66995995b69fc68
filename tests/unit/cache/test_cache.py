# SPDX-License-Identifier: Apache-2.0
"""The cache: the newest state of each object, and only the fields that the operator reads."""

from typing import Any

import pytest

from exposedapp.api.meta import Json, NamespacedName, key_of
from exposedapp.api.url_settings import NodesSpec
from exposedapp.cache.cache import Cache
from exposedapp.cache.encoding import strip
from exposedapp.cache.endpoint_slice_store import EndpointSliceStore
from exposedapp.cache.node_store import MAX_CHANGED_NODES
from exposedapp.cache.store import ObjectStore
from exposedapp.cache.versions import MAX_TOMBSTONES, ListSnapshot
from exposedapp.cache.watches import AppHandler, initial_requests
from exposedapp.exposure.endpoints import Endpoint
from exposedapp.exposure.nodes import EXCLUSION_LABEL, Node
from exposedapp.workqueue.priority import Priority
from support.objects import APP, OWNER, endpoint_body, node_body, slice_body

KEY = NamespacedName(APP.namespace, APP.name)


def body(version: int, uid: str = "u1", **spec: Any) -> Json:
    return {
        "metadata": {
            "namespace": KEY.namespace,
            "name": KEY.name,
            "uid": uid,
            "resourceVersion": str(version),
        },
        "spec": spec,
    }


def version(store: ObjectStore) -> str | None:
    stored = store.get(KEY)
    return stored["metadata"]["resourceVersion"] if stored else None


@pytest.mark.parametrize(
    ("versions", "changes", "kept"),
    [
        ([5], [True], "5"),
        ([5, 6], [True, True], "6"),
        ([6, 5], [True, False], "6"),
        ([5, 5], [True, False], "5"),
        ([9, 10], [True, True], "10"),
        ([5, 7, 6], [True, True, False], "7"),
    ],
    ids=["first", "newer", "late", "the answer to an own write again", "as numbers", "overtaken"],
)
def test_the_newer_one_wins(versions: list[int], changes: list[bool], kept: str) -> None:
    store = ObjectStore()
    assert [bool(store.upsert(body(version))) for version in versions] == changes
    assert version(store) == kept


@pytest.mark.parametrize(
    ("known_versions", "deleted_version", "is_deleted"),
    [([5], 6, True), ([5], 5, True), ([7], 6, False), ([], 6, False)],
    ids=["deleted", "deleted as it was", "an older incarnation", "unknown"],
)
def test_drop(known_versions: list[int], deleted_version: int, is_deleted: bool) -> None:
    store = ObjectStore()
    for known_version in known_versions:
        store.upsert(body(known_version, uid="u2"))
    assert bool(store.delete(body(deleted_version, uid="u1"))) is is_deleted
    assert (version(store) is None) is (is_deleted or not known_versions)


def test_forget_and_iterate() -> None:
    store = ObjectStore()
    store.upsert(body(1))
    assert list(store) == [KEY]
    for key in store:
        # Handlers delete while they iterate.
        store.delete_if(key, "another")
        assert store.get(KEY) is not None
        store.delete_if(key, "u1")
    assert store.get(KEY) is None
    store.delete_if(KEY, "u1")


def test_a_state_that_is_newer_than_the_proof_stays() -> None:
    store = ObjectStore()
    store.upsert(body(6))
    store.delete_if(KEY, "u1", 5)
    assert store.get(KEY) is not None
    store.delete_if(KEY, "u1", 6)
    assert store.get(KEY) is None


def test_an_answer_does_not_bring_back_what_was_deleted() -> None:
    store = ObjectStore()
    store.upsert(body(1))
    assert store.upsert(body(2))
    store.delete(body(4))
    assert not store.upsert(body(3))
    assert store.get(KEY) is None
    assert store.upsert(body(5, uid="u2"))


def test_an_answer_does_not_bring_back_what_a_new_list_did_not_have() -> None:
    store = ObjectStore()
    store.upsert(body(5))
    assert store.delete_missing(ListSnapshot(9, {})) == [KEY]
    assert not store.upsert(body(8))
    assert store.upsert(body(10))


def test_few_dropped_objects_are_remembered() -> None:
    store = ObjectStore()
    for number in range(MAX_TOMBSTONES + 5):
        deleted = body(number + 1)
        deleted["metadata"]["name"] = f"web-{number}"
        store.delete(deleted)
    assert len(store._versions._tombstones) == MAX_TOMBSTONES


def test_what_is_remembered_cannot_be_changed_from_outside() -> None:
    store = ObjectStore()
    given = body(1, replicas=1)
    store.upsert(given)
    given["spec"]["replicas"] = 2
    stored = store.get(KEY)
    assert stored is not None
    stored["spec"]["replicas"] = 3
    assert store.get(KEY) == strip(body(1, replicas=1))


def test_only_what_is_used_is_kept() -> None:
    full = {
        **body(3, replicas=1),
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "status": {"replicas": 1},
    }
    full["metadata"] |= {
        "generation": 2,
        "labels": {"a": "b"},
        "ownerReferences": [OWNER],
        "deletionTimestamp": "2026-01-01T00:00:00Z",
        "creationTimestamp": "2026-01-01T00:00:00Z",
        "managedFields": [{"manager": "kubectl", "fieldsV1": {}}],
        "annotations": {
            "exposedapp.dev/desired-hash": "0123",
            "kubectl.kubernetes.io/last-applied-configuration": "{...}",
        },
    }
    assert strip(full) == {
        "metadata": {
            "name": "web",
            "namespace": "shop",
            "uid": "u1",
            "resourceVersion": "3",
            "generation": 2,
            "labels": {"a": "b"},
            "ownerReferences": [OWNER],
            "deletionTimestamp": "2026-01-01T00:00:00Z",
            "annotations": {"exposedapp.dev/desired-hash": "0123"},
        },
        "spec": {"replicas": 1},
        "status": {"replicas": 1},
    }


# --- nodes --------------------------------------------------------------------------------------


def app_on(selector: dict[str, str] | None) -> Json:
    meta = {"namespace": "shop", "name": "web", "uid": "u", "resourceVersion": "1"}
    return {"metadata": meta, "spec": {"nodes": {"selector": selector}} if selector else {}}


@pytest.mark.parametrize(
    ("label", "selector", "is_relevant"),
    [
        ("load", None, False),
        ("load", {"zone": "a"}, False),
        ("zone", {"zone": "a"}, True),
        (EXCLUSION_LABEL, None, True),
        ("node-role.kubernetes.io/control-plane", None, True),
    ],
)
def test_a_label_is_news_when_somebody_selects_by_it(
    label: str, selector: dict[str, str] | None, is_relevant: bool
) -> None:
    cache = Cache()
    AppHandler(cache).upsert(app_on(selector))
    cache.nodes.upsert(node_body("n", labels={"other": "1"}))
    changed = node_body("n", labels={"other": "1", label: "a"})
    assert bool(cache.nodes.upsert(changed)) is is_relevant


def test_a_label_that_somebody_begins_to_select_by_is_known() -> None:
    cache = Cache()
    cache.nodes.upsert(node_body("n"))
    eligibility = cache.nodes.index().eligibility(NodesSpec(selector={"zone": "a"}), ["IPv4"])
    assert eligibility.node("n") is None
    cache.nodes.upsert(node_body("n", labels={"zone": "a"}))
    AppHandler(cache).upsert(app_on({"zone": "a"}))
    eligibility = cache.nodes.index().eligibility(NodesSpec(selector={"zone": "a"}), ["IPv4"])
    node = eligibility.node("n")
    assert node
    assert eligibility.hosts(node) == ["10.0.0.1"]


@pytest.mark.parametrize("deleted", [True, False])
def test_a_label_that_no_app_selects_by_any_more_does_not_matter(deleted: bool) -> None:
    def label_changes_matter(value: str) -> bool:
        labels = {"zone": value, "disk": value}
        return bool(cache.nodes.upsert(node_body("n", labels=labels)))

    cache = Cache()
    handler = AppHandler(cache)
    handler.upsert(app_on({"zone": "a"}))
    cache.nodes.upsert(node_body("n", labels={"zone": "a", "disk": "a"}))
    assert label_changes_matter("b")
    changed = app_on(None if deleted else {"cpu": "a"})
    changed["metadata"]["resourceVersion"] = "2"
    (handler.delete if deleted else handler.upsert)(changed)
    cache.apps_by_node_impact()
    assert not label_changes_matter("c")


def test_a_heartbeat_changes_nothing() -> None:
    cache = Cache()
    first, heartbeat = node_body("n"), node_body("n")
    heartbeat["metadata"]["resourceVersion"] = "2"
    heartbeat["status"]["conditions"][1]["lastHeartbeatTime"] = "2026-01-02"
    heartbeat["status"]["conditions"][0]["status"] = "True"
    heartbeat["status"]["images"] = [{"names": ["registry.example/web:1"]}]
    assert bool(cache.nodes.upsert(first)) is True
    assert bool(cache.nodes.upsert(heartbeat)) is False


@pytest.mark.parametrize(
    "changed",
    [
        node_body("n", ready=False),
        node_body("n", "10.0.0.2"),
        node_body("n", deletionTimestamp="2026-01-01T00:00:00Z"),
    ],
    ids=["ready", "address", "deleting"],
)
def test_what_matters_of_a_node_is_news(changed: Json) -> None:
    cache = Cache()
    cache.nodes.upsert(node_body("n"))
    assert bool(cache.nodes.upsert(changed)) is True
    assert bool(cache.nodes.upsert(changed)) is False


def test_a_node_that_went() -> None:
    cache = Cache()
    cache.nodes.upsert(node_body("n"))
    assert cache.nodes.nodes == {
        "n": Node("n", True, False, (("InternalIP", "10.0.0.1"), ("Hostname", "n")))
    }
    assert bool(cache.nodes.delete(node_body("n"))) is True
    assert bool(cache.nodes.delete(node_body("n"))) is False
    assert cache.nodes.nodes == {}


def listing(name: str, url: str) -> Json:
    app = body(1)
    app["metadata"]["name"] = name
    return {**app, "status": {"urls": [url]}}


@pytest.mark.parametrize(
    ("address", "url"),
    [("10.0.0.1", "http://10.0.0.1:30080"), ("FD00::1", "http://[fd00::1]:30080/path")],
)
@pytest.mark.parametrize("is_deleted", [True, False])
def test_apps_that_list_a_node_that_changed_are_looked_at_first(
    address: str, url: str, *, is_deleted: bool
) -> None:
    cache = Cache()
    for number in range(5):
        AppHandler(cache).upsert(listing(f"other-{number}", "http://10.0.0.11:30080"))
    AppHandler(cache).upsert(listing("mine", url))
    cache.nodes.upsert(node_body("n", address))
    cache.nodes.upsert(node_body("m", "10.0.0.2"))
    assert cache.apps_by_node_impact()[0].name == "other-0"
    if is_deleted:
        cache.nodes.delete(node_body("n", address))
    else:
        cache.nodes.upsert(node_body("n", address, ready=False))
    first, *others = cache.apps_by_node_impact()
    assert first.name == "mine"
    assert len(others) == 5
    assert cache.apps_by_node_impact()[0].name == "other-0"


def test_when_many_nodes_change_at_once_all_apps_are_looked_at_in_any_order() -> None:
    cache = Cache()
    AppHandler(cache).upsert(listing("a", "http://10.0.0.1:30080"))
    for ready in (True, False) * 2:
        for number in range(100):
            cache.nodes.upsert(node_body(f"n-{number}", "10.0.0.1", ready=ready))
    assert len(cache.nodes._changed) <= MAX_CHANGED_NODES + 1
    assert [key.name for key in cache.apps_by_node_impact()] == ["a"]


def test_the_apps_of_a_namespace_that_is_opened_and_no_others() -> None:
    """Otherwise each namespace that opens causes a reconcile of the apps of all others."""
    cache = Cache()
    for namespace, name, observed in (("shop", "old", 1), ("shop", "new", -1), ("staging", "a", 1)):
        app = {
            "metadata": {
                "namespace": namespace,
                "name": name,
                "uid": name,
                "generation": 1,
                "resourceVersion": "5",
            },
            "status": {"observedGeneration": observed},
        }
        AppHandler(cache).upsert(app)
    shop = [
        (NamespacedName("shop", "old"), Priority.LOW),
        (NamespacedName("shop", "new"), Priority.NORMAL),
    ]
    assert list(initial_requests(cache, "shop")) == shop
    staging = (NamespacedName("staging", "a"), Priority.LOW)
    assert list(initial_requests(cache, None)) == [*shop, staging]
    assert list(initial_requests(cache, "other")) == []


# --- endpoints ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("conditions", "ready", "terminating", "has_ready_pod"),
    [
        ({"ready": True}, True, False, True),
        ({"ready": True, "serving": True}, True, False, True),
        ({"ready": False}, False, False, False),
        ({}, True, False, True),
        ({"ready": False, "serving": True, "terminating": True}, False, True, False),
        # publishNotReadyAddresses:
        ({"ready": True, "serving": False}, True, False, False),
        ({"ready": True, "serving": True, "terminating": True}, True, True, False),
    ],
    ids=["ready", "serving", "not ready", "unknown", "terminating", "early", "late"],
)
def test_an_endpoint(
    conditions: dict[str, bool], ready: bool, terminating: bool, has_ready_pod: bool
) -> None:
    cache = Cache()
    given = {**endpoint_body("p"), "conditions": conditions}
    assert cache.endpoint_slices.upsert(slice_body("s", given)) == [KEY]
    (endpoint,) = cache.endpoint_slices.endpoints(KEY)
    assert (endpoint.pod, endpoint.ready, endpoint.terminating) == ("uid-p", ready, terminating)
    assert endpoint.has_ready_pod is has_ready_pod


def test_an_endpoint_without_a_pod_is_its_address() -> None:
    cache = Cache()
    cache.endpoint_slices.upsert(slice_body("s", {"addresses": ["10.1.0.9"]}))
    assert cache.endpoint_slices.endpoints(KEY) == [
        Endpoint("10.1.0.9", ready=True, terminating=False)
    ]


def test_two_slices_of_two_families() -> None:
    cache = Cache()
    cache.endpoint_slices.upsert(slice_body("s4", endpoint_body("p", "10.1.0.1", ready=True)))
    cache.endpoint_slices.upsert(slice_body("s6", endpoint_body("p", "fd00::1", ready=True)))
    assert [endpoint.pod for endpoint in cache.endpoint_slices.endpoints(KEY)] == ["uid-p", "uid-p"]
    assert cache.endpoint_slices.delete(slice_body("s4")) == [KEY]
    assert [endpoint.pod for endpoint in cache.endpoint_slices.endpoints(KEY)] == ["uid-p"]
    cache.endpoint_slices.delete(slice_body("s6"))
    assert cache.endpoint_slices.endpoints(KEY) == []


def test_a_slice_that_says_the_same_is_no_news() -> None:
    cache = Cache()
    assert cache.endpoint_slices.upsert(slice_body("s", endpoint_body("p", ready=True))) == [KEY]
    again = slice_body("s", endpoint_body("p", ready=True, serving=True))
    again["metadata"]["annotations"] = {"endpoints.kubernetes.io/last-change-trigger-time": "now"}
    assert cache.endpoint_slices.upsert(again) == []
    assert cache.endpoint_slices.upsert(slice_body("s", endpoint_body("p", ready=False))) == [KEY]


def test_slices_without_endpoints_or_without_a_service() -> None:
    cache = Cache()
    empty = slice_body("s")
    empty["endpoints"] = None
    cache.endpoint_slices.upsert(empty)
    assert cache.endpoint_slices.endpoints(KEY) == []
    without_service = slice_body("s")
    without_service["metadata"]["labels"] = {}
    assert cache.endpoint_slices.upsert(without_service) == [KEY, NamespacedName("shop", "")]


def test_deleting_an_unknown_slice() -> None:
    assert Cache().endpoint_slices.delete(slice_body("s")) == []


def test_key_of() -> None:
    assert key_of(body(1)) == KEY


@pytest.mark.parametrize(
    ("ports", "names"),
    [
        ([{"name": "web", "port": 80}, {"name": "dns", "port": 53}], {"web", "dns"}),
        ([{"port": 80}], {""}),
        ([{"name": "", "port": 80}], {""}),
        ([], set()),
        (None, set()),
    ],
    ids=["named", "without a name", "with an empty name", "none", "null"],
)
def test_an_endpoint_has_its_node_and_the_names_of_its_ports(ports: Any, names: set[str]) -> None:
    cache = Cache()
    given = slice_body("s", {**endpoint_body("p", ready=True), "nodeName": "a"})
    assert cache.endpoint_slices.upsert({**given, "ports": ports}) == [KEY]
    (endpoint,) = cache.endpoint_slices.endpoints(KEY)
    assert (endpoint.node, set(endpoint.ports)) == ("a", names)
    # A change of the node, or of a port, matters.
    assert cache.endpoint_slices.upsert({**given, "ports": [{"name": "other"}]}) == [KEY]
    moved = {**given, "endpoints": [{**given["endpoints"][0], "nodeName": "b"}]}
    assert cache.endpoint_slices.upsert({**moved, "ports": [{"name": "other"}]}) == [KEY]


def test_the_annotations_that_tell_who_took_it_over_are_kept() -> None:
    ours = {f"exposedapp.dev/{name}": "x" for name in ("desired-hash", "adopt", "container")}
    full = body(1)
    full["metadata"]["annotations"] = {
        **ours,
        "kubectl.kubernetes.io/last-applied-configuration": "{...}",
    }
    assert strip(full)["metadata"]["annotations"] == ours


def test_a_slice_that_is_relabelled_concerns_both_apps() -> None:
    store = EndpointSliceStore()
    endpoint = endpoint_body("p1", ready=True)
    store.upsert(slice_body("s", endpoint, service="a"))
    moved = slice_body("s", endpoint, service="b")
    moved["metadata"]["resourceVersion"] = "2"
    a, b = (NamespacedName(KEY.namespace, name) for name in ("a", "b"))
    assert store.upsert(moved) == [a, b]
    assert store.endpoints(a) == []
    assert len(store.endpoints(b)) == 1
