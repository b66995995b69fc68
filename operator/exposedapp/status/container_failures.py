# SPDX-License-Identifier: Apache-2.0
"""Why a pod's containers do not run, or do not keep running, as their statuses say. Pure.

Called by pods.py.
"""

from collections.abc import Iterator
from datetime import datetime

from exposedapp.api.conditions import Reason
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
    "PreCreateHookError": Reason.CONTAINER_CONFIG,
    "PreStartHookError": Reason.CONTAINER_CONFIG,
    "PostStartHookError": Reason.CRASH_LOOP,
    "RunContainerError": Reason.CRASH_LOOP,
    "CrashLoopBackOff": Reason.CRASH_LOOP,
}
"""What a container waits for, and the word of the closed list for it.
Source: kubelet's pkg/kubelet/images/types.go and pkg/kubelet/kuberuntime."""

MIN_CRASH_LOOP_RESTARTS = 2
"""From this many restarts on, a container that is not ready is crash looping also between two
crashes, while it runs for a moment or has just ended."""

MIN_STABLE_RUN_SECONDS = 600
"""A container that ran for this long and then ended is not crash looping: it ended once more. The
kubelet resets its back-off then, after twice MaxContainerBackOff (client-go's hasExpired in
util/flowcontrol/backoff.go)."""

EXPLAINED_EXITS = frozenset({"OOMKilled", "StartError", "ContainerCannotRun"})
"""Reasons of an exit that say all; after any other one a probe may have ended the container."""

CONTAINER_LISTS = (
    ("initContainers", "initContainerStatuses", "init container"),
    ("containers", "containerStatuses", "container"),
)
"""The lists of the pod's spec and status, and what a container of them is called."""


def container_failures(pod: Json) -> Iterator[PodFailure]:
    """The failures of a pod's containers, in the order in which they start."""
    spec, status = pod.get("spec") or {}, pod.get("status") or {}
    for specs, statuses, word in CONTAINER_LISTS:
        containers = {container.get("name"): container for container in spec.get(specs) or ()}
        for container in status.get(statuses) or ():
            name = container.get("name", CONTAINER_NAME)
            place = f"Pod {pod['metadata']['name']}"
            if name != CONTAINER_NAME:
                place += f", {word} {name}"
            if failure := _failure(pod, place, container, containers.get(name, {})):
                yield failure


def _failure(pod: Json, place: str, status: Json, spec: Json) -> PodFailure | None:
    """The failure of one container, which is called `place` in the message."""
    name = pod["metadata"]["name"]
    waiting = (status.get("state") or {}).get("waiting") or {}
    reason = WAITING_REASONS.get(waiting.get("reason", ""))
    if reason and waiting["reason"] != "CrashLoopBackOff":
        return PodFailure(reason, f"{place}: {waiting.get('message') or waiting['reason']}", name)
    restarts = 0 if status.get("ready") else status.get("restartCount", 0)
    if not reason and not restarts:
        return None
    # The message of CrashLoopBackOff has the seconds of the back-off, which change.
    last = _last_exit(status)
    ended, cause = _exit_words(last, pod, spec), _exit_cause(last)
    if reason or (restarts >= MIN_CRASH_LOOP_RESTARTS and not _ran_long(last)):
        message = f"{place}: the container is crash looping{ended}"
        is_explained = last.get("reason") in EXPLAINED_EXITS
        needs_events = not is_explained and _may_be_ended_by_probe(spec)
        return PodFailure(Reason.CRASH_LOOP, message, name, cause, needs_events=needs_events)
    once = " once" if restarts == 1 else ""
    message = f"{place}: the container restarted{once}{ended}"
    return PodFailure(Reason.PROGRESSING, message, name, cause, needs_events=True)


def _last_exit(status: Json) -> Json:
    """How the container last ended; empty if that is not known."""
    for state in ("state", "lastState"):
        if terminated := (status.get(state) or {}).get("terminated"):
            return dict(terminated)
    return {}


def _exit_words(last: Json, pod: Json, spec: Json) -> str:
    """How the container last ended, for the end of a message."""
    if not last:
        return ""
    reason = last.get("reason", "Error")
    memory = f", {_memory_limit(pod, spec)}" if reason == "OOMKilled" else ""
    output = (last.get("message") or "").strip()
    exit_code = f" ({reason}, exit code {last.get('exitCode')}{memory})"
    return f"{exit_code}: {output}" if output else exit_code


def _exit_cause(last: Json) -> str:
    """What tells one cause of crashes from another; exit codes may alternate."""
    reason = str(last.get("reason", ""))
    return reason if reason == "OOMKilled" else ""


def _memory_limit(pod: Json, container: Json) -> str:
    """The memory limit that the kernel enforced: the container's, else the pod's (KEP-2837)."""
    for owner, spec in (("", container), ("pod ", pod.get("spec") or {})):
        limits = (spec.get("resources") or {}).get("limits") or {}
        if limit := limits.get("memory"):
            return f"{owner}memory limit {limit}"
    return "no memory limit: its node ran out of memory"


def _ran_long(last: Json) -> bool:
    """Whether the container worked for a while before it ended, by the clock of its node."""
    try:
        start, end = (datetime.fromisoformat(last[key]) for key in ("startedAt", "finishedAt"))
        return (end - start).total_seconds() >= MIN_STABLE_RUN_SECONDS
    except (KeyError, TypeError, ValueError):
        return False


def _may_be_ended_by_probe(container: Json) -> bool:
    return bool(container.get("livenessProbe") or container.get("startupProbe"))
