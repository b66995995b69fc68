# SPDX-License-Identifier: Apache-2.0
"""Replicas of an adopted Deployment, its release, and fields that an app no longer applies."""

from typing import Any

from exposedapp.api.meta import Json
from support.harness import KEY, World
from support.managed_fields import entry
from support.objects import FOREIGN

ADOPT = {"annotations": {"exposedapp.dev/adopt": "true"}}
KEEP = "exposedapp.dev/keep-replicas"

OLD_PODS: dict[str, Any] = {"image": None, "replicas": None, "selector": {"app": "old"}}
"""The fields of a spec that exposes the pods of the adopted Deployment."""


async def adopted(world: World, **spec: Any) -> World:
    """A Deployment with five replicas, adopted by an app that does not set spec.replicas."""
    world.foreign("Deployment", **ADOPT)
    world.app(**{"replicas": 1, **spec})  # 1 is what the API server fills in
    await world.settle()
    return world


def replicas(world: World) -> int:
    return int(world.live("Deployment")["spec"]["replicas"])


def events(world: World) -> list[str]:
    return [happening.message for happening in world.happened]


# --- replicas -------------------------------------------------------------------------------------


async def test_an_adopted_deployment_keeps_its_replicas(world: World) -> None:
    await adopted(world)
    assert replicas(world) == 5
    assert world.ready() == ("True", "Available")
    assert (
        "Adopted the existing Deployment. It keeps its 5 replicas until spec.replicas is another "
        "number than 1, the default." in events(world)
    )
    world.app(replicas=1, image="registry.example/web:2")
    await world.settle()
    assert replicas(world) == 5


async def test_another_client_may_scale_what_keeps_its_replicas(world: World) -> None:
    await adopted(world)
    world.cluster.edit("Deployment", *KEY, lambda body: body["spec"].update(replicas=2))
    await world.settle()
    assert replicas(world) == 2


async def test_replicas_of_the_spec_count_from_the_adoption_on(world: World) -> None:
    await adopted(world, replicas=3)
    assert replicas(world) == 3
    assert KEEP not in world.live("Deployment")["metadata"]["annotations"]


async def test_replicas_of_the_spec_count_from_then_on(world: World) -> None:
    await adopted(world)
    for number in (2, 1):
        world.app(replicas=number)
        await world.settle()
        assert replicas(world) == number
        assert KEEP not in world.live("Deployment")["metadata"]["annotations"]


async def test_without_the_annotation_the_default_counts(world: World) -> None:
    await adopted(world)
    world.cluster.edit("Deployment", *KEY, lambda body: body["metadata"]["annotations"].pop(KEEP))
    await world.settle()
    assert replicas(world) == 1


# --- release --------------------------------------------------------------------------------------


async def test_an_adopted_deployment_is_released_when_the_spec_selects_pods(world: World) -> None:
    await adopted(world)
    before = world.live("Deployment")
    world.app(**OLD_PODS)
    await world.settle_all()
    after = world.live("Deployment")
    assert after["spec"] == before["spec"]
    assert after["metadata"]["uid"] == before["metadata"]["uid"]
    assert after["metadata"]["ownerReferences"] == []
    assert after["metadata"]["labels"] == {}
    assert after["metadata"]["annotations"] == ADOPT["annotations"]
    managers = {each["manager"] for each in after["metadata"]["managedFields"]}
    assert "exposedapp" not in managers
    assert world.live("Service")["spec"]["selector"] == {"app": "old"}
    assert world.ready() == ("True", "Available")
    assert "Released the Deployment, unchanged: the app does not manage it any more." in events(
        world
    )
    assert "delete Deployment" not in world.cluster.requests


async def test_a_released_deployment_can_be_adopted_again(world: World) -> None:
    await adopted(world)
    world.app(**OLD_PODS)
    await world.settle_all()
    world.app(replicas=1)
    await world.settle()
    assert world.live("Deployment")["metadata"]["ownerReferences"][0]["name"] == "web"
    assert replicas(world) == 5


async def test_what_others_have_of_a_released_deployment_stays(world: World) -> None:
    theirs = {"kind": "Other", "name": "theirs", "uid": "x"}
    label: Json = {"f:metadata": {"f:labels": {"f:app.kubernetes.io/name": {}}}}
    labels = {"app.kubernetes.io/name": "web", "team": "shop"}
    world.foreign("Deployment", **ADOPT, labels=labels, ownerReferences=[theirs])
    world.cluster.edit(
        "Deployment",
        *KEY,
        lambda body: body["metadata"].update(managedFields=[entry("helm", "Update", label)]),
    )
    world.app(replicas=1)
    await world.settle()
    world.app(**OLD_PODS)
    await world.settle_all()
    after = world.live("Deployment")["metadata"]
    assert after["labels"] == labels
    assert after["ownerReferences"] == [theirs]
    assert after["managedFields"] == [entry("helm", "Update", label)]


