# SPDX-License-Identifier: Apache-2.0
"""Children from a backup, and those that a deletion of their app has left (orphans)."""

import copy

import pytest

from exposedapp.api.meta import CHILD_KINDS, Json
from support.harness import KEY, World
from support.managed_fields import entry, fields_of

ENV = [{"name": "DEBUG", "value": "1"}]


async def running_app(world: World) -> None:
    """An app whose node port is not the one that would be allocated next."""
    world.other_service(30000)
    world.app(replicas=2, env=ENV)
    await world.settle()
    assert world.node_ports() == [30001]
    world.cluster.remove("Service", "other", "other")
    world.happened.clear()


def backup(world: World) -> dict[str, Json]:
    """Both children as Velero restores them: without owner, managers, identity and status."""
    children: dict[str, Json] = {}
    for kind in CHILD_KINDS:
        body = copy.deepcopy(world.live(kind))
        kept = ("namespace", "name", "labels", "annotations")
        body["metadata"] = {field: body["metadata"][field] for field in kept}
        body.pop("status", None)
        children[kind] = body
    return children


def remove_all(world: World) -> None:
    for kind in ("ExposedApp", *CHILD_KINDS):
        world.cluster.remove(kind, *KEY)


def restore(world: World, children: dict[str, Json]) -> None:
    """Create or replace the children; the client that restores them manages all of their fields."""
    for kind, body in copy.deepcopy(children).items():
        managed = {"metadata": {"labels": body["metadata"]["labels"]}, "spec": body["spec"]}
        body["metadata"]["managedFields"] = [entry("velero", "Update", fields_of(managed))]
        world.cluster.put(kind, body)


def check(world: World, uid: str | None = None) -> None:
    """Both children are owned by the app, and the Service has its former node port."""
    for kind in CHILD_KINDS:
        (reference,) = world.live(kind)["metadata"]["ownerReferences"]
        assert reference["uid"] == world.live("ExposedApp")["metadata"]["uid"] != uid
    assert world.ready() == ("True", "Available")
    assert world.node_ports() == [30001]
    assert world.status()["url"] == "http://10.0.0.1:30001"


@pytest.mark.parametrize("restarted", [False, True], ids=["at work", "restarted"])
async def test_children_are_restored_before_their_app(world: World, restarted: bool) -> None:
    await running_app(world)
    children, uid = backup(world), world.live("ExposedApp")["metadata"]["uid"]
    remove_all(world)
    if restarted:
        world.restart()
    restore(world, children)
    template = world.live("Deployment")["spec"]["template"]
    await world.reconcile()
    world.app(replicas=2, env=ENV)
    await world.settle()
    check(world, uid)
    assert world.live("Deployment")["spec"]["template"] == template
    assert "Adopted the existing Deployment and the Service." in [
        happening.message for happening in world.happened
    ]


async def test_children_are_restored_after_their_app(world: World) -> None:
    await running_app(world)
    children, uid = backup(world), world.live("ExposedApp")["metadata"]["uid"]
    remove_all(world)
    world.app(replicas=2, env=ENV)
    await world.settle()
    assert world.node_ports() == [30000]
    restore(world, children)
    await world.settle()
    check(world, uid)


@pytest.mark.parametrize("kind", CHILD_KINDS)
async def test_one_child_is_restored_before_the_app(world: World, kind: str) -> None:
    await running_app(world)
    children = backup(world)
    remove_all(world)
    world.restart()
    restore(world, {kind: children[kind]})
    world.app(replicas=2, env=ENV)
    await world.settle()
    assert world.ready() == ("True", "Available")
    assert kind == "Deployment" or world.node_ports() == [30001]


async def test_a_restored_field_can_be_given_up(world: World) -> None:
    await running_app(world)
    children = backup(world)
    remove_all(world)
    restore(world, children)
    world.app(replicas=2, env=ENV)
    await world.settle()
    world.app(replicas=2)
    await world.settle()
    (container,) = world.live("Deployment")["spec"]["template"]["spec"]["containers"]
    assert not container.get("env")


async def test_an_app_that_was_deleted_without_its_children_comes_back(world: World) -> None:
    await running_app(world)
    uids = [world.live(kind)["metadata"]["uid"] for kind in CHILD_KINDS]
    app_uid = world.live("ExposedApp")["metadata"]["uid"]
    world.cluster.remove("ExposedApp", *KEY)
    for kind in CHILD_KINDS:
        world.cluster.edit(kind, *KEY, lambda body: body["metadata"].pop("ownerReferences"))
    await world.reconcile()
    generation = world.live("Deployment")["metadata"]["generation"]
    world.app(replicas=2, env=ENV)
    await world.settle()
    check(world, app_uid)
    assert [world.live(kind)["metadata"]["uid"] for kind in CHILD_KINDS] == uids
    assert world.live("Deployment")["metadata"]["generation"] == generation


async def test_an_owner_reference_that_another_client_removed_comes_back(world: World) -> None:
    await running_app(world)
    world.cluster.edit("Service", *KEY, lambda body: body["metadata"].pop("ownerReferences"))
    await world.settle()
    check(world)


# --- fields of former managers --------------------------------------------------------------------

