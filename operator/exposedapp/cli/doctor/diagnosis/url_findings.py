# SPDX-License-Identifier: Apache-2.0
"""What can be wrong with URLs, in words, and what to do. Pure.

Which of them applies is decided in url_check.py.
"""

from collections.abc import Iterable, Sequence

from exposedapp.api.meta import Json
from exposedapp.cli import ports
from exposedapp.cli.doctor.diagnosis.evidence import Evidence, UrlProbe
from exposedapp.cli.doctor.diagnosis.report import DiagnosisCode, Finding
from exposedapp.cli.doctor.diagnosis.url_groups import (
    LOCALHOST,
    conclusive_probes,
    is_before_nodes,
    working_urls,
)
from exposedapp.exposure.port_urls import PortUrls
from exposedapp.exposure.probes import ProbeOutcome

MIN_SERVER_ERROR_STATUS = 500


def no_pod_on_node(evidence: Evidence, failed: Sequence[UrlProbe]) -> Finding:
    """A listed node has lost its pod, and the policy is Local."""
    return Finding(
        DiagnosisCode.NO_POD_ON_NODE,
        f"No ready pod of {evidence.name} runs on {_places(evidence, failed)}, and with "
        "externalTrafficPolicy Local a node forwards to its own pods only. The operator removes "
        "such a node from the list within seconds; use another URL, or set "
        "spec.service.externalTrafficPolicy to Cluster.",
    )


def unknown_name(failed: Sequence[UrlProbe]) -> Finding:
    """The host is a name that DNS does not resolve."""
    hosts = _join({probe.host for probe in failed})
    return Finding(
        DiagnosisCode.UNKNOWN_NAME,
        f"The DNS of this machine does not know {hosts}. Check spec.nodes.host and the nodes' "
        "names, or add the name to your DNS.",
    )


def not_routable(evidence: Evidence, failed: Sequence[UrlProbe]) -> Finding:
    """No address replies."""
    no_reply = [probe for probe in failed if probe.has_no_reply]
    mapped = [probe for probe in failed if probe not in no_reply]
    numbers = _join({str(probe.port) for probe in no_reply})
    app = evidence.app or {}
    local_ports = {probe.port for probe in mapped}
    node_ports = ports.tcp_node_ports(app) or [
        PortUrls(number, number, "TCP", "http", "")
        for number in sorted({probe.port for probe in no_reply if probe.port})
    ]
    local_port = local_ports.pop() if len(local_ports) == len(node_ports) == 1 else None
    sentences = (
        f"No address answers from here: {_places(evidence, no_reply)}.",
        "Inside the cluster the app answers." if _answers_inside(evidence) else "",
        "Either this machine has no route to the nodes (another network, a VPN, Docker on a Mac), "
        f"or a firewall drops TCP {numbers} at all of them.",
        _unmapped_port(mapped) if mapped else "",
        _host_check(app, no_reply),
        f"What works without a route: {port_forward(evidence)}.",
        ports.port_mapping_hint(app, node_ports, local_port),
    )
    return Finding(DiagnosisCode.NOT_ROUTABLE, " ".join(filter(None, sentences)))


def filtered(evidence: Evidence, failed: Sequence[UrlProbe]) -> Finding:
    """Some addresses do not reply, others do."""
    numbers = _join({str(probe.port) for probe in failed})
    cause = (
        f"the packets get lost on the way. Most likely a firewall (iptables, a security group) "
        f"drops TCP {numbers} there, or the node has just gone down. Let TCP {numbers} through."
    )
    if all(is_before_nodes(evidence, probe) for probe in failed):
        cause = (
            f"what stands there before the nodes does not forward TCP {numbers}. Check the load "
            "balancer (is it ready, do its health checks succeed, is its address reachable from "
            f"here?) and the firewall in front of it, and let TCP {numbers} through."
        )
    return Finding(
        DiagnosisCode.FILTERED,
        f"Nothing comes back from {_places(evidence, failed)}, while other addresses reply: "
        f"{cause}{_alternative(evidence)}",
    )


def refused(evidence: Evidence, failed: Sequence[UrlProbe]) -> Finding:
    """A host refuses the connection at once."""
    at_nodes = [probe for probe in failed if probe.host != LOCALHOST]
    if not at_nodes:
        return Finding(DiagnosisCode.REFUSED, _unmapped_port(failed) + _alternative(evidence))
    origin = (
        "Inside the cluster the pods answer, so it is the node that refuses"
        if _answers_inside(evidence)
        else "Either the pods refuse, or the node does"
    )
    return Finding(
        DiagnosisCode.REFUSED,
        f"The connection to {_places(evidence, at_nodes)} is refused at once. {origin}: kube-proxy "
        "does not forward the port there (it may need a second after a change; `kubectl get pods "
        "-n kube-system -o wide` shows whether it runs), or a firewall rejects it.",
    )


