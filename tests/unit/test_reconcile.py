"""The one reconcile, against an API server in memory and a clock that is moved by hand."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest

from exposedapp.api import Json
from exposedapp.cache import Cache, Key
from exposedapp.cluster import ApiError
from exposedapp.queue import Retry
from exposedapp.reconcile import (
    FIRST_LOOK_SECONDS,
    LAST_LOOK_SECONDS,
    LONGEST_WAIT_SECONDS,
    QUIET_SECONDS,
    Reconciler,
)
from unit.fake_cluster import FakeCluster
from unit.objects import endpoint_body, node_body, pod_body, slice_body

KEY = Key("shop", "web")
CREATION = ["apply Deployment", "apply Service", "patch status"]
PODS = "pods shop exposedapp.dev/name=web"

PINNED = [{"port": 80, "nodePort": 30080}]


class World:
    """A cluster, what the operator remembers of it, and a clock."""

    def __init__(self) -> None:
        self.cluster = FakeCluster()
        self.now = 1000.0
        self.restart()
        self.nodes = [node_body("a", "10.0.0.1"), node_body("b", "10.0.0.2")]
        self.slices: list[Json] = []

    def restart(self) -> None:
        self.cache = Cache()
        self.reconciler = Reconciler(self.cluster, self.cache, clock=lambda: self.now)

    def app(self, **spec: Any) -> None:
        """Creates the app, or changes its spec."""
        live = self.cluster.objects.get(("ExposedApp", *KEY))
        meta = {"namespace": KEY.namespace, "name": KEY.name}
        status = live["status"] if live else {"observedGeneration": -1}
        spec = {"image": "registry.example/web:1", "replicas": 0, "ports": [{"port": 80}], **spec}
        self.cluster.put("ExposedApp", {"metadata": meta, "spec": spec, "status": status})

    def watch(self) -> None:
        """Brings what is remembered up to date, as the watches do."""
        stores = {"ExposedApp": self.cache.apps, **self.cache.children}
        for kind, store in stores.items():
            for key in store:
                if (kind, *key) not in self.cluster.objects:
                    store.forget(key)
        for (kind, _, _), body in self.cluster.objects.items():
            if body["metadata"]["name"] == KEY.name:
                stores[kind].put(body)
        for body in self.nodes:
            self.cache.put_node(body)
        for body in self.slices:
            self.cache.put_slice(body)

    async def reconcile(self) -> float | None:
        self.watch()
        return await self.reconciler.reconcile(KEY)

    async def fails(self) -> Retry:
        """Reconciles, which is to be tried again."""
        with pytest.raises(Retry) as raised:
            await self.reconcile()
        return raised.value

    async def settle(self) -> None:
        """Reconciles until there is nothing more to write, while the cluster does its part."""
        for _ in range(10):
            self.cluster.writes.clear()
            if await self.reconcile() is None and not self.cluster.writes:
                return
            self.run_pods(ready=self.live("Deployment")["spec"]["replicas"])
            self.now += LAST_LOOK_SECONDS
        pytest.fail(f"still writes {self.cluster.writes}")

    def run_pods(self, ready: int, total: int | None = None) -> None:
        """The Deployment and its endpoints become what the pods make of them."""
        total = ready if total is None else total

        def change(body: Json) -> None:
            body["status"] = {
                "observedGeneration": body["metadata"]["generation"],
                "replicas": total,
                "updatedReplicas": total,
                "readyReplicas": ready,
                "availableReplicas": ready,
            }

        self.cluster.edit("Deployment", *KEY, change)
        self.slices = [
            slice_body("s", *(endpoint_body(f"p{i}", ready=i < ready) for i in range(total)))
        ]

    def live(self, kind: str) -> Json:
        return self.cluster.objects[(kind, *KEY)]

    def status(self) -> Json:
        return dict(self.live("ExposedApp")["status"])

    def ready(self) -> tuple[str, str]:
        (found,) = (it for it in self.status()["conditions"] if it["type"] == "Ready")
        return found["status"], found["reason"]

    def message(self) -> str:
        (found,) = (it for it in self.status()["conditions"] if it["type"] == "Ready")
        return str(found["message"])

    def node_ports(self) -> list[int]:
        return [port["nodePort"] for port in self.live("Service")["spec"]["ports"]]

    def other_service(self, node_port: int) -> None:
        port = {"port": 1, "protocol": "TCP", "nodePort": node_port}
        meta = {"namespace": "other", "name": "other"}
        self.cluster.put("Service", {"metadata": meta, "spec": {"ports": [port]}})

    def foreign(self, kind: str, **meta: Any) -> None:
        """An object that has the name of the app's child."""
        meta = {"namespace": KEY.namespace, "name": KEY.name, **meta}
        spec = {"replicas": 5, "ports": [{"port": 80, "nodePort": 31000}], "ipFamilies": ["IPv4"]}
        self.cluster.put(kind, {"metadata": meta, "spec": spec})


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
async def stopped(world: World) -> World:
    """An app without pods, as it is when nothing happens."""
    world.app()
    await world.settle()
    world.cluster.requests.clear()
    return world


