# SPDX-License-Identifier: Apache-2.0
"""The objects that a status is computed from. Pure data. Built by reconcile/."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from exposedapp.api.app import ExposedAppSpec, ExposedAppStatus
from exposedapp.api.conditions import Reason
from exposedapp.api.meta import AppRef, ChildKind, Json
from exposedapp.exposure.endpoints import Endpoint
from exposedapp.exposure.exposure import Exposure


@dataclass(frozen=True, slots=True)
class Problem:
    """What keeps the app from its desired state until a user or administrator changes something."""

    reason: Reason
    message: str
    child: ChildKind | None = None
    """The child that cannot be applied; None: neither can, because of the spec."""


@dataclass(frozen=True, slots=True)
class PodFailure:
    """Why a pod does not start, is not ready or keeps failing, in Kubernetes' own words."""

    reason: Reason
    message: str
    pod: str = field(default="", compare=False)
    cause: str = field(default="", compare=False)
    """What tells this failure from others of the same reason and pod, without what changes at each
    attempt."""
    needs_events: bool = field(default=False, compare=False)
    """Whether the pod's status does not have the whole cause: an Event may."""
    is_replaced: bool = field(default=False, compare=False)
    """Whether the pod has ended and has a successor, which may fail alike under another name."""

    def same_as(self, other: "PodFailure | None") -> bool:
        """Whether both are one failure; the kubelet's message differs at each attempt."""
        if other is None or (self.reason, self.cause) != (other.reason, other.cause):
            return False
        return self.pod == other.pod or self.is_replaced


@dataclass(frozen=True, slots=True)
class Observation:
    """The objects a status is computed from, as they were at one moment.

    Probe results and pod failures are not part of it: they are separate arguments of
    compute_status().
    """

    app: AppRef
    generation: int
    spec: ExposedAppSpec | None
    """None if it could not be parsed; then a problem says why."""
    previous: ExposedAppStatus
    pod_selector: Mapping[str, str]
    """The labels that select the app's pods; empty if it has none."""
    deployment: Json | None
    service: Json | None
    endpoints: Sequence[Endpoint]
    exposure: Exposure
    problems: Sequence[Problem]
    pending: Mapping[ChildKind, str]
    """What a child waits for before it can be applied, such as the deletion of its predecessor."""
    is_rolled_out: bool
    """Whether the Deployment's template has replaced every pod before, so that only their number
    changes."""
    now: str
    """The time as Kubernetes writes it, for transitions."""

    @property
    def runs_pods(self) -> bool:
        """Whether the pods are the app's own; the live state decides while no spec is applied."""
        if self.spec is None or self.spec.suspend:
            return self.deployment is not None
        return self.spec.image is not None

    @property
    def suspended(self) -> bool:
        """Whether the operator leaves the children unchanged."""
        return self.spec is not None and self.spec.suspend