def no_tls(probe: UrlProbe) -> Finding:
    """The URL says HTTPS, and the app speaks plain HTTP."""
    return Finding(
        DiagnosisCode.NO_ANSWER,
        f"{probe.url} accepts the connection, but does not speak HTTPS: the app uses no TLS there, "
        "and answers plain HTTP. The network is fine. In spec.ports, set appProtocol or scheme of "
        "that port to http (one of them says https now), or let the app use TLS.",
    )


def no_http_response(probe: UrlProbe) -> Finding:
    """The host accepts the connection, and no HTTP response comes."""
    protocol = probe.scheme.upper()
    event = f"no {protocol} response comes within two seconds"
    if probe.outcome is ProbeOutcome.CLOSED:
        event = "it is closed without a response"
    elif probe.outcome is ProbeOutcome.NOT_HTTP:
        event = f"the response is not {protocol}"
    docker = (
        " At localhost it is Docker that accepts the connection: check also that the mapping leads "
        "to this app's node port."
        if probe.host == LOCALHOST
        else ""
    )
    return Finding(
        DiagnosisCode.NO_ANSWER,
        f"{probe.url} accepts the connection, but {event}. The network is fine. Either the app "
        f"hangs (see `kubectl logs`), or it does not speak {probe.scheme}: then set appProtocol or "
        f"scheme of that port in spec.ports.{docker}",
    )


def invalid_url(evidence: Evidence, probe: UrlProbe) -> Finding:
    """What the status lists is not a URL."""
    host = (((evidence.app or {}).get("spec") or {}).get("nodes") or {}).get("host")
    field = f"spec.nodes.host ({host})" if host else "the Helm value nodes.host of the operator"
    return Finding(
        DiagnosisCode.INVALID_URL,
        f"{probe.url} is not a valid URL, so nothing can open it. Change {field}: write a DNS name "
        "or an IP address alone, without a port, a scheme or brackets; the node port is added to "
        "it. If that is right, check scheme and path in spec.ports.",
    )


def server_error(probes: Sequence[UrlProbe]) -> Finding | None:
    """The app answers with an error of its own; None when no URL does."""
    for probe in probes:
        status = probe.result and probe.result.http_status
        if status and status >= MIN_SERVER_ERROR_STATUS:
            return Finding(
                DiagnosisCode.APP_ERROR,
                f"The app can be reached, but it answers {probe.url} with HTTP {status}. That is "
                "an error of the program itself: see `kubectl logs`.",
            )
    return None


def unmapped_ports(evidence: Evidence, app: Json) -> str:
    """What to add when localhost leads to some of the app's ports only; else empty."""
    local = [probe for probe in conclusive_probes(evidence) if probe.host == LOCALHOST]
    node_ports = ports.tcp_node_ports(app)
    answered = [probe for probe in conclusive_probes(evidence) if probe.answered]
    if len(local) >= len(node_ports) or any(probe.host != LOCALHOST for probe in answered):
        return ""
    return (
        f"Of the app's {len(node_ports)} TCP ports {len(local)} can be reached like that; the "
        "others need a line of their own in kind's extraPortMappings and in the Helm value "
        "portMappings."
    )


def port_forward(evidence: Evidence) -> str:
    """How to reach the app wherever kubectl works."""
    return ports.port_forward_hint(evidence.namespace, evidence.name, evidence.app or {})


def _host_check(app: Json, no_reply: Sequence[UrlProbe]) -> str:
    host = ((app.get("spec") or {}).get("nodes") or {}).get("host")
    if not any(probe.host == host for probe in no_reply):
        return ""
    return f"Check also that {host} in spec.nodes.host leads to the nodes."


def _unmapped_port(mapped: Sequence[UrlProbe]) -> str:
    """A refusal at localhost: the connection has not left this machine."""
    places = _join({f"{probe.host}:{probe.port}" for probe in mapped})
    return (
        f"This machine itself refuses {places}, so nothing is mapped there: was kind given "
        "extraPortMappings? They work only on the machine where the cluster was created."
    )


def _alternative(evidence: Evidence) -> str:
    return next((f" Until then use {url}." for url in working_urls(evidence)), "")


def _answers_inside(evidence: Evidence) -> bool:
    return bool(evidence.container_ports) and all(port.listens for port in evidence.container_ports)


def _places(evidence: Evidence, failed: Sequence[UrlProbe]) -> str:
    """The hosts with the nodes' names, each once."""
    names = evidence.node_names
    hosts = {probe.host for probe in failed}
    return _join(f"{host} ({names[host]})" if host in names else host for host in hosts)


def _join(texts: Iterable[str]) -> str:
    items = sorted(texts)
    if len(items) < 2:
        return "".join(items)
    return f"{', '.join(items[:-1])} and {items[-1]}"
