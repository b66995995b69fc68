# SPDX-License-Identifier: Apache-2.0
"""Reviews against the API server in memory: nothing is refused that a reconcile would apply."""

import asyncio
import copy
from typing import Any

import pytest

from exposedapp.admission import reviewer
from exposedapp.admission.results import ReviewResult, Verdict
from exposedapp.admission.reviewer import MAX_CONCURRENT_REVIEWS, Reviewer
from exposedapp.api.meta import Json
from exposedapp.kube.errors import ApiError
from exposedapp.settings import Settings
from support.admission import app_body
from support.dry_run_api_server import DryRunApiServer
from support.harness import AWAY, KEY, PINNED, World
from support.specs import SPECS

ALL_KINDS = Settings(admission_references=frozenset({"ConfigMap", "Secret", "ServiceAccount"}))
INVALID = ApiError(422, "Invalid", 'Deployment.apps "web" is invalid: spec.template: no pod')


class Review:
    """A reviewer of the world's cluster."""

    def __init__(self, world: World, settings: Settings = ALL_KINDS) -> None:
        self._world = world
        self.server = DryRunApiServer(world.cluster)
        self.results: list[ReviewResult] = []
        self._reviewer = Reviewer(
            self.server, world.cache, settings, lambda result, _: self.results.append(result)
        )

    async def verdict(self, **spec: Any) -> Verdict:
        """The verdict on the app with another spec, or on a new one."""
        self._world.watch()
        objects = copy.deepcopy(self._world.cluster.objects)
        old = objects.get(("ExposedApp", *KEY))
        self._world.app(**spec)
        new = self._world.cluster.objects["ExposedApp", *KEY]
        self._world.cluster.objects = copy.deepcopy(objects)
        if old is None:
            del new["metadata"]["resourceVersion"]
        verdict = await self._reviewer.review(new, old)
        assert self._world.cluster.objects == objects, "a review has stored something"
        return verdict


@pytest.fixture
def review(world: World) -> Review:
    return Review(world, Settings())


# --- accepted -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SPECS)
async def test_every_spec_is_accepted_when_it_is_new(review: Review, name: str) -> None:
    assert await review.verdict(**SPECS[name]) == Verdict()
    assert review.results == [ReviewResult.ALLOWED]


@pytest.mark.parametrize("name", SPECS)
async def test_every_change_from_one_spec_to_another_is_accepted(world: World, name: str) -> None:
    review = Review(world, Settings())
    world.app(**SPECS[name])
    await world.settle_all()
    for other in SPECS:
        verdict = await review.verdict(**SPECS[other])
        assert verdict.refusal is None, other


async def test_two_ports_may_change_their_node_ports(world: World, review: Review) -> None:
    first, second = {"name": "a", "port": 80}, {"name": "b", "port": 81}
    world.app(ports=[{**first, "nodePort": 30080}, {**second, "nodePort": 30081}])
    await world.settle()
    changed = [{**first, "nodePort": 30081}, {**second, "nodePort": 30080}]
    assert await review.verdict(ports=changed) == Verdict()


async def test_the_ports_of_others_are_not_in_the_way(world: World, review: Review) -> None:
    world.app(ports=[{"name": "a", "port": 80}])
    await world.settle()
    surplus = {"name": "x", "port": 90, "protocol": "TCP", "targetPort": 90, "nodePort": 30090}
    world.cluster.edit("Service", *KEY, lambda body: body["spec"]["ports"].append(surplus))
    assert await review.verdict(ports=[{"name": "a", "port": 80, "nodePort": 30090}]) == Verdict()


async def test_an_object_that_is_to_be_adopted_is_accepted(world: World, review: Review) -> None:
    world.app()
    await world.settle()
    for kind in ("Deployment", "Service"):

        def give_away(body: Json) -> None:
            body["metadata"] |= {"ownerReferences": [], "labels": {}}
            body["metadata"]["annotations"] = {"exposedapp.dev/adopt": "true"}

        world.cluster.edit(kind, *KEY, give_away)
    world.restart()
    world.cluster.remove("ExposedApp", *KEY)
    review = Review(world, Settings())
    assert await review.verdict() == Verdict()


