# SPDX-License-Identifier: Apache-2.0
"""The soak's own parts: a seed repeats its actions, and the checks see what they are for."""

from typing import Any

import pytest

from faults.leadership import LeaderOnly, Leadership
from faults.proxy import Call
from faults.soak.invariants import Snapshot, unfinished, violations
from faults.soak.plan import Plan

Json = dict[str, Any]
SPEC: Json = {
    "replicas": 0,
    "env": [{"name": "STEP", "value": "1"}],
    "ports": [{"port": 80}],
    "service": {"type": "NodePort"},
}


def actions(seed: int) -> list[str]:
    plan = Plan(seed, ["cut", "delay"])
    return [str(plan.next()) for _ in range(500)]


def test_a_seed_repeats_its_actions() -> None:
    assert actions(7) == actions(7)
    assert actions(7) != actions(8)


def app(name: str = "web", **status: Any) -> Json:
    return {
        "metadata": {"name": name, "uid": f"uid-{name}", "generation": 1},
        "spec": SPEC,
        "status": {
            "observedGeneration": 1,
            "conditions": [{"type": "Ready", "status": "True"}],
            "urls": ["http://10.0.0.1:30000"],
            "ports": [{"port": 80, "nodePort": 30000}],
            **status,
        },
    }


def child(spec: Json, uid: str = "uid-web") -> Json:
    return {
        "metadata": {"name": "web", "uid": "u", "ownerReferences": [{"uid": uid}]},
        "spec": spec,
    }


DEPLOYMENT = child(
    {"replicas": 0, "template": {"spec": {"containers": [{"env": SPEC["env"]}]}}},
)
SERVICE = child({"type": "NodePort", "ports": [{"port": 80, "nodePort": 30000}]})


def node(ready: str = "True") -> Json:
    return {
        "metadata": {"name": "node"},
        "status": {
            "conditions": [{"type": "Ready", "status": ready}],
            "addresses": [{"type": "InternalIP", "address": "10.0.0.1"}],
        },
    }


def snapshot(**changes: list[Json]) -> Snapshot:
    objects = {
        "apps": [app()],
        "deployments": [DEPLOYMENT],
        "services": [SERVICE],
        "nodes": [node()],
    }
    return Snapshot(**{**objects, **changes})


def test_what_is_as_expected_has_no_problem() -> None:
    assert list(violations(snapshot())) == []
    assert list(unfinished(snapshot(), {"web": SPEC})) == []


def test_what_no_app_has_adopted_is_left_alone() -> None:
    foreign = {"metadata": {"name": "old", "annotations": {"exposedapp.dev/adopt": "true"}}}
    assert list(unfinished(snapshot(deployments=[DEPLOYMENT, foreign]), {"web": SPEC})) == []


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        (snapshot(nodes=[node("False")]), "web lists 10.0.0.1, which is no eligible node"),
        (snapshot(apps=[app(), app("other")]), "other, web list the one node port 30000"),
        (snapshot(services=[child({}, "old")]), "web belongs to an app that is not there"),
    ],
)
def test_violations(changed: Snapshot, expected: str) -> None:
    assert expected in list(violations(changed))


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        (snapshot(apps=[app(observedGeneration=0)]), "web: the status is about an earlier spec"),
        (snapshot(apps=[app(conditions=[])]), "web: not Ready: no condition"),
        (snapshot(apps=[app(urls=[])]), "web: lists [] instead of ['10.0.0.1']"),
        (snapshot(apps=[app(ports=[])]), "web: the status has other node ports than the Service"),
        (snapshot(apps=[app(), app("old")]), "app too many: ['old']"),
        (snapshot(services=[]), "Service missing: ['web']"),
        (
            snapshot(services=[child({"type": "ClusterIP", "ports": []})]),
            "web: the Service is not as the spec",
        ),
        (
            snapshot(deployments=[child({**DEPLOYMENT["spec"], "replicas": 1})]),
            "web: the Deployment is not as the spec",
        ),
    ],
)
def test_what_is_unfinished(changed: Snapshot, expected: str) -> None:
    assert expected in list(unfinished(changed, {"web": SPEC}))


def lease(holder: str) -> Call:
    body = b'{"spec": {"holderIdentity": "%s"}}' % holder.encode()
    return Call("update", "leases", "soak", "exposedapp", "", body)


async def test_a_write_of_an_operator_that_does_not_lead() -> None:
    leadership = Leadership()
    first, second = LeaderOnly(leadership), LeaderOnly(leadership)
    write = Call("patch", "services", "soak", "web", "")
    for operator, holder in ((first, "one"), (second, "two")):
        await operator.before(lease(holder))
        await operator.after(lease(holder), 200 if operator is first else 409)
    await first.before(write)
    assert leadership.violations == []
    await second.before(write)
    assert leadership.violations == ["patch services soak/web by two; one leads"]
    await second.after(lease("two"), 200)
    await first.before(write)
    assert leadership.violations[1:] == ["patch services soak/web by one; two leads"]
