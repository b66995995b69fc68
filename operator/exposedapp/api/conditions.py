# SPDX-License-Identifier: Apache-2.0
"""The contract's words for an app's state: condition types, reasons, and what a reason means.

Programs read types and reasons: both are closed lists, and a value never changes. People read the
explanations: docs/reasons.md has them as a table (docs/generate_reasons.py writes it), and
`exposedapp doctor` quotes them. Pure.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from exposedapp.api.meta import Json


class ConditionType(StrEnum):
    """The types of status.conditions."""

    READY = "Ready"
    WORKLOAD_AVAILABLE = "WorkloadAvailable"
    SERVICE_READY = "ServiceReady"
    REACHABLE = "Reachable"
    # As kstatus defines them: present only while true.
    RECONCILING = "Reconciling"
    STALLED = "Stalled"


class Reason(StrEnum):
    """The reasons of the condition Ready; the others share them, but for ReachableReason."""

    AVAILABLE = "Available"
    SCALED_TO_ZERO = "ScaledToZero"
    NO_ELIGIBLE_NODE = "NoEligibleNode"
    # In progress, or waiting for the pods:
    PROGRESSING = "Progressing"
    IMAGE_PULL = "ImagePullBackOff"
    CONTAINER_CONFIG = "CreateContainerConfigError"
    CRASH_LOOP = "CrashLoopBackOff"
    UNSCHEDULABLE = "Unschedulable"
    FAILED_MOUNT = "FailedMount"
    UNHEALTHY = "Unhealthy"
    FAILED_CREATE = "FailedCreate"
    DEADLINE = "ProgressDeadlineExceeded"
    DEPLOYMENT_PAUSED = "DeploymentPaused"
    WAITING_FOR_ANSWER = "WaitingForAnswer"
    # Everything is in place, but the URLs do not answer:
    UNREACHABLE = "Unreachable"
    # Blocked until something is changed:
    INVALID_SPEC = "InvalidSpec"
    NOT_OWNED = "NotOwned"
    NODE_PORT_CONFLICT = "NodePortConflict"
    NODE_PORTS_EXHAUSTED = "NodePortsExhausted"
    QUOTA_EXCEEDED = "QuotaExceeded"
    FORBIDDEN = "Forbidden"
    # A bug of the operator:
    INTERNAL_ERROR = "InternalError"


class ReachableReason(StrEnum):
    """The reasons of the condition Reachable."""

    ANSWERS = "Answers"
    SOME_UNREACHABLE = "SomeUnreachable"
    UNREACHABLE = "Unreachable"
    WAITING_FOR_ANSWER = "WaitingForAnswer"
    NOT_PROBED = "NotProbed"
    PROBE_BLOCKED = "ProbeBlocked"


STALLED_REASONS = frozenset(
    {
        Reason.INVALID_SPEC,
        Reason.NOT_OWNED,
        Reason.NODE_PORT_CONFLICT,
        Reason.NODE_PORTS_EXHAUSTED,
        Reason.QUOTA_EXCEEDED,
        Reason.FORBIDDEN,
        Reason.INTERNAL_ERROR,
    }
)
"""Reasons that waiting alone does not resolve: with them the app is Stalled."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """What a reason means to a person, and what to do; sentences that end with a full stop."""

    meaning: str
    remedy: str = ""
    """May name the app as {namespace} and {name}; empty when there is nothing to do."""


EXPLANATIONS: dict[Reason, Explanation] = {
    Reason.PROGRESSING: Explanation(
        "Pods or objects are still being created, restarted, replaced or deleted.",
        "Wait; if it lasts, the message names what is missing.",
    ),
    Reason.IMAGE_PULL: Explanation(
        "The image cannot be pulled.", "Check its name and the pull secret."
    ),
    Reason.CONTAINER_CONFIG: Explanation(
        "The container cannot be created.",
        "Check that the ConfigMaps and Secrets named by env and envFrom exist.",
    ),
    Reason.CRASH_LOOP: Explanation(
        "The container exits again after each start.",
        "Read its last output: `kubectl logs -n {namespace} -l exposedapp.dev/name={name} "
        "--previous`.",
    ),
    Reason.UNSCHEDULABLE: Explanation(
        "No node has room for the pods, none accepts them, or a volume claim is not bound.",
        "The message counts the nodes by cause: lower spec.resources, change what spec.podTemplate "
        "asks of a node, or add a node.",
    ),
    Reason.FAILED_MOUNT: Explanation(
        "A volume of the pods cannot be provided, attached or mounted.",
        "Create the ConfigMap, Secret or PersistentVolumeClaim that the message names, or free the "
        "volume: one that is ReadWriteOnce serves the pods of one node.",
    ),
    Reason.UNHEALTHY: Explanation(
        "The container runs, but its readiness or startup probe fails.",
        "The message has the probe's result: check the probe's port and path, and what the app "
        "answers there.",
    ),
    Reason.FAILED_CREATE: Explanation(
        "The cluster refuses to create the pods.",
        "See the quota or the policy that the message names.",
    ),
    Reason.DEADLINE: Explanation(
        "The pods have not become ready within the Deployment's progress deadline.",
        "Read their logs, and check the readinessProbe.",
    ),
    Reason.DEPLOYMENT_PAUSED: Explanation(
        "The Deployment is paused, so no pod gets the newest spec.",
        "Resume it: `kubectl rollout resume -n {namespace} deployment/{name}`.",
    ),
    Reason.INVALID_SPEC: Explanation(
        "The spec cannot work.", "Change the field that the message names."
    ),
    Reason.NOT_OWNED: Explanation(
        "A Deployment or Service of the app's name exists and is not the app's; it is left "
        "unchanged.",
        "Use another name, or let the app adopt the object: annotate it with "
        "`exposedapp.dev/adopt=true`.",
    ),
    Reason.NODE_PORT_CONFLICT: Explanation(
        "Another Service has the node port.", "Choose another one, or free it."
    ),
    Reason.NODE_PORTS_EXHAUSTED: Explanation(
        "The cluster has no free node port.", "Delete a Service that has node ports."
    ),
    Reason.QUOTA_EXCEEDED: Explanation(
        "The namespace's quota is exceeded.", "Raise the quota, or request less."
    ),
    Reason.FORBIDDEN: Explanation(
        "The operator is not allowed to create or change an object.",
        "Check the operator's rights (its ClusterRole; with watchNamespaces, its Role in this "
        "namespace) and the cluster's admission policies.",
    ),
    Reason.INTERNAL_ERROR: Explanation(
        "The operator failed with an error that nobody foresaw; other apps are not affected.",
        "Report it with the traceback in the operator's log. It is tried again with growing "
        "delays, and at once after a change of the app.",
    ),
    Reason.NO_ELIGIBLE_NODE: Explanation(
        "No node is eligible, so no node's URL can be listed.",
        "The message counts the nodes by cause (not ready, excluded by label, not matching "
        "spec.nodes.selector, ...): check `kubectl get nodes` and spec.nodes.",
    ),
    Reason.WAITING_FOR_ANSWER: Explanation(
        "The pods are ready, but no URL answers yet.",
        "Wait; this lasts 30 seconds, longer only while probes are overdue.",
    ),
    Reason.UNREACHABLE: Explanation(
        "The pods are ready, but no URL of the first TCP port answers the operator.",
        'Check that the app listens on the targetPort (most often "connection refused"), and that '
        "no firewall blocks the way from the operator to the nodes (most often "
        '"timed out"); the condition Reachable quotes each URL\'s error.',
    ),
    Reason.AVAILABLE: Explanation("The app is as its spec says."),
    Reason.SCALED_TO_ZERO: Explanation(
        "The spec asks for 0 replicas; the Service is kept, with its node ports if it has any."
    ),
}
"""In the order of the table in docs/reasons.md."""


def explanation_of(reason: str) -> Explanation | None:
    """What a reason means; None for one that this version does not know."""
    return EXPLANATIONS[Reason(reason)] if reason in set(Reason) else None


def find_condition(conditions: Iterable[Json] | None, condition_type: str) -> Json | None:
    """The condition of this type among those of an object as JSON; None when it has none."""
    return next(
        (condition for condition in conditions or () if condition["type"] == condition_type), None
    )