async def test_a_suspended_app_is_accepted_as_it_is(world: World) -> None:
    review = Review(world)
    world.cluster.fail("apply Deployment", INVALID)
    assert await review.verdict(suspend=True) == Verdict()
    assert review.server.writes == 0


async def test_a_namespace_that_is_being_deleted_is_not_the_reviewer_s_matter(
    world: World, review: Review
) -> None:
    terminating = ApiError(403, "Forbidden", "is being terminated", ("NamespaceTerminating",))
    world.cluster.fail("apply Deployment", terminating)
    assert await review.verdict() == Verdict()


# --- refused --------------------------------------------------------------------------------------


async def test_what_the_api_server_refuses_is_refused_in_its_words(
    world: World, review: Review
) -> None:
    world.cluster.fail("apply Deployment", INVALID)
    verdict = await review.verdict()
    assert verdict.refusal
    assert (verdict.refusal.code, verdict.refusal.message) == (422, INVALID.message)
    assert review.results == [ReviewResult.REFUSED]


async def test_a_spec_that_leads_to_no_object_is_refused_without_a_request(
    review: Review,
) -> None:
    verdict = await review.verdict(ports=[{"port": 80, "targetPort": "nowhere"}])
    assert verdict.refusal
    assert "no container port is named 'nowhere'" in verdict.refusal.message
    assert review.server.writes == 0


# --- warned ---------------------------------------------------------------------------------------


async def test_a_node_port_that_is_taken_is_a_warning(world: World, review: Review) -> None:
    spec = {"type": "NodePort", "ports": [{"port": 1, "protocol": "TCP", "nodePort": 30080}]}
    metadata = {"namespace": "shop", "name": "other"}
    world.cluster.put("Service", {"kind": "Service", "metadata": metadata, "spec": spec})
    verdict = await review.verdict(ports=PINNED)
    assert verdict.refusal is None
    [warning] = verdict.warnings
    assert warning.startswith("NodePortConflict: ")
    assert "Node port 30080 belongs to Service other" in warning
    ports = [{"name": "a", "port": 80, "nodePort": 30080}, {"name": "b", "port": 81}]
    assert [*(await review.verdict(ports=ports)).warnings]


async def test_a_foreign_object_of_the_name_is_a_warning(world: World, review: Review) -> None:
    world.app()
    await world.settle()
    other = [{"kind": "Other", "name": "theirs", "uid": "x", "controller": True}]

    def take(body: Json) -> None:
        body["metadata"] |= {"ownerReferences": other, "labels": {}}

    world.cluster.edit("Service", *KEY, take)
    world.restart()
    world.cluster.remove("ExposedApp", *KEY)
    review = Review(world, Settings())
    [warning] = (await review.verdict()).warnings
    assert warning.startswith("NotOwned: Service web already exists")


async def test_an_api_server_that_fails_is_a_warning(world: World, review: Review) -> None:
    world.cluster.fail("apply Deployment", AWAY)
    verdict = await review.verdict()
    assert verdict.refusal is None
    assert verdict.warnings == (f"not checked: {AWAY.message}",)


async def test_objects_that_pods_need_are_looked_for_in_each_kind(world: World) -> None:
    review = Review(world)
    spec: Json = {
        "envFrom": [{"configMapRef": {"name": "settings"}}, {"secretRef": {"name": "keys"}}],
        "podTemplate": {"spec": {"serviceAccountName": "robot"}},
    }
    assert (await review.verdict(**spec)).warnings == (
        'the pods wait for ServiceAccount robot: serviceaccounts "robot" not found',
        'the pods wait for ConfigMap settings: configmaps "settings" not found',
        'the pods wait for Secret keys: secrets "keys" not found',
    )
    review.server.existing |= {("configmaps", "settings"), ("serviceaccounts", "robot")}
    [warning] = (await review.verdict(**spec)).warnings
    assert "Secret keys" in warning


@pytest.mark.parametrize(
    "name", ["../../tenant-b/configmaps/there", "..", ".", "%2e%2e", "there?watch=true", "there\n"]
)
async def test_a_name_does_not_lead_to_another_object(world: World, name: str) -> None:
    """The API server accepts any name in a volume, and an HTTP client resolves the dots."""
    review = Review(world)
    volumes = [{"name": "v", "configMap": {"name": name}}]
    [warning] = (await review.verdict(podTemplate={"spec": {"volumes": volumes}})).warnings
    assert warning == f"the pods wait for ConfigMap {name}: no object has such a name"
    assert not review.server.metadata_requests