@pytest.fixture
async def running(world: World) -> World:
    """An app with two pods, as it is when nothing happens."""
    world.app(replicas=2)
    await world.reconcile()
    world.run_pods(ready=2)
    await world.settle()
    world.cluster.requests.clear()
    return world


# --- nothing to do means nothing sent -----------------------------------------------------------


async def test_a_new_app_without_pods_takes_three_writes(world: World) -> None:
    world.app()
    await world.reconcile()
    assert sorted(world.cluster.writes) == CREATION
    assert world.ready() == ("True", "ScaledToZero")
    assert world.status()["url"] == "http://10.0.0.1:30000"
    assert world.status()["observedGeneration"] == 1


async def test_a_second_reconcile_asks_and_writes_nothing(stopped: World) -> None:
    assert await stopped.reconcile() is None
    assert stopped.cluster.requests == []


async def test_a_restart_asks_and_writes_nothing(running: World) -> None:
    running.restart()
    assert await running.reconcile() is None
    assert running.cluster.requests == []


async def test_a_new_app_with_pods_takes_few_writes_until_it_is_ready(world: World) -> None:
    world.app(replicas=2)
    await world.reconcile()
    assert world.ready() == ("False", "Progressing")
    world.run_pods(ready=0, total=2)
    await world.reconcile()
    world.run_pods(ready=1, total=2)
    await world.reconcile()
    world.run_pods(ready=2)
    await world.reconcile()
    assert world.ready() == ("True", "Available")
    assert len(world.cluster.writes) <= 6


async def test_heartbeats_write_nothing(running: World) -> None:
    for beat in range(1000):
        running.nodes[0]["status"]["conditions"][1]["lastHeartbeatTime"] = str(beat)
        await running.reconcile()
    assert running.cluster.requests == []


async def test_a_change_without_a_rollout_takes_two_writes(running: World) -> None:
    running.app(replicas=2, ports=[{"port": 81, "targetPort": 80}])
    await running.reconcile()
    assert running.cluster.writes == ["apply Service", "patch status"]


# --- drift --------------------------------------------------------------------------------------


def set_replicas(body: Json) -> None:
    body["spec"]["replicas"] = 7


def set_image(body: Json) -> None:
    body["spec"]["template"]["spec"]["containers"][0]["image"] = "other"


def remove_containers(body: Json) -> None:
    body["spec"]["template"]["spec"]["containers"] = []


def remove_label(body: Json) -> None:
    del body["metadata"]["labels"]["app.kubernetes.io/managed-by"]


def set_service_selector(body: Json) -> None:
    body["spec"]["selector"] = {"exposedapp.dev/name": "other"}


def set_target_port(body: Json) -> None:
    body["spec"]["ports"][0]["targetPort"] = 1


def set_hash(body: Json) -> None:
    body["metadata"]["annotations"]["exposedapp.dev/desired-hash"] = "old"


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        ("Deployment", set_replicas),
        ("Deployment", set_image),
        ("Deployment", remove_containers),
        ("Deployment", remove_label),
        ("Deployment", set_hash),
        ("Service", set_service_selector),
        ("Service", set_target_port),
    ],
)
async def test_what_others_changed_is_put_back(
    stopped: World, kind: str, change: Callable[[Json], None]
) -> None:
    before = stopped.live(kind)
    stopped.cluster.edit(kind, *KEY, change)
    await stopped.reconcile()
    assert stopped.cluster.writes == [f"apply {kind}"]
    assert stopped.live(kind)["spec"] == before["spec"]
    assert stopped.live(kind)["metadata"]["labels"] == before["metadata"]["labels"]
    await stopped.settle()


async def test_what_others_added_stays(stopped: World) -> None:
    def add(body: Json) -> None:
        body["metadata"]["labels"]["theirs"] = "yes"
        body["spec"]["paused"] = True

    stopped.cluster.edit("Deployment", *KEY, add)
    await stopped.reconcile()
    assert stopped.cluster.writes == []


