# SPDX-License-Identifier: Apache-2.0
"""Why pods do not start, are not ready or keep failing, in Kubernetes' own words. Pure.

The one judgement of pods: called by reconcile/ for the conditions, and by the command line's
doctor. What the pods' statuses do not say is in Events: see pod_events.py.
"""

from collections.abc import Iterable, Iterator, Sequence

from exposedapp.api.conditions import Reason
from exposedapp.api.meta import Json
from exposedapp.status.container_failures import WAITING_REASONS, container_failures
from exposedapp.status.observation import PodFailure
from exposedapp.status.pod_conditions import (
    end_of_pod,
    has_ended,
    is_ready,
    readiness_gate_failure,
    scheduling_failure,
)

POD_REASONS = frozenset(
    {*WAITING_REASONS.values(), Reason.UNSCHEDULABLE, Reason.FAILED_MOUNT, Reason.UNHEALTHY}
)
"""The reasons that only the pods themselves can have reported."""

MIN_ENDED_PODS = 2
"""From this many ended pods on, their end is a cause even while their successor still starts."""


def pod_failure(pods: Sequence[Json]) -> PodFailure | None:
    """The failure of the newest pod that has one; None if no pod reports a failure.

    Pods of an older template do not count. A failure that may pass, such as a single restart,
    counts only if no pod has one that lasts; and the end of pods only if no pod has a failure.
    """
    newest = _newest_template(pods)
    failures = [failure for pod in newest if _is_running(pod) for failure in _failures(pod)]
    lasting = (failure for failure in failures if is_lasting(failure))
    return next(lasting, next(iter(failures), None)) or _end_of_pods(newest)


def unexplained_pod(pods: Sequence[Json]) -> Json | None:
    """The pod whose Events may say why it is not ready; None if no Event is needed.

    It is the one of the failure, if its status leaves the cause open. Else, unless a failure lasts,
    it is the oldest pod that is not ready and has none: the one that has had the most time.
    """
    failure = pod_failure(pods)
    running = [pod for pod in _newest_template(pods) if _is_running(pod)]
    if failure and failure.needs_events:
        return next(pod for pod in running if pod["metadata"]["name"] == failure.pod)
    if failure and is_lasting(failure):
        return None
    silent = (pod for pod in reversed(running) if not is_ready(pod) and not [*_failures(pod)])
    return next(silent, None)


def no_selected_pod(namespace: str, selector: str) -> str:
    """What is wrong when spec.selector selects no pod."""
    return f"No pod in namespace {namespace} has the labels {selector} of spec.selector."


def is_lasting(failure: PodFailure) -> bool:
    """Whether the failure is one that the pods repeat, and not a single restart."""
    return failure.reason in POD_REASONS


def deciding_pods(pods: Iterable[Json]) -> list[Json]:
    """The few pods by which these decide what pods.py says of them, whatever pods are added.

    The pages of a long list can be reduced one after the other. Of each version of the template
    these are the newest pod, the one with the failure, the unexplained one, and the newest ones of
    those that have ended.
    """
    by_template: dict[str | None, list[Json]] = {}
    for pod in pods:
        by_template.setdefault(_template_hash(pod), []).append(pod)
    return [pod for group in by_template.values() for pod in _deciding_pods_of_one(group)]


def _deciding_pods_of_one(group: Sequence[Json]) -> list[Json]:
    by_age = sorted(group, key=_created, reverse=True)
    running = [pod for pod in by_age if _is_running(pod)]
    ended = [pod for pod in by_age if end_of_pod(pod)]
    failure, unexplained = pod_failure(running), unexplained_pod(running)
    deciding = [*running[:1], *ended[:MIN_ENDED_PODS], *([unexplained] if unexplained else ())]
    names = {pod["metadata"]["name"] for pod in deciding} | {failure.pod if failure else ""}
    return [pod for pod in group if pod["metadata"]["name"] in names]


def _newest_template(pods: Sequence[Json]) -> list[Json]:
    """The pods of the newest template, the newest first; those being deleted only if disrupted."""
    current = sorted((pod for pod in pods if _counts(pod)), key=_created, reverse=True)
    return [pod for pod in current if _template_hash(pod) == _template_hash(current[0])]


def _end_of_pods(newest: Sequence[Json]) -> PodFailure | None:
    """Why pods ended, if the newest one did, or several: not if one did long ago."""
    ends = [failure for pod in newest if (failure := end_of_pod(pod))]
    is_cause = len(ends) >= MIN_ENDED_PODS or (ends and not _is_running(newest[0]))
    return ends[0] if is_cause else None


def _failures(pod: Json) -> Iterator[PodFailure]:
    yield from container_failures(pod)
    for failure in (scheduling_failure(pod), readiness_gate_failure(pod)):
        if failure:
            yield failure


def _counts(pod: Json) -> bool:
    return _is_running(pod) or end_of_pod(pod) is not None


def _is_running(pod: Json) -> bool:
    """Whether the pod is to run: has not ended, and is not being deleted."""
    return "deletionTimestamp" not in pod["metadata"] and not has_ended(pod)


def _created(pod: Json) -> tuple[str, str]:
    """Sort key: by age; pods of one second always in the same order."""
    return str(pod["metadata"]["creationTimestamp"]), str(pod["metadata"]["name"])


def _template_hash(pod: Json) -> str | None:
    """Which version of the Deployment's template the pod was created from."""
    template_hash: str | None = (pod["metadata"].get("labels") or {}).get("pod-template-hash")
    return template_hash
