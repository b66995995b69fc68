# SPDX-License-Identifier: Apache-2.0
"""While only the number of pods changes, Ready stays True as long as enough are available."""

from dataclasses import replace
from typing import Any

import pytest

from exposedapp.api.conditions import Reason
from exposedapp.api.meta import Json
from exposedapp.exposure.endpoints import Endpoint
from exposedapp.status.observation import PodFailure
from exposedapp.status.rollout import min_available, rolled_out
from support.objects import deployment_body, spec_of
from support.snapshots import WELL, Seen, compute, condition, condition_values


def scaling(desired: int, ready: int, *, rolled_out: bool = True, **status: Any) -> Seen:
    """An app whose Deployment is on its way to this number of pods."""
    status = {"replicas": ready, "updatedReplicas": ready, **status}
    pods = [Endpoint(f"p{number}", ready=True, terminating=False) for number in range(ready)]
    return replace(
        WELL,
        spec=spec_of(replicas=desired),
        deployment=deployment_body(desired, ready, **status),
        endpoints=pods,
        rolled_out=rolled_out,
    )


def test_a_step_up_with_enough_pods() -> None:
    seen = scaling(5, 4)
    message = "4 of 5 pods are ready."
    assert condition_values(seen) == ("True", "Available", message)
    assert condition_values(seen, "WorkloadAvailable") == ("True", "Available", message)
    assert condition_values(seen, "ServiceReady")[0] == "True"
    # kstatus waits.
    assert condition_values(seen, "Reconciling") == ("True", "Progressing", message)


def test_a_step_down() -> None:
    seen = scaling(4, 5)
    assert condition_values(seen)[:2] == ("True", "Available")
    assert condition_values(seen, "Reconciling")[:2] == ("True", "Progressing")


@pytest.mark.parametrize(("desired", "ready"), [(2, 1), (5, 3), (8, 4), (1, 0)])
def test_a_step_with_too_few_pods(desired: int, ready: int) -> None:
    assert condition_values(scaling(desired, ready))[:2] == ("False", "Progressing")


def test_a_change_of_the_template_is_no_step() -> None:
    seen = scaling(5, 4, rolled_out=False)
    assert condition_values(seen)[:2] == ("False", "Progressing")


def test_a_pod_that_fails_beside_enough_others_is_named() -> None:
    failure = PodFailure(Reason.UNSCHEDULABLE, "0/3 nodes are available: 3 Insufficient cpu.")
    seen = replace(scaling(5, 4), pod_failure=failure)
    assert condition_values(seen)[:2] == ("True", "Available")
    assert failure.message in condition_values(seen)[2]
    assert condition_values(seen, "Reconciling")[1] == "Unschedulable"


def test_all_pods_again() -> None:
    assert condition(compute(scaling(5, 5)), "Reconciling") is None


def test_pods_that_must_be_ready_for_a_while() -> None:
    seen = scaling(2, 2, rolled_out=False, availableReplicas=0)
    assert seen.deployment
    seen.deployment["spec"]["minReadySeconds"] = 60
    words = "2 of 2 pods are ready. They are available once they have been ready for 60 s."
    assert condition_values(seen) == ("False", "Progressing", words)


@pytest.mark.parametrize(
    ("desired", "strategy", "needed"),
    [
        (1, None, 1),
        (3, None, 3),
        (4, None, 3),
        (10, None, 8),
        (0, None, 0),
        (4, {"type": "Recreate"}, 4),
        (4, {"rollingUpdate": {"maxUnavailable": 2, "maxSurge": 0}}, 2),
        (4, {"rollingUpdate": {"maxUnavailable": "50%", "maxSurge": 1}}, 2),
        (4, {"rollingUpdate": {"maxUnavailable": 0, "maxSurge": "10%"}}, 4),
        # Neither may be 0 (ResolveFenceposts).
        (4, {"rollingUpdate": {"maxUnavailable": "10%", "maxSurge": 0}}, 3),
        # Kubernetes needs none then; an app without a pod does not serve.
        (4, {"rollingUpdate": {"maxUnavailable": "100%", "maxSurge": 1}}, 1),
        (2, {"rollingUpdate": {"maxUnavailable": 5, "maxSurge": 1}}, 1),
    ],
)
def test_enough_is_what_kubernetes_means(desired: int, strategy: Json | None, needed: int) -> None:
    deployment = deployment_body(desired)
    if strategy:
        deployment["spec"]["strategy"] = {"type": "RollingUpdate", **strategy}
    assert min_available(deployment) == needed


DONE: Json = {"type": "Progressing", "status": "True", "reason": "NewReplicaSetAvailable"}


@pytest.mark.parametrize(
    ("deployment", "expected"),
    [
        (deployment_body(2), True),
        (deployment_body(4, 3, conditions=[DONE]), True),
        (deployment_body(4, 3), False),
        (deployment_body(4, 3, conditions=[DONE], updatedReplicas=1), False),
        (deployment_body(4, 3, conditions=[DONE], observedGeneration=2), False),
        (deployment_body(4, 3, conditions=[DONE | {"reason": "ReplicaSetUpdated"}]), False),
    ],
    ids=["complete", "complete before", "no condition", "set back", "not observed", "under way"],
)
def test_rolled_out(deployment: Json, expected: bool) -> None:
    assert rolled_out(deployment) is expected
