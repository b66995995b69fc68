# SPDX-License-Identifier: Apache-2.0
"""Where the chain breaks: each situation with its code and its words."""

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from exposedapp.api.conditions import Reason
from exposedapp.api.meta import Json
from exposedapp.cli.doctor.diagnosis.chain import diagnose
from exposedapp.cli.doctor.diagnosis.evidence import ContainerPort, Evidence, Pod, UrlProbe
from exposedapp.cli.doctor.diagnosis.remedies import explain_reason
from exposedapp.cli.doctor.diagnosis.report import DiagnosisCode
from exposedapp.cli.exit_codes import ExitCode
from exposedapp.exposure.endpoints import Endpoint
from exposedapp.exposure.nodes import Node
from exposedapp.exposure.probes import ProbeOutcome, ProbeResult
from exposedapp.exposure.rendezvous import select_nodes
from exposedapp.status.service import NO_ADDRESS

URLS = ["http://10.0.0.1:30008", "http://10.0.0.2:30008", "http://10.0.0.3:30008"]
NODES = {"10.0.0.1": "one", "10.0.0.2": "two", "10.0.0.3": "three"}
OK, HTTP_ERROR = ProbeOutcome.ANSWERED, ProbeOutcome.HTTP_ERROR
TIMED_OUT, REFUSED, NO_ROUTE = (
    ProbeOutcome.TIMED_OUT,
    ProbeOutcome.REFUSED,
    ProbeOutcome.NO_ROUTE,
)
UDP = "udp://10.0.0.1:30008"


def probe(url: str, outcome: ProbeOutcome, status: int | None = None) -> UrlProbe:
    return UrlProbe(url, ProbeResult(outcome, status))


def connected(url: str, outcome: ProbeOutcome) -> UrlProbe:
    return UrlProbe(url, ProbeResult(outcome), connected=True)


def conditions(reason: str, message: str, ready: str, stalled: bool) -> list[Json]:
    fields = {"reason": reason, "message": message, "observedGeneration": 2}
    conditions = [{"type": "Ready", "status": ready, **fields}]
    return [*conditions, {"type": "Stalled", "status": "True", **fields}] if stalled else conditions


def app(
    reason: str = "Available",
    message: str = "1 of 1 pods are ready.",
    *,
    ready: str = "True",
    stalled: bool = False,
    observed: int = 2,
    urls: Sequence[str] = URLS,
    **spec: Any,
) -> Json:
    return {
        "metadata": {"name": "web", "namespace": "shop", "generation": 2},
        "spec": {"image": "demo:1", "replicas": 1, "ports": [{"port": 80}], **spec},
        "status": {
            "observedGeneration": observed,
            "url": urls[0] if urls else None,
            "urls": list(urls),
            "clusterURL": "http://web.shop.svc:80",
            "nodes": {"eligible": 3, "listed": len(urls)},
            "conditions": conditions(reason, message, ready, stalled),
        },
    }


def service(**spec: Any) -> Json:
    ports = [{"port": 80, "targetPort": 8080, "nodePort": 30008}]
    return {"spec": {"type": "NodePort", "clusterIP": "10.96.0.9", "ports": ports, **spec}}


HEALTHY = Evidence(
    "shop",
    "web",
    app(),
    pods=[Pod("web-1", ready=True)],
    endpoints=[Endpoint("web-1", ready=True, terminating=False, node="two")],
    container_ports=[ContainerPort("web-1", 8080, listens=True)],
    service=service(),
    node_names=NODES,
    probes=[probe(url, OK, 200) for url in URLS],
)


def probed(*outcomes: ProbeOutcome, base: Evidence = HEALTHY) -> Evidence:
    probes = [probe(url, outcome) for url, outcome in zip(URLS, outcomes, strict=True)]
    return replace(base, probes=probes)


def without_ready_pods(*pods: Pod, app: Json) -> Evidence:
    return replace(HEALTHY, app=app, pods=pods, endpoints=[], container_ports=[])


LOCAL = "http://localhost:8080"
BALANCER = "http://203.0.113.1:80"
LOCAL_OK, BALANCER_OK = probe(LOCAL, OK, 200), probe(BALANCER, OK, 200)
INGRESS: Json = {"ingress": [{"ip": "203.0.113.1"}]}


def with_url_before(first: UrlProbe, *nodes: ProbeOutcome, **status: Any) -> Evidence:
    """A URL before those of the nodes, and the outcomes at the nodes."""
    body = app(urls=[first.url, *URLS])
    body["status"].update(status)
    evidence = probed(*nodes)
    return replace(evidence, app=body, probes=[first, *evidence.probes])


