# SPDX-License-Identifier: Apache-2.0
"""The condition ServiceReady: whether the Service exists and leads to the pods.

Pure. Called by conditions.py.
"""

from exposedapp.api.conditions import Reason
from exposedapp.api.meta import Json
from exposedapp.desired.node_ports import has_node_ports
from exposedapp.exposure.endpoints import ready_pods
from exposedapp.exposure.load_balancer_urls import pending_load_balancer
from exposedapp.status.condition_value import ConditionValue, progressing, unapplied_child
from exposedapp.status.observation import Observation
from exposedapp.status.rollout import desired_replicas, min_available, only_scales

NO_ADDRESS = (
    "The load balancer has no address yet, and there are no node ports "
    "(spec.service.allocateLoadBalancerNodePorts)."
)


def service_ready(observation: Observation) -> ConditionValue:
    """The condition for a Service with pods, or for a DNS alias."""
    if reason := unapplied_child(observation, "Service"):
        return reason
    if observation.service is None:
        return progressing("There is no Service yet.")
    if not observation.pod_selector:
        target = observation.service["spec"].get("externalName")
        name = f"{observation.app.name}.{observation.app.namespace}.svc"
        message = f"DNS name {name} is an alias (CNAME) for {target}."
        return ConditionValue("True", Reason.AVAILABLE, message)
    ready, desired = len(ready_pods(observation.endpoints)), _desired_endpoints(observation)
    if desired == 0:
        message = "The Service exists; the app is scaled to zero."
        return ConditionValue("True", Reason.SCALED_TO_ZERO, message)
    if ready < desired:
        return progressing(f"{ready} of {desired} pods get traffic from the Service.")
    if missing := _missing_port(observation, observation.service):
        return progressing(missing)
    if not _has_address(observation):
        return progressing(NO_ADDRESS)
    traffic = f"{ready} of {ready} pods get traffic."
    message = f"{traffic} {pending_load_balancer(observation.service)}".strip()
    return ConditionValue("True", Reason.AVAILABLE, message)


def _desired_endpoints(observation: Observation) -> int:
    """How many pods must get traffic.

    Of those that another workload runs one is enough; of the app's own, as many as must be
    available.
    """
    if not observation.runs_pods:
        return max(len(ready_pods(observation.endpoints)), 1)
    if observation.deployment is not None:
        needed = min_available if only_scales(observation) else desired_replicas
        return needed(observation.deployment)
    return observation.spec.replicas if observation.spec else 0


def _has_address(observation: Observation) -> bool:
    """Whether a Service that is a load balancer can be reached: at its address, or at nodes."""
    exposure, service = observation.exposure, observation.service
    if service is None or service["spec"]["type"] != "LoadBalancer":
        return True
    return bool(exposure.urls) or has_node_ports(service["spec"])


def _missing_port(observation: Observation, service: Json) -> str | None:
    """A targetPort by name that no pod has: its endpoints then lack that port.

    For the app's own pods desired/ checks that; but what may be injected into them shows only here.
    """
    names = {
        name for endpoint in observation.endpoints if endpoint.ready for name in endpoint.ports
    }
    for port in service["spec"].get("ports") or ():
        target = port["targetPort"]
        if isinstance(target, str) and port.get("name", "") not in names:
            return f"No pod has a container port named '{target}', targetPort of {port['port']}."
    return None
