# SPDX-License-Identifier: Apache-2.0
"""The links of the chain that are inside the cluster: resource to node port. Pure."""

from collections.abc import Callable

from exposedapp.api.meta import Json, selector_string
from exposedapp.api.readiness import readiness_of
from exposedapp.api.service import NODE_PORT_TYPES, service_type_of
from exposedapp.cli.doctor.diagnosis.evidence import Evidence
from exposedapp.cli.doctor.diagnosis.operator_words import quote_operator, sentence
from exposedapp.cli.doctor.diagnosis.report import DiagnosisCode, Finding, Step
from exposedapp.cli.doctor.diagnosis.unlisted_nodes import shorten, unlisted_nodes
from exposedapp.cli.status_view import format_port
from exposedapp.desired.node_ports import node_ports
from exposedapp.exposure.endpoints import endpoint_counts
from exposedapp.exposure.load_balancer_urls import pending_load_balancer
from exposedapp.status.pods import no_selected_pod

CheckResult = tuple[list[Step], Finding | None]
"""The lines to show, and what is wrong; None when nothing is."""

Check = Callable[[Evidence, Json], CheckResult]


def _check_resource(evidence: Evidence, app: Json) -> CheckResult:
    generation = app["metadata"]["generation"]
    observed = (app.get("status") or {}).get("observedGeneration", -1)
    readiness = readiness_of(app)
    if "deletionTimestamp" in app["metadata"]:
        text = f"{evidence.name} is being deleted, and its pods and Service with it."
        return _broken("resource", "being deleted", DiagnosisCode.BEING_DELETED, text)
    if observed < generation:
        last = f"observed generation {observed}" if observed > 0 else "observed no generation yet"
        return _broken(
            "resource",
            f"generation {generation}, and the operator has {last}",
            DiagnosisCode.OPERATOR_SILENT,
            f"The operator has not processed generation {generation} of {evidence.name}: it has "
            f"{last}. Check that it runs: `kubectl get pods -A -l app.kubernetes.io/name="
            "exposedapp`, and read its log.",
        )
    if readiness.stalled:
        text = f"{evidence.name} cannot become what its spec says. {quote_operator(evidence, app)}"
        return _broken("resource", readiness.reason, DiagnosisCode.STALLED, text)
    ready = "Ready" if readiness.ready else "not Ready"
    detail = f"generation {generation} observed: {ready}, {readiness.reason}"
    return [Step("resource", True, detail)], None


def _check_pods(evidence: Evidence, app: Json) -> CheckResult:
    if service_type_of(app) == "ExternalName":
        return [Step("pods", None, "none: ExternalName")], None
    if app["spec"].get("image") and app["spec"].get("replicas") == 0:
        text = (
            f"{evidence.name} has spec.replicas 0, so no pod runs; the Service and its node ports "
            f"are kept. Start it: `kubectl scale -n {evidence.namespace} xapp/{evidence.name} "
            "--replicas=1`."
        )
        return _broken("pods", "scaled to zero", DiagnosisCode.SCALED_TO_ZERO, text)
    ready = [pod for pod in evidence.pods if pod.ready]
    detail = f"{len(ready)} of {len(evidence.pods)} ready"
    if ready:
        return [Step("pods", True, detail)], None
    failure = next((pod.failure for pod in evidence.pods if pod.failure), "")
    if not evidence.pods and app["spec"].get("selector"):
        selector = selector_string(app["spec"]["selector"])
        failure = no_selected_pod(evidence.namespace, selector)
    sentences = (
        f"No pod of {evidence.name} is ready.",
        sentence(failure),
        quote_operator(evidence, app, quoted_failure=failure),
    )
    return _broken("pods", detail, DiagnosisCode.NO_READY_POD, " ".join(filter(None, sentences)))