def with_ports(*ports: Json, **spec: Any) -> Json:
    body = app(**spec)
    body["status"]["ports"] = list(ports)
    return body


WEB: Json = {"port": 80, "targetPort": 8080, "nodePort": 30008, "protocol": "TCP"}
ADMIN: Json = {"port": 443, "targetPort": 8443, "nodePort": 30443, "protocol": "TCP"}
DNS: Json = {"port": 53, "targetPort": 53, "nodePort": 30053, "protocol": "UDP"}
HOST: Json = {"nodes": {"host": "apps.example"}}
BAD_HOST: Json = {"nodes": {"host": "10.0.0.1:80"}}

BAD_IMAGE = 'Pod web-1: Back-off pulling image "demo:0"'
CLUSTER_IP: Json = {"service": {"type": "ClusterIP"}}
ALONE: Json = {"type": "LoadBalancer", "allocateLoadBalancerNodePorts": False}
EXTERNAL: Json = {
    "image": None,
    "service": {"type": "ExternalName", "externalName": "db.example.com"},
}

TABLE: dict[str, tuple[Evidence, str, list[str]]] = {
    "fine": (HEALTHY, "Fine", ["Every URL that was probed from here answers."]),
    "fine, and 404 is an answer": (
        replace(HEALTHY, probes=[probe(URLS[0], HTTP_ERROR, 404)]),
        "Fine",
        ["Every URL"],
    ),
    "no such app": (
        replace(HEALTHY, app=None),
        "NoSuchApp",
        ["no ExposedApp web in namespace shop"],
    ),
    "being deleted": (
        replace(HEALTHY, app={**app(), "metadata": {"generation": 2, "deletionTimestamp": "now"}}),
        "BeingDeleted",
        ["is being deleted"],
    ),
    "the operator has observed nothing": (
        replace(HEALTHY, app=app(observed=-1)),
        "OperatorSilent",
        ["generation 2", "observed no generation yet", "kubectl get pods -A"],
    ),
    "the operator has observed an earlier spec": (
        replace(HEALTHY, app=app(observed=1)),
        "OperatorSilent",
        ["observed generation 1"],
    ),
    "the node port is taken": (
        replace(
            HEALTHY,
            app=app("NodePortConflict", "30008 is a/b's", ready="False", stalled=True, urls=()),
            service=None,
        ),
        "Stalled",
        ["NodePortConflict: 30008 is a/b's.", "Another Service has the node port"],
    ),
    "the app is scaled to zero": (
        without_ready_pods(app=app("ScaledToZero", "", replicas=0)),
        "ScaledToZero",
        ["kubectl scale -n shop xapp/web --replicas=1"],
    ),
    "the image cannot be pulled": (
        without_ready_pods(
            Pod("web-1", ready=False, failure=BAD_IMAGE),
            app=app("ImagePullBackOff", "0 of 1 pods are ready. " + BAD_IMAGE, ready="False"),
        ),
        "NoReadyPod",
        [f"No pod of web is ready. {BAD_IMAGE}. The image cannot be pulled"],
    ),
    "the readiness probe fails": (
        without_ready_pods(
            Pod("web-1", ready=False, failure="Pod web-1: Readiness probe failed: 404"),
            app=app("Progressing", "0 of 1 pods are ready.", ready="False"),
        ),
        "NoReadyPod",
        [
            "Readiness probe failed: 404.",
            "The operator reports Progressing: 0 of 1 pods are ready.",
        ],
    ),
    "the pods are refused": (
        without_ready_pods(
            app=app("FailedCreate", "pods forbidden: exceeded quota", ready="False")
        ),
        "NoReadyPod",
        ["FailedCreate: pods forbidden: exceeded quota.", "See the quota"],
    ),
    "no pod has the labels": (
        without_ready_pods(
            app=app("Progressing", "No pod.", ready="False", image=None, selector={"a": "b"})
        ),
        "NoReadyPod",
        ["has the labels a=b of spec.selector"],
    ),
    "the Service is gone": (
        replace(HEALTHY, service=None, endpoints=[], container_ports=[]),
        "NoService",
        ["The Service web does not exist."],
    ),
    "no pod is a ready endpoint": (
        replace(HEALTHY, endpoints=[], container_ports=[]),
        "NoEndpoint",
        ["none is a ready endpoint of the Service", "kubectl get service -n shop web"],
    ),
    "nothing listens": (
        replace(
            probed(REFUSED, REFUSED, REFUSED),
            container_ports=[ContainerPort("web-1", 9999, listens=False)],
        ),
        "NothingListens",
        ["Pod web-1 is ready, but nothing in it listens on port 9999", "targetPort"],
    ),
    "no node is listed": (
        replace(
            HEALTHY,
            app=app("NoEligibleNode", "3 not ready.", ready="False", urls=()),
            probes=[],
        ),
        "NoEligibleNode",
        ["No node's address leads to web. The operator reports NoEligibleNode: 3 not ready."],
    ),
    "Local, and a node has lost its pod": (
        probed(
            TIMED_OUT,
            OK,
            TIMED_OUT,
            base=replace(HEALTHY, service=service(externalTrafficPolicy="Local")),
        ),
        "NoPodOnNode",
        [
            "No ready pod of web runs on 10.0.0.1 (one) and 10.0.0.3 (three)",
            "externalTrafficPolicy",
        ],
    ),
    "Local, but it is the node with the pod that does not answer": (
        probed(
            OK, TIMED_OUT, OK, base=replace(HEALTHY, service=service(externalTrafficPolicy="Local"))
        ),
        "Filtered",
        ["10.0.0.2 (two)"],
    ),
    "no address answers": (
        probed(TIMED_OUT, TIMED_OUT, TIMED_OUT),
        "NotRoutable",
        [
            "Inside the cluster the app answers.",
            "kubectl port-forward -n shop service/web 8080:80",
            "extraPortMappings",
        ],
    ),
    "Docker Desktop: the mapping answers, the nodes are out of reach": (
        with_url_before(LOCAL_OK, TIMED_OUT, TIMED_OUT, NO_ROUTE),
        "Fine",
        [f"Your way in is {LOCAL}; the nodes' own addresses are not routable from here"],
    ),
    "Docker Desktop: one of two ports is mapped": (
        replace(
            with_url_before(LOCAL_OK, TIMED_OUT, TIMED_OUT, TIMED_OUT), app=with_ports(WEB, ADMIN)
        ),
        "Fine",
        ["Of the app's 2 TCP ports 1 can be reached like that", "extraPortMappings"],
    ),
    "Docker Desktop: the mapping leads nowhere": (
        replace(
            with_url_before(
                probe(LOCAL.replace("8080", "8081"), REFUSED), TIMED_OUT, TIMED_OUT, TIMED_OUT
            ),
            app=with_ports(WEB),
        ),
        "NotRoutable",
        [
            "No address answers from here: 10.0.0.1 (one), 10.0.0.2 (two) and 10.0.0.3 (three).",
            "refuses localhost:8081, so nothing is mapped there: was kind given extraPortMappings?",
            "extraPortMappings:\n- {containerPort: 30008, hostPort: 8081, protocol: TCP}\n",
        ],
    ),
    "Docker Desktop: the mapping leads to another node port": (
        with_url_before(connected(LOCAL, TIMED_OUT), TIMED_OUT, TIMED_OUT, TIMED_OUT),
        "NoAnswer",
        [f"{LOCAL} accepts the connection", "it is Docker that accepts the connection"],
    ),
    "the mapping leads nowhere, the nodes answer": (
        with_url_before(probe(LOCAL, REFUSED), OK, OK, OK),
        "Refused",
        ["nothing is mapped there", f"Until then use {URLS[0]}"],
    ),
    "the mapping answers, one node is filtered": (
        with_url_before(LOCAL_OK, OK, TIMED_OUT, OK),
        "Filtered",
        ["10.0.0.2 (two)", f"Until then use {LOCAL}"],
    ),
    "the app's own error, by the mapping": (
        replace(
            with_url_before(LOCAL_OK, TIMED_OUT, TIMED_OUT, TIMED_OUT),
            probes=[probe(LOCAL, HTTP_ERROR, 500)],
        ),
        "AppError",
        [f"answers {LOCAL} with HTTP 500"],
    ),
    "the load balancer answers, the nodes are private": (
        with_url_before(BALANCER_OK, TIMED_OUT, TIMED_OUT, TIMED_OUT, loadBalancer=INGRESS),
        "Fine",
        [f"Your way in is {BALANCER}; the nodes' own"],
    ),
    "the load balancer answers, and nodes may not be listed": (
        replace(
            with_url_before(BALANCER_OK, TIMED_OUT, TIMED_OUT, TIMED_OUT, loadBalancer=INGRESS),
            node_names={},
        ),
        "Fine",
        [f"Your way in is {BALANCER}"],
    ),
    "the load balancer does not pass it on, the nodes answer": (
        with_url_before(probe(BALANCER, TIMED_OUT), OK, OK, OK, loadBalancer=INGRESS),
        "Filtered",
        ["Nothing comes back from 203.0.113.1,", "do its health checks succeed"],
    ),
    "the load balancer has no address, the nodes answer": (
        replace(HEALTHY, service=service(type="LoadBalancer")),
        "Fine",
        [
            "Every URL that was probed from here answers.",
            "No load balancer has an address for the Service yet; status.url leads to a node",
            "kubectl describe service -n shop web",
        ],
    ),
    "nodes.host answers, and nothing else is listed": (
        replace(HEALTHY, probes=[probe("http://apps.example:30008", OK, 200)], app=app(**HOST)),
        "Fine",
        ["Every URL that was probed from here answers."],
    ),
    "nodes.host does not answer": (
        replace(HEALTHY, probes=[probe("http://apps.example:30008", TIMED_OUT)], app=app(**HOST)),
        "NotRoutable",
        ["Check also that apps.example in spec.nodes.host leads to the nodes."],
    ),
    "several ports, and what to copy": (
        replace(probed(TIMED_OUT, TIMED_OUT, TIMED_OUT), app=with_ports(WEB, DNS, ADMIN)),
        "NotRoutable",
        [
            "\nextraPortMappings:\n- {containerPort: 30008, hostPort: 8080, protocol: TCP}\n"
            "- {containerPort: 30443, hostPort: 8081, protocol: TCP}\n",
            "\nportMappings:\n- {containerPort: 30008, hostPort: 8080, protocol: TCP}\n",
            "so that the status has http://localhost:8080 and http://localhost:8081:",
            "write nodePort: 30008, nodePort: 30443 into spec.ports",
        ],
    ),
    "nodes.host makes no URL": (
        replace(
            HEALTHY,
            app=app(**BAD_HOST),
            probes=[UrlProbe("http://[10.0.0.1:80]:30008")],
        ),
        "InvalidURL",
        ["http://[10.0.0.1:80]:30008 is not a valid URL", "Change spec.nodes.host (10.0.0.1:80)"],
    ),
    "the operator's host makes no URL": (
        replace(HEALTHY, probes=[UrlProbe("http://a:b:30008")]),
        "InvalidURL",
        ["Change the Helm value nodes.host of the operator: write a DNS name or an IP address"],
    ),
    "the URL says https, and the app speaks plain HTTP": (
        replace(HEALTHY, probes=[connected("https://10.0.0.1:30008", ProbeOutcome.NO_TLS)]),
        "NoAnswer",
        ["does not speak HTTPS", "the app uses no TLS there", "set appProtocol or scheme"],
    ),
    "inside the cluster only, and UDP": (
        replace(
            HEALTHY,
            app=with_ports({**DNS, "nodePort": None}, urls=(), **CLUSTER_IP),
            service=service(type="ClusterIP"),
            probes=[],
        ),
        "Fine",
        ["`kubectl port-forward` supports TCP only", "web.shop.svc:53"],
    ),
    "there is no route": (
        probed(NO_ROUTE, NO_ROUTE, TIMED_OUT),
        "NotRoutable",
        ["no route to the nodes"],
    ),
    "one node's packets get lost": (
        probed(OK, TIMED_OUT, OK),
        "Filtered",
        ["Nothing comes back from 10.0.0.2 (two)", "TCP 30008", f"use {URLS[0]}"],
    ),
    "one node refuses": (
        probed(OK, REFUSED, OK),
        "Refused",
        [
            "connection to 10.0.0.2 (two) is refused",
            "Inside the cluster the pods answer",
            "kube-proxy",
        ],
    ),
    "all refuse, and inside could not be tried": (
        replace(
            probed(REFUSED, REFUSED, REFUSED),
            container_ports=[ContainerPort("web-1", 8080, listens=None)],
        ),
        "Refused",
        ["Either the pods refuse, or the node does"],
    ),
    "the host's name is unknown": (
        replace(HEALTHY, probes=[probe("http://apps.example:30008", ProbeOutcome.UNKNOWN_HOST)]),
        "UnknownName",
        ["does not know apps.example", "spec.nodes.host"],
    ),
    "no HTTP response": (
        replace(HEALTHY, probes=[connected("https://10.0.0.1:30008", TIMED_OUT)]),
        "NoAnswer",
        ["no HTTPS response comes", "does not speak https"],
    ),
    "the app closes the connection": (
        replace(HEALTHY, probes=[connected(URLS[0], ProbeOutcome.CLOSED)]),
        "NoAnswer",
        [f"{URLS[0]} accepts the connection, but it is closed without a response"],
    ),
    "the app speaks another protocol": (
        replace(HEALTHY, probes=[connected(URLS[0], ProbeOutcome.NOT_HTTP)]),
        "NoAnswer",
        ["the response is not HTTP", "it does not speak http"],
    ),
    "two nodes do not reply, each in its own way": (
        probed(OK, TIMED_OUT, NO_ROUTE),
        "Filtered",
        ["10.0.0.2 (two) and 10.0.0.3 (three)"],
    ),
    "the app has an error of its own": (
        replace(HEALTHY, probes=[probe(URLS[0], HTTP_ERROR, 503)]),
        "AppError",
        [f"answers {URLS[0]} with HTTP 503"],
    ),
    "the app answers, but is not ready": (
        replace(HEALTHY, app=app("Progressing", "1 of 2 pods are ready", ready="False")),
        "NotReady",
        ["Every URL that was probed from here answers, but web is not Ready."],
    ),
    "only UDP": (
        replace(HEALTHY, probes=[UrlProbe(UDP)]),
        "Fine",
        ["UDP and SCTP were not probed"],
    ),
    "inside the cluster only": (
        replace(
            HEALTHY, app=app(urls=(), **CLUSTER_IP), service=service(type="ClusterIP"), probes=[]
        ),
        "Fine",
        ["http://web.shop.svc:80", "kubectl port-forward"],
    ),
    "a load balancer without node ports waits for its address": (
        replace(
            HEALTHY,
            app=app("Progressing", NO_ADDRESS, ready="False", urls=(), service=ALONE),
            service=service(ports=[{"port": 80, "targetPort": 8080}], **ALONE),
            probes=[],
        ),
        "NotReady",
        ["The load balancer has no address yet"],
    ),
    "an alias for an external name": (
        Evidence("shop", "web", app(urls=(), **EXTERNAL), service=service(type="ExternalName")),
        "Fine",
        ["get db.example.com"],
    ),
}


