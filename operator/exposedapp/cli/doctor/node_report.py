"""Pure: why nodes are not listed, in the operator's own words."""

from collections.abc import Mapping, Sequence

from pydantic import ValidationError

from exposedapp.api.meta import Json
from exposedapp.api.service import NODE_PORT_TYPES
from exposedapp.api.url_settings import NodesSpec
from exposedapp.cli.doctor.facts import Facts, split
from exposedapp.exposure.endpoints import nodes_with_ready_pods
from exposedapp.exposure.node_selection import select_nodes
from exposedapp.exposure.nodes import Node, ineligible_reason, node_hosts

MOST_NAMES = 5
"""So many nodes of a kind are named: a cluster may have thousands."""


def unlisted(facts: Facts, app: Json) -> Mapping[str, Sequence[str]]:
    """The nodes whose addresses are not in the status, by the reason."""
    body = (facts.service or {}).get("spec") or {}
    if body.get("type") not in NODE_PORT_TYPES:
        return {}
    try:
        wanted = NodesSpec.model_validate(app["spec"].get("nodes") or {})
    except ValidationError:
        return {}  # the operator cannot read it either, and says so
    families = body.get("ipFamilies") or ["IPv4"]
    reasons = {it.name: ineligible_reason(it, wanted, families) for it in facts.cluster}
    if body.get("externalTrafficPolicy") == "Local":
        with_pods = nodes_with_ready_pods(facts.endpoints)
        reasons = {
            name: why
            or (None if name in with_pods else "no ready pod (externalTrafficPolicy Local)")
            for name, why in reasons.items()
        }
    forward = [it for it in facts.cluster if reasons[it.name] is None]
    listed = _listed(facts, app, wanted, families, forward)
    spare = _why_spare(app, wanted)
    found: dict[str, list[str]] = {}
    for name in sorted(reasons.keys() - listed):
        found.setdefault(reasons[name] or spare, []).append(name)
    return found


def shorten(names: Sequence[str]) -> str:
    """The names, or the first of them and how many more there are."""
    more = len(names) - MOST_NAMES
    return ", ".join(names[:MOST_NAMES]) + (f" and {more} more" if more > 0 else "")


def _listed(
    facts: Facts,
    app: Json,
    wanted: NodesSpec,
    families: Sequence[str],
    forward: Sequence[Node],
) -> set[str]:
    """The names of the nodes that the status stands for."""
    status = app.get("status") or {}
    urls = {parts.hostname for it in status.get("urls") or () if (parts := split(it))}
    found = {
        it.name
        for it in facts.cluster
        if urls.intersection(node_hosts(it, wanted.address_types, families))
    }
    if found or not status.get("urls"):
        return found
    # A host stands there instead of all of them: the operator's choice is made again.
    names = [it.name for it in forward]
    return set(select_nodes(app["metadata"].get("uid", ""), names, wanted.limit))


def _why_spare(app: Json, wanted: NodesSpec) -> str:
    """Why a node is not listed that forwards to the app."""
    counts = (app.get("status") or {}).get("nodes") or {}
    eligible, listed = counts.get("eligible", 0), counts.get("listed", 0)
    if listed >= wanted.limit:
        return f"not among the first {wanted.limit} (spec.nodes.limit)"
    if listed < eligible:
        return f"not among the first {listed}, more URLs do not fit into a status"
    return "forwards, but is not listed yet"
