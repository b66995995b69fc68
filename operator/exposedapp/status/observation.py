"""Everything that a status is computed from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from exposedapp.api.app import ExposedAppSpec, ExposedAppStatus
from exposedapp.api.conditions import Reason
from exposedapp.api.meta import AppRef, ChildKind, Json
from exposedapp.exposure.addresses import Exposure
from exposedapp.exposure.endpoints import Endpoint


@dataclass(frozen=True, slots=True)
class Problem:
    """Why the app cannot become what its spec says until somebody changes something."""

    reason: Reason
    message: str
    child: ChildKind | None = None
    """The child that it is about; None: the spec as a whole."""


@dataclass(frozen=True, slots=True)
class PodFailure:
    """What keeps a pod from starting, in Kubernetes' own words."""

    reason: Reason
    message: str
    pod: str = field(default="", compare=False)

    def same_as(self, other: "PodFailure | None") -> bool:
        """Whether it is the same trouble; the kubelet words it anew at every attempt."""
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
    """None when it could not be parsed; then there is a problem that says why."""
    previous: ExposedAppStatus
    pod_selector: Mapping[str, str]
    """The labels that select the app's pods; empty when the app has none."""
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
        """Whether the pods are the app's own; what is there tells when the spec is not followed."""
        if self.spec is None or self.spec.suspend:
            return self.deployment is not None
        return self.spec.image is not None

    @property
    def suspended(self) -> bool:
        """Whether nothing is to be changed."""
        return self.spec is not None and self.spec.suspend
