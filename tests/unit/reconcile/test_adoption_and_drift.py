# SPDX-License-Identifier: Apache-2.0
"""Changes of an app's Service by other clients, and objects that the app adopts."""

from collections.abc import Callable

import pytest

from exposedapp.api.meta import Json
from support.harness import KEY, World
from support.specs import SPECS

EXTERNAL = SPECS["external-name"]
ADOPT = {"annotations": {"exposedapp.dev/adopt": "true"}}
THEIRS = {"kind": "Other", "name": "theirs", "uid": "x", "controller": True}

# --- changes of the Service by other clients ------------------------------------------------------


def add_port(body: Json) -> None:
    body["spec"]["ports"][0]["name"] = "a"
    more = {"name": "b", "port": 81, "targetPort": 81, "protocol": "TCP", "nodePort": 31999}
    body["spec"]["ports"].append(more)


def move_port(body: Json) -> None:
    body["spec"]["ports"][0]["port"] = 81


def add_selector(body: Json) -> None:
    body["spec"]["selector"]["color"] = "blue"


def add_protocol(body: Json) -> None:
    port = {**body["spec"]["ports"][0], "protocol": "UDP", "name": "udp", "nodePort": 31999}
    body["spec"]["ports"].append(port)


NAMED = [{"name": "a", "port": 80}]


@pytest.mark.parametrize("change", [add_port, add_protocol, add_selector])
async def test_what_would_be_reached_by_mistake_is_taken_away(
    world: World, change: Callable[[Json], None]
) -> None:
    world.app(ports=NAMED)
    await world.settle()
    before = world.live("Service")["spec"]
    world.cluster.edit("Service", *KEY, change)
    await world.reconcile()
    assert world.live("Service")["spec"] == before
    assert [port["port"] for port in world.status()["ports"]] == [80]
    assert world.happened[-1].reason == "Repaired"
    await world.settle()


async def test_a_port_that_was_moved_keeps_its_number(world: World) -> None:
    world.app(ports=[{"name": "a", "port": 80, "nodePort": 30500}])
    await world.settle()
    world.app(ports=NAMED)
    await world.settle()
    world.cluster.edit("Service", *KEY, move_port)
    await world.settle()
    assert world.node_ports() == [30500]


async def test_labels_and_annotations_of_others_stay(stopped: World) -> None:
    def add(body: Json) -> None:
        body["metadata"]["labels"]["theirs"] = "yes"
        body["metadata"]["annotations"]["theirs"] = "yes"

    stopped.cluster.edit("Service", *KEY, add)
    stopped.app(ports=[{"port": 81}])
    await stopped.settle()
    meta = stopped.live("Service")["metadata"]
    assert (meta["labels"]["theirs"], meta["annotations"]["theirs"]) == ("yes", "yes")


async def test_an_annotation_that_somebody_changed_is_put_back(world: World) -> None:
    def change(body: Json) -> None:
        body["metadata"]["annotations"]["lb.example/size"] = "huge"

    world.app(service={"annotations": {"lb.example/size": "small"}})
    await world.settle()
    await world.reconcile()
    world.cluster.edit("Service", *KEY, change)
    await world.reconcile()
    assert world.live("Service")["metadata"]["annotations"]["lb.example/size"] == "small"


async def test_a_port_added_at_the_time_of_another_change_is_taken_away(world: World) -> None:
    world.app(ports=NAMED)
    await world.settle()
    world.cluster.edit("Service", *KEY, add_port)
    world.app(ports=[{"name": "c", "port": 90}])
    await world.reconcile()
    # The event of an own write is no reason to reconcile, so nothing else would remove the port.
    assert [port["port"] for port in world.live("Service")["spec"]["ports"]] == [90]


# --- adoption -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "meta"),
    [
        ("Deployment", {}),
        ("Service", {}),
        ("Deployment", {**ADOPT, "ownerReferences": [THEIRS]}),
        ("Service", {**ADOPT, "ownerReferences": [THEIRS]}),
        ("Service", {"annotations": {"exposedapp.dev/adopt": "no"}}),
    ],
)
async def test_what_is_not_handed_over_is_left_alone(world: World, kind: str, meta: Json) -> None:
    world.foreign(kind, **meta)
    before = world.live(kind)
    world.app()
    await world.fails()
    assert world.ready() == ("False", "NotOwned")
    assert world.live(kind) == before
    annotate = f"kubectl annotate {kind.lower()} web exposedapp.dev/adopt=true"
    assert (annotate in world.message()) is ("ownerReferences" not in meta)


async def test_the_service_does_not_select_the_pods_of_a_foreign_deployment(world: World) -> None:
    world.foreign("Deployment")
    world.app()
    await world.fails()
    assert world.live("Service")["spec"]["selector"] == {"exposedapp.dev/name": "web"}


async def test_a_deployment_that_is_handed_over(world: World) -> None:
    world.foreign("Deployment", **ADOPT)
    before = world.live("Deployment")["spec"]
    world.app(replicas=5)
    await world.reconcile()
    live = world.live("Deployment")
    # No pod is restarted.
    assert {**live["spec"], "revisionHistoryLimit": ...} == {**before, "revisionHistoryLimit": ...}
    assert live["metadata"]["ownerReferences"][0]["name"] == "web"
    assert live["metadata"]["annotations"]["exposedapp.dev/container"] == "server"
    assert world.live("Service")["spec"]["selector"] == {"app": "old"}
    assert world.status()["selector"] == "app=old"
    assert "Adopted" in [event.reason for event in world.happened]
    world.run_pods(ready=5)
    await world.settle()
    assert world.ready() == ("True", "Available")
    world.restart()
    world.cluster.writes.clear()
    await world.reconcile()
    assert world.cluster.writes == []