def _check_endpoints(evidence: Evidence, app: Json) -> CheckResult:
    if service_type_of(app) == "ExternalName":
        return [], None
    ready = endpoint_counts(evidence.endpoints).ready
    detail = f"{ready} ready"
    if ready or evidence.service is None:
        return [Step("endpoints", bool(ready), detail)], None
    text = (
        "Pods are ready, but none is a ready endpoint of the Service: either they have become "
        "ready only just now, or the Service's selector does not match their labels. Compare "
        f"`kubectl get service -n {evidence.namespace} {evidence.name} -o wide` with the pods' "
        "labels."
    )
    return _broken("endpoints", detail, DiagnosisCode.NO_ENDPOINT, text)


def _check_container_ports(evidence: Evidence, _: Json) -> CheckResult:
    if not evidence.container_ports:
        return [], None
    refusing = [port for port in evidence.container_ports if port.listens is False]
    if not refusing:
        all_known = all(port.listens for port in evidence.container_ports)
        numbers = ", ".join(map(str, sorted({port.number for port in evidence.container_ports})))
        state = "listens" if all_known else "could not be tried from inside the cluster"
        return [Step("container port", True if all_known else None, f"{numbers} {state}")], None
    first = refusing[0]
    text = (
        f"Pod {first.pod} is ready, but nothing in it listens on port {first.number}: the "
        "connection is refused inside the cluster, too. Set targetPort in spec.ports to the port "
        "that the program listens on (`kubectl logs` may name it). If the program has only just "
        "started, give the app a readinessProbe, so that it gets no traffic before it listens."
    )
    detail = f"{first.number} refused by {first.pod}"
    return _broken("container port", detail, DiagnosisCode.NOTHING_LISTENS, text)


def _check_service(evidence: Evidence, app: Json) -> CheckResult:
    if evidence.service is None:
        text = f"The Service {evidence.name} does not exist. {quote_operator(evidence, app)}"
        return _broken("service", "not found", DiagnosisCode.NO_SERVICE, text)
    body = evidence.service["spec"]
    ports = "; ".join(format_port(port) for port in body.get("ports") or ())
    details = (body["type"], body.get("clusterIP") or body.get("externalName") or "", ports)
    steps = [Step("service", True, ", ".join(filter(None, details)))]
    if pending := pending_load_balancer(evidence.service):
        steps.append(Step("load balancer", None, pending))
    return steps, None


def _check_node_port(evidence: Evidence, app: Json) -> CheckResult:
    if service_type_of(app) not in NODE_PORT_TYPES:
        return [Step("node port", None, f"none: {service_type_of(app)}")], None
    status = app.get("status") or {}
    is_without = (app["spec"].get("service") or {}).get("allocateLoadBalancerNodePorts") is False
    if is_without and not node_ports(status.get("ports") or []):
        return [Step("node port", None, "none: allocateLoadBalancerNodePorts is false")], None
    if status.get("urls"):
        listed = (status.get("nodes") or {}).get("listed", 0)
        return [Step("node port", True, f"on {listed} node{'s' * (listed != 1)}")], None
    text = f"No node's address leads to {evidence.name}. {quote_operator(evidence, app)}"
    return _broken("node port", "no node is listed", DiagnosisCode.NO_ELIGIBLE_NODE, text)


def _show_unlisted_nodes(evidence: Evidence, app: Json) -> CheckResult:
    """Never a fault: a cluster has nodes that are meant for something else."""
    nodes = unlisted_nodes(evidence, app)
    return [
        Step("not listed", None, f"{shorten(names)}: {reason}") for reason, names in nodes.items()
    ], None


CLUSTER_CHECKS: tuple[Check, ...] = (
    _check_resource,
    _check_pods,
    _check_endpoints,
    _check_container_ports,
    _check_service,
    _check_node_port,
    _show_unlisted_nodes,
)


def _broken(step: str, detail: str, code: DiagnosisCode, text: str) -> CheckResult:
    return [Step(step, False, detail)], Finding(code, text.strip())
