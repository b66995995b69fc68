# SPDX-License-Identifier: Apache-2.0
"""Observations of an app, to be varied, and the status that follows from each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from exposedapp.api.app import Condition, ExposedAppSpec, ExposedAppStatus
from exposedapp.api.meta import AppRef, ChildKind, Json
from exposedapp.exposure.endpoints import Endpoint
from exposedapp.exposure.exposure import Exposure
from exposedapp.exposure.node_selection import NodeIndex
from exposedapp.exposure.nodes import Node
from exposedapp.exposure.probes import NOTHING_PROBED, ProbeResults
from exposedapp.exposure.urls import compute_exposure
from exposedapp.settings import Settings
from exposedapp.status.compute import compute_status
from exposedapp.status.observation import Observation, PodFailure, Problem
from support.objects import APP, deployment_body, node, service_body, spec_of

DEFAULTS = Settings()
NORMAL = ExposedAppStatus(observed_generation=-1)
NODES = [node("a", ("InternalIP", "10.0.0.1")), node("b", ("InternalIP", "10.0.0.2"))]
BEFORE, NOW = "2026-01-01T00:00:00Z", "2026-01-01T00:01:00Z"


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What is seen of an app, with the nodes instead of what follows from them."""

    app: AppRef
    generation: int
    spec: ExposedAppSpec | None
    previous: ExposedAppStatus
    pods: Mapping[str, str]
    deployment: Json | None
    service: Json | None
    endpoints: Sequence[Endpoint]
    nodes: Sequence[Node]
    pod_failure: PodFailure | None
    problems: Sequence[Problem]
    waiting: Mapping[ChildKind, str]
    now: str
    rolled_out: bool = False
    settings: Settings = DEFAULTS
    answers: ProbeResults = NOTHING_PROBED
    waited: float = 0.0

    def observed(self) -> Observation:
        exposure = Exposure(ports=self.previous.ports or ())
        if self.service is not None:
            exposure = compute_exposure(
                self.app,
                self.spec,
                self.service,
                self.endpoints,
                NodeIndex(self.nodes),
                self.settings,
            )
        return Observation(
            app=self.app,
            generation=self.generation,
            spec=self.spec,
            previous=self.previous,
            pod_selector=self.pods,
            deployment=self.deployment,
            service=self.service,
            endpoints=self.endpoints,
            exposure=exposure,
            problems=self.problems,
            pending=self.waiting,
            is_rolled_out=self.rolled_out,
            now=self.now,
        )


def compute(seen: Seen) -> ExposedAppStatus:
    return compute_status(seen.observed(), seen.answers, seen.pod_failure, seen.waited)


WELL = Seen(
    app=APP,
    generation=7,
    spec=spec_of(),
    previous=NORMAL,
    pods={"exposedapp.dev/name": APP.name},
    deployment=deployment_body(),
    service=service_body(),
    endpoints=[Endpoint("p", ready=True, terminating=False)],
    nodes=NODES,
    pod_failure=None,
    problems=[],
    waiting={},
    now=BEFORE,
)
STOPPED = replace(WELL, spec=spec_of(replicas=0), deployment=deployment_body(0), endpoints=[])
TWO = replace(WELL, spec=spec_of(replicas=2), deployment=deployment_body(2, 1))


def condition(status: ExposedAppStatus, kind: str) -> Condition | None:
    conditions = status.conditions or ()
    return next((condition for condition in conditions if condition.type == kind), None)


def condition_values(seen: Seen, kind: str = "Ready") -> tuple[str, str, str]:
    """The status, reason and message of the condition of this type."""
    value = condition(compute(seen), kind)
    assert value is not None
    return value.status, value.reason, value.message
