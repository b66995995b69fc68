"""The whole status, from what was observed."""

from exposedapp.api.app import ExposedAppStatus
from exposedapp.api.meta import selector_string
from exposedapp.exposure.endpoints import endpoint_counts
from exposedapp.exposure.reachability import select_url
from exposedapp.status.conditions import compute_conditions, was_probed
from exposedapp.status.observation import Observation


def compute_status(seen: Observation) -> ExposedAppStatus:
    """The status that follows from what was observed."""
    at = seen.at
    # The EndpointSlices of a Service that became an ExternalName stay behind.
    counts = endpoint_counts(seen.endpoints if seen.pods else ())
    deployed = (seen.deployment or {}).get("status") or {}
    if seen.runs_pods:
        replicas, ready = deployed.get("replicas", 0), deployed.get("readyReplicas", 0)
    else:
        replicas, ready = counts.total, counts.ready
    return ExposedAppStatus(
        observed_generation=seen.generation,
        url=select_url(at.best, seen.previous.url, seen.answers, known=was_probed(seen)),
        urls=list(at.urls) or None,
        nodes=at.nodes,
        ports=list(at.ports) or None,
        cluster_ips=list(at.cluster_ips) or None,
        cluster_url=at.cluster_url,
        proxy_path=at.proxy_path,
        load_balancer=at.load_balancer,
        replicas=replicas,
        ready_replicas=ready,
        selector=selector_string(seen.pods) or None,
        endpoints=counts,
        conditions=compute_conditions(seen),
    )