@pytest.mark.parametrize("situation", TABLE)
def test_diagnosis(situation: str) -> None:
    evidence, code, words = TABLE[situation]
    report = diagnose(evidence)
    text = report.finding.text
    missing = [part for part in words if part not in text]
    assert (report.finding.code, missing) == (code, []), text
    assert "  " not in text
    assert text.endswith(".")
    broken = [step for step in report.steps if step.ok is False]
    assert bool(broken) == (code not in {"Fine", "AppError", "NotReady"})


def test_the_chain_in_its_order() -> None:
    assert [(step.name, step.ok) for step in diagnose(HEALTHY).steps] == [
        ("resource", True),
        ("pods", True),
        ("endpoints", True),
        ("container port", True),
        ("service", True),
        ("node port", True),
        *[("url", True)] * 3,
    ]


def test_exit_codes() -> None:
    assert diagnose(HEALTHY).exit_code == ExitCode.OK
    assert diagnose(replace(HEALTHY, app=None)).exit_code == ExitCode.NO_SUCH_APP
    assert diagnose(probed(OK, REFUSED, OK)).exit_code == ExitCode.APP_PROBLEM


def test_every_code_has_a_situation_and_is_in_the_manual() -> None:
    assert {code for _, code, _ in TABLE.values()} == set(DiagnosisCode)
    manual = (Path(__file__).parents[4] / "docs" / "cli.md").read_text()
    assert [
        code
        for code in DiagnosisCode
        if not re.search(rf"^\|[^|]*\b{code}\b[^|]*\|", manual, re.MULTILINE)
    ] == []


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_has_an_explanation(reason: Reason) -> None:
    text = explain_reason(reason, "shop", "web")
    assert text.endswith(".")
    assert not set("{}") & set(text)


