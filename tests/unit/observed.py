"""What can be observed of an app, to be varied, and what its status then says."""

from dataclasses import replace

from exposedapp.addresses import Endpoint
from exposedapp.api import Condition, ExposedAppStatus
from exposedapp.settings import Settings
from exposedapp.status import Observed, compute
from unit.objects import APP, deployment_body, node, service_body, spec_of

NEW = ExposedAppStatus(observed_generation=-1)
NODES = [node("a", ("InternalIP", "10.0.0.1")), node("b", ("InternalIP", "10.0.0.2"))]
BEFORE, NOW = "2026-01-01T00:00:00Z", "2026-01-01T00:01:00Z"

WELL = Observed(
    app=APP,
    generation=7,
    spec=spec_of(),
    previous=NEW,
    pods={"exposedapp.dev/name": APP.name},
    deployment=deployment_body(),
    service=service_body(),
    endpoints=[Endpoint("p", ready=True, terminating=False)],
    nodes=NODES,
    trouble=None,
    problems=[],
    waiting={},
    now=BEFORE,
    settings=Settings(),
)
STOPPED = replace(WELL, spec=spec_of(replicas=0), deployment=deployment_body(0), endpoints=[])
TWO = replace(WELL, spec=spec_of(replicas=2), deployment=deployment_body(2, 1))


def condition(status: ExposedAppStatus, kind: str) -> Condition | None:
    return next((it for it in status.conditions or () if it.type == kind), None)


def told(seen: Observed, kind: str = "Ready") -> tuple[str, str, str]:
    found = condition(compute(seen), kind)
    assert found is not None
    return found.status, found.reason, found.message
