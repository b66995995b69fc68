"""What of a status is written, and what is written at once."""

from dataclasses import replace
from typing import Any

import pytest

from exposedapp.addresses import Endpoint
from exposedapp.api import ExposedAppStatus
from exposedapp.reasons import Reason, Trouble
from exposedapp.schema import Json
from exposedapp.status import changes, is_urgent
from unit.objects import deployment_body, node, port, service_body, spec_of
from unit.observed import BEFORE, NEW, NODES, NOW, TWO, WELL, Seen, compute

FIRST = compute(WELL)
BOTH = [Endpoint(name, ready=True, terminating=False) for name in "pq"]


def after(**fields: Any) -> ExposedAppStatus:
    return compute(replace(WELL, previous=FIRST, now=NOW, **fields))


def test_an_equal_status_is_not_written() -> None:
    assert changes(FIRST, after()) == {}


def test_the_number_of_eligible_nodes_alone_is_not_written() -> None:
    many = [node(f"n{i}", ("InternalIP", "10.0.0.1")) for i in range(17)]
    first = compute(replace(WELL, nodes=many))
    # All have one address here, so the URLs are equal and nothing but the count is different.
    more = compute(replace(WELL, nodes=[*many, node("one-more")], previous=first))
    assert first.nodes != more.nodes
    assert changes(first, more) == {}


def test_a_listed_node_is_written() -> None:
    patch = changes(FIRST, after(nodes=NODES[:1]))
    assert patch == {
        "nodes": {"eligible": 1, "listed": 1},
        "urls": ["http://10.0.0.1:30001"],
    }


def test_only_what_changed_is_written() -> None:
    assert set(changes(FIRST, after(generation=8))) == {"observedGeneration", "conditions"}
    assert set(changes(FIRST, after(endpoints=[]))) == {"endpoints", "conditions"}


def test_what_is_no_longer_true_is_removed() -> None:
    patch = changes(FIRST, after(service=None))
    assert {key for key, value in patch.items() if value is None} == {
        "url",
        "urls",
        "nodes",
        "clusterIPs",
        "clusterURL",
        "proxyPath",
    }


def test_the_first_status_is_written_whole() -> None:
    patch = changes(NEW, FIRST)
    assert patch["observedGeneration"] == 7
    assert None not in patch.values()
    assert patch["clusterIPs"] == ["10.96.0.1"]
    assert patch["conditions"][0]["lastTransitionTime"] == BEFORE


@pytest.mark.parametrize(
    ("fields", "urgent"),
    [
        ({}, False),
        ({"generation": 8}, True),
        ({"nodes": NODES[:1]}, True),
        ({"nodes": []}, True),
        ({"service": service_body(port(80, 30002))}, True),
        ({"deployment": deployment_body(2, 1)}, True),
        ({"trouble": Trouble(Reason.CRASH_LOOP, "x"), "deployment": deployment_body(1, 0)}, True),
        ({"deployment": deployment_body(2), "endpoints": BOTH}, False),
        ({"endpoints": [*WELL.endpoints, Endpoint("q", ready=False, terminating=False)]}, False),
        ({"service": service_body(clusterIPs=["10.96.0.2"])}, False),
    ],
    ids=[
        "nothing",
        "generation",
        "a URL less",
        "no URL",
        "node port",
        "not ready",
        "another reason",
        "counts",
        "endpoints",
        "cluster IP",
    ],
)
def test_is_urgent(fields: dict[str, Any], urgent: bool) -> None:
    assert is_urgent(FIRST, after(**fields)) is urgent


def test_a_message_alone_is_not_urgent() -> None:
    first = compute(TWO)
    more = replace(
        TWO,
        previous=first,
        spec=spec_of(replicas=3),
        deployment=deployment_body(3, 2),
    )
    status = compute(more)
    assert changes(first, status)
    assert not is_urgent(first, status)


# --- another type of Service ----------------------------------------------------------------------

EXTERNAL: Json = {
    "metadata": {"name": "web"},
    "spec": {"type": "ExternalName", "externalName": "db.example.com"},
}
TYPES: dict[str, Seen] = {
    "NodePort": WELL,
    "ClusterIP": replace(WELL, service=service_body(port(80), type="ClusterIP")),
    "LoadBalancer": replace(
        WELL,
        service={
            **service_body(port(80, 30001), type="LoadBalancer"),
            "status": {"loadBalancer": {"ingress": [{"ip": "203.0.113.1"}]}},
        },
    ),
    "ExternalName": replace(
        WELL,
        spec=spec_of(image=None, ports=None, service={"type": "ExternalName", **EXTERNAL["spec"]}),
        pods={},
        deployment=None,
        service=EXTERNAL,
        endpoints=[],
    ),
}
INSIDE = {"url", "ports", "clusterIPs", "clusterURL", "proxyPath", "selector"}
FIELDS = {
    "NodePort": INSIDE | {"urls", "nodes"},
    "ClusterIP": INSIDE,
    "LoadBalancer": INSIDE | {"urls", "nodes", "loadBalancer"},
    "ExternalName": set(),
}
ALWAYS = {"observedGeneration", "conditions", "replicas", "readyReplicas", "endpoints"}


@pytest.mark.parametrize("new", TYPES)
@pytest.mark.parametrize("old", TYPES)
def test_another_type_leaves_nothing_stale(old: str, new: str) -> None:
    first = compute(TYPES[old])
    fresh = compute(TYPES[new])
    status = compute(replace(TYPES[new], previous=first))
    # Whatever was there before; url alone may remember which of several it was.
    assert status == fresh
    patch = changes(first, status)
    assert {key for key, value in patch.items() if value is None} == FIELDS[old] - FIELDS[new]
    merged = {**as_json(first), **patch}
    assert {key: it for key, it in merged.items() if it is not None} == as_json(fresh)
    assert as_json(fresh).keys() == FIELDS[new] | ALWAYS


def as_json(status: ExposedAppStatus) -> Json:
    return status.model_dump(mode="json", by_alias=True, exclude_none=True)