async def test_a_field_dropped_from_the_spec_goes(stopped: World) -> None:
    stopped.app(resources={"limits": {"cpu": "1"}})
    await stopped.settle()
    assert "resources" in stopped.live("Deployment")["spec"]["template"]["spec"]["containers"][0]
    stopped.app()
    await stopped.reconcile()
    (container,) = stopped.live("Deployment")["spec"]["template"]["spec"]["containers"]
    assert "resources" not in container


@pytest.mark.parametrize("kind", ["Deployment", "Service"])
async def test_a_deleted_child_is_made_again(stopped: World, kind: str) -> None:
    stopped.cluster.delete(kind, *KEY)
    await stopped.settle()
    assert stopped.live(kind)["metadata"]["ownerReferences"][0]["name"] == "web"


async def test_a_server_that_normalises_costs_one_request_and_no_loop(world: World) -> None:
    def shorten(body: Json) -> None:
        if "replicas" in body["spec"]:
            body["spec"]["template"]["spec"]["containers"][0]["image"] = "normalised"

    world.cluster.normalise = shorten
    world.app()
    await world.reconcile()
    world.cluster.writes.clear()
    for _ in range(10):
        await world.reconcile()
    assert world.cluster.writes == ["apply Deployment"]
    # A real drift is still seen beside it, and afterwards there is rest again.
    world.cluster.edit("Deployment", *KEY, set_replicas)
    await world.reconcile()
    assert world.live("Deployment")["spec"]["replicas"] == 0
    await world.settle()


# --- node ports ---------------------------------------------------------------------------------


@pytest.mark.parametrize("restarted", [False, True], ids=["at work", "restarted"])
async def test_a_deleted_service_gets_its_node_ports_back(world: World, restarted: bool) -> None:
    world.other_service(30000)
    world.app(ports=[{"name": "a", "port": 80}, {"name": "b", "port": 80, "protocol": "UDP"}])
    await world.settle()
    before = world.node_ports()
    # These have become free meanwhile, and would be allocated next.
    world.cluster.delete("Service", "other", "other")
    world.cluster.delete("Service", *KEY)
    if restarted:
        world.restart()
    await world.settle()
    assert world.node_ports() == before


async def test_a_remembered_node_port_that_another_took_is_given_up(stopped: World) -> None:
    assert stopped.node_ports() == [30000]
    stopped.cluster.delete("Service", *KEY)
    stopped.other_service(30000)
    stopped.cluster.writes.clear()
    await stopped.reconcile()
    assert stopped.cluster.writes == ["apply Service", "apply Service", "patch status"]
    assert stopped.node_ports() == [30001]
    assert stopped.status()["url"] == "http://10.0.0.1:30001"
    assert stopped.ready() == ("True", "ScaledToZero")
    await stopped.settle()


async def test_a_node_port_that_is_still_being_released_is_waited_for(stopped: World) -> None:
    stopped.cluster.delete("Service", *KEY)
    stopped.cluster.being_released = {30000}
    await stopped.fails()
    assert stopped.ready() == ("False", "Progressing")
    assert "still being released" in stopped.message()
    stopped.cluster.being_released = set()
    await stopped.settle()
    assert stopped.node_ports() == [30000]


async def test_a_wanted_node_port_that_another_has_is_told_and_heals(world: World) -> None:
    world.other_service(30080)
    world.app(ports=PINNED)
    retry = await world.fails()
    assert retry.after is None
    assert world.ready() == ("False", "NodePortConflict")
    assert "provided port is already allocated" in world.message()
    assert world.message().endswith("Node port 30080 belongs to Service other/other")
    world.cluster.writes.clear()
    await world.fails()
    assert "patch status" not in world.cluster.writes
    world.cluster.delete("Service", "other", "other")
    await world.settle()
    assert world.ready() == ("True", "ScaledToZero")
    assert world.node_ports() == [30080]


async def test_a_pinned_node_port_that_is_no_longer_wanted_stays(stopped: World) -> None:
    stopped.app(ports=PINNED)
    await stopped.settle()
    stopped.app()
    await stopped.settle()
    assert stopped.node_ports() == [30080]