THEIR_ENV: Json = {
    ".": {},
    'k:{"name":"DEBUG"}': {".": {}, "f:name": {}, "f:value": {}},
    'k:{"name":"NODE"}': {".": {}, "f:name": {}, "f:value": {}},
}


def manual_deployment(world: World, *, has_managers: bool = True) -> None:
    """A Deployment with two variables, both of kubectl's."""
    containers = [
        {
            "name": "server",
            "image": "registry.example/web:1",
            "env": [*ENV, {"name": "NODE", "value": "a"}],
        }
    ]
    spec: Json = {
        "replicas": 2,
        "selector": {"matchLabels": {"app": "old"}},
        "template": {"metadata": {"labels": {"app": "old"}}, "spec": {"containers": containers}},
    }
    managers = [entry("kubectl-create", "Update", fields_of({"spec": spec}))]
    adopt = {"exposedapp.dev/adopt": "true"}
    world.foreign(
        "Deployment", spec, annotations=adopt, managedFields=managers if has_managers else []
    )


def variables(world: World) -> list[str]:
    (container,) = world.live("Deployment")["spec"]["template"]["spec"]["containers"]
    return [variable["name"] for variable in container.get("env") or ()]


@pytest.mark.parametrize("env", [ENV, [{"name": "DEBUG", "value": "2"}]], ids=["same", "other"])
async def test_a_field_of_a_former_manager_can_be_given_up(world: World, env: list[Json]) -> None:
    manual_deployment(world)
    world.app(replicas=2, env=env)
    await world.settle()
    assert sorted(variables(world)) == ["DEBUG", "NODE"]
    world.app(replicas=2)
    await world.settle()
    assert variables(world) == ["NODE"]


async def test_a_field_that_had_no_manager_can_be_given_up(world: World) -> None:
    """The first apply adds the manager before-first-apply, which has all fields."""
    manual_deployment(world, has_managers=False)
    world.app(replicas=2, env=ENV)
    await world.settle()
    world.app(replicas=2)
    await world.settle()
    assert variables(world) == ["NODE"]


async def test_an_adoption_that_is_interrupted_takes_the_fields_later(world: World) -> None:
    manual_deployment(world)
    world.refuse("apply Deployment", 500, "", "try again", times=1)
    world.app(replicas=2, env=ENV)
    await world.fails()
    world.restart()
    await world.settle()
    world.app(replicas=2)
    await world.settle()
    assert variables(world) == ["NODE"]


async def test_an_object_that_replaces_the_one_to_adopt_is_left_alone(world: World) -> None:
    await running_app(world)
    world.cluster.edit("Deployment", *KEY, lambda body: body["metadata"].pop("ownerReferences"))
    world.watch()
    # Meanwhile another owner has an object of that name, without the annotation to adopt it.
    world.cluster.remove("Deployment", *KEY)
    world.foreign("Deployment", managedFields=[entry("kubectl", "Update", {"f:spec": {}})])
    before = world.live("Deployment")
    await world.reconciler.reconcile(KEY)
    assert world.live("Deployment") == before


# --- release by annotation ------------------------------------------------------------------------


def annotate(world: World, kind: str, value: str) -> None:
    def change(body: Json) -> None:
        body["metadata"].setdefault("annotations", {})["exposedapp.dev/adopt"] = value

    world.cluster.edit(kind, *KEY, change)


@pytest.mark.parametrize("kind", CHILD_KINDS)
async def test_a_child_is_released_and_handed_over_again(world: World, kind: str) -> None:
    await running_app(world)
    before = world.live(kind)["spec"]
    annotate(world, kind, "false")
    await world.fails()
    assert world.ready() == ("False", "NotOwned")
    world.cluster.writes.clear()
    await world.fails()
    assert world.cluster.writes == []
    assert world.live(kind)["spec"] == before
    assert world.live("Service")["spec"]["selector"] == {"exposedapp.dev/name": "web"}
    annotate(world, kind, "true")
    await world.settle()
    check(world)


async def test_the_service_still_selects_the_pods_of_a_deployment_that_is_released(
    world: World,
) -> None:
    manual_deployment(world)
    world.app(replicas=2)
    await world.settle()
    annotate(world, "Deployment", "false")
    for _ in range(2):
        await world.fails()
        assert world.live("Service")["spec"]["selector"] == {"app": "old"}


async def test_an_own_deployment_can_be_kept_when_the_spec_selects_pods(world: World) -> None:
    await running_app(world)
    annotate(world, "Deployment", "false")
    world.app(image=None, replicas=None, selector={"exposedapp.dev/name": "web"})
    world.serve(2)
    await world.settle()
    assert world.ready() == ("True", "Available")
    assert world.live("Deployment")["metadata"]["ownerReferences"] == []


async def test_a_release_by_annotation_that_fails_is_repeated(world: World) -> None:
    await running_app(world)
    annotate(world, "Service", "false")
    world.refuse("patch Service", 500, "", "try again")
    await world.fails()
    assert world.live("Service")["metadata"]["ownerReferences"]
    await world.fails()
    assert world.live("Service")["metadata"]["ownerReferences"] == []
