# SPDX-License-Identifier: Apache-2.0
"""Pods that the user runs, other types of Service, and apps that are suspended."""

import pytest

from exposedapp.api.meta import Json
from support.harness import KEY, World
from support.objects import node_body
from support.specs import SPECS

SELECTOR, EXTERNAL = SPECS["selector"], SPECS["external-name"]
ADOPT = {"annotations": {"exposedapp.dev/adopt": "true"}}
THEIRS = {"kind": "Other", "name": "theirs", "uid": "x", "controller": True}


# --- every spec -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SPECS)
async def test_nothing_is_written_twice(world: World, name: str) -> None:
    world.app(**{"replicas": 1, **SPECS[name]})
    await world.reconcile()
    if world.has("Deployment"):
        world.run_pods(ready=world.live("Deployment")["spec"]["replicas"])
    elif name == "selector":
        world.serve(1)
    await world.settle_all()
    world.cluster.writes.clear()
    for _ in range(3):
        world.now += 60
        await world.reconcile()
    world.restart()
    await world.reconcile()
    assert world.cluster.writes == []


@pytest.mark.parametrize("name", SPECS)
async def test_from_any_spec_to_any_other_kind_and_back(world: World, name: str) -> None:
    world.app(**SPECS[name])
    await world.settle_all()
    first = world.shape()
    for other in ("selector", "cluster-ip", "external-name", "load-balancer", "minimal"):
        world.app(**SPECS[other])
        await world.settle_all()
        world.app(**SPECS[name])
        await world.settle_all()
        assert world.shape() == first, other


# --- pods that the user runs ----------------------------------------------------------------------


async def test_a_selector_removes_the_apps_own_deployment_once(stopped: World) -> None:
    before = stopped.node_ports()
    stopped.app(**SELECTOR)
    for _ in range(3):
        await stopped.reconcile()
    assert stopped.cluster.requests.count("delete Deployment") == 1
    assert not stopped.has("Deployment")
    assert stopped.live("Service")["spec"]["selector"] == SELECTOR["selector"]
    assert stopped.status()["selector"] == "app=db,role=primary"
    assert stopped.happened[-1].reason != "Warning"
    stopped.serve(1)
    await stopped.reconcile()
    # The named port is not in this slice.
    assert stopped.ready() == ("False", "Progressing")
    stopped.app()
    await stopped.settle()
    assert stopped.has("Deployment")
    assert stopped.live("Service")["spec"]["selector"] == {"exposedapp.dev/name": "web"}
    assert stopped.node_ports() == before


async def test_a_removal_is_known_before_its_event_comes(stopped: World) -> None:
    stopped.app(**SELECTOR)
    stopped.watch()
    for _ in range(2):
        assert not (await stopped.reconciler.reconcile(KEY)).backoff
    assert stopped.cluster.requests.count("delete Deployment") == 1


async def test_pods_of_the_selector_before_make_nothing_ready(running: World) -> None:
    """Otherwise `kubectl wait` returns before there is a single pod of the new selector."""
    running.app(image=None, selector={"app": "nobody"})
    await running.reconcile()
    assert running.status()["observedGeneration"] == 2
    assert running.ready() == ("False", "Progressing")


@pytest.mark.parametrize("owner", [[], [THEIRS]], ids=["nobody's", "another's"])
@pytest.mark.parametrize("labels", [{}, {"exposedapp.dev/name": "web"}], ids=["", "watched"])
async def test_a_selector_leaves_a_foreign_deployment(
    world: World, owner: list[Json], labels: Json
) -> None:
    world.foreign("Deployment", ownerReferences=owner, labels=labels, **ADOPT)
    before = world.live("Deployment")
    world.app(**SELECTOR)
    for _ in range(3):
        await world.reconcile()
    assert world.live("Deployment") == before
    assert not [request for request in world.cluster.requests if "Deployment" in request]