# --- objects of others --------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["Deployment", "Service"])
async def test_a_foreign_object_is_left_alone(world: World, kind: str) -> None:
    owner = {"kind": "Other", "name": "theirs", "uid": "x", "controller": True}
    world.foreign(kind, ownerReferences=[owner])
    before = world.cluster.objects[kind, *KEY]
    world.app()
    await world.fails()
    assert world.ready() == ("False", "NotOwned")
    assert f"a {kind} named web" in world.message()
    assert "Other theirs" in world.message()
    # The other child is made all the same.
    assert len(world.cluster.writes) == 2
    assert world.cluster.objects[kind, *KEY] == before
    await world.fails()
    assert len(world.cluster.writes) == 2
    world.cluster.delete(kind, *KEY)
    await world.settle()
    assert world.ready() == ("True", "ScaledToZero")


async def test_an_object_without_an_owner_is_foreign_too(world: World) -> None:
    world.foreign("Service")
    world.app()
    await world.fails()
    assert world.ready() == ("False", "NotOwned")


async def test_a_foreign_object_is_found_though_it_is_not_watched(world: World) -> None:
    # Only what carries the operator's label is watched.
    world.app()
    world.watch()
    world.foreign("Deployment")
    with pytest.raises(Retry):
        await world.reconciler.reconcile(KEY)
    assert world.cluster.writes == ["apply Service", "patch status"]
    assert world.ready() == ("False", "NotOwned")


@pytest.mark.parametrize("kind", ["Deployment", "Service"])
async def test_a_child_of_an_earlier_app_is_waited_for(world: World, kind: str) -> None:
    owner = {"kind": "ExposedApp", "name": "web", "uid": "earlier", "controller": True}
    world.foreign(kind, ownerReferences=[owner])
    world.app()
    await world.fails()
    assert f"apply {kind}" not in world.cluster.writes
    assert world.ready() == ("False", "Progressing")
    assert "earlier app" in world.message()
    world.cluster.delete(kind, *KEY)
    await world.settle()
    assert world.ready() == ("True", "ScaledToZero")


async def test_an_own_child_that_is_being_deleted_is_waited_for(stopped: World) -> None:
    def delete(body: Json) -> None:
        body["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"

    stopped.cluster.edit("Service", *KEY, delete)
    stopped.cluster.writes.clear()
    await stopped.fails()
    assert stopped.cluster.writes == ["patch status"]
    assert stopped.ready() == ("False", "Progressing")
    stopped.cluster.delete("Service", *KEY)
    await stopped.settle()
    assert stopped.node_ports() == [30000]


# --- the app itself -----------------------------------------------------------------------------


async def test_an_app_that_is_being_deleted_is_left_alone(stopped: World) -> None:
    def delete(body: Json) -> None:
        body["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"

    stopped.cluster.edit("ExposedApp", *KEY, delete)
    stopped.cluster.delete("Deployment", *KEY)
    assert await stopped.reconcile() is None
    assert stopped.cluster.requests == []


async def test_an_unknown_app_is_nothing_to_do(world: World) -> None:
    assert await world.reconcile() is None
    assert world.cluster.requests == []


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({"ports": [{"port": 80, "targetPort": "web"}]}, "spec.ports[0].targetPort"),
        ({"ports": [{"port": 80, "protocol": "QUIC"}]}, "spec.ports.0.protocol"),
        ({"image": ""}, "spec.image"),
    ],
    ids=["name of no port", "by an older schema", "empty"],
)
async def test_a_spec_that_cannot_work_changes_nothing_but_the_status(
    stopped: World, spec: Json, message: str
) -> None:
    stopped.app(**spec)
    stopped.cluster.writes.clear()
    await stopped.fails()
    assert stopped.cluster.writes == ["patch status"]
    assert stopped.ready() == ("False", "InvalidSpec")
    assert message in stopped.message()
    assert stopped.status()["observedGeneration"] == 2
    assert stopped.status()["url"] == "http://10.0.0.1:30000"
    stopped.app()
    await stopped.settle()
    assert stopped.ready() == ("True", "ScaledToZero")


async def test_a_status_that_is_not_one_is_written_anew(stopped: World) -> None:
    stopped.live("ExposedApp")["status"] = {"observedGeneration": "seven", "urls": {}}
    stopped.live("ExposedApp")["metadata"]["resourceVersion"] = "1000"
    await stopped.reconcile()
    assert stopped.ready() == ("True", "ScaledToZero")


# --- errors -------------------------------------------------------------------------------------