async def test_what_a_suspended_app_lacks_is_no_warning(world: World) -> None:
    review = Review(world)
    spec: Json = {"envFrom": [{"configMapRef": {"name": "settings"}}]}
    world.app(**spec)
    await world.settle()
    assert (await review.verdict(**spec, replicas=1)).warnings
    assert await review.verdict(**spec, suspend=True) == Verdict()


@pytest.mark.parametrize("status", [0, 403, 500])
async def test_what_cannot_be_read_is_no_warning(world: World, status: int) -> None:
    review = Review(world)
    review.server.metadata_error = ApiError(status, "", "no answer")
    assert await review.verdict(envFrom=[{"configMapRef": {"name": "settings"}}]) == Verdict()


async def test_kinds_that_the_operator_may_not_read_are_not_looked_for(
    world: World, review: Review
) -> None:
    assert await review.verdict(envFrom=[{"secretRef": {"name": "keys"}}]) == Verdict()


async def test_without_an_eligible_node_there_is_a_warning(world: World, review: Review) -> None:
    [warning] = (await review.verdict(nodes={"selector": {"zone": "nowhere"}})).warnings
    assert warning.startswith("NoEligibleNode: ")


async def test_a_local_app_whose_pods_are_not_there_yet_has_no_warning(review: Review) -> None:
    assert await review.verdict(service={"externalTrafficPolicy": "Local"}) == Verdict()


# --- not judged -----------------------------------------------------------------------------------


async def test_the_same_spec_is_not_judged(world: World, review: Review) -> None:
    world.app()
    await world.settle()
    world.cluster.fail("apply Deployment", INVALID)
    assert await review.verdict() == Verdict()
    assert review.results == [ReviewResult.UNCHANGED]
    assert review.server.writes == 0


async def test_an_error_that_nobody_foresaw_accepts_the_app(
    world: World, review: Review, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr(world.cluster, "create", fail)
    verdict = await review.verdict()
    assert verdict.refusal is None
    assert review.results == [ReviewResult.ERROR]
    assert "because the operator failed" in verdict.warnings[0]


# --- bounds ---------------------------------------------------------------------------------------


class GatedApiServer(DryRunApiServer):
    """Creates nothing until it may."""

    def __init__(self, world: World) -> None:
        super().__init__(world.cluster)
        self.gate = asyncio.Event()
        self.waiting = 0

    async def create(self, desired: Json) -> Json:
        self.waiting += 1
        await self.gate.wait()
        self.waiting -= 1
        return await super().create(desired)


def new_app(number: int) -> Json:
    app = app_body(f"app-{number}")
    app["metadata"]["resourceVersion"] = "1"
    return app


async def test_few_reviews_run_at_one_time_and_the_others_wait(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reviewer, "DEADLINE_SECONDS", 60.0)
    server = GatedApiServer(world)
    world.watch()
    reviews = Reviewer(server, world.cache, Settings(), lambda *_: None)
    tasks = [asyncio.create_task(reviews.review(new_app(number), None)) for number in range(30)]
    children = 2 * MAX_CONCURRENT_REVIEWS
    while server.waiting < children:
        await asyncio.sleep(0)
    for _ in range(100):
        await asyncio.sleep(0)
        assert server.waiting == children
    server.gate.set()
    assert set(await asyncio.gather(*tasks)) == {Verdict()}


async def test_a_review_that_waits_too_long_accepts_the_app(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reviewer, "DEADLINE_SECONDS", 0.01)
    server, results = GatedApiServer(world), list[ReviewResult]()
    reviews = Reviewer(server, world.cache, Settings(), lambda result, _: results.append(result))
    verdicts = await asyncio.gather(*(reviews.review(new_app(n), None) for n in range(30)))
    assert {verdict.warnings for verdict in verdicts} == {(reviewer.TOO_LATE,)}
    assert results == [ReviewResult.TIMEOUT] * 30
