"""Pods that somebody else runs, other types of Service, adoption, and apps that are suspended."""

from collections.abc import Callable

import pytest

from exposedapp.schema import Json
from unit.specs import SPECS
from unit.world import KEY, World

SELECTOR, EXTERNAL = SPECS["selector"], SPECS["external-name"]
ADOPT = {"annotations": {"exposedapp.dev/adopt": "true"}}
THEIRS = {"kind": "Other", "name": "theirs", "uid": "x", "controller": True}


# --- every spec -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(
            it,
            marks=pytest.mark.xfail(reason="annotations are not remembered", strict=True)
            if it == "service"
            else (),
        )
        for it in SPECS
    ],
)
async def test_nothing_is_written_twice(world: World, name: str) -> None:
    world.app(**{"replicas": 1, **SPECS[name]})
    await world.reconcile()
    if world.has("Deployment"):
        world.run_pods(ready=world.live("Deployment")["spec"]["replicas"])
    elif name == "selector":
        world.serve(1)
    await world.reconcile()
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


# --- pods that somebody else runs -----------------------------------------------------------------


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
    assert not [it for it in world.cluster.requests if "Deployment" in it]


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
    assert [bool(it.get("nodePort")) for it in spec.get("ports", [])] == (
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


@pytest.mark.xfail(
    reason="the number of the status is not used while there is a Service", strict=True
)
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


# --- what others add to the Service ---------------------------------------------------------------


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
    assert [it["port"] for it in world.status()["ports"]] == [80]
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


@pytest.mark.xfail(reason="annotations are not remembered", strict=True)
async def test_an_annotation_that_somebody_changed_is_put_back(world: World) -> None:
    def change(body: Json) -> None:
        body["metadata"]["annotations"]["lb.example/size"] = "huge"

    world.app(service={"annotations": {"lb.example/size": "small"}})
    await world.settle()
    await world.reconcile()
    world.cluster.edit("Service", *KEY, change)
    await world.reconcile()
    assert world.live("Service")["metadata"]["annotations"]["lb.example/size"] == "small"


@pytest.mark.xfail(reason="the answer is not looked at", strict=True)
async def test_a_port_added_at_the_time_of_another_change_is_taken_away(world: World) -> None:
    world.app(ports=NAMED)
    await world.settle()
    world.cluster.edit("Service", *KEY, add_port)
    world.app(ports=[{"name": "c", "port": 90}])
    await world.reconcile()
    # The events of these own writes are no news, so nothing makes it look again.
    assert [it["port"] for it in world.live("Service")["spec"]["ports"]] == [90]


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
    # Not a pod is started anew.
    assert {**live["spec"], "revisionHistoryLimit": ...} == {**before, "revisionHistoryLimit": ...}
    assert live["metadata"]["ownerReferences"][0]["name"] == "web"
    assert live["metadata"]["annotations"]["exposedapp.dev/container"] == "server"
    assert world.live("Service")["spec"]["selector"] == {"app": "old"}
    assert world.status()["selector"] == "app=old"
    assert "Adopted" in [it.reason for it in world.happened]
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
    assert [(it["name"], it["image"]) for it in containers] == [
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
FAILS_ON_TYPES = pytest.mark.xfail(reason="the ports come before the type", strict=True)


@pytest.mark.parametrize(
    ("kind", "spec"),
    [
        ("NodePort", {}),
        ("ClusterIP", {}),
        ("LoadBalancer", {}),
        pytest.param(
            "ClusterIP", {"ports": [{"port": 80, "nodePort": 30500}]}, marks=FAILS_ON_TYPES
        ),
        pytest.param("NodePort", EXTERNAL, marks=FAILS_ON_TYPES),
        pytest.param("ClusterIP", EXTERNAL, marks=FAILS_ON_TYPES),
        ("NodePort", {"service": {"type": "ClusterIP"}}),
    ],
)
async def test_a_service_of_another_shape_is_adopted(world: World, kind: str, spec: Json) -> None:
    theirs: Json = {"type": kind, "ports": [dict(it) for it in TWO_PORTS], "selector": {"a": "b"}}
    if kind != "ClusterIP":
        theirs["ports"] = [{**it, "nodePort": 31000 + i} for i, it in enumerate(TWO_PORTS)]
    world.foreign("Service", theirs, **ADOPT)
    world.app(**spec)
    await world.settle_all()
    wanted = [] if spec is EXTERNAL else [80]
    assert [it["port"] for it in world.live("Service")["spec"].get("ports", [])] == wanted
    assert world.ready()[0] == "True"


@pytest.mark.xfail(reason="a patch owns the ports, and apply cannot drop them", strict=True)
async def test_the_ports_of_an_adopted_service_can_be_changed_later(world: World) -> None:
    theirs = {"type": "ClusterIP", "ports": TWO_PORTS, "selector": {"a": "b"}}
    world.foreign("Service", theirs, **ADOPT)
    world.app()
    await world.settle()
    world.app(ports=[{"port": 81}])
    await world.settle()
    assert [it["port"] for it in world.live("Service")["spec"]["ports"]] == [81]


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
    running.cache.drop_node({"metadata": {"name": "b"}})
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


@pytest.mark.xfail(reason="a suspended app is told as its spec would have it", strict=True)
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
