# SPDX-License-Identifier: Apache-2.0
"""What can be said of a pod that is not ready, when neither its status nor an Event names a cause.

Pure. Called by pod_events.py.
"""

from exposedapp.api.conditions import ConditionType, Reason
from exposedapp.api.meta import Json
from exposedapp.status.observation import PodFailure
from exposedapp.status.pod_conditions import pod_condition

DEFAULT_SCHEDULER = "default-scheduler"


def pod_state_failure(pod: Json) -> PodFailure | None:
    """What the pod waits for, as far as its state shows; None if nothing can be said."""
    words = next(filter(None, (describe(pod) for describe in DESCRIPTIONS)), None)
    if not words:
        return None
    name = pod["metadata"]["name"]
    return PodFailure(Reason.PROGRESSING, f"Pod {name}: {words}", name, words)


def running_init_container(pod: Json) -> str | None:
    """The init container that the other containers wait for; None if none runs.

    A sidecar (KEP-753) is an init container that never ends: what is waited for is its probe.
    """
    spec, status = pod.get("spec") or {}, pod.get("status") or {}
    sidecars = {
        container.get("name")
        for container in spec.get("initContainers") or ()
        if container.get("restartPolicy") == "Always"
    }
    for container in status.get("initContainerStatuses") or ():
        if "running" in (container.get("state") or {}) and container.get("name") not in sidecars:
            return str(container.get("name"))
    return None


def _not_scheduled(pod: Json) -> str | None:
    """A pod that no scheduler has taken up."""
    spec = pod.get("spec") or {}
    scheduled = pod_condition(pod, "PodScheduled")
    if scheduled or spec.get("nodeName"):
        return None
    scheduler = spec.get("schedulerName") or DEFAULT_SCHEDULER
    return f"the scheduler {scheduler} has not placed it on a node"


def _init_container_runs(pod: Json) -> str | None:
    name = running_init_container(pod)
    return f"init container {name} has not finished" if name else None


def _unreported(pod: Json) -> str | None:
    """A pod that the node controller marked, as its kubelet reports no more."""
    statuses = (pod.get("status") or {}).get("containerStatuses") or ()
    node = (pod.get("spec") or {}).get("nodeName")
    ready = pod_condition(pod, ConditionType.READY)
    all_ready = statuses and all(status.get("ready") for status in statuses)
    if node and all_ready and ready.get("status") in ("False", "Unknown"):
        return f"its containers were ready, but node {node} does not report"
    return None


def _probe_pending(pod: Json) -> str | None:
    """A container that runs, and whose probe has not succeeded yet: it may be delayed."""
    spec, status = pod.get("spec") or {}, pod.get("status") or {}
    containers = {container.get("name"): container for container in spec.get("containers") or ()}
    for container in status.get("containerStatuses") or ():
        if container.get("ready") or "running" not in (container.get("state") or {}):
            continue
        name = container.get("name")
        probes = containers.get(name, {})
        if container.get("started") is False and probes.get("startupProbe"):
            return f"container {name} runs, its startup probe has not succeeded yet"
        if probes.get("readinessProbe"):
            return f"container {name} runs, its readiness probe has not succeeded yet"
    return None


def _being_created(pod: Json) -> str | None:
    """A pod whose containers have not been started yet."""
    statuses = (pod.get("status") or {}).get("containerStatuses") or ()
    node = (pod.get("spec") or {}).get("nodeName")
    if node and all("waiting" in (status.get("state") or {}) for status in statuses):
        return f"its containers are still being created on node {node}"
    return None


DESCRIPTIONS = (_not_scheduled, _init_container_runs, _unreported, _probe_pending, _being_created)
"""The first that applies is what the pod waits for."""
