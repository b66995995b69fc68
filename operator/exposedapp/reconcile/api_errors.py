# SPDX-License-Identifier: Apache-2.0
"""What an error of the API server means for a child. Pure. Called by the modules that apply.

The API server tells several causes apart in words only: the phrases are those of
pkg/registry/core/service (ports), the ResourceQuota admission plugin and field validation.
"""

import re

from exposedapp.api.conditions import Reason
from exposedapp.api.meta import ChildKind
from exposedapp.kube.errors import ApiError
from exposedapp.status.observation import Problem

MALFORMED = ("failed to create typed patch object", "failed to convert new object")
"""How server-side apply begins when a field is unknown or of a wrong type; its status is 500."""

ALLOCATED = "provided port is already allocated"
ALLOCATED_NUMBER = re.compile(rf"Invalid value: (\d+): {ALLOCATED}")

OUT_OF_RANGE = "provided port is not in the valid range"
"""The status is 422 for a port's node port, and 500 for healthCheckNodePort."""

REMEDIES = {
    "spec.loadBalancerClass: Invalid value": "Kubernetes sets it only when a Service becomes a "
    "load balancer: write the value that it had, or delete the Service, and the operator creates "
    "it with the new one.",
    "spec.healthCheckNodePort: Forbidden: field is immutable": "Write the number that the Service "
    "has, or delete the Service, and the operator creates it with the new one.",
    "field not declared in schema": "The API server of this cluster does not know the field.",
}
"""By words of a refusal: what to do about it, where the words do not say."""

DENIED = re.compile(r"(AdmissionPolicy|policy|admission webhook) .+ denied (the )?request\b")
"""How an admission policy or webhook denies a request; the status is what it chooses, by default
422 and 400 (pkg/admission/plugin of k8s.io/apiserver: policy/validating/dispatcher.go,
policy/generic/policy_dispatcher.go, webhook/errors/statuserror.go)."""


def is_terminating(error: ApiError) -> bool:
    """Whether the namespace is being deleted, so that nothing can be created in it."""
    return error.status == 403 and "NamespaceTerminating" in error.causes


def is_replaced(error: ApiError) -> bool:
    """Whether the object of a request was changed or deleted (409), or replaced (422)."""
    return error.status == 409 or "metadata.uid" in error.message


def is_duplicate_node_port(error: ApiError) -> bool:
    """Whether two ports of one Service would have one node port for a moment."""
    return "duplicate nodePort" in error.message


def is_webhook_failure(error: ApiError) -> bool:
    """Whether an admission webhook could not be called."""
    return error.status >= 500 and "webhook" in error.message


def problem_from_api_error(error: ApiError, child: ChildKind) -> Problem | None:
    """The problem that the API server reports; None when repeating the request may help."""
    text = error.message
    if ALLOCATED in text:
        return Problem(Reason.NODE_PORT_CONFLICT, text, child)
    if "range is full" in text:
        return Problem(Reason.NODE_PORTS_EXHAUSTED, text, child)
    if error.status == 403 and "exceeded quota" in text:
        return Problem(Reason.QUOTA_EXCEEDED, text, child)
    if error.status == 403 or DENIED.search(text):
        return Problem(Reason.FORBIDDEN, text, child)
    if error.status in (400, 422) or text.startswith(MALFORMED) or OUT_OF_RANGE in text:
        return Problem(Reason.INVALID_SPEC, _with_remedy(text), child)
    return None


def is_out_of_range(problem: Problem) -> bool:
    """Whether a node port lies outside the cluster's range."""
    return OUT_OF_RANGE in problem.message


def allocated_node_ports(problem: Problem) -> set[int]:
    """The node ports that are refused because another Service has them."""
    return set(map(int, ALLOCATED_NUMBER.findall(problem.message)))


def _with_remedy(text: str) -> str:
    remedies = (remedy for words, remedy in REMEDIES.items() if words in text)
    return " ".join([text, *remedies])
