"""Pure: what keeps pods from starting, in Kubernetes' own words."""

from collections.abc import Sequence

from exposedapp.api.conditions import Reason
from exposedapp.api.meta import Json
from exposedapp.desired.pod_template import CONTAINER_NAME
from exposedapp.status.observation import PodFailure

# What a container may be waiting for, and the one word of the closed list that it goes under.
# Source: kubelet's pkg/kubelet/images/types.go and pkg/kubelet/kuberuntime.
WAITING_REASONS = {
    "ErrImagePull": Reason.IMAGE_PULL,
    "ImagePullBackOff": Reason.IMAGE_PULL,
    "ErrImageNeverPull": Reason.IMAGE_PULL,
    "InvalidImageName": Reason.IMAGE_PULL,
    "ImageInspectError": Reason.IMAGE_PULL,
    "RegistryUnavailable": Reason.IMAGE_PULL,
    "SignatureValidationFailed": Reason.IMAGE_PULL,
    "CreateContainerConfigError": Reason.CONTAINER_CONFIG,
    "CreateContainerError": Reason.CONTAINER_CONFIG,
    "RunContainerError": Reason.CRASH_LOOP,
    "CrashLoopBackOff": Reason.CRASH_LOOP,
}

POD_REASONS = frozenset({*WAITING_REASONS.values(), Reason.UNSCHEDULABLE})
"""The reasons that only the pods themselves can have told."""


def pod_failure(pods: Sequence[Json]) -> PodFailure | None:
    """What keeps the newest pod that cannot start from starting; None when all seem well."""
    standing = [it for it in pods if "deletionTimestamp" not in it["metadata"]]
    standing.sort(key=lambda it: str(it["metadata"]["creationTimestamp"]), reverse=True)
    for pod in standing:
        if _template(pod) != _template(standing[0]):
            continue  # of an older spec
        name, status = pod["metadata"]["name"], pod.get("status") or {}
        for container in (
            *(status.get("initContainerStatuses") or ()),
            *(status.get("containerStatuses") or ()),
        ):
            waiting = (container.get("state") or {}).get("waiting") or {}
            if reason := WAITING_REASONS.get(waiting.get("reason", "")):
                return PodFailure(reason, _words(name, container, waiting), name)
            if container.get("restartCount") and not container.get("ready"):
                # Between two crashes it runs for a moment, or has just ended.
                crash = {"reason": Reason.CRASH_LOOP}
                return PodFailure(Reason.CRASH_LOOP, _words(name, container, crash), name)
        for condition in status.get("conditions") or ():
            if condition["type"] == "PodScheduled" and condition.get("reason") == "Unschedulable":
                return PodFailure(Reason.UNSCHEDULABLE, condition.get("message", ""), name)
    return None


def _template(pod: Json) -> str | None:
    """Which version of the Deployment's template a pod was made from."""
    found: str | None = (pod["metadata"].get("labels") or {}).get("pod-template-hash")
    return found


def _words(pod: str, container: Json, waiting: Json) -> str:
    """What Kubernetes says of a waiting container, without what changes at every attempt."""
    last = (container.get("lastState") or {}).get("terminated") or {}
    where = f"Pod {pod}"
    if container.get("name", CONTAINER_NAME) != CONTAINER_NAME:
        where += f", container {container['name']}"
    if waiting["reason"] == "CrashLoopBackOff" and last:
        said = (last.get("message") or "").strip()
        ended = f"{last.get('reason', 'Error')}, exit code {last.get('exitCode')}"
        return f"{where}: the container keeps ending ({ended}){': ' + said if said else ''}"
    return f"{where}: {waiting.get('message') or waiting['reason']}"
