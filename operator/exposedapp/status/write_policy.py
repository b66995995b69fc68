# SPDX-License-Identifier: Apache-2.0
"""Whether a new status is written, and how soon. Pure. Called by reconcile/."""

import re
from collections.abc import Sequence

from exposedapp.api.app import Condition, ExposedAppStatus
from exposedapp.api.conditions import ConditionType, Reason
from exposedapp.api.meta import Json
from exposedapp.status.queries import awaits_first_probe, ready_condition

STARTING_REASONS = (Reason.PROGRESSING, Reason.WAITING_FOR_ANSWER)
"""Of Ready, while nothing is known to be wrong."""

NUMBER = re.compile(r"\b\d+\b")


def status_patch(old: ExposedAppStatus, new: ExposedAppStatus) -> Json:
    """The merge patch from one status to the other; empty if nothing is to be written.

    How many nodes there are is never a reason to write, neither as a number nor in the message of
    NoEligibleNode: on a large cluster every node that is added or removed would otherwise cause a
    write for every app that does not list it, or that has one host in front of all nodes. The
    next write includes the counts.
    """
    before, after = _as_json(old), _as_json(new)
    fields = before.keys() | after.keys()
    patch = {field: after.get(field) for field in fields if before.get(field) != after.get(field)}
    counts_only = (
        old.nodes
        and new.nodes
        and patch.keys() <= {"nodes", "conditions"}
        and _without_node_counts(old) == _without_node_counts(new)
    )
    return {} if counts_only else patch


def is_urgent(old: ExposedAppStatus, new: ExposedAppStatus) -> bool:
    """Whether a new status must be written at once, and not debounced.

    What users and programs wait for is urgent; counts and messages are not. Another `url` is,
    except for a guess while none answers, and so are URLs that the nodes alone have changed: node
    events were debounced before, and a node that is removed must not stay listed. Where pods decide
    which nodes are listed (externalTrafficPolicy Local), every step of a rollout changes URLs
    besides the `url`: those can wait for the next step.
    """
    types = _urgent_types(new)
    if _urgent_part(old, types) != _urgent_part(new, types) or _nodes_changed(old, new):
        return True
    # Until one answers, another `url` of the same list is another guess.
    is_guess = awaits_first_probe(new) and old.url in (new.urls or ())
    return old.url != new.url and not is_guess


def _urgent_types(new: ExposedAppStatus) -> Sequence[ConditionType]:
    """The conditions whose change is urgent.

    While pods start, that is Ready alone: most often the other conditions become true in a moment
    too, one after the other. Pods that fail are no start, however often they are started.
    """
    ready = ready_condition(new)
    is_starting = ready is not None and ready.reason in STARTING_REASONS
    return (ConditionType.READY,) if is_starting else tuple(ConditionType)


def _without_node_counts(status: ExposedAppStatus) -> list[Condition]:
    """The conditions, without how many nodes are ineligible for which reason."""
    return [
        condition.model_copy(update={"message": NUMBER.sub("", condition.message)})
        if condition.reason == Reason.NO_ELIGIBLE_NODE
        else condition
        for condition in status.conditions or ()
    ]


def _nodes_changed(old: ExposedAppStatus, new: ExposedAppStatus) -> bool:
    """Whether URLs were added or removed because of the nodes and not of the pods.

    A status does not say which policy the Service has; but pods that start and add URLs, or end and
    remove them, are counted, and pods that move add and remove URLs at the same time. So does a
    node that another one replaces in the list; then the number of eligible nodes has changed.
    """
    before, after = set(old.urls or ()), set(new.urls or ())
    more_pods = _ready_endpoints(new) - _ready_endpoints(old)
    if before < after:
        return more_pods <= 0
    if after < before:
        return more_pods >= 0
    return before != after and _eligible_nodes(old) != _eligible_nodes(new)


def _ready_endpoints(status: ExposedAppStatus) -> int:
    return status.endpoints.ready if status.endpoints else 0


def _eligible_nodes(status: ExposedAppStatus) -> int | None:
    return status.nodes.eligible if status.nodes else None


def _urgent_part(status: ExposedAppStatus, types: Sequence[str]) -> tuple[object, ...]:
    conditions = [
        (condition.type, condition.status, _urgent_reason(condition))
        for condition in status.conditions or ()
        if condition.type in types
    ]
    return (status.observed_generation, status.ports, conditions)


def _urgent_reason(condition: Condition) -> str:
    if condition.type == ConditionType.REACHABLE and condition.status == "Unknown":
        return ""
    waiting = condition.reason == Reason.WAITING_FOR_ANSWER
    return Reason.PROGRESSING if waiting else condition.reason


def _as_json(status: ExposedAppStatus) -> Json:
    return status.model_dump(mode="json", by_alias=True, exclude_none=True)
