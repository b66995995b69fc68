# SPDX-License-Identifier: Apache-2.0
"""How far a Deployment's rollout is. Pure. Called by reconcile/ and by the conditions."""

from exposedapp.api.conditions import Reason, find_condition
from exposedapp.api.meta import Json
from exposedapp.status.observation import Observation, PodFailure
from exposedapp.status.pods import is_lasting

DEFAULT_FENCEPOST = "25%"
"""Of maxSurge and maxUnavailable, if the API server has not set it."""


def workload_settled(observation: Observation) -> bool:
    """Whether the pods need no polling: all are as desired, or there are none."""
    if observation.deployment is not None:
        deployment = observation.deployment
        return desired_replicas(deployment) == 0 or rollout_complete(deployment)
    if observation.runs_pods:
        return True
    return not observation.pod_selector or any(
        endpoint.has_ready_pod for endpoint in observation.endpoints
    )


def only_scales(observation: Observation) -> bool:
    """Whether pods are only added or removed, or replaced, while enough of them are available.

    Such as an autoscaler's step, or a pod that moves to another node: the app serves.
    """
    deployment = observation.deployment
    return deployment is not None and observation.is_rolled_out and serves_enough(deployment)


def desired_replicas(deployment: Json) -> int:
    """How many pods the Deployment is to have."""
    replicas: int = deployment["spec"].get("replicas", 1)
    return replicas


def rollout_complete(deployment: Json) -> bool:
    """Whether every pod is of the newest template and available, and no old one is left."""
    status = deployment.get("status") or {}
    counts = {status.get(key, 0) for key in ("replicas", "updatedReplicas", "availableReplicas")}
    return _is_observed(deployment) and counts == {desired_replicas(deployment)}


def rolled_out(deployment: Json) -> bool:
    """Whether the newest template has replaced every pod, now or before: only their number changes.

    The Deployment controller keeps the condition's reason from the end of a rollout until the next
    template (syncRolloutStatus, pkg/controller/deployment/progress.go).
    """
    status = deployment.get("status") or {}
    progress = find_condition(status.get("conditions"), "Progressing") or {}
    has_ended = progress.get("reason") == "NewReplicaSetAvailable" and all_updated(deployment)
    return has_ended or rollout_complete(deployment)


def replaces_pods(deployment: Json) -> bool:
    """Whether there are pods of an older template, as far as the Deployment's status says."""
    return _is_observed(deployment) and not all_updated(deployment)


def min_available(deployment: Json) -> int:
    """How many pods must be available for the Deployment to be, at least 1; 0 if it has none.

    As Kubernetes means it: the replicas less maxUnavailable (MaxUnavailable and ResolveFenceposts,
    pkg/controller/deployment/util/deployment_util.go).
    """
    desired = desired_replicas(deployment)
    strategy = deployment["spec"].get("strategy") or {}
    if strategy.get("type") == "Recreate":
        return desired
    rolling = strategy.get("rollingUpdate") or {}
    surge = _scaled(rolling.get("maxSurge", DEFAULT_FENCEPOST), desired, round_up=True)
    unavailable = _scaled(rolling.get("maxUnavailable", DEFAULT_FENCEPOST), desired)
    if surge == 0 and unavailable == 0:
        unavailable = 1
    return min(desired, max(desired - unavailable, 1))


def serves_enough(deployment: Json) -> bool:
    """Whether enough pods are available, although more or fewer are on their way."""
    available = (deployment.get("status") or {}).get("availableReplicas", 0)
    return bool(available >= min_available(deployment) > 0)


def _scaled(value: int | str, desired: int, *, round_up: bool = False) -> int:
    """A number of pods, or a percentage of the desired ones."""
    if isinstance(value, int):
        return value
    product = int(value.removesuffix("%")) * desired
    return -(-product // 100) if round_up else product // 100


def all_updated(deployment: Json) -> bool:
    """Whether there is no pod of an older template, as far as the Deployment's status says."""
    status = deployment.get("status") or {}
    return _is_observed(deployment) and status.get("updatedReplicas") == status.get("replicas")


def _is_observed(deployment: Json) -> bool:
    """Whether the Deployment's status is about its present spec."""
    status = deployment.get("status") or {}
    return bool(status.get("observedGeneration", 0) >= deployment["metadata"]["generation"])


def rollout_failure(deployment: Json, failure: PodFailure | None) -> PodFailure | None:
    """Why a rollout does not end, from the Deployment and its pods' failure; None if it goes on.

    The cause before its consequences: what is paused cannot replace pods that fail, and pods that
    keep failing are why a deadline passes. A failure that may pass is the last.
    """
    if paused := _paused(deployment):
        return paused
    if failure and is_lasting(failure):
        return failure
    conditions = (deployment.get("status") or {}).get("conditions") or ()
    replica_failure = find_condition(conditions, "ReplicaFailure")
    if replica_failure and replica_failure["status"] == "True":
        return PodFailure(Reason.FAILED_CREATE, replica_failure.get("message", ""))
    progress = find_condition(conditions, "Progressing")
    if progress and progress["status"] == "False":
        words = (progress.get("message", ""), failure.message if failure else "")
        return PodFailure(Reason.DEADLINE, " ".join(filter(None, words)))
    return failure


def _paused(deployment: Json) -> PodFailure | None:
    """That the Deployment is paused, while pods are not of its newest template."""
    status = deployment.get("status") or {}
    is_updated = status.get("updatedReplicas", 0) >= desired_replicas(deployment)
    if not deployment["spec"].get("paused") or is_updated:
        return None
    metadata = deployment["metadata"]
    resume = (
        f"kubectl rollout resume -n {metadata.get('namespace')} deployment/{metadata.get('name')}"
    )
    message = f"The Deployment is paused; resume it: {resume}"
    return PodFailure(Reason.DEPLOYMENT_PAUSED, message)
