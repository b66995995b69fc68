"""How far a Deployment's rollout is. Pure. Called by reconcile/ and by the conditions."""

from collections.abc import Iterable

from exposedapp.api.conditions import Reason, find_condition
from exposedapp.api.meta import Json
from exposedapp.status.observation import Observation, PodFailure


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
    observed: int = status.get("observedGeneration", 0)
    is_observed = observed >= deployment["metadata"]["generation"]
    return is_observed and counts == {desired_replicas(deployment)}


def rollout_failure(conditions: Iterable[Json]) -> PodFailure | None:
    """Why a Deployment has no pods that could report a failure; None if it reports none."""
    conditions = list(conditions)
    replica_failure = find_condition(conditions, "ReplicaFailure")
    if replica_failure and replica_failure["status"] == "True":
        return PodFailure(Reason.FAILED_CREATE, replica_failure.get("message", ""))
    progress = find_condition(conditions, "Progressing")
    if progress and progress["status"] == "False":
        return PodFailure(Reason.DEADLINE, progress.get("message", ""))
    return None
