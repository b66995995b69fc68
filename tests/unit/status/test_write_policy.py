# SPDX-License-Identifier: Apache-2.0
"""Which changes of a status are written, and which are written at once."""

from dataclasses import replace
from typing import Any

import pytest

from exposedapp.api.app import ExposedAppStatus
from exposedapp.api.conditions import ConditionType, Reason
from exposedapp.api.meta import Json
from exposedapp.exposure.endpoints import Endpoint
from exposedapp.reconcile.status_writer import STATUS_DEBOUNCE
from exposedapp.status.observation import PodFailure
from exposedapp.status.write_policy import is_urgent, status_patch
from support.harness import World
from support.objects import (
    deployment_body,
    endpoint_body,
    node,
    node_body,
    port,
    service_body,
    slice_body,
    spec_of,
)
from support.snapshots import BEFORE, NODES, NORMAL, NOW, TWO, WELL, Seen, compute

FIRST = compute(WELL)
BOTH = [Endpoint(name, ready=True, terminating=False) for name in "pq"]


def after(**fields: Any) -> ExposedAppStatus:
    return compute(replace(WELL, previous=FIRST, now=NOW, **fields))


def test_an_equal_status_is_not_written() -> None:
    assert status_patch(FIRST, after()) == {}


def test_the_number_of_eligible_nodes_alone_is_not_written() -> None:
    many = [node(f"n{i}", ("InternalIP", "10.0.0.1")) for i in range(17)]
    first = compute(replace(WELL, nodes=many))
    # All have one address here, so the URLs are equal and nothing but the count is different.
    more = compute(replace(WELL, nodes=[*many, node("one-more")], previous=first))
    assert first.nodes != more.nodes
    assert status_patch(first, more) == {}


NOWHERE = replace(WELL, nodes=[node("a", ready=False)])
OTHER_HOST = replace(WELL, spec=spec_of(nodes={"host": "lb.example.com"}))


def test_how_many_nodes_do_not_forward_is_not_written() -> None:
    first = compute(NOWHERE)
    more = replace(NOWHERE, nodes=[node(name, ready=False) for name in "abc"], previous=first)
    assert first.conditions != compute(more).conditions
    assert status_patch(first, compute(more)) == {}


@pytest.mark.parametrize(
    "fields",
    [
        {"nodes": [node("a", ready=False), node("b", deleting=True)]},
        {"nodes": [node("a", ("InternalIP", "fd00::1"))]},
        {"nodes": []},
        {"nodes": NODES},
        {"generation": 8},
    ],
    ids=["another reason", "instead", "no node", "nodes", "generation"],
)
def test_why_no_node_forwards_is_written(fields: dict[str, Any]) -> None:
    first = compute(NOWHERE)
    assert status_patch(first, compute(replace(NOWHERE, previous=first, **fields)))


def test_an_ip_family_is_no_count() -> None:
    first = compute(replace(WELL, nodes=[node("a", ("InternalIP", "fd00::1"))]))
    six = service_body(ipFamilies=["IPv6"])
    other = replace(WELL, previous=first, service=six)
    assert status_patch(first, compute(other))


def test_behind_a_host_the_nodes_are_not_written() -> None:
    first = compute(OTHER_HOST)
    more = replace(OTHER_HOST, nodes=[*NODES, node("c", ("InternalIP", "10.0.0.3"))])
    status = compute(replace(more, previous=first))
    assert status.nodes is not None
    assert (status.nodes.eligible, status.nodes.listed) == (3, 3)
    assert status_patch(first, status) == {}
    assert status_patch(first, compute(replace(OTHER_HOST, nodes=[], previous=first)))


def test_a_listed_node_is_written() -> None:
    patch = status_patch(FIRST, after(nodes=NODES[:1]))
    assert patch == {
        "nodes": {"eligible": 1, "listed": 1},
        "urls": ["http://10.0.0.1:30001"],
    }


def test_only_what_changed_is_written() -> None:
    assert set(status_patch(FIRST, after(generation=8))) == {"observedGeneration", "conditions"}
    assert set(status_patch(FIRST, after(endpoints=[]))) == {"endpoints", "conditions"}


def test_what_is_no_longer_true_is_removed() -> None:
    patch = status_patch(FIRST, after(service=None))
    assert {key for key, value in patch.items() if value is None} == {
        "url",
        "urls",
        "nodes",
        "clusterIPs",
        "clusterURL",
        "proxyPath",
    }


def test_the_first_status_is_written_whole() -> None:
    patch = status_patch(NORMAL, FIRST)
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
        (
            {
                "pod_failure": PodFailure(Reason.CRASH_LOOP, "x"),
                "deployment": deployment_body(1, 0),
            },
            True,
        ),
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


def service_becomes_ready(**fields: Any) -> tuple[ExposedAppStatus, ExposedAppStatus]:
    """Before and after: the Service has the endpoints, and the Deployment not yet all pods."""
    seen = replace(WELL, deployment=deployment_body(2, 1), endpoints=[], **fields)
    before = compute(seen)
    status = compute(replace(seen, endpoints=BOTH, previous=before))
    conditions = [each.condition(ConditionType.SERVICE_READY) for each in (before, status)]
    assert [condition and condition.status for condition in conditions] == ["False", "True"]
    return before, status


