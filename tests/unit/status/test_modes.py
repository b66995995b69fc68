# SPDX-License-Identifier: Apache-2.0
"""The status of apps without pods of their own, suspended ones, and other types of Service."""

from dataclasses import replace
from typing import Any

import pytest

from exposedapp.api.conditions import Reason
from exposedapp.api.meta import Json
from exposedapp.exposure.endpoints import Endpoint
from exposedapp.status.observation import PodFailure, Problem
from exposedapp.status.rollout import workload_settled
from support.objects import deployment_body, node, port, service_body, spec_of
from support.snapshots import STOPPED, TWO, WELL, Seen, compute, condition, condition_values
from support.specs import SPECS

DB = {"app": "db", "role": "primary"}
NAMED = {"port": 5432, "targetPort": "postgres", "protocol": "TCP", "nodePort": 30001}


def pod(
    name: str, *, ready: bool = True, on: str = "a", ports: frozenset[str] = frozenset({""})
) -> Endpoint:
    return Endpoint(name, ready=ready, terminating=False, node=on, ports=ports)


SELECTING = replace(
    WELL,
    spec=spec_of(**SPECS["selector"]),
    pods=DB,
    deployment=None,
    service=service_body(NAMED, selector=DB),
    endpoints=[pod("p")],
)
BY_NUMBER = replace(SELECTING, service=service_body(port(80, 30001)))
EARLY = Endpoint("p", ready=True, terminating=False, serving=False)
"""A pod that is not ready, and gets traffic: publishNotReadyAddresses."""
ENDING = Endpoint("p", ready=True, terminating=True)
BALANCED_STATUS = {"loadBalancer": {"ingress": [{"ip": "203.0.113.1"}]}}
BARE = replace(
    WELL,
    service=service_body(port(80), type="LoadBalancer", allocateLoadBalancerNodePorts=False),
)
EXTERNAL = replace(
    WELL,
    spec=spec_of(**SPECS["external-name"]),
    pods={},
    deployment=None,
    service={"spec": {"type": "ExternalName", "externalName": "db.example.com"}},
    endpoints=[],
)
INSIDE = replace(WELL, service=service_body(port(80), type="ClusterIP"))
PENDING = service_body(port(80, 30001), type="LoadBalancer")
NO_BALANCER = "No load balancer has an address for the Service yet"
GIVEN = {"loadBalancer": {"ingress": [{"ip": "203.0.113.1"}]}}
BALANCED = replace(WELL, service=PENDING)
LOCAL = replace(
    WELL, service=service_body(externalTrafficPolicy="Local"), endpoints=[pod("p", on="a")]
)
NO_POD_ON_A_NODE = "No eligible node: 2 without a ready pod (externalTrafficPolicy Local)."


def suspended(seen: Seen, **spec: Any) -> Seen:
    return replace(seen, spec=spec_of(suspend=True, **spec))


STANDS_FOR = "DNS name web.shop.svc is an alias (CNAME) for db.example.com."
NO_EFFECT = "spec.replicas has no effect on pods that the app does not run; scale what runs them."
WAITS = "Suspended: changes wait until spec.suspend is false."


