# SPDX-License-Identifier: Apache-2.0
"""Which of an app's URLs lead to a mapping, to what stands before the nodes, or to a node. Pure."""

from exposedapp.cli.doctor.diagnosis.evidence import Evidence, UrlProbe

LOCALHOST = "localhost"
"""The host of the URLs of the operator's portMappings."""


def conclusive_probes(evidence: Evidence) -> list[UrlProbe]:
    """The probes that show something."""
    return [probe for probe in evidence.probes if probe.is_conclusive]


def unreachable_node_probes(evidence: Evidence) -> list[UrlProbe]:
    """The nodes' own URLs, when none of them replies and another URL of the app does.

    That is normal with Docker Desktop and behind a load balancer, and no fault.
    """
    before_nodes = [
        probe for probe in conclusive_probes(evidence) if is_before_nodes(evidence, probe)
    ]
    at_nodes = [probe for probe in conclusive_probes(evidence) if probe not in before_nodes]
    is_alternative = not all(map(is_dead_end, before_nodes))
    return at_nodes if is_alternative and all(probe.has_no_reply for probe in at_nodes) else []


def working_urls(evidence: Evidence) -> list[str]:
    """The URLs that answer from here, status.url first."""
    main_url = ((evidence.app or {}).get("status") or {}).get("url")
    urls = [probe.url for probe in evidence.probes if probe.answered]
    return sorted(urls, key=lambda url: url != main_url)


def is_dead_end(probe: UrlProbe) -> bool:
    """Whether nothing replies, or a port of localhost is not mapped."""
    return (probe.host == LOCALHOST and probe.refused) or probe.has_no_reply


def is_before_nodes(evidence: Evidence, probe: UrlProbe) -> bool:
    """Whether the URL leads to a mapping, a load balancer or a NAT, and not to a node itself."""
    app = evidence.app or {}
    status, spec_nodes = app.get("status") or {}, (app.get("spec") or {}).get("nodes") or {}
    ingress = (status.get("loadBalancer") or {}).get("ingress") or ()
    hosts = {LOCALHOST, spec_nodes.get("host")}
    hosts.update(host for item in ingress for host in (item.get("ip"), item.get("hostname")))
    if probe.host in hosts:
        return True
    return bool(evidence.node_names) and probe.host not in evidence.node_names