def test_a_step_of_a_start_can_wait() -> None:
    assert not is_urgent(*service_becomes_ready())


def test_where_pods_fail_no_start_is_waited_for() -> None:
    """The reason of Ready says what is wrong, and may do so for days."""
    assert is_urgent(*service_becomes_ready(pod_failure=PodFailure(Reason.CRASH_LOOP, "x")))


# --- URLs that come and go ------------------------------------------------------------------------


def with_pods(*on: str, previous: ExposedAppStatus = NORMAL, ready: int = 3) -> ExposedAppStatus:
    """An app with externalTrafficPolicy Local and `ready` ready pods, on these nodes in turn."""
    pods = [
        Endpoint(f"p{i}", ready=True, terminating=False, node=on[i % len(on)]) for i in range(ready)
    ]
    return compute(
        replace(
            WELL,
            service=service_body(externalTrafficPolicy="Local"),
            nodes=[node(name, ("InternalIP", f"10.0.0.{ord(name)}")) for name in "abcd"],
            endpoints=pods,
            previous=previous,
        )
    )


def test_the_steps_of_a_local_rollout_can_wait() -> None:
    first = with_pods("a", "b", "c")
    for other in (
        with_pods("a", "b", "d", previous=first),
        with_pods("a", "b", previous=first, ready=2),
        with_pods("a", "b", "c", "d", previous=first, ready=4),
    ):
        assert status_patch(first, other)["urls"]
        assert not is_urgent(first, other)


def test_the_url_itself_cannot_wait() -> None:
    first = with_pods("a", "b", "c")
    assert first.url == "http://10.0.0.97:30001"
    assert is_urgent(first, with_pods("b", "c", "d", previous=first))
    assert is_urgent(NORMAL, first)


def test_a_node_that_another_one_replaces_cannot_wait() -> None:
    """As on a cluster with more nodes than an app lists."""
    twenty = [node(f"n{i}", ("InternalIP", f"10.0.0.{i + 1}")) for i in range(20)]
    seen = replace(WELL, nodes=twenty, previous=NORMAL)
    first = compute(seen)
    last = next(each for each in reversed(first.urls or ()) if each != first.url)
    others = [each for each in twenty if f"//{each.addresses[0][1]}:" not in last]
    status = compute(replace(seen, nodes=others, previous=first))
    assert last not in (status.urls or ())
    assert (first.url, len(first.urls or ())) == (status.url, len(status.urls or ()))
    assert is_urgent(first, status)


def test_a_node_that_comes_or_goes_cannot_wait() -> None:
    three = [*NODES, node("c", ("InternalIP", "10.0.0.3"))]
    assert is_urgent(FIRST, after(nodes=NODES[:1]))
    assert is_urgent(FIRST, after(nodes=three))


async def test_sixteen_endpoints_that_change_one_by_one_are_few_writes() -> None:
    world = World()
    world.nodes = [node_body(f"n{i}", f"10.0.0.{i + 1}") for i in range(16)]
    world.app(replicas=16, service={"externalTrafficPolicy": "Local"})
    await world.settle()

    async def reconcile_without(missing: int | None, seconds: float) -> None:
        endpoints = [endpoint_body(f"p{i}", ready=i != missing) for i in range(16)]
        placed = ({**endpoint, "nodeName": f"n{i}"} for i, endpoint in enumerate(endpoints))
        world.slices = [slice_body("s", *placed)]
        world.now += seconds
        await world.reconcile()

    await reconcile_without(None, 60)
    await reconcile_without(None, 60)
    world.cluster.writes.clear()
    for missing in range(16):
        await reconcile_without(missing, 0.05)
        assert world.status()["url"] in world.status()["urls"]
    # One write because a pod is not ready, and two because of another url.
    assert len(world.cluster.writes) <= 3
    await reconcile_without(None, 0.05)
    await reconcile_without(None, STATUS_DEBOUNCE[0])
    assert len(world.status()["urls"]) == 16
    assert len(world.cluster.writes) <= 4


def test_a_message_alone_is_not_urgent() -> None:
    first = compute(TWO)
    more = replace(
        TWO,
        previous=first,
        spec=spec_of(replicas=3),
        deployment=deployment_body(3, 2),
    )
    status = compute(more)
    assert status_patch(first, status)
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
    # Whatever the previous status; only url may depend on it, where there are several.
    assert status == fresh
    patch = status_patch(first, status)
    assert {key for key, value in patch.items() if value is None} == FIELDS[old] - FIELDS[new]
    merged = {**as_json(first), **patch}
    assert {key: value for key, value in merged.items() if value is not None} == as_json(fresh)
    assert as_json(fresh).keys() == FIELDS[new] | ALWAYS


def as_json(status: ExposedAppStatus) -> Json:
    return status.model_dump(mode="json", by_alias=True, exclude_none=True)