@pytest.mark.parametrize(
    ("seen", "status", "reason", "message"),
    [
        (SELECTING, "True", "Available", "1 of 1 pods with app=db,role=primary are ready."),
        (
            replace(SELECTING, endpoints=[pod("p"), pod("q", ready=False)]),
            "True",
            "Available",
            "1 of 2 pods with app=db,role=primary are ready.",
        ),
        (
            replace(SELECTING, endpoints=[pod("p", ready=False)]),
            "False",
            "Progressing",
            "0 of 1 pods with app=db,role=primary are ready.",
        ),
        (
            replace(SELECTING, endpoints=[]),
            "False",
            "Progressing",
            "0 of 0 pods with app=db,role=primary are ready.",
        ),
        (
            replace(
                SELECTING, endpoints=[], pod_failure=PodFailure(Reason.IMAGE_PULL, "No such image.")
            ),
            "False",
            "ImagePullBackOff",
            "0 of 0 pods with app=db,role=primary are ready. No such image.",
        ),
        (
            replace(SELECTING, endpoints=[EARLY]),
            "False",
            "Progressing",
            "0 of 1 pods with app=db,role=primary are ready.",
        ),
        (
            replace(SELECTING, endpoints=[ENDING]),
            "False",
            "Progressing",
            "0 of 1 pods with app=db,role=primary are ready.",
        ),
        (
            BARE,
            "False",
            "Progressing",
            "The load balancer has no address yet, and there are no node ports "
            "(spec.service.allocateLoadBalancerNodePorts).",
        ),
        (
            replace(BARE, service={**(BARE.service or {}), "status": BALANCED_STATUS}),
            "True",
            "Available",
            "1 of 1 pods are ready.",
        ),
        (
            replace(SELECTING, endpoints=[pod("p", ports=frozenset())]),
            "False",
            "Progressing",
            "No pod has a container port named 'postgres', targetPort of 5432.",
        ),
        (
            # One pod of several is enough.
            replace(SELECTING, endpoints=[pod("p", ports=frozenset()), pod("q")]),
            "True",
            "Available",
            "2 of 2 pods with app=db,role=primary are ready.",
        ),
        (
            replace(SELECTING, endpoints=[pod("p", ports=frozenset()), pod("q", ready=False)]),
            "False",
            "Progressing",
            "No pod has a container port named 'postgres', targetPort of 5432.",
        ),
        (
            # A port by number needs no pod that declares it.
            replace(BY_NUMBER, endpoints=[pod("p", ports=frozenset())]),
            "True",
            "Available",
            "1 of 1 pods with app=db,role=primary are ready.",
        ),
        (
            replace(SELECTING, spec=spec_of(**SPECS["selector"], replicas=3)),
            "True",
            "Available",
            f"1 of 1 pods with app=db,role=primary are ready. {NO_EFFECT}",
        ),
        (
            # No number of replicas stops pods of another workload.
            replace(SELECTING, spec=spec_of(**SPECS["selector"], replicas=0)),
            "True",
            "Available",
            f"1 of 1 pods with app=db,role=primary are ready. {NO_EFFECT}",
        ),
        (replace(SELECTING, service=None), "False", "Progressing", "There is no Service yet."),
        (EXTERNAL, "True", "Available", STANDS_FOR),
        (replace(EXTERNAL, nodes=[]), "True", "Available", STANDS_FOR),
        (replace(EXTERNAL, service=None), "False", "Progressing", "There is no Service yet."),
        (INSIDE, "True", "Available", "1 of 1 pods are ready."),
        (replace(INSIDE, nodes=[]), "True", "Available", "1 of 1 pods are ready."),
        (
            BALANCED,
            "True",
            "Available",
            f"1 of 1 pods are ready. {NO_BALANCER}; status.url leads to a node meanwhile.",
        ),
        (
            replace(BALANCED, service=service_body(port(80), type="LoadBalancer")),
            "True",
            "Available",
            f"1 of 1 pods are ready. {NO_BALANCER}, and it has no node ports: there is no URL "
            "meanwhile.",
        ),
        (
            replace(BALANCED, service={**PENDING, "status": GIVEN}),
            "True",
            "Available",
            "1 of 1 pods are ready.",
        ),
        (suspended(WELL), "True", "Available", f"1 of 1 pods are ready. {WAITS}"),
        (suspended(TWO), "False", "Progressing", f"1 of 2 pods are ready. {WAITS}"),
        (
            suspended(replace(WELL, nodes=[])),
            "False",
            "NoEligibleNode",
            f"No eligible node: there are no nodes. {WAITS}",
        ),
        # The message is about the live children, not about those that the spec desires.
        (suspended(WELL, replicas=5), "True", "Available", f"1 of 1 pods are ready. {WAITS}"),
        (
            suspended(STOPPED, replicas=5),
            "True",
            "ScaledToZero",
            f"Scaled to zero; the Service and its node ports are kept. {WAITS}",
        ),
        (LOCAL, "True", "Available", "1 of 1 pods are ready."),
        (
            # No node is listed as long as none has a ready pod: the pods come first.
            replace(LOCAL, deployment=deployment_body(1, 0), endpoints=[pod("p", ready=False)]),
            "False",
            "Progressing",
            "0 of 1 pods are ready.",
        ),
        (
            replace(LOCAL, endpoints=[pod("p", on="gone")]),
            "False",
            "NoEligibleNode",
            NO_POD_ON_A_NODE,
        ),
        (
            replace(LOCAL, deployment=deployment_body(1, 0), endpoints=[], nodes=[]),
            "False",
            "NoEligibleNode",
            "No eligible node: there are no nodes.",
        ),
        (
            replace(LOCAL, endpoints=[], nodes=[node("a", ready=False)]),
            "False",
            "NoEligibleNode",
            "No eligible node: 1 not ready.",
        ),
        (
            replace(STOPPED, service=service_body(externalTrafficPolicy="Local")),
            "True",
            "ScaledToZero",
            "Scaled to zero; the Service and its node ports are kept.",
        ),
    ],
    ids=[
        "selector",
        "selector, one of two",
        "selector, none ready",
        "selector, no pods",
        "selector, pods in trouble",
        "selector, traffic before readiness",
        "selector, traffic while terminating",
        "LoadBalancer alone, pending",
        "LoadBalancer alone",
        "selector, named port missing",
        "selector, named port of another pod",
        "selector, named port of a pod that is not ready",
        "selector, port by number",
        "selector, scaled",
        "selector, scaled to zero",
        "selector, no Service",
        "ExternalName",
        "ExternalName without nodes",
        "ExternalName, no Service",
        "ClusterIP",
        "ClusterIP without nodes",
        "LoadBalancer, pending",
        "LoadBalancer, pending, no node ports",
        "LoadBalancer",
        "suspended",
        "suspended in a rollout",
        "suspended without nodes",
        "suspended, more wanted",
        "suspended, stopped",
        "Local",
        "Local, pods on their way",
        "Local, pods where no node forwards",
        "Local without nodes",
        "Local, no node ready",
        "Local, stopped",
    ],
)  # fmt: skip
def test_ready(seen: Seen, status: str, reason: str, message: str) -> None:
    assert condition_values(seen) == (status, reason, message)
    # Reconciling is what ends by itself: neither what is Ready nor an app without a node.
    under_way = condition(compute(seen), "Reconciling")
    assert (under_way is not None) is (status == "False" and reason != "NoEligibleNode")
    if under_way:
        assert (under_way.status, under_way.reason, under_way.message) == ("True", reason, message)
    assert condition(compute(seen), "Stalled") is None