async def test_a_release_that_fails_is_repeated(world: World) -> None:
    await adopted(world)
    world.refuse("patch Deployment", 409, "Conflict", "the object has been modified")
    world.app(**OLD_PODS)
    await world.fails()
    assert world.live("Deployment")["metadata"]["ownerReferences"]
    await world.settle_all()
    assert world.live("Deployment")["metadata"]["ownerReferences"] == []


async def test_a_deployment_that_another_took_meanwhile_is_not_released(world: World) -> None:
    await adopted(world)
    world.watch()
    world.cluster.remove("Deployment", *KEY)
    world.foreign("Deployment")
    before = world.live("Deployment")
    world.app(**OLD_PODS)
    world.cache.apps.upsert(world.live("ExposedApp"))
    await world.reconciler.reconcile(KEY)
    assert world.live("Deployment") == before


async def test_an_own_deployment_is_deleted_as_before(world: World) -> None:
    world.app()
    await world.settle()
    world.app(**OLD_PODS)
    await world.settle_all()
    assert not world.has("Deployment")


# --- fields that are given up ---------------------------------------------------------------------


def swapped(affinity: Json) -> Json:
    ports = [
        {"name": "a", "port": 80, "nodePort": 30002},
        {"name": "b", "port": 81, "nodePort": 30001},
    ]
    return {"ports": ports, "service": affinity}


async def test_a_field_that_came_with_a_patch_can_be_given_up(world: World) -> None:
    ports = [
        {"name": "a", "port": 80, "nodePort": 30001},
        {"name": "b", "port": 81, "nodePort": 30002},
    ]
    world.app(ports=ports)
    await world.settle()
    # Two ports that change places: only a patch of the whole spec can do that.
    world.refuse("apply Service", 500, "", "duplicate nodePort: {TCP 30001}")
    world.app(**swapped({"sessionAffinity": "ClientIP"}))
    await world.settle()
    assert "patch Service" in world.cluster.requests
    assert world.live("Service")["spec"]["sessionAffinity"] == "ClientIP"
    world.app(**swapped({}))
    await world.settle()
    assert world.live("Service")["spec"]["sessionAffinity"] == "None"
    (own,) = world.live("Service")["metadata"]["managedFields"]
    assert (own["manager"], own["operation"]) == ("exposedapp", "Apply")


async def apply_and_patch_affinity(world: World) -> None:
    """A field that is applied, and has been patched as well."""
    world.app(service={"sessionAffinity": "ClientIP"})
    await world.settle()
    patched = entry("exposedapp", "Update", {"f:spec": {"f:sessionAffinity": {}}})
    world.cluster.edit(
        "Service", *KEY, lambda body: body["metadata"]["managedFields"].append(patched)
    )


async def test_a_field_that_a_patch_of_an_earlier_version_kept_is_given_up(world: World) -> None:
    await apply_and_patch_affinity(world)
    world.app()
    await world.settle()
    assert world.live("Service")["spec"]["sessionAffinity"] == "None"


async def test_a_field_is_given_up_although_another_client_writes_in_between(world: World) -> None:
    """The apply before has stored the desired hash: no later reconcile would see a difference."""
    await apply_and_patch_affinity(world)

    def write_in_between() -> None:
        world.cluster.edit(
            "Service", *KEY, lambda body: body["metadata"]["annotations"].update(by="another")
        )

    world.cluster.before["patch Service"] = write_in_between
    world.app()
    await world.settle()
    assert world.live("Service")["metadata"]["annotations"]["by"] == "another"
    assert world.live("Service")["spec"]["sessionAffinity"] == "None"


async def test_ports_that_a_patch_removed_and_added_can_be_given_up(world: World) -> None:
    world.foreign("Service", FOREIGN["Service"], **ADOPT)
    world.app(ports=[{"name": "a", "port": 81}, {"name": "b", "port": 82}])
    await world.settle()
    assert "patch Service" in world.cluster.requests
    world.app(ports=[{"name": "a", "port": 81}])
    await world.settle()
    assert [port["port"] for port in world.live("Service")["spec"]["ports"]] == [81]
