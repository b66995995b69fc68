"""Pure: what the API server's refusal of a child means to the person who wrote the app."""

from exposedapp.api.conditions import Reason
from exposedapp.api.meta import ChildKind
from exposedapp.kube.errors import ApiError
from exposedapp.status.observation import Problem

MALFORMED = ("failed to create typed patch object", "failed to convert new object")
"""How server-side apply begins when a field is unknown or of a wrong type; its status is 500."""


def is_terminating(error: ApiError) -> bool:
    """Whether the namespace is being deleted, and takes nothing new."""
    return error.status == 403 and "NamespaceTerminating" in error.causes


def problem_from_api_error(error: ApiError, child: ChildKind) -> Problem | None:
    """The problem behind a refusal; None when it is a passing one and only trying again helps.

    The API server tells several of these apart in words only: the phrases are those of
    pkg/registry/core/service (ports), the ResourceQuota admission plugin and field validation.
    """
    text = error.message
    if "provided port is already allocated" in text:
        return Problem(Reason.NODE_PORT_CONFLICT, text, child)
    if "range is full" in text:
        return Problem(Reason.NODE_PORTS_EXHAUSTED, text, child)
    if error.status == 403 and "exceeded quota" in text:
        return Problem(Reason.QUOTA_EXCEEDED, text, child)
    if error.status == 403:
        return Problem(Reason.FORBIDDEN, text, child)
    if error.status in (400, 422) or text.startswith(MALFORMED):
        return Problem(Reason.INVALID_SPEC, text, child)
    return None


def is_out_of_range(found: Problem) -> bool:
    """Whether a node port lies outside the cluster's range."""
    return "provided port is not in the valid range" in found.message