@pytest.mark.parametrize("seen", [SELECTING, EXTERNAL, INSIDE, LOCAL])
def test_a_problem_comes_first_in_every_mode(seen: Seen) -> None:
    seen = replace(seen, problems=[Problem(Reason.FORBIDDEN, "No.", "Service")], nodes=[])
    assert condition_values(seen) == ("False", "Forbidden", "No.")
    assert condition_values(seen, "Stalled") == ("True", "Forbidden", "No.")
    assert condition(compute(seen), "Reconciling") is None


def test_a_deployment_that_may_not_be_removed_is_told() -> None:
    refused = Problem(Reason.FORBIDDEN, "cannot delete deployments", "Deployment")
    seen = replace(SELECTING, deployment=deployment_body(), problems=[refused])
    assert condition_values(seen, "WorkloadAvailable")[:2] == ("False", "Forbidden")
    assert condition_values(seen, "ServiceReady")[:2] == ("True", "Available")


def test_an_external_name_has_no_pods_whatever_was_left_behind() -> None:
    # The EndpointSlice controller does not touch the slices of an ExternalName.
    status = compute(replace(EXTERNAL, endpoints=[pod("p")]))
    assert (status.replicas, status.ready_replicas) == (0, 0)


def test_a_scale_of_an_external_name_is_answered() -> None:
    scaled = replace(EXTERNAL, spec=spec_of(**SPECS["external-name"], replicas=3))
    assert condition_values(scaled, "WorkloadAvailable") == (
        "True",
        "Available",
        f"The app has no pods of its own. {NO_EFFECT}",
    )


THREE = [pod("p"), pod("q", ready=False), pod("r")]


@pytest.mark.parametrize(
    ("seen", "replicas", "ready", "selector"),
    [
        (TWO, 2, 1, "exposedapp.dev/name=web"),
        (replace(TWO, endpoints=THREE), 2, 1, "exposedapp.dev/name=web"),
        (replace(SELECTING, endpoints=THREE), 3, 2, "app=db,role=primary"),
        (replace(SELECTING, endpoints=[]), 0, 0, "app=db,role=primary"),
        (EXTERNAL, 0, 0, None),
        (replace(WELL, pods={"app": "old"}), 1, 1, "app=old"),
    ],
    ids=["image", "by the Deployment", "selector", "no pods", "ExternalName", "adopted"],
)  # fmt: skip
def test_the_scale_subresource(seen: Seen, replicas: int, ready: int, selector: str | None) -> None:
    status = compute(seen)
    assert (status.replicas, status.ready_replicas, status.selector) == (replicas, ready, selector)


@pytest.mark.parametrize(
    ("seen", "well"),
    [
        (WELL, True),
        (TWO, False),
        (SELECTING, True),
        (replace(SELECTING, endpoints=THREE), True),
        (replace(SELECTING, endpoints=[pod("p", ready=False)]), False),
        (replace(SELECTING, endpoints=[]), False),
        (EXTERNAL, True),
        (replace(WELL, deployment=None), True),
    ],
)
def test_when_there_is_nothing_to_ask_the_pods(seen: Seen, well: bool) -> None:
    assert workload_settled(seen.observed()) is well


# --- suspended: the status is that of the live children, whatever the spec ------------------------


OTHER_MODES: list[Json] = [SPECS["selector"], SPECS["external-name"]]


@pytest.mark.parametrize("spec", OTHER_MODES, ids=["selector", "ExternalName"])
def test_a_change_of_mode_that_waits(spec: Json) -> None:
    before = compute(WELL)
    after = compute(suspended(replace(WELL, previous=before), **spec))
    assert after.selector == before.selector
    assert condition_values(suspended(WELL, **spec))[2] == f"1 of 1 pods are ready. {WAITS}"


@pytest.mark.parametrize("endpoint", [EARLY, ENDING], ids=["not ready", "terminating"])
def test_a_pod_that_gets_traffic_without_being_ready(endpoint: Endpoint) -> None:
    """publishNotReadyAddresses: traffic is one thing, readiness another."""
    status = compute(replace(SELECTING, endpoints=[endpoint]))
    assert status.endpoints is not None
    assert (status.endpoints.ready, status.endpoints.total) == (1, 1)
    assert (status.replicas, status.ready_replicas) == (1, 0)
    assert not workload_settled(replace(SELECTING, endpoints=[endpoint]).observed())
