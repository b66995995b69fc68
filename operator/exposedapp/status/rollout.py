"""How far a Deployment's rollout is. Pure. Called by reconcile/ and by the conditions."""

from exposedapp.api.conditions import Reason, find_condition
from exposedapp.api.meta import Json
from exposedapp.status.observation import Observation, PodFailure
from exposedapp.status.pods import is_lasting


def workload_settled(observation: Observation) -> bool:
    """Whether the pods need no polling: all are as desired, or there are none."""
    if observation.deployment is not None:
        deployment = observation.deployment
        return desired_replicas(deployment) == 0 or rollout_complete(deployment)
    if observation.runs_pods:
        return True
    return not observation.pod_selector or any(endpoint.ready for endpoint in observation.endpoints)


def desired_replicas(deployment: Json) -> int:
    """How many pods the Deployment is to have."""
    replicas: int = deployment["spec"].get("replicas", 1)
    return replicas


def rollout_complete(deployment: Json) -> bool:
    """Whether every pod is of the newest template and available, and no old one is left."""
    status = deployment.get("status") or {}
    counts = {status.get(key, 0) for key in ("replicas", "updatedReplicas", "availableReplicas")}
    return _is_observed(deployment) and counts == {desired_replicas(deployment)}


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
