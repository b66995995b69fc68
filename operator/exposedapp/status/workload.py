# SPDX-License-Identifier: Apache-2.0
"""The condition WorkloadAvailable: whether the pods are as desired.

Pure. Called by conditions.py.
"""

from dataclasses import replace

from exposedapp.api.conditions import Reason
from exposedapp.api.meta import Json, selector_string
from exposedapp.desired.adoption import DEFAULT_REPLICAS
from exposedapp.exposure.endpoints import count_ready_pods, endpoint_counts
from exposedapp.status.condition_value import ConditionValue, progressing, unapplied_child
from exposedapp.status.observation import Observation, PodFailure
from exposedapp.status.rollout import (
    desired_replicas,
    only_scales,
    rollout_complete,
    rollout_failure,
)


def workload_available(observation: Observation, pod_failure: PodFailure | None) -> ConditionValue:
    """The condition for an app with pods of its own, with pods of others, or without pods."""
    if reason := unapplied_child(observation, "Deployment"):
        return reason
    if observation.runs_pods:
        if observation.deployment is None:
            return progressing("There is no Deployment yet.")
        return _rollout(observation, pod_failure)
    if observation.pod_selector:
        value = _selected_pods(observation, pod_failure)
    else:
        value = ConditionValue("True", Reason.AVAILABLE, "The app has no pods of its own.")
    return _with_ignored_replicas(observation, value)


def unfinished_scaling(
    observation: Observation, pod_failure: PodFailure | None
) -> ConditionValue | None:
    """What is under way, or keeps it, while the app is ready: it has enough pods, and not all."""
    if not observation.runs_pods or observation.deployment is None:
        return None
    deployment = observation.deployment
    if desired_replicas(deployment) == 0 or rollout_complete(deployment):
        return None
    return _unfinished_rollout(deployment, pod_failure)


def _rollout(observation: Observation, pod_failure: PodFailure | None) -> ConditionValue:
    """Whether the Deployment's pods are as desired, by the rules of `kubectl rollout status`.

    Except while only their number changes: then enough of them are enough.
    """
    deployment = observation.deployment or {}
    desired = desired_replicas(deployment)
    if desired == 0:
        return ConditionValue("True", Reason.SCALED_TO_ZERO, "Scaled to zero.")
    if rollout_complete(deployment):
        message = f"{desired} of {desired} pods are ready."
        return ConditionValue("True", Reason.AVAILABLE, message)
    unfinished = _unfinished_rollout(deployment, pod_failure)
    if only_scales(observation):
        return ConditionValue("True", Reason.AVAILABLE, unfinished.message)
    return unfinished


def _unfinished_rollout(deployment: Json, pod_failure: PodFailure | None) -> ConditionValue:
    """What is under way, or what keeps it."""
    desired, status = desired_replicas(deployment), deployment.get("status") or {}
    ready = min(status.get("readyReplicas", 0), desired)
    message = f"{ready} of {desired} pods are ready."
    if failure := rollout_failure(deployment, pod_failure):
        return ConditionValue("False", failure.reason, f"{message} {failure.message}".strip())
    updated, old = status.get("updatedReplicas", 0), status.get("replicas", 0) - desired
    seconds = deployment["spec"].get("minReadySeconds", 0)
    if ready == desired and updated < desired:
        message += f" {updated} of {desired} are updated."
    elif ready == desired and old > 0:
        message += f" {old} old {'pod is' if old == 1 else 'pods are'} pending termination."
    elif ready == desired and seconds and status.get("availableReplicas", 0) < desired:
        message += f" They are available once they have been ready for {seconds} s."
    return progressing(message)


def _selected_pods(observation: Observation, pod_failure: PodFailure | None) -> ConditionValue:
    """Whether any of the pods that spec.selector selects is ready."""
    counts = endpoint_counts(observation.endpoints)
    ready = count_ready_pods(observation.endpoints)
    selector = selector_string(observation.pod_selector)
    message = f"{ready} of {counts.total} pods with {selector} are ready."
    if ready:
        return ConditionValue("True", Reason.AVAILABLE, message)
    if pod_failure:
        failed = f"{message} {pod_failure.message}".strip()
        return ConditionValue("False", pod_failure.reason, failed)
    return progressing(message)


def _with_ignored_replicas(observation: Observation, value: ConditionValue) -> ConditionValue:
    """The condition; its message says so if `kubectl scale` has set spec.replicas in vain."""
    spec = observation.spec
    if spec is None or spec.image is not None or spec.replicas == DEFAULT_REPLICAS:
        return value
    no_effect = "spec.replicas has no effect on pods that the app does not run"
    return replace(value, message=f"{value.message} {no_effect}; scale what runs them.")
