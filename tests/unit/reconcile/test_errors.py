# SPDX-License-Identifier: Apache-2.0
"""Requests that the API server refuses or does not answer."""

import asyncio

import pytest

from exposedapp.api.meta import Json
from exposedapp.kube.errors import ApiError
from exposedapp.reconcile.pod_poller import INITIAL_POLL_SECONDS
from exposedapp.reconcile.reconciler import DELETION_CHECK_SECONDS
from support.harness import AWAY, BUSY, KEY, PINNED, PODS, World
from support.objects import node_body

WEBHOOK = ApiError(500, "InternalError", 'failed calling webhook "policy.example"')
TERMINATING = ApiError(
    403,
    "Forbidden",
    'services "web" is forbidden: unable to create new content in namespace shop because it is '
    "being terminated",
    ("NamespaceTerminating",),
)


@pytest.mark.parametrize("request_name", ["apply Deployment", "apply Service", "patch status"])
@pytest.mark.parametrize(
    ("error", "after"), [(AWAY, None), (BUSY, 7.0)], ids=["no answer", "throttled"]
)
async def test_what_passes_is_tried_again(
    world: World, request_name: str, error: ApiError, after: float | None
) -> None:
    world.cluster.fail(request_name, error)
    world.app()
    result = await world.fails()
    assert result.min_delay == after
    await world.settle()
    assert world.ready() == ("True", "ScaledToZero")


async def test_a_foreign_object_that_cannot_be_looked_at_is_tried_again(world: World) -> None:
    world.foreign("Deployment")
    world.cluster.fail("get Deployment", BUSY)
    world.app()
    result = await world.fails()
    assert result.min_delay == 7.0
    await world.fails()
    assert world.ready() == ("False", "NotOwned")


async def test_an_app_that_cannot_be_asked_for_is_told(world: World) -> None:
    world.app()
    await world.settle()
    world.cluster.remove("Service", *KEY)
    message = 'exposedapps.exposedapp.dev "web" is forbidden'
    world.refuse("get ExposedApp", 403, "Forbidden", message)
    await world.fails()
    assert world.ready() == ("False", "Forbidden")
    assert message in world.message()
    await world.settle()
    assert world.has("Service")


async def test_one_child_that_fails_does_not_cut_the_other_short(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    apply = world.cluster.apply

    async def slow_for_services(desired: Json, uid: str | None) -> Json:
        if desired["kind"] == "Service":
            for _ in range(10):
                await asyncio.sleep(0)
        return await apply(desired, uid)

    monkeypatch.setattr(world.cluster, "apply", slow_for_services)
    world.cluster.fail("apply Deployment", AWAY)
    world.app()
    await world.fails()
    # Nothing may be under way when the app is reconciled again.
    assert world.cache.children["Service"].get(KEY) is not None


async def test_a_child_that_the_server_cannot_take_is_told(world: World) -> None:
    world.cluster.fail("apply Deployment", WEBHOOK)
    world.app()
    await world.fails()
    assert world.ready() == ("False", "Progressing")
    assert "failed calling webhook" in world.message()
    assert world.status()["url"] == "http://10.0.0.1:30000"
    await world.settle()
    assert world.ready() == ("True", "ScaledToZero")


async def test_in_a_namespace_that_goes_the_status_stays(world: World) -> None:
    """Until the deletion is observed, or the app turns out to exist."""
    world.cluster.fail("apply Service", TERMINATING)
    world.app()
    assert await world.reconcile() == DELETION_CHECK_SECONDS
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
        stopped.cluster.remove("Deployment", *KEY)
        stopped.foreign("Deployment")

    stopped.cluster.before["apply Deployment"] = replace
    stopped.cluster.edit("Deployment", *KEY, lambda body: body["spec"].update(replicas=7))
    result = await stopped.fails()
    assert result.min_delay is None
    # Its event has not come yet.
    assert stopped.cache.children["Deployment"].get(KEY) is None
    await stopped.fails()
    assert stopped.ready() == ("False", "NotOwned")
    assert stopped.live("Deployment")["spec"]["replicas"] == 5


async def test_an_app_that_is_gone_when_its_status_is_written_is_forgotten(world: World) -> None:
    world.app()
    world.cluster.before["patch status"] = lambda: world.cluster.remove("ExposedApp", *KEY)
    assert await world.reconcile() == DELETION_CHECK_SECONDS
    assert world.prober.targets == []


async def test_an_app_that_one_response_calls_deleted_is_not_lost(world: World) -> None:
    """A 404 of a proxy is no deletion: no event follows, and the app is reconciled again."""
    world.app()
    world.cluster.fail("patch status", ApiError(404, "NotFound", "page not found"))
    assert await world.reconcile() == DELETION_CHECK_SECONDS
    await world.reconcile()
    assert world.status()["url"]


async def test_a_status_of_an_older_spec_is_not_written(world: World) -> None:
    """Otherwise `kubectl wait` takes the old spec's Ready for the new one's."""
    world.app()
    world.cluster.before["patch status"] = lambda: world.app(replicas=1)
    assert await world.reconcile() == 0.0
    assert world.status() == {"observedGeneration": -1}
    assert world.cache.apps.get(KEY) is not None
    await world.reconcile()
    assert world.ready() == ("False", "Progressing")


async def test_a_successor_that_is_known_already_is_kept(world: World) -> None:
    def replace() -> None:
        world.cluster.remove("ExposedApp", *KEY)
        world.app()
        world.watch()

    world.app()
    world.cluster.before["patch status"] = replace
    await world.fails()
    known = world.cache.apps.get(KEY)
    assert known is not None
    assert known["metadata"]["uid"] == world.live("ExposedApp")["metadata"]["uid"]


async def test_pods_that_nobody_may_list_do_not_hold_up_the_status(world: World) -> None:
    world.cluster.fail(PODS, ApiError(403, "Forbidden", "pods is forbidden"), times=100)
    world.app(replicas=2)
    await world.reconcile()
    world.now += 2
    world.run_pods(ready=1, total=2)
    world.nodes[1] = node_body("b", ready=False)
    await world.reconcile()
    assert world.status()["urls"] == ["http://10.0.0.1:30000"]


async def test_a_problem_does_not_slow_down_what_else_is_due(world: World) -> None:
    """The back-off of a retry must not replace the earlier poll of the pods."""
    world.other_service(30080)
    world.app(ports=PINNED, replicas=1)
    result = await world.fails()
    assert result.requeue_after is not None
    assert result.requeue_after <= INITIAL_POLL_SECONDS


async def test_a_spec_that_is_too_large_to_be_kept_is_reported_and_corrected(world: World) -> None:
    world.app(env=[{"name": "A", "value": "x" * 300_000}])
    await world.fails()
    assert world.ready() == ("False", "InvalidSpec")
    assert "too large" in world.message()
    world.cluster.writes.clear()
    await world.fails()
    assert world.cluster.writes == []
    world.app(env=None)
    await world.settle()
    assert world.ready() == ("True", "ScaledToZero")