def test_an_explanation_names_the_app() -> None:
    assert "-n shop -l exposedapp.dev/name=web " in explain_reason(
        "CrashLoopBackOff", "shop", "web"
    )


def test_a_reason_of_a_newer_operator_has_no_explain_reason() -> None:
    assert explain_reason("NotObserved", "shop", "web") == ""


def test_nodes_that_need_not_be_routable_are_no_fault() -> None:
    steps = diagnose(with_url_before(LOCAL_OK, TIMED_OUT, TIMED_OUT, TIMED_OUT)).steps
    urls = [(step.ok, step.detail) for step in steps if step.name == "url"]
    assert urls == [(True, f"{LOCAL}: HTTP 200"), *((None, detail) for detail in timed_out())]


def timed_out() -> list[str]:
    return [f"{url} ({NODES[url[7:15]]}): timed out" for url in URLS]


# --- nodes that are not listed --------------------------------------------------------------------


def node(name: str, address: str = "10.9.9.9", **changes: Any) -> Node:
    ready = Node(name, ready=True, deleting=False, addresses=(("InternalIP", address),))
    return replace(ready, **changes)


def not_listed(*nodes: Node, base: Evidence = HEALTHY) -> list[str]:
    steps = diagnose(replace(base, nodes=nodes)).steps
    unlisted = [step for step in steps if step.name == "not listed"]
    assert {step.ok for step in unlisted} <= {None}
    return [step.detail for step in unlisted]