AWAY = ApiError(0, "NoAnswer", "no answer from the API server")
BUSY = ApiError(429, "TooManyRequests", "too many requests", retry_after=7.0)
DOWN = ApiError(503, "ServiceUnavailable", "the server is currently unable")
TERMINATING = ApiError(
    403,
    "Forbidden",
    'services "web" is forbidden: unable to create new content in namespace shop because it is '
    "being terminated",
    ("NamespaceTerminating",),
)


@pytest.mark.parametrize("request_name", ["get Deployment", "apply Service", "patch status"])
@pytest.mark.parametrize(
    ("error", "after"), [(AWAY, None), (BUSY, 7.0)], ids=["no answer", "throttled"]
)
async def test_what_passes_is_tried_again(
    world: World, request_name: str, error: ApiError, after: float | None
) -> None:
    world.cluster.fail(request_name, error)
    world.app()
    retry = await world.fails()
    assert retry.after == after
    await world.settle()
    assert world.ready() == ("True", "ScaledToZero")


async def test_one_child_that_fails_does_not_hinder_the_other(world: World) -> None:
    world.cluster.fail("apply Deployment", AWAY)
    world.app()
    await world.fails()
    assert world.node_ports() == [30000]


async def test_a_child_that_the_server_cannot_take_is_told(world: World) -> None:
    world.cluster.fail("apply Deployment", DOWN)
    world.app()
    await world.fails()
    assert world.ready() == ("False", "Progressing")
    assert "currently unable" in world.message()
    assert world.status()["url"] == "http://10.0.0.1:30000"
    await world.settle()
    assert world.ready() == ("True", "ScaledToZero")


async def test_in_a_namespace_that_goes_the_status_stays(world: World) -> None:
    world.cluster.fail("apply Service", TERMINATING)
    world.app()
    await world.fails()
    assert "patch status" not in world.cluster.writes


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (ApiError(403, "Forbidden", "exceeded quota: small"), "QuotaExceeded"),
        (ApiError(403, "Forbidden", "cannot patch services"), "Forbidden"),
        (ApiError(500, "InternalError", "range is full"), "NodePortsExhausted"),
        (ApiError(422, "Invalid", "spec.ports[0]: Invalid value"), "InvalidSpec"),
    ],
)
async def test_a_refusal_is_told_retried_and_heals(
    world: World, error: ApiError, reason: str
) -> None:
    world.cluster.fail("apply Service", error, times=3)
    world.app()
    await world.fails()
    assert world.ready() == ("False", reason)
    assert error.message in world.message()
    world.cluster.writes.clear()
    await world.fails()
    assert world.cluster.writes == ["apply Service"]
    await world.fails()
    await world.settle()
    assert world.ready() == ("True", "ScaledToZero")


async def test_a_child_replaced_meanwhile_is_looked_at_anew(stopped: World) -> None:
    def replace() -> None:
        stopped.cluster.delete("Deployment", *KEY)
        stopped.foreign("Deployment")

    stopped.cluster.before["apply Deployment"] = replace
    stopped.cluster.edit("Deployment", *KEY, set_replicas)
    retry = await stopped.fails()
    assert retry.after == pytest.approx(0.2)
    # Its event has not come yet.
    assert stopped.cache.children["Deployment"].get(KEY) is None
    await stopped.fails()
    assert stopped.ready() == ("False", "NotOwned")
    assert stopped.live("Deployment")["spec"]["replicas"] == 5


@pytest.mark.parametrize("replaced", [False, True], ids=["deleted: 404", "another one: 409"])
async def test_an_app_that_is_gone_when_its_status_is_written_is_forgotten(
    world: World, replaced: bool
) -> None:
    def replace() -> None:
        world.cluster.delete("ExposedApp", *KEY)
        if replaced:
            world.app()

    world.app()
    world.cluster.before["patch status"] = replace
    await world.reconcile()
    assert world.cache.apps.get(KEY) is None
    world.cluster.requests.clear()
    # Until the event of its deletion, or of its successor, comes.
    assert await world.reconciler.reconcile(KEY) is None
    assert world.cluster.requests == []


# --- news that can wait -------------------------------------------------------------------------


def more_endpoints(world: World, count: int) -> None:
    """Pods of an older ReplicaSet that come and go: a number in the status, and nothing else."""
    ready = [endpoint_body(f"p{i}", ready=True) for i in range(2)]
    others = [endpoint_body(f"q{i}", ready=False) for i in range(count)]
    world.slices = [slice_body("s", *ready, *others)]


