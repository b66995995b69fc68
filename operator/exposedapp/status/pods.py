"""Why pods do not start or keep failing, in Kubernetes' own words. Pure.

Called by reconcile/ and by the command line.
"""

from collections.abc import Iterable, Iterator, Sequence

from exposedapp.api.conditions import Reason, find_condition
from exposedapp.api.meta import Json
from exposedapp.desired.pod_template import CONTAINER_NAME
from exposedapp.status.observation import PodFailure

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
"""What a container waits for, and the word of the closed list for it.
Source: kubelet's pkg/kubelet/images/types.go and pkg/kubelet/kuberuntime."""

MIN_CRASH_LOOP_RESTARTS = 2
"""From this many restarts on, a container that is not ready is crash looping also between two
crashes, while it runs for a moment or has just ended."""

POD_REASONS = frozenset({*WAITING_REASONS.values(), Reason.UNSCHEDULABLE})
"""The reasons that only the pods themselves can have reported."""


def pod_failure(pods: Sequence[Json]) -> PodFailure | None:
    """The failure of the newest pod that has one; None if no pod reports a failure.

    Pods of an older template do not count. A single restart counts only if no pod has a failure
    that lasts.
    """
    running = [pod for pod in pods if "deletionTimestamp" not in pod["metadata"]]
    running.sort(key=lambda pod: str(pod["metadata"]["creationTimestamp"]), reverse=True)
    newest = [pod for pod in running if _template_hash(pod) == _template_hash(running[0])]
    failures = [failure for pod in newest for failure in _failures(pod)]
    lasting = (failure for failure in failures if is_lasting(failure))
    return next(lasting, next(iter(failures), None))


def is_lasting(failure: PodFailure) -> bool:
    """Whether the failure is one that the pods repeat, and not a single restart."""
    return failure.reason in POD_REASONS


def deciding_pods(pods: Iterable[Json]) -> list[Json]:
    """The few pods by which these decide pod_failure(), whatever pods are added to them.

    Of each version of the template these are the newest pod and the one with the failure: the
    pages of a long list can be reduced one after the other.
    """
    by_template: dict[str | None, list[Json]] = {}
    for pod in pods:
        if "deletionTimestamp" not in pod["metadata"]:
            by_template.setdefault(_template_hash(pod), []).append(pod)
    return [pod for group in by_template.values() for pod in _deciding_pods_of_one(group)]


def _deciding_pods_of_one(group: Sequence[Json]) -> list[Json]:
    newest = max(group, key=lambda pod: str(pod["metadata"]["creationTimestamp"]))
    failure = pod_failure(group)
    names = {newest["metadata"]["name"], failure.pod if failure else ""}
    return [pod for pod in group if pod["metadata"]["name"] in names]


def _failures(pod: Json) -> Iterator[PodFailure]:
    name, status = pod["metadata"]["name"], pod.get("status") or {}
    for container in (
        *(status.get("initContainerStatuses") or ()),
        *(status.get("containerStatuses") or ()),
    ):
        if failure := _container_failure(name, container):
            yield failure
    scheduled = find_condition(status.get("conditions"), "PodScheduled")
    if scheduled and scheduled.get("reason") == "Unschedulable":
        yield PodFailure(Reason.UNSCHEDULABLE, scheduled.get("message", ""), name)


def _container_failure(pod: str, container: Json) -> PodFailure | None:
    where = f"Pod {pod}"
    if container.get("name", CONTAINER_NAME) != CONTAINER_NAME:
        where += f", container {container['name']}"
    waiting = (container.get("state") or {}).get("waiting") or {}
    last_exit = _last_exit(container)
    reason = WAITING_REASONS.get(waiting.get("reason", ""))
    if reason and not (waiting["reason"] == "CrashLoopBackOff" and last_exit):
        # The message of CrashLoopBackOff has the seconds of the back-off, which change.
        message = waiting.get("message") or waiting["reason"]
        return PodFailure(reason, f"{where}: {message}", pod)
    restarts = 0 if container.get("ready") else container.get("restartCount", 0)
    if reason or restarts >= MIN_CRASH_LOOP_RESTARTS:
        message = f"{where}: the container is crash looping{last_exit}"
        return PodFailure(Reason.CRASH_LOOP, message, pod)
    if restarts:
        message = f"{where}: the container restarted once{last_exit}"
        return PodFailure(Reason.PROGRESSING, message, pod)
    return None


def _last_exit(container: Json) -> str:
    """How the container last ended, for the end of a message; "" if that is not known."""
    last = (container.get("lastState") or {}).get("terminated") or {}
    if not last:
        return ""
    output = (last.get("message") or "").strip()
    exit_code = f" ({last.get('reason', 'Error')}, exit code {last.get('exitCode')})"
    return f"{exit_code}: {output}" if output else exit_code


def _template_hash(pod: Json) -> str | None:
    """Which version of the Deployment's template the pod was created from."""
    template_hash: str | None = (pod["metadata"].get("labels") or {}).get("pod-template-hash")
    return template_hash