LISTED = [node(name, address) for address, name in NODES.items()]


def test_all_nodes_are_listed() -> None:
    assert not_listed(*LISTED) == []


def test_why_nodes_are_not_listed() -> None:
    labels = (("node.kubernetes.io/exclude-from-external-load-balancers", ""),)
    others = [
        node("a", ready=False),
        node("b", deleting=True),
        node("c", disruption_taint="karpenter.sh/disrupted"),
        node("d", labels=labels),
        node("e", ready=False),
        node("f", addresses=(("Hostname", "f"),)),
        node("g"),
    ]
    assert not_listed(*LISTED, *others) == [
        "a, e: not ready",
        "b: being deleted",
        "c: being removed (taint karpenter.sh/disrupted)",
        f"d: excluded (label {labels[0][0]})",
        "f: without an IPv4 address of type ExternalIP or InternalIP",
        "g: eligible, but not listed yet",
    ]


def test_nodes_that_the_app_does_not_ask_for() -> None:
    spec: Json = {"nodes": {"selector": {"zone": "a"}}}
    one = node("one", "10.0.0.1", labels=(("zone", "a"),))
    base = replace(HEALTHY, app=app(urls=URLS[:1], **spec), probes=[probe(URLS[0], OK, 200)])
    assert not_listed(one, *LISTED[1:], base=base) == [
        "three, two: not matching spec.nodes.selector"
    ]