async def test_minor_news_wait_for_quiet(running: World) -> None:
    more_endpoints(running, 1)
    assert await running.reconcile() == pytest.approx(QUIET_SECONDS)
    running.now += QUIET_SECONDS / 2
    more_endpoints(running, 2)
    assert await running.reconcile() == pytest.approx(QUIET_SECONDS)
    running.now += QUIET_SECONDS / 2
    # Asked again without news, it is quiet for as long as it has been.
    assert await running.reconcile() == pytest.approx(QUIET_SECONDS / 2)
    assert running.cluster.writes == []
    running.now += QUIET_SECONDS / 2
    assert await running.reconcile() is None
    assert running.cluster.writes == ["patch status"]
    assert running.status()["endpoints"] == {"ready": 2, "total": 4}


async def test_minor_news_wait_no_longer_than_so_long(running: World) -> None:
    start = running.now
    for count in range(1, 100):
        more_endpoints(running, count)
        await running.reconcile()
        if running.cluster.writes:
            break
        running.now += QUIET_SECONDS / 2
    assert running.now - start == pytest.approx(LONGEST_WAIT_SECONDS)


async def test_minor_news_that_are_taken_back_are_never_written(running: World) -> None:
    more_endpoints(running, 1)
    await running.reconcile()
    more_endpoints(running, 0)
    assert await running.reconcile() is None
    running.now += LONGEST_WAIT_SECONDS
    await running.reconcile()
    assert running.cluster.writes == []
    # And the next ones wait anew.
    more_endpoints(running, 1)
    assert await running.reconcile() == pytest.approx(QUIET_SECONDS)


async def test_urgent_news_take_the_minor_ones_along(running: World) -> None:
    more_endpoints(running, 1)
    await running.reconcile()
    running.nodes[1] = node_body("b", ready=False)
    assert await running.reconcile() is None
    assert running.cluster.writes == ["patch status"]
    assert running.status()["urls"] == ["http://10.0.0.1:30000"]
    assert running.status()["endpoints"]["total"] == 3


# --- pods are asked only while they are not as wanted -------------------------------------------


async def test_the_pods_of_a_ready_app_are_not_asked(running: World) -> None:
    for _ in range(5):
        running.now += LAST_LOOK_SECONDS
        await running.reconcile()
    assert running.cluster.requests == []


async def test_pods_that_do_not_start_are_looked_at_more_and_more_rarely(world: World) -> None:
    world.app(replicas=2)
    await world.reconcile()
    world.run_pods(ready=0, total=2)
    asked_at = [world.now]
    step = FIRST_LOOK_SECONDS / 4
    while world.now < asked_at[0] + 300:
        # Events that come all the time do not make it look earlier.
        world.now += step
        world.cluster.requests.clear()
        await world.reconcile()
        asked_at += [world.now] * world.cluster.requests.count(PODS)
    pauses = [later - earlier for earlier, later in pairwise(asked_at)]
    assert pauses[0] == FIRST_LOOK_SECONDS
    assert pauses == sorted(pauses)
    assert pauses[-1] == LAST_LOOK_SECONDS
    assert len(pauses) < 20


async def test_what_the_pods_say_is_told_until_they_are_ready(world: World) -> None:
    pull = {"reason": "ErrImagePull", "message": "not found"}
    world.cluster.pod_list = [pod_body("web-1", waiting=pull)]
    world.app(replicas=1)
    await world.reconcile()
    world.run_pods(ready=0, total=1)
    world.now += FIRST_LOOK_SECONDS
    await world.reconcile()
    assert world.ready() == ("False", "ImagePullBackOff")
    assert "Pod web-1: not found" in world.message()
    world.run_pods(ready=1)
    assert await world.reconcile() is None
    assert world.ready() == ("True", "Available")
    # When they fail again, it looks soon again, and does not repeat what was said before.
    world.run_pods(ready=0, total=1)
    assert await world.reconcile() == FIRST_LOOK_SECONDS
    assert world.ready() == ("False", "Progressing")


async def test_another_spec_starts_anew(world: World) -> None:
    pull = {"reason": "ErrImagePull", "message": "not found"}
    world.cluster.pod_list = [pod_body("web-1", waiting=pull)]
    world.app(replicas=1)
    await world.reconcile()
    world.now += FIRST_LOOK_SECONDS
    await world.reconcile()
    assert world.ready() == ("False", "ImagePullBackOff")
    world.app(replicas=1, image="registry.example/web:2")
    assert await world.reconcile() == FIRST_LOOK_SECONDS
    assert world.ready() == ("False", "Progressing")