async def test_an_adopted_deployment_gets_another_image_in_the_same_container(world: World) -> None:
    world.foreign("Deployment", **ADOPT)
    world.app()
    await world.settle()
    world.app(image="registry.example/web:2")
    await world.settle()
    containers = world.live("Deployment")["spec"]["template"]["spec"]["containers"]
    assert [(container["name"], container["image"]) for container in containers] == [
        ("proxy", "registry.example/proxy:1"),
        ("server", "registry.example/web:2"),
    ]


async def test_an_adopted_deployment_that_was_deleted_is_made_as_any_other(world: World) -> None:
    world.foreign("Deployment", **ADOPT)
    world.app()
    await world.settle()
    world.cluster.remove("Deployment", *KEY)
    await world.settle()
    ours = {"exposedapp.dev/name": "web"}
    assert world.live("Deployment")["spec"]["selector"] == {"matchLabels": ours}
    assert world.live("Service")["spec"]["selector"] == ours
    assert world.status()["selector"] == "exposedapp.dev/name=web"


async def test_a_port_that_only_the_deployment_that_is_handed_over_names(world: World) -> None:
    def name_port(body: Json) -> None:
        port = {"name": "web", "containerPort": 8080}
        body["spec"]["template"]["spec"]["containers"][1]["ports"] = [port]

    world.foreign("Deployment", **ADOPT)
    world.cluster.edit("Deployment", *KEY, name_port)
    world.app(replicas=5, ports=[{"port": 80, "targetPort": "web"}])
    await world.reconcile()
    assert world.live("Service")["spec"]["ports"][0]["targetPort"] == "web"
    assert world.ready()[1] != "InvalidSpec"


async def test_the_service_of_a_deployment_that_was_put_back_by_hand_never_leads_elsewhere(
    world: World,
) -> None:
    world.foreign("Deployment", **ADOPT)
    world.app()
    await world.settle()
    world.restart()
    world.cluster.remove("Deployment", *KEY)
    world.foreign("Deployment", **ADOPT)
    world.cluster.writes.clear()
    await world.reconcile()
    assert "apply Service" not in world.cluster.writes
    assert world.live("Service")["spec"]["selector"] == {"app": "old"}


async def test_pods_stay_until_the_service_leads_elsewhere(world: World) -> None:
    world.app(replicas=1)
    await world.settle()
    world.cluster.remove("Service", *KEY)
    world.foreign("Service")
    world.app(image=None, replicas=None, selector={"app": "db"})
    await world.fails()
    assert world.ready() == ("False", "NotOwned")
    assert world.has("Deployment")


async def test_a_service_that_is_handed_over_keeps_its_addresses(world: World) -> None:
    world.foreign("Service", **ADOPT)
    before = world.live("Service")
    world.app(ports=[{"port": 80, "targetPort": 8080}])
    await world.reconcile()
    live = world.live("Service")
    assert live["spec"]["selector"] == {"exposedapp.dev/name": "web"}
    assert live["spec"]["ports"] == before["spec"]["ports"]
    assert live["spec"]["clusterIPs"] == before["spec"]["clusterIPs"]
    assert live["metadata"]["uid"] == before["metadata"]["uid"]
    await world.settle()
    assert world.ready() == ("True", "ScaledToZero")


TWO_PORTS = [
    {"name": "a", "port": 8080, "targetPort": 1, "protocol": "TCP"},
    {"name": "b", "port": 9090, "targetPort": 2, "protocol": "TCP"},
]


@pytest.mark.parametrize(
    ("kind", "spec"),
    [
        ("NodePort", {}),
        ("ClusterIP", {}),
        ("LoadBalancer", {}),
        ("ClusterIP", {"ports": [{"port": 80, "nodePort": 30500}]}),
        ("NodePort", EXTERNAL),
        ("ClusterIP", EXTERNAL),
        ("NodePort", {"service": {"type": "ClusterIP"}}),
    ],
)
async def test_a_service_of_another_shape_is_adopted(world: World, kind: str, spec: Json) -> None:
    theirs: Json = {
        "type": kind,
        "ports": [dict(port) for port in TWO_PORTS],
        "selector": {"a": "b"},
    }
    if kind != "ClusterIP":
        theirs["ports"] = [{**port, "nodePort": 31000 + i} for i, port in enumerate(TWO_PORTS)]
    world.foreign("Service", theirs, **ADOPT)
    world.app(**spec)
    await world.settle_all()
    expected = [] if spec is EXTERNAL else [80]
    assert [port["port"] for port in world.live("Service")["spec"].get("ports", [])] == expected
    assert world.ready()[0] == "True"


async def test_the_ports_of_an_adopted_service_can_be_changed_later(world: World) -> None:
    theirs = {"type": "ClusterIP", "ports": TWO_PORTS, "selector": {"a": "b"}}
    world.foreign("Service", theirs, **ADOPT)
    world.app()
    await world.settle()
    world.app(ports=[{"port": 81}])
    await world.settle()
    assert [port["port"] for port in world.live("Service")["spec"]["ports"]] == [81]


@pytest.mark.parametrize("status", [403, 500])
async def test_a_service_that_could_not_be_adopted_is_no_way_in(world: World, status: int) -> None:
    """Until it is the app's, the app's status promises none of its addresses."""
    world.foreign("Service")
    world.app()
    await world.fails()
    world.cluster.edit("Service", *KEY, lambda body: body["metadata"].update(ADOPT))
    world.refuse("apply Service", status, "", "not now")
    await world.fails()
    assert "not now" in world.message()
    assert not {"url", "urls", "ports", "clusterIPs"} & world.status().keys()
