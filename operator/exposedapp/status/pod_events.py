# SPDX-License-Identifier: Apache-2.0
"""Why a pod is not ready where its status does not say so: which Events to read, what they say.

Pure. Called by reconcile/ and by the command line's doctor, for pods.unexplained_pod().
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from exposedapp.api.conditions import Reason
from exposedapp.api.meta import Json
from exposedapp.status.observation import PodFailure
from exposedapp.status.pod_conditions import is_ready, pod_condition
from exposedapp.status.pod_state import pod_state_failure, running_init_container
from exposedapp.status.words import without_numbers

MOUNT_REASONS = ("FailedMount", "FailedAttachVolume", "FailedMapVolume")

START_REASONS = (
    *MOUNT_REASONS,
    "FailedCreatePodSandBox",
    "FailedCreatePodContainer",
    "FailedPrepareDynamicResources",
    "FailedSync",
    "NetworkNotReady",
    "Failed",
    "Pulling",
    "Pulled",
)
"""Why no container of a pod starts: what fails, or that a large image is still pulled. Source:
pkg/kubelet/events/event.go."""

SCHEDULING_REASONS = ("FailedScheduling",)

CLAIM_REASONS = ("ProvisioningFailed", "FailedBinding", "VolumeMismatch", "ClaimMisbound")
"""Why a PersistentVolumeClaim is not bound. Source: pkg/controller/volume/events/event.go."""

UNHEALTHY = "Unhealthy"

RUN_REASONS = (UNHEALTHY, "FailedPostStartHook")

VAGUE_MESSAGE = "Unable to attach or mount volumes"
"""The kubelet's summary after two minutes of what another Event explains. Source:
pkg/kubelet/kubelet.go."""

PROBE = re.compile(r"(Startup|Readiness|Liveness) probe (?:failed|errored[^:]*): ?(.*)", re.DOTALL)
"""Source: pkg/kubelet/prober/prober.go."""

CONTAINER = re.compile(r"\{(.+)\}")
"""In an Event's fieldPath: spec.containers{app}."""


@dataclass(frozen=True, slots=True)
class EventQuery:
    """Which Events of the pod's namespace to read, in one request."""

    field_selector: str
    reasons: tuple[str, ...]
    names: frozenset[str]
    """Of the objects that the Events are about."""

    def matches(self, event: Json) -> bool:
        """Whether the Event may say why the pod is not ready."""
        name = (event.get("involvedObject") or {}).get("name")
        return event.get("reason") in self.reasons and name in self.names


def event_query(pod: Json) -> EventQuery | None:
    """The Events that may say why the pod is not ready; None if its status says so."""
    name = pod["metadata"]["name"]
    claims = claim_names(pod)
    if is_ready(pod) or running_init_container(pod):
        return None
    if pod_condition(pod, "PodScheduled").get("status") != "True" and claims:
        selector = "involvedObject.kind=PersistentVolumeClaim"
        if len(claims) == 1:
            selector += f",involvedObject.name={next(iter(claims))}"
        return EventQuery(selector, CLAIM_REASONS, claims)
    uid = pod["metadata"].get("uid")
    selector = "involvedObject.kind=Pod," + (
        f"involvedObject.uid={uid}" if uid else f"involvedObject.name={name}"
    )
    return EventQuery(selector, _pod_reasons(pod), frozenset({name}))


def explain_pod(pod: Json, failure: PodFailure | None, events: Iterable[Json]) -> PodFailure | None:
    """Why the pod is not ready, from its Events, else from its state.

    `failure` is what pod_failure() has, of this pod or of another; it is kept where nothing better
    is known.
    """
    query = event_query(pod)
    event = _newest(event for event in events if query and query.matches(event))
    if failure and failure.needs_events and failure.pod == pod["metadata"]["name"]:
        return _completed(failure, pod, event) if event else failure
    return (_event_failure(pod, event) if event else pod_state_failure(pod)) or failure


def claim_names(pod: Json) -> frozenset[str]:
    """The names of the PersistentVolumeClaims that the pod mounts."""
    names = set()
    for volume in (pod.get("spec") or {}).get("volumes") or ():
        if claim := (volume.get("persistentVolumeClaim") or {}).get("claimName"):
            names.add(claim)
        if "ephemeral" in volume:
            # Source: Generic ephemeral volumes, "PersistentVolumeClaim naming".
            names.add(f"{pod['metadata']['name']}-{volume.get('name')}")
    return frozenset(names)


def _pod_reasons(pod: Json) -> tuple[str, ...]:
    if pod_condition(pod, "PodScheduled").get("status") != "True":
        return SCHEDULING_REASONS
    statuses = (pod.get("status") or {}).get("containerStatuses") or ()
    has_started = any(
        "running" in (status.get("state") or {}) or status.get("restartCount")
        for status in statuses
    )
    return RUN_REASONS if has_started else (*START_REASONS, UNHEALTHY)


def _newest(events: Iterable[Json]) -> Json | None:
    """The newest Event, a vague one only if there is no other; None if nothing fails any more."""
    newest = max(
        events,
        key=lambda event: (VAGUE_MESSAGE not in _message(event), _time(event)),
        default=None,
    )
    return None if newest and newest.get("reason") == "Pulled" else newest


def _time(event: Json) -> str:
    series = event.get("series") or {}
    times = (event.get("lastTimestamp"), series.get("lastObservedTime"), event.get("eventTime"))
    return max(str(time or "") for time in times)


def _message(event: Json) -> str:
    return str(event.get("message") or event.get("reason") or "").strip()


def _event_failure(pod: Json, event: Json) -> PodFailure:
    name, message, reason = pod["metadata"]["name"], _message(event), str(event.get("reason"))
    place = f"Pod {name}"
    if probe := PROBE.match(message):
        place += f": container {_container(event)} runs, its {probe[1].lower()} probe fails"
        words = f"{place}: {probe[2].strip()}"
        return PodFailure(Reason.UNHEALTHY, words, name, without_numbers(words))
    if reason in CLAIM_REASONS:
        claim = (event.get("involvedObject") or {}).get("name")
        words = f"{place}: PersistentVolumeClaim {claim}: {message}"
        return PodFailure(Reason.FAILED_MOUNT, words, name, without_numbers(message))
    if reason in MOUNT_REASONS:
        words = f"{place}: {message}"
        return PodFailure(Reason.FAILED_MOUNT, words, name, without_numbers(message))
    words = message if message.startswith(reason) else f"{reason}: {message}"
    # The runtime's message may have the identifier of the sandbox, another one at each attempt.
    return PodFailure(Reason.PROGRESSING, f"{place}: {words}", name, reason)


def _completed(failure: PodFailure, pod: Json, event: Json) -> PodFailure:
    """A failure whose cause is open, with what the Event says of it."""
    message = _message(event)
    probe = PROBE.match(message)
    if failure.reason == Reason.PROGRESSING and probe and probe[1] == "Readiness":
        return _event_failure(pod, event)  # it has restarted since, and the kubelet waits for this
    if probe:
        message = f"its {probe[1].lower()} probe fails: {probe[2].strip()}"
    if event.get("reason") in CLAIM_REASONS:
        message = f"PersistentVolumeClaim {event['involvedObject']['name']}: {message}"
    cause = failure.cause + without_numbers(message)
    return replace(failure, message=f"{failure.message.rstrip('.')}; {message}", cause=cause)


def _container(event: Json) -> str:
    field_path = str((event.get("involvedObject") or {}).get("fieldPath") or "")
    container = CONTAINER.search(field_path)
    return container[1] if container else "app"
