# SPDX-License-Identifier: Apache-2.0
"""The whole status of an app, from what was observed. Pure. Called by reconcile/."""

from exposedapp.api.app import ExposedAppStatus
from exposedapp.api.meta import selector_string
from exposedapp.exposure.endpoints import count_ready_pods, endpoint_counts
from exposedapp.exposure.port_urls import MAX_LISTED_PORTS
from exposedapp.exposure.probes import ProbeResults
from exposedapp.exposure.reachability import select_url
from exposedapp.status.conditions import compute_conditions, was_probed
from exposedapp.status.observation import Observation, PodFailure

MAX_SELECTOR_LENGTH = 25_000
"""As long as that of 64 labels, the most that a spec may have. While an app is suspended, its
Service may have a longer one; a part of it would select other pods."""


def compute_status(
    observation: Observation,
    probes: ProbeResults,
    pod_failure: PodFailure | None,
    probing_seconds: float,
) -> ExposedAppStatus:
    """The status that follows from the observed objects, the probe results and the pods' failure.

    `probing_seconds` is how long URLs have been probed without a break; `pod_failure` is None if
    the pods were not polled or report none.
    """
    exposure = observation.exposure
    # The EndpointSlices of a Service that became an ExternalName remain; they count no longer.
    endpoints = observation.endpoints if observation.pod_selector else ()
    counts = endpoint_counts(endpoints)
    deployment_status = (observation.deployment or {}).get("status") or {}
    if observation.runs_pods:
        replicas = deployment_status.get("replicas", 0)
        ready = deployment_status.get("readyReplicas", 0)
    else:
        replicas, ready = counts.total, count_ready_pods(endpoints)
    selector = selector_string(observation.pod_selector)
    return ExposedAppStatus(
        observed_generation=observation.generation,
        url=select_url(
            exposure.preferred,
            observation.previous.url,
            probes,
            previous_was_probed=was_probed(observation),
        ),
        urls=list(exposure.urls) or None,
        nodes=exposure.nodes,
        ports=list(exposure.ports)[:MAX_LISTED_PORTS] or None,
        cluster_ips=list(exposure.cluster_ips) or None,
        cluster_url=exposure.cluster_url,
        proxy_path=exposure.proxy_path,
        load_balancer=exposure.load_balancer,
        replicas=replicas,
        ready_replicas=ready,
        selector=selector if 0 < len(selector) <= MAX_SELECTOR_LENGTH else None,
        endpoints=counts,
        conditions=compute_conditions(observation, probes, pod_failure, probing_seconds),
    )
