# SPDX-License-Identifier: Apache-2.0
"""Errors of the API server on a child, and the problems that follow; with its own messages."""

import pytest

from exposedapp.api.conditions import Reason
from exposedapp.kube.errors import ApiError
from exposedapp.reconcile.api_errors import is_terminating, problem_from_api_error

IN_USE = (
    'Service "web" is invalid: spec.ports[0].nodePort: Invalid value: 30008: '
    "provided port is already allocated"
)
RANGE_FULL = "failed to allocate a nodePort: range is full"
RANGE_FULL_500 = f"Internal error occurred: {RANGE_FULL}"
OUT_OF_RANGE = (
    'Service "web" is invalid: spec.ports[0].nodePort: Invalid value: 80: '
    "provided port is not in the valid range. The range of valid ports is 30000-32767"
)
QUOTA = (
    'services "web" is forbidden: exceeded quota: small, requested: services.nodeports=1, '
    "used: services.nodeports=2, limited: services.nodeports=2"
)
RBAC = (
    'deployments.apps "web" is forbidden: User "system:serviceaccount:exposedapp:exposedapp" '
    'cannot patch resource "deployments" in API group "apps" in the namespace "shop"'
)
TERMINATING = (
    'services "web" is forbidden: unable to create new content in namespace shop because it is '
    "being terminated"
)
WEBHOOK = 'admission webhook "policy.example" denied the request: image is not signed'
UNEXPLAINED = 'admission webhook "policy.example" denied the request without explanation'
POLICY = (
    "services \"web\" is forbidden: ValidatingAdmissionPolicy 'ports' with binding 'ports' denied "
    "request: no node ports here"
)
BROKEN_POLICY = (
    "services \"web\" is forbidden: policy 'ports' with binding 'ports' denied request: expression "
    "'object.spec.none' resulted in error: no such key: none"
)
BAD_ENV = (
    'Deployment.apps "web" is invalid: spec.template.spec.containers[0].env[0].name: '
    "Invalid value: \"1=2\": a valid environment variable name must not contain '='"
)
BAD_QUANTITY = (
    "failed to create typed patch object (shop/web; apps/v1, Kind=Deployment): "
    ".spec.template.spec.containers[0].resources.limits.cpu: expected numeric or string, got map"
)
CONFLICT = (
    'Operation cannot be fulfilled on services "web": the object has been modified; please apply '
    "your changes to the latest version and try again"
)
UID_MISMATCH = (
    'Operation cannot be fulfilled on services "web": uid mismatch: the provided object specified '
    "uid a, and no existing object was found"
)


@pytest.mark.parametrize(
    ("status", "reason", "message", "causes", "expected"),
    [
        (422, "Invalid", IN_USE, ("FieldValueInvalid",), Reason.NODE_PORT_CONFLICT),
        (422, "Invalid", RANGE_FULL, (), Reason.NODE_PORTS_EXHAUSTED),
        (500, "InternalError", RANGE_FULL_500, (), Reason.NODE_PORTS_EXHAUSTED),
        (422, "Invalid", OUT_OF_RANGE, ("FieldValueInvalid",), Reason.INVALID_SPEC),
        (403, "Forbidden", QUOTA, (), Reason.QUOTA_EXCEEDED),
        (403, "Forbidden", RBAC, (), Reason.FORBIDDEN),
        (403, "Forbidden", WEBHOOK, (), Reason.FORBIDDEN),
        (400, "BadRequest", WEBHOOK, (), Reason.FORBIDDEN),
        (400, "BadRequest", UNEXPLAINED, (), Reason.FORBIDDEN),
        (422, "Invalid", POLICY, (), Reason.FORBIDDEN),
        (422, "Invalid", BROKEN_POLICY, (), Reason.FORBIDDEN),
        (422, "Invalid", BAD_ENV, ("FieldValueInvalid",), Reason.INVALID_SPEC),
        (400, "BadRequest", BAD_QUANTITY, (), Reason.INVALID_SPEC),
    ],
    ids=[
        "port in use",
        "no port left",
        "no port left, as an internal error",
        "port out of range",
        "quota",
        "no rights",
        "webhook",
        "webhook without a code",
        "webhook without an explanation",
        "policy",
        "policy that cannot be evaluated",
        "field refused",
        "not even typed",
    ],
)
def test_a_problem_in_the_servers_words(
    status: int, reason: str, message: str, causes: tuple[str, ...], expected: Reason
) -> None:
    problem = problem_from_api_error(ApiError(status, reason, message, causes), "Service")
    assert problem is not None
    assert (problem.reason, problem.message, problem.child) == (expected, message, "Service")


@pytest.mark.parametrize(
    ("status", "message", "words"),
    [
        (
            422,
            'Service "web" is invalid: spec.loadBalancerClass: Invalid value: "a": may not change '
            "once set",
            "delete the Service",
        ),
        (
            422,
            'Service "web" is invalid: spec.healthCheckNodePort: Forbidden: field is immutable',
            "Write the number that the Service has",
        ),
        (
            500,
            "failed to create typed patch object (shop/web; /v1, Kind=Service): "
            ".spec.trafficDistribution: field not declared in schema",
            "The API server of this cluster does not know the field.",
        ),
        (
            500,
            "failed to allocate requested HealthCheck NodePort 80: provided port is not in the "
            "valid range. The range of valid ports is 30000-32767",
            "The range of valid ports is 30000-32767",
        ),
    ],
    ids=["class", "health check port", "unknown field", "health check port out of range"],
)
def test_an_invalid_spec_with_a_remedy(status: int, message: str, words: str) -> None:
    problem = problem_from_api_error(ApiError(status, "", message), "Service")
    assert problem is not None
    assert problem.reason == Reason.INVALID_SPEC
    assert problem.message.startswith(message)
    assert problem.message.endswith(words) or words in problem.message.removeprefix(message)


@pytest.mark.parametrize(
    ("status", "reason", "message", "causes"),
    [
        (409, "Conflict", CONFLICT, ()),
        (409, "Conflict", UID_MISMATCH, ()),
        (404, "NotFound", 'namespaces "shop" not found', ()),
        (429, "TooManyRequests", "too many requests, please try again later", ()),
        (500, "InternalError", "Internal error occurred: etcdserver: leader changed", ()),
        (503, "ServiceUnavailable", "the server is currently unable to handle the request", ()),
        (504, "Timeout", "Timeout: request did not complete within requested timeout", ()),
        (401, "Unauthorized", "Unauthorized", ()),
        (0, "NoAnswer", "no answer from the API server: TimeoutError", ()),
    ],
    ids=[
        "conflict",
        "another object",
        "namespace gone",
        "throttled",
        "internal",
        "unavailable",
        "timeout",
        "token expired",
        "no answer",
    ],
)
def test_what_passes_by_itself_is_no_problem(
    status: int, reason: str, message: str, causes: tuple[str, ...]
) -> None:
    assert problem_from_api_error(ApiError(status, reason, message, causes), "Service") is None


@pytest.mark.parametrize(
    ("status", "causes", "expected"),
    [(403, ("NamespaceTerminating",), True), (403, (), False), (404, (), False)],
)
def test_a_namespace_that_goes(status: int, causes: tuple[str, ...], expected: bool) -> None:
    assert is_terminating(ApiError(status, "Forbidden", TERMINATING, causes)) is expected
