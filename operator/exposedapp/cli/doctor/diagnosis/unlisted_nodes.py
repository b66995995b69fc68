# SPDX-License-Identifier: Apache-2.0
"""Why nodes are not listed in the status, in the operator's own words. Pure.

The rules are exposure's, applied to the nodes as they are now.
"""

from collections.abc import Mapping, Sequence

from pydantic import ValidationError

from exposedapp.api.meta import Json
from exposedapp.api.service import NODE_PORT_TYPES
from exposedapp.api.url_settings import NodesSpec
from exposedapp.cli.doctor.diagnosis.evidence import Evidence
from exposedapp.cli.ports import split_url
from exposedapp.desired.node_ports import node_ports
from exposedapp.exposure.endpoints import nodes_with_ready_pods
from exposedapp.exposure.nodes import Node, ineligible_reason, node_hosts
from exposedapp.exposure.rendezvous import select_nodes

MAX_NAMES = 5
"""Nodes that are named for each reason: a cluster may have thousands."""

NO_LOCAL_POD = "no ready pod (externalTrafficPolicy Local)"


def unlisted_nodes(evidence: Evidence, app: Json) -> Mapping[str, Sequence[str]]:
    """The names of the nodes that the status does not list, by the reason."""
    service_spec = (evidence.service or {}).get("spec") or {}
    if service_spec.get("type") not in NODE_PORT_TYPES or not node_ports(service_spec["ports"]):
        return {}
    try:
        nodes_spec = NodesSpec.model_validate(app["spec"].get("nodes") or {})
    except ValidationError:
        return {}  # the operator cannot read it either, and its condition says so
    families = service_spec.get("ipFamilies") or ["IPv4"]
    reasons = {node.name: ineligible_reason(node, nodes_spec, families) for node in evidence.nodes}
    if service_spec.get("externalTrafficPolicy") == "Local":
        local_nodes = nodes_with_ready_pods(evidence.endpoints)
        reasons = {
            name: reason or (None if name in local_nodes else NO_LOCAL_POD)
            for name, reason in reasons.items()
        }
    eligible = [node for node in evidence.nodes if reasons[node.name] is None]
    listed = _listed_nodes(evidence, app, nodes_spec, families, eligible)
    eligible_reason = _reason_of_eligible(app, nodes_spec)
    names_by_reason: dict[str, list[str]] = {}
    for name in sorted(reasons.keys() - listed):
        names_by_reason.setdefault(reasons[name] or eligible_reason, []).append(name)
    return names_by_reason


def shorten(names: Sequence[str]) -> str:
    """The names; of many the first, and how many more there are."""
    more = len(names) - MAX_NAMES
    return ", ".join(names[:MAX_NAMES]) + (f" and {more} more" if more > 0 else "")


def _listed_nodes(
    evidence: Evidence,
    app: Json,
    nodes_spec: NodesSpec,
    families: Sequence[str],
    eligible: Sequence[Node],
) -> set[str]:
    """The names of the nodes behind the URLs of the status."""
    urls = (app.get("status") or {}).get("urls") or ()
    hosts = {parts.hostname for url in urls if (parts := split_url(url))}
    listed = {
        node.name
        for node in evidence.nodes
        if hosts.intersection(node_hosts(node, nodes_spec.address_types, families))
    }
    if listed or not urls:
        return listed
    # One host stands for all nodes: repeat the operator's selection.
    names = [node.name for node in eligible]
    return set(select_nodes(app["metadata"].get("uid", ""), names, nodes_spec.limit))


def _reason_of_eligible(app: Json, nodes_spec: NodesSpec) -> str:
    """Why a node is not listed although it forwards to the app."""
    counts = (app.get("status") or {}).get("nodes") or {}
    eligible, listed = counts.get("eligible", 0), counts.get("listed", 0)
    if listed >= nodes_spec.limit:
        return f"not among the first {nodes_spec.limit} (spec.nodes.limit)"
    if listed < eligible:
        return f"not among the first {listed}, more URLs do not fit into a status"
    return "eligible, but not listed yet"
