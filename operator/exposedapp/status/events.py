"""Pure: what of an app's life a person would want to find in `kubectl describe`."""

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
"""What the API server takes (pkg/apis/core/validation, events.go)."""

REASONS_WITHOUT_EVENT = (Reason.PROGRESSING, Reason.WAITING_FOR_ANSWER, Reason.UNREACHABLE)
"""Reasons of Ready that are on the way to another one, or told otherwise."""

MESSAGES = {
    "Created": "Made the {kinds}.",
    "Updated": "Changed the {kinds}, as the spec has changed.",
    "Upgraded": "Changed the {kinds}: this version of the operator generates different children.",
    "Repaired": "Put back what somebody else had changed: {fields}.",
    "Adopted": "Took over the {kinds} that was there.",
    "Removed": "Removed the {kinds}: the app runs no pods of its own now.",
}


@dataclass(frozen=True, slots=True)
class EventMessage:
    """One thing that happened to an app."""

    type: Literal["Normal", "Warning"]
    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class ChildChange:
    """What was done to a child."""

    kind: ChildKind
    action: Literal["Created", "Updated", "Upgraded", "Repaired", "Adopted", "Removed"]
    fields: tuple[str, ...] = ()
    """What somebody else had changed, and was put back."""

    def __str__(self) -> str:
        fields = f": {', '.join(self.fields)}" if self.fields else ""
        return f"{self.kind} {self.action.lower()}{fields}"


def child_events(done: Sequence[ChildChange]) -> list[EventMessage]:
    """What was done to the children, the same of both as one."""
    found = []
    for action, words in MESSAGES.items():
        same = [it for it in done if it.action == action]
        if same:
            kinds = " and the ".join(kind for kind in CHILD_KINDS if kind in {d.kind for d in same})
            fields = ", ".join(f"{field} of the {it.kind}" for it in same for field in it.fields)
            said = words.format(kinds=kinds, fields=fields)
            found.append(EventMessage("Normal", action, said))
    return found


def status_events(before: ExposedAppStatus, after: ExposedAppStatus) -> list[EventMessage]:
    """What has become different: node ports, why the app is ready or not."""
    found = []
    if after.ports and _node_ports(before) != (ports := _node_ports(after)) and ports:
        told = ", ".join(f"{port} is node port {number}" for port, number in ports.items())
        found.append(EventMessage("Normal", "PortsAssigned", f"{told} on every node."))
    was, ready = ready_condition(before), ready_condition(after)
    if (
        ready
        and ready.reason not in REASONS_WITHOUT_EVENT
        and (was is None or (was.status, was.reason) != (ready.status, ready.reason))
    ):
        kind: Literal["Normal", "Warning"] = "Normal" if ready.status == "True" else "Warning"
        found.append(EventMessage(kind, ready.reason, ready.message))
    return found


def reachability_events(
    last: ReachableStatus | None, after: ExposedAppStatus
) -> list[EventMessage]:
    """Whether the URLs answer, when that is not what was told last.

    Between the two it may have been unknown for a while. That a new app can be reached is not told
    here: it becomes Available.
    """
    found = after.condition(ConditionType.REACHABLE)
    if found and found.status == "False" and last != "False":
        return [EventMessage("Warning", "NotReachable", found.message)]
    if found and found.status == "True" and last == "False":
        return [EventMessage("Normal", "Reachable", found.message)]
    return []


def last_reachable(status: ExposedAppStatus) -> ReachableStatus | None:
    """Whether the URLs answer, if that is told; None when it is not known."""
    found = status.condition(ConditionType.REACHABLE)
    return found.status if found and found.status != "Unknown" else None


def _node_ports(status: ExposedAppStatus) -> dict[str, int]:
    return {f"{it.port}/{it.protocol}": it.node_port for it in status.ports or () if it.node_port}


def event_object(app: AppRef, it: EventMessage, count: int, first: str, last: str) -> Json:
    """The Event object; the same happening has the same name, so that it is counted, not repeated.

    `first` and `last` are times as Kubernetes writes them.
    """
    identity = "\n".join((app.uid, it.type, it.reason, it.message))
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
        "type": it.type,
        "reason": it.reason,
        "message": it.message[:MAX_MESSAGE_LENGTH],
        "count": count,
        "firstTimestamp": first,
        "lastTimestamp": last,
        "source": {"component": "exposedapp"},
        "reportingComponent": "exposedapp",
    }
