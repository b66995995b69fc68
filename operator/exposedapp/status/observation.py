"""Everything that a status is computed from. Pure data. Built by reconcile/."""

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
    """Why a pod does not start or keeps failing, in Kubernetes' own words."""

    reason: Reason
    message: str
    pod: str = field(default="", compare=False)

    def same_as(self, other: "PodFailure | None") -> bool:
        """Whether both are one failure; the kubelet's message differs at each attempt."""
        return other is not None and (self.reason, self.pod) == (other.reason, other.pod)


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
