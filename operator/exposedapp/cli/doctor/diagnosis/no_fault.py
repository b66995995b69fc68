# SPDX-License-Identifier: Apache-2.0
"""The finding when no link of the chain is broken. Pure."""

from exposedapp.api.meta import Json
from exposedapp.api.readiness import readiness_of
from exposedapp.api.service import service_type_of
from exposedapp.cli.doctor.diagnosis.evidence import Evidence
from exposedapp.cli.doctor.diagnosis.operator_words import quote_operator
from exposedapp.cli.doctor.diagnosis.report import DiagnosisCode, Finding
from exposedapp.cli.doctor.diagnosis.url_findings import port_forward, unmapped_ports
from exposedapp.cli.doctor.diagnosis.url_groups import unreachable_node_probes, working_urls
from exposedapp.exposure.load_balancer_urls import pending_load_balancer

MAX_QUOTED_URLS = 3
"""URLs in one sentence; the steps show all of them."""

DATAGRAMS_NOT_PROBED = "UDP and SCTP were not probed: no answer would prove nothing."


def finding_without_fault(evidence: Evidence, app: Json) -> Finding:
    """Fine, with the way in; or NotReady, when only the operator sees a problem."""
    summary = _summary(evidence)
    if not readiness_of(app).ready:
        text = f"{summary}, but {evidence.name} is not Ready. {quote_operator(evidence, app)}"
        return Finding(DiagnosisCode.NOT_READY, text)
    text = f"{_fine_text(evidence, app, summary)} {_pending_load_balancer(evidence)}".strip()
    return Finding(DiagnosisCode.FINE, text)


def _pending_load_balancer(evidence: Evidence) -> str:
    """That the Service waits for a load balancer, and what to check; empty if it does not."""
    pending = pending_load_balancer(evidence.service) if evidence.service else ""
    if not pending:
        return ""
    return (
        f"{pending} If it stays like that, the cluster has no provider of load balancers, or "
        f"`kubectl describe service -n {evidence.namespace} {evidence.name}` shows its error."
    )


def _summary(evidence: Evidence) -> str:
    if unreachable_node_probes(evidence):
        return f"Your way in is {' or '.join(working_urls(evidence)[:MAX_QUOTED_URLS])}"
    if working_urls(evidence):
        return "Every URL that was probed from here answers"
    return "Nothing is broken"


def _fine_text(evidence: Evidence, app: Json, summary: str) -> str:
    if working_urls(evidence):
        sentences = [f"{summary}."]
        if unreachable_node_probes(evidence):
            sentences = [
                f"{summary}; the nodes' own addresses are not routable from here, and need not be.",
                unmapped_ports(evidence, app),
            ]
        if not all(probe.is_conclusive for probe in evidence.probes):
            sentences.append(DATAGRAMS_NOT_PROBED)
        return " ".join(filter(None, sentences))
    if evidence.probes:
        return f"No link of the chain is broken. {DATAGRAMS_NOT_PROBED}"
    if service_type_of(app) == "ExternalName":
        external_name = app["spec"]["service"]["externalName"]
        return f"Pods that look up {evidence.name} get {external_name}."
    cluster_url = (app.get("status") or {}).get("clusterURL", evidence.name)
    return (
        f"No link of the chain is broken. Service type {service_type_of(app)} has no address "
        f"outside the cluster; inside it is {cluster_url}. From here: {port_forward(evidence)}."
    )
