# SPDX-License-Identifier: Apache-2.0
"""The Events of an app, for `kubectl describe`. Pure. Called by reconcile/."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from exposedapp.api.app import ExposedAppStatus
from exposedapp.api.conditions import ConditionType, Reason
from exposedapp.api.meta import API_VERSION, CHILD_KINDS, KIND, AppRef, ChildKind, Json
from exposedapp.status.queries import ready_condition

ReachableStatus = Literal["True", "False"]

MAX_MESSAGE_LENGTH = 1024
"""What the API server accepts (pkg/apis/core/validation, events.go)."""

REASONS_WITHOUT_EVENT = (Reason.PROGRESSING, Reason.WAITING_FOR_ANSWER, Reason.UNREACHABLE)
"""Reasons of Ready that only lead to another one, or that have an Event of their own."""

CHILD_MESSAGES = {
    "Created": "Created the {kinds}.",
    "Updated": "Updated the {kinds} after a change of the spec.",
    "Upgraded": "Updated the {kinds}: this version of the operator generates different children.",
    "Repaired": "Reverted changes by another client: {fields}.",
    "Adopted": "Adopted the existing {kinds}.",
    "Removed": "Deleted the {kinds}: the app no longer runs pods of its own.",
    "Released": "Released the {kinds}, unchanged: the app does not manage it any more.",
}


@dataclass(frozen=True, slots=True)
class EventMessage:
    """One thing that happened to an app."""

    type: Literal["Normal", "Warning"]
    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class ChildChange:
    """What the operator did to a child."""

    kind: ChildKind
    action: Literal["Created", "Updated", "Upgraded", "Repaired", "Adopted", "Removed", "Released"]
    fields: tuple[str, ...] = ()
    """The fields that another client had changed and the operator reverted."""
    note: str = ""
    """A sentence for the Event, beside that of the action."""

    def __str__(self) -> str:
        fields = f": {', '.join(self.fields)}" if self.fields else ""
        return f"{self.kind} {self.action.lower()}{fields}"


def child_events(changes: Sequence[ChildChange]) -> list[EventMessage]:
    """The Events about the children; the same action on both is one Event."""
    events = []
    for action, message in CHILD_MESSAGES.items():
        same = [change for change in changes if change.action == action]
        if same:
            changed_kinds = {change.kind for change in same}
            kinds = " and the ".join(kind for kind in CHILD_KINDS if kind in changed_kinds)
            fields = ", ".join(
                f"{field} of the {change.kind}" for change in same for field in change.fields
            )
            notes = [change.note for change in same if change.note]
            text = " ".join([message.format(kinds=kinds, fields=fields), *notes])
            events.append(EventMessage("Normal", action, text))
    return events


def status_events(before: ExposedAppStatus, after: ExposedAppStatus) -> list[EventMessage]:
    """The Events about a change of the status: other node ports, another reason of Ready."""
    events = []
    ports = _node_ports(after)
    if ports and _node_ports(before) != ports:
        assigned = ", ".join(f"{number} to {port}" for port, number in ports.items())
        events.append(EventMessage("Normal", "PortsAssigned", f"Assigned node port {assigned}."))
    previous, ready = ready_condition(before), ready_condition(after)
    if (
        ready
        and ready.reason not in REASONS_WITHOUT_EVENT
        and (previous is None or (previous.status, previous.reason) != (ready.status, ready.reason))
    ):
        kind: Literal["Normal", "Warning"] = "Normal" if ready.status == "True" else "Warning"
        events.append(EventMessage(kind, ready.reason, ready.message))
    return events


def reachability_events(
    last: ReachableStatus | None, after: ExposedAppStatus
) -> list[EventMessage]:
    """The Event about whether the URLs answer, if that differs from the last Event, `last`.

    Between the two it may have been unknown for a while. A new app that can be reached has no Event
    here: it becomes Available.
    """
    reachable = after.condition(ConditionType.REACHABLE)
    if reachable and reachable.status == "False" and last != "False":
        return [EventMessage("Warning", "NotReachable", reachable.message)]
    if reachable and reachable.status == "True" and last == "False":
        return [EventMessage("Normal", "Reachable", reachable.message)]
    return []


def last_reachable(status: ExposedAppStatus) -> ReachableStatus | None:
    """Whether the URLs answer; None if that is not known."""
    reachable = status.condition(ConditionType.REACHABLE)
    return reachable.status if reachable and reachable.status != "Unknown" else None


def _node_ports(status: ExposedAppStatus) -> dict[str, int]:
    return {
        f"{port.port}/{port.protocol}": port.node_port
        for port in status.ports or ()
        if port.node_port
    }


def event_object(app: AppRef, event: EventMessage, count: int, first: str, last: str) -> Json:
    """The Event object. Equal messages have the same name, so that they are counted, not repeated.

    `first` and `last` are times as Kubernetes writes them.
    """
    identity = "\n".join((app.uid, event.type, event.reason, event.message))
    digest = hashlib.sha256(identity.encode()).hexdigest()[:16]
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": f"{app.name}.{digest}", "namespace": app.namespace},
        "involvedObject": {
            "apiVersion": API_VERSION,
            "kind": KIND,
            "name": app.name,
            "namespace": app.namespace,
            "uid": app.uid,
        },
        "type": event.type,
        "reason": event.reason,
        "message": event.message[:MAX_MESSAGE_LENGTH],
        "count": count,
        "firstTimestamp": first,
        "lastTimestamp": last,
        "source": {"component": "exposedapp"},
        "reportingComponent": "exposedapp",
    }
