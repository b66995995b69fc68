"""Whether a new status is written, and how soon."""

import re
from collections.abc import Sequence

from exposedapp.api.app import Condition, ExposedAppStatus
from exposedapp.api.conditions import ConditionType, Reason
from exposedapp.api.meta import Json
from exposedapp.status.queries import awaits_first_probe


def status_patch(old: ExposedAppStatus, new: ExposedAppStatus) -> Json:
    """What must be written to get from one status to the other, as a merge patch.

    How many nodes there are is never a reason to write, neither as a number nor in the words of why
    none is listed: on a large cluster every node that comes or goes would otherwise touch every app
    that does not list it, or that has one host in front of all. The next write takes it along.
    """
    before, after = _as_json(old), _as_json(new)
    fields = before.keys() | after.keys()
    found = {key: after.get(key) for key in fields if before.get(key) != after.get(key)}
    counts_only = (
        old.nodes
        and new.nodes
        and found.keys() <= {"nodes", "conditions"}
        and _uncounted(old) == _uncounted(new)
    )
    return {} if counts_only else found


def _uncounted(status: ExposedAppStatus) -> list[Condition]:
    """The conditions, without how many nodes do not forward for which reason."""
    return [
        it.model_copy(update={"message": NUMBER.sub("", it.message)})
        if it.reason == Reason.NO_ELIGIBLE_NODE
        else it
        for it in status.conditions or ()
    ]


def is_urgent(old: ExposedAppStatus, new: ExposedAppStatus) -> bool:
    """Whether a new status must be written at once, rather than with what else changes soon.

    What people and programs wait for is urgent; counts and messages are not. Another `url` is, and
    so are URLs that the nodes alone have changed: their news were gathered before, and what is gone
    must not stay listed. Where pods decide which nodes are listed (externalTrafficPolicy Local),
    every step of a rollout changes URLs besides the `url`: those can wait for the next step.
    """
    # That the pods are ready is no news while no URL answers; most often one does in a moment.
    parts = (ConditionType.READY,) if awaits_first_probe(new) else tuple(ConditionType)
    return _urgent_part(old, parts) != _urgent_part(new, parts) or _nodes_changed(old, new)


def _nodes_changed(old: ExposedAppStatus, new: ExposedAppStatus) -> bool:
    """Whether URLs came, or went, through the nodes and not through the pods.

    A status does not tell the policy; but pods that move make URLs come and go at once, and pods
    that start or end are counted.
    """
    before, after = set(old.urls or ()), set(new.urls or ())
    one_way = before < after or after < before
    return one_way and _ready_endpoints(old) == _ready_endpoints(new)


def _ready_endpoints(status: ExposedAppStatus) -> int:
    return status.endpoints.ready if status.endpoints else 0


NUMBER = re.compile(r"\b\d+\b")


def _urgent_part(status: ExposedAppStatus, parts: Sequence[str]) -> tuple[object, ...]:
    told = [it for it in status.conditions or () if it.type in parts]
    return (
        status.observed_generation,
        status.url,
        status.ports,
        [(it.type, it.status, _urgent_reason(it)) for it in told],
    )


def _urgent_reason(condition: Condition) -> str:
    if condition.type == ConditionType.REACHABLE and condition.status == "Unknown":
        return ""
    waiting = condition.reason == Reason.WAITING_FOR_ANSWER
    return Reason.PROGRESSING if waiting else condition.reason


def _as_json(status: ExposedAppStatus) -> Json:
    return status.model_dump(mode="json", by_alias=True, exclude_none=True)
