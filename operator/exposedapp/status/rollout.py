"""Whether a Deployment's rollout is complete."""

from collections.abc import Iterable

from exposedapp.api.conditions import Reason
from exposedapp.api.meta import Json
from exposedapp.status.observation import Observation, PodFailure


def workload_settled(observation: Observation) -> bool:
    """Whether there is nothing to ask the pods: all are as wanted, or there are none to ask."""
    if observation.deployment is not None:
        wants_none = observation.deployment["spec"].get("replicas", 1) == 0
        return wants_none or rollout_complete(observation.deployment)
    if observation.runs_pods:
        return True
    return not observation.pod_selector or any(it.ready for it in observation.endpoints)


def rollout_complete(deployment: Json) -> bool:
    """Whether every pod is of the newest template and available, and no old one is left."""
    status = deployment.get("status") or {}
    wanted = deployment["spec"].get("replicas", 1)
    return status.get("observedGeneration", 0) >= deployment["metadata"]["generation"] and (
        {status.get(key, 0) for key in ("replicas", "updatedReplicas", "availableReplicas")}
        == {wanted}
    )


def rollout_failure(conditions: Iterable[Json]) -> PodFailure | None:
    """What the Deployment itself says when it has no pods that could say it."""
    found = {it["type"]: it for it in conditions}
    if (failure := found.get("ReplicaFailure")) and failure["status"] == "True":
        return PodFailure(Reason.FAILED_CREATE, failure.get("message", ""))
    if (progress := found.get("Progressing")) and progress["status"] == "False":
        return PodFailure(Reason.DEADLINE, progress.get("message", ""))
    return None