def test_nodes_without_a_pod_under_the_policy_local() -> None:
    local = service(externalTrafficPolicy="Local")
    base = replace(HEALTHY, app=app(urls=URLS[1:2]), service=local, probes=[])
    assert not_listed(*LISTED, base=base) == [
        "one, three: no ready pod (externalTrafficPolicy Local)"
    ]


def test_more_nodes_than_the_limit_are_counted() -> None:
    body = app(nodes={"limit": 3})
    body["status"]["nodes"] = {"eligible": 1000, "listed": 3}
    many = [node(f"n-{number:03}") for number in range(997)]
    assert not_listed(*LISTED, *many, base=replace(HEALTHY, app=body)) == [
        "n-000, n-001, n-002, n-003, n-004 and 992 more: not among the first 3 (spec.nodes.limit)"
    ]
    body["spec"]["nodes"] = {"limit": 16}
    assert not_listed(*LISTED, node("a"), base=replace(HEALTHY, app=body)) == [
        "a: not among the first 3, more URLs do not fit into a status"
    ]


def test_behind_a_host_the_operators_choice_is_made_again() -> None:
    body = app(urls=["http://apps.example:30008"], nodes={"host": "apps.example", "limit": 2})
    body["metadata"]["uid"] = "some-uid"
    body["status"]["nodes"] = {"eligible": 3, "listed": 2}
    chosen = select_nodes("some-uid", NODES.values(), 2)
    (left,) = set(NODES.values()) - set(chosen)
    assert not_listed(*LISTED, base=replace(HEALTHY, app=body)) == [
        f"{left}: not among the first 2 (spec.nodes.limit)"
    ]


def test_of_types_without_node_ports_no_node_is_missing() -> None:
    inside = replace(HEALTHY, app=app(urls=(), **CLUSTER_IP), service=service(type="ClusterIP"))
    assert not_listed(node("a"), base=inside) == []


def test_a_spec_that_the_operator_cannot_read_either() -> None:
    body = app(nodes={"addressTypes": ["Nonsense"]})
    assert not_listed(node("a"), base=replace(HEALTHY, app=body)) == []