async def test_a_deployment_that_is_going_is_not_deleted_again(stopped: World) -> None:
    def delete(body: Json) -> None:
        body["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"

    stopped.cluster.edit("Deployment", *KEY, delete)
    stopped.app(**SELECTOR)
    await stopped.reconcile()
    assert "delete Deployment" not in stopped.cluster.requests


async def test_a_deployment_that_may_not_be_deleted_is_told(stopped: World) -> None:
    stopped.refuse("delete Deployment", 403, "Forbidden", "cannot delete deployments", times=2)
    stopped.app(**SELECTOR)
    await stopped.fails()
    assert stopped.ready() == ("False", "Forbidden")
    assert "cannot delete deployments" in stopped.message()
    await stopped.fails()
    await stopped.reconcile()
    assert not stopped.has("Deployment")


async def test_another_deployment_in_its_place_is_not_deleted(stopped: World) -> None:
    def replace() -> None:
        stopped.cluster.remove("Deployment", *KEY)
        stopped.foreign("Deployment")

    stopped.cluster.before["delete Deployment"] = replace
    stopped.app(**SELECTOR)
    await stopped.fails()
    await stopped.reconcile()
    assert stopped.has("Deployment")


async def test_pods_that_somebody_else_runs_are_asked_by_their_own_labels(world: World) -> None:
    world.app(**SELECTOR)
    await world.reconcile()
    world.now += 60
    await world.reconcile()
    assert "pods shop app=db,role=primary" in world.cluster.requests


# --- types of Service -----------------------------------------------------------------------------

TYPES = ("NodePort", "ClusterIP", "LoadBalancer", "ExternalName")


def of_type(kind: str) -> Json:
    return EXTERNAL if kind == "ExternalName" else {"service": {"type": kind}}


@pytest.mark.parametrize("new", TYPES)
@pytest.mark.parametrize("old", TYPES)
async def test_from_type_to_type(world: World, old: str, new: str) -> None:
    world.app(**of_type(old))
    await world.settle_all()
    before = world.live("Service")["spec"]
    world.app(**of_type(new))
    await world.settle_all()
    spec, status = world.live("Service")["spec"], world.status()
    assert spec["type"] == new
    assert world.ready()[0] == "True"
    with_node_ports = new in ("NodePort", "LoadBalancer")
    assert [bool(port.get("nodePort")) for port in spec.get("ports", [])] == (
        [] if new == "ExternalName" else [with_node_ports]
    )
    assert ("urls" in status, "nodes" in status) == (with_node_ports, with_node_ports)
    assert ("clusterIPs" in status) is (new != "ExternalName")
    assert ("selector" in spec) is (new != "ExternalName")
    if with_node_ports and old in ("NodePort", "LoadBalancer"):
        assert spec["ports"] == before["ports"]
    world.restart()
    world.cluster.writes.clear()
    await world.reconcile()
    assert world.cluster.writes == []


async def test_a_type_that_somebody_changed_costs_no_node_port(stopped: World) -> None:
    """As `kubectl patch service web -p '{"spec": {"type": "ClusterIP"}}'` leaves it."""

    def change(body: Json) -> None:
        body["spec"]["type"] = "ClusterIP"
        del body["spec"]["ports"][0]["nodePort"]

    stopped.other_service(30001)
    stopped.app(ports=[{"port": 80, "nodePort": 30500}])
    await stopped.settle()
    stopped.app()
    await stopped.settle()
    assert stopped.node_ports() == [30500]
    stopped.cluster.edit("Service", *KEY, change)
    await stopped.settle()
    assert stopped.node_ports() == [30500]


# --- suspended ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "spec",
    [
        {"replicas": 3},
        {"image": "registry.example/web:2"},
        {"ports": [{"port": 81}]},
        {"service": {"type": "ClusterIP"}},
        SELECTOR,
        EXTERNAL,
        {"podTemplate": {"spec": {"$x": 1}}},
    ],
    ids=["replicas", "image", "ports", "type", "selector", "ExternalName", "not understood"],
)
async def test_a_suspended_app_is_left_as_it_is(stopped: World, spec: Json) -> None:
    before = {kind: stopped.live(kind) for kind in ("Deployment", "Service")}
    stopped.cluster.writes.clear()
    stopped.app(**spec, suspend=True)
    for _ in range(3):
        stopped.now += 60
        await stopped.reconcile()
    assert stopped.cluster.writes == ["patch status"]
    assert {kind: stopped.live(kind) for kind in ("Deployment", "Service")} == before
    assert stopped.message().endswith("Suspended: changes wait until spec.suspend is false.")
    assert stopped.status()["observedGeneration"] == 2
    assert stopped.status()["url"] == "http://10.0.0.1:30000"


async def test_the_status_of_a_suspended_app_stays_true(running: World) -> None:
    running.app(replicas=2, suspend=True)
    await running.reconcile()
    running.run_pods(ready=1, total=2)
    running.nodes.pop()
    running.cache.nodes.delete(node_body("b"))
    await running.reconcile()
    assert running.ready() == ("False", "Progressing")
    assert running.status()["urls"] == ["http://10.0.0.1:30000"]


async def test_what_somebody_did_to_a_suspended_app_is_put_back_later(stopped: World) -> None:
    stopped.app(suspend=True)
    await stopped.reconcile()
    stopped.cluster.edit("Deployment", *KEY, lambda body: body["spec"].update(replicas=7))
    stopped.cluster.remove("Service", *KEY)
    stopped.cluster.writes.clear()
    await stopped.reconcile()
    assert stopped.cluster.writes == ["patch status"]
    assert not stopped.has("Service")
    stopped.app()
    await stopped.settle()
    assert stopped.live("Deployment")["spec"]["replicas"] == 0
    assert stopped.node_ports() == [30000]


async def test_an_app_that_is_suspended_from_the_start_makes_nothing(world: World) -> None:
    world.foreign("Service", **ADOPT)
    world.app(suspend=True)
    await world.reconcile()
    assert world.cluster.writes == ["patch status"]
    assert world.ready() == ("False", "Progressing")


@pytest.mark.parametrize("spec", [SELECTOR, EXTERNAL], ids=["selector", "ExternalName"])
async def test_the_status_of_a_suspended_app_is_about_what_is_there(
    running: World, spec: Json
) -> None:
    before = running.status()
    running.app(**spec, suspend=True)
    await running.reconcile()
    for field in ("selector", "replicas", "urls"):
        assert running.status()[field] == before[field]
    assert running.message().startswith("2 of 2 pods are ready.")
