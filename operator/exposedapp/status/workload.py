"""The condition WorkloadAvailable: whether the pods are as desired.

Pure. Called by conditions.py.
"""

from exposedapp.api.conditions import Reason
from exposedapp.api.meta import Json, selector_string
from exposedapp.exposure.endpoints import endpoint_counts
from exposedapp.status.condition_value import ConditionValue, progressing, unapplied_child
from exposedapp.status.observation import Observation, PodFailure
from exposedapp.status.rollout import desired_replicas, rollout_complete, rollout_failure


def workload_available(observation: Observation, pod_failure: PodFailure | None) -> ConditionValue:
    """The condition for an app with pods of its own, with pods of others, or without pods."""
    if reason := unapplied_child(observation, "Deployment"):
        return reason
    if observation.runs_pods:
        if observation.deployment is None:
            return progressing("There is no Deployment yet.")
        return _rollout(observation.deployment, pod_failure)
    if not observation.pod_selector:
        return ConditionValue("True", Reason.AVAILABLE, "The app has no pods of its own.")
    return _selected_pods(observation, pod_failure)


def _rollout(deployment: Json, pod_failure: PodFailure | None) -> ConditionValue:
    """Whether the Deployment's pods are as desired, by the rules of `kubectl rollout status`."""
    desired = desired_replicas(deployment)
    if desired == 0:
        return ConditionValue("True", Reason.SCALED_TO_ZERO, "Scaled to zero.")
    if rollout_complete(deployment):
        message = f"{desired} of {desired} pods are ready."
        return ConditionValue("True", Reason.AVAILABLE, message)
    status = deployment.get("status") or {}
    ready = min(status.get("readyReplicas", 0), desired)
    message = f"{ready} of {desired} pods are ready."
    if failure := rollout_failure(deployment, pod_failure):
        return ConditionValue("False", failure.reason, f"{message} {failure.message}".strip())
    updated, old = status.get("updatedReplicas", 0), status.get("replicas", 0) - desired
    if ready == desired and updated < desired:
        message += f" {updated} of {desired} are updated."
    elif ready == desired and old > 0:
        message += f" {old} old {'pod is' if old == 1 else 'pods are'} pending termination."
    return progressing(message)


def _selected_pods(observation: Observation, pod_failure: PodFailure | None) -> ConditionValue:
    """Whether any of the pods that spec.selector selects is ready."""
    counts = endpoint_counts(observation.endpoints)
    selector = selector_string(observation.pod_selector)
    message = f"{counts.ready} of {counts.total} pods with {selector} are ready."
    if counts.ready:
        return ConditionValue("True", Reason.AVAILABLE, message)
    if pod_failure:
        failed = f"{message} {pod_failure.message}".strip()
        return ConditionValue("False", pod_failure.reason, failed)
    return progressing(message)
