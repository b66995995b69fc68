"""Where the chain breaks: each situation with what is said of it."""

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from exposedapp.api.conditions import Reason
from exposedapp.api.meta import Json
from exposedapp.cli.advice import advice
from exposedapp.cli.doctor.diagnosis import diagnose
from exposedapp.cli.doctor.facts import Attempt, Facts, Outcome, Pod, Target
from exposedapp.cli.doctor.report import Code
from exposedapp.cli.exit_codes import Exit
from exposedapp.exposure.endpoints import Endpoint
from exposedapp.exposure.node_selection import select_nodes
from exposedapp.exposure.nodes import Node

URLS = ["http://10.0.0.1:30008", "http://10.0.0.2:30008", "http://10.0.0.3:30008"]
NODES = {"10.0.0.1": "one", "10.0.0.2": "two", "10.0.0.3": "three"}
OK, LATE, NO, AWAY = Outcome.ANSWERED, Outcome.TIMED_OUT, Outcome.REFUSED, Outcome.NO_ROUTE


def conditions(reason: str, message: str, ready: str, stalled: bool) -> list[Json]:
    one = {"reason": reason, "message": message, "observedGeneration": 2}
    found = [{"type": "Ready", "status": ready, **one}]
    return [*found, {"type": "Stalled", "status": "True", **one}] if stalled else found


def app(
    reason: str = "Available",
    message: str = "1 of 1 pods are ready.",
    *,
    ready: str = "True",
    stalled: bool = False,
    answered: int = 2,
    urls: Sequence[str] = URLS,
    **spec: Any,
) -> Json:
    return {
        "metadata": {"name": "web", "namespace": "shop", "generation": 2},
        "spec": {"image": "demo:1", "replicas": 1, "ports": [{"port": 80}], **spec},
        "status": {
            "observedGeneration": answered,
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


WELL = Facts(
    "shop",
    "web",
    app(),
    pods=[Pod("web-1", ready=True)],
    endpoints=[Endpoint("web-1", ready=True, terminating=False, node="two")],
    targets=[Target("web-1", 8080, listens=True)],
    service=service(),
    nodes=NODES,
    attempts=[Attempt(url, OK, 200) for url in URLS],
)


def tried(*outcomes: Outcome, base: Facts = WELL) -> Facts:
    attempts = [Attempt(url, it) for url, it in zip(URLS, outcomes, strict=True)]
    return replace(base, attempts=attempts)


def pods(*found: Pod, said: Json) -> Facts:
    return replace(WELL, app=said, pods=found, endpoints=[], targets=[])


LOCAL = "http://localhost:8080"
BALANCER = "http://203.0.113.1:80"
INGRESS: Json = {"ingress": [{"ip": "203.0.113.1"}]}


def also(url: str, outcome: Outcome, *nodes: Outcome, **status: Any) -> Facts:
    """A way in before the nodes', and what came of those."""
    said = app(urls=[url, *URLS])
    said["status"].update(status)
    found = tried(*nodes)
    http = 200 if outcome == OK else None
    return replace(found, app=said, attempts=[Attempt(url, outcome, http), *found.attempts])


def ports(*found: Json, **spec: Any) -> Json:
    said = app(**spec)
    said["status"]["ports"] = list(found)
    return said


WEB: Json = {"port": 80, "targetPort": 8080, "nodePort": 30008, "protocol": "TCP"}
ADMIN: Json = {"port": 443, "targetPort": 8443, "nodePort": 30443, "protocol": "TCP"}
DNS: Json = {"port": 53, "targetPort": 53, "nodePort": 30053, "protocol": "UDP"}
HOST: Json = {"nodes": {"host": "apps.example"}}
BAD_HOST: Json = {"nodes": {"host": "10.0.0.1:80"}}

BAD_IMAGE = 'Pod web-1: Back-off pulling image "demo:0"'
INSIDE: Json = {"service": {"type": "ClusterIP"}}
ELSEWHERE: Json = {
    "image": None,
    "service": {"type": "ExternalName", "externalName": "db.example.com"},
}

TABLE: dict[str, tuple[Facts, str, list[str]]] = {
    "fine": (WELL, "Fine", ["Every URL that was tried from here answers."]),
    "fine, and 404 is an answer": (
        replace(WELL, attempts=[Attempt(URLS[0], OK, 404)]),
        "Fine",
        ["Every URL"],
    ),
    "no such app": (replace(WELL, app=None), "NoSuchApp", ["no ExposedApp web in namespace shop"]),
    "being deleted": (
        replace(WELL, app={**app(), "metadata": {"generation": 2, "deletionTimestamp": "now"}}),
        "BeingDeleted",
        ["is being deleted"],
    ),
    "the operator has never answered": (
        replace(WELL, app=app(answered=-1)),
        "OperatorSilent",
        ["generation 2", "never answered", "kubectl get pods -A"],
    ),
    "the operator has answered an earlier spec": (
        replace(WELL, app=app(answered=1)),
        "OperatorSilent",
        ["answered generation 1"],
    ),
    "the node port is taken": (
        replace(
            WELL,
            app=app("NodePortConflict", "30008 is a/b's", ready="False", stalled=True, urls=()),
            service=None,
        ),
        "Stalled",
        ["NodePortConflict: 30008 is a/b's.", "Another Service has the node port"],
    ),
    "no pods are wanted": (
        pods(said=app("ScaledToZero", "", replicas=0)),
        "ScaledToZero",
        ["kubectl scale -n shop xapp/web --replicas=1"],
    ),
    "the image cannot be pulled": (
        pods(
            Pod("web-1", ready=False, words=BAD_IMAGE),
            said=app("ImagePullBackOff", "0 of 1 pods are ready. " + BAD_IMAGE, ready="False"),
        ),
        "NoReadyPod",
        [f"No pod of web is ready. {BAD_IMAGE}. The image cannot be pulled"],
    ),
    "the readiness probe fails": (
        pods(
            Pod("web-1", ready=False, words="Pod web-1: Readiness probe failed: 404"),
            said=app("Progressing", "0 of 1 pods are ready.", ready="False"),
        ),
        "NoReadyPod",
        ["Readiness probe failed: 404.", "The operator says Progressing: 0 of 1 pods are ready."],
    ),
    "the pods are refused": (
        pods(said=app("FailedCreate", "pods forbidden: exceeded quota", ready="False")),
        "NoReadyPod",
        ["FailedCreate: pods forbidden: exceeded quota.", "See the quota"],
    ),
    "no pod has the labels": (
        pods(said=app("Progressing", "No pod.", ready="False", image=None, selector={"a": "b"})),
        "NoReadyPod",
        ["has the labels a=b of spec.selector"],
    ),
    "the Service is gone": (
        replace(WELL, service=None, endpoints=[], targets=[]),
        "NoService",
        ["The Service web is not there."],
    ),
    "no pod gets traffic": (
        replace(WELL, endpoints=[], targets=[]),
        "NoEndpoint",
        ["none gets traffic", "kubectl get service -n shop web"],
    ),
    "nothing listens": (
        replace(tried(NO, NO, NO), targets=[Target("web-1", 9999, listens=False)]),
        "NothingListens",
        ["Pod web-1 is ready, but nothing in it listens on port 9999", "targetPort"],
    ),
    "no node is listed": (
        replace(
            WELL,
            app=app("NoEligibleNode", "3 not ready.", ready="False", urls=()),
            attempts=[],
        ),
        "NoEligibleNode",
        ["No node's address leads to web. The operator says NoEligibleNode: 3 not ready."],
    ),
    "Local, and the pod has gone from a node": (
        tried(LATE, OK, LATE, base=replace(WELL, service=service(externalTrafficPolicy="Local"))),
        "NoPodOnNode",
        [
            "No ready pod of web runs on 10.0.0.1 (one) and 10.0.0.3 (three)",
            "externalTrafficPolicy",
        ],
    ),
    "Local, but it is the node with the pod that does not answer": (
        tried(OK, LATE, OK, base=replace(WELL, service=service(externalTrafficPolicy="Local"))),
        "Filtered",
        ["10.0.0.2 (two)"],
    ),
    "no address answers": (
        tried(LATE, LATE, LATE),
        "NotRoutable",
        [
            "Inside the cluster the app answers.",
            "kubectl port-forward -n shop service/web 8080:80",
            "extraPortMappings",
        ],
    ),
    "Docker Desktop: the mapping answers, the nodes are out of reach": (
        also(LOCAL, OK, LATE, LATE, AWAY),
        "Fine",
        [f"Your way in is {LOCAL}; the nodes' own addresses are not routable from here"],
    ),
    "Docker Desktop: one of two ports is mapped": (
        replace(also(LOCAL, OK, LATE, LATE, LATE), app=ports(WEB, ADMIN)),
        "Fine",
        ["Of the app's 2 TCP ports 1 can be reached like that", "extraPortMappings"],
    ),
    "Docker Desktop: the mapping leads nowhere": (
        replace(also(LOCAL.replace("8080", "8081"), NO, LATE, LATE, LATE), app=ports(WEB)),
        "NotRoutable",
        [
            "No address answers from here: 10.0.0.1 (one), 10.0.0.2 (two) and 10.0.0.3 (three).",
            "refuses localhost:8081, so the mapping leads nowhere: was kind given "
            "extraPortMappings?",
            "extraPortMappings:\n- {containerPort: 30008, hostPort: 8081, protocol: TCP}\n",
        ],
    ),
    "Docker Desktop: the mapping leads to another node port": (
        also(LOCAL, Outcome.SILENT, LATE, LATE, LATE),
        "NoAnswer",
        [f"{LOCAL} takes the connection", "it is Docker that takes the connection"],
    ),
    "the mapping leads nowhere, the nodes answer": (
        also(LOCAL, NO, OK, OK, OK),
        "Refused",
        ["the mapping leads nowhere", f"Until then take {URLS[0]}"],
    ),
    "the mapping answers, one node is filtered": (
        also(LOCAL, OK, OK, LATE, OK),
        "Filtered",
        ["10.0.0.2 (two)", f"Until then take {LOCAL}"],
    ),
    "the app's own error, by the mapping": (
        replace(also(LOCAL, OK, LATE, LATE, LATE), attempts=[Attempt(LOCAL, OK, 500)]),
        "AppError",
        [f"answers {LOCAL} with HTTP 500"],
    ),
    "the load balancer answers, the nodes are private": (
        also(BALANCER, OK, LATE, LATE, LATE, loadBalancer=INGRESS),
        "Fine",
        [f"Your way in is {BALANCER}; the nodes' own"],
    ),
    "the load balancer answers, and nodes may not be listed": (
        replace(also(BALANCER, OK, LATE, LATE, LATE, loadBalancer=INGRESS), nodes={}),
        "Fine",
        [f"Your way in is {BALANCER}"],
    ),
    "the load balancer does not pass it on, the nodes answer": (
        also(BALANCER, LATE, OK, OK, OK, loadBalancer=INGRESS),
        "Filtered",
        ["Nothing at all comes back from 203.0.113.1,", "do its health checks succeed"],
    ),
    "nodes.host answers, and nothing else is listed": (
        replace(WELL, attempts=[Attempt("http://apps.example:30008", OK, 200)], app=app(**HOST)),
        "Fine",
        ["Every URL that was tried from here answers."],
    ),
    "nodes.host does not answer": (
        replace(WELL, attempts=[Attempt("http://apps.example:30008", LATE)], app=app(**HOST)),
        "NotRoutable",
        ["Look also whether apps.example in spec.nodes.host is what leads to the nodes."],
    ),
    "several ports, and what to copy": (
        replace(tried(LATE, LATE, LATE), app=ports(WEB, DNS, ADMIN)),
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
            WELL,
            app=app(**BAD_HOST),
            attempts=[Attempt("http://[10.0.0.1:80]:30008", Outcome.INVALID)],
        ),
        "InvalidURL",
        ["http://[10.0.0.1:80]:30008 is no valid URL", "Change spec.nodes.host (10.0.0.1:80)"],
    ),
    "the operator's host makes no URL": (
        replace(WELL, attempts=[Attempt("http://a:b:30008", Outcome.INVALID)]),
        "InvalidURL",
        ["Change the Helm value nodes.host of the operator: write a DNS name or an IP address"],
    ),
    "https is asked, and plain HTTP is spoken": (
        replace(WELL, attempts=[Attempt("https://10.0.0.1:30008", Outcome.NO_TLS)]),
        "NoAnswer",
        ["no HTTPS comes back", "the app speaks no TLS there", "set appProtocol or scheme"],
    ),
    "inside the cluster only, and UDP": (
        replace(
            WELL,
            app=ports({**DNS, "nodePort": None}, urls=(), **INSIDE),
            service=service(type="ClusterIP"),
            attempts=[],
        ),
        "Fine",
        ["`kubectl port-forward` knows TCP only", "web.shop.svc:53"],
    ),
    "there is no route": (tried(AWAY, AWAY, LATE), "NotRoutable", ["no route to the nodes"]),
    "one node's packets get lost": (
        tried(OK, LATE, OK),
        "Filtered",
        ["Nothing at all comes back from 10.0.0.2 (two)", "TCP 30008", f"take {URLS[0]}"],
    ),
    "one node refuses": (
        tried(OK, NO, OK),
        "Refused",
        [
            "connection to 10.0.0.2 (two) is refused",
            "Inside the cluster the pods answer",
            "kube-proxy",
        ],
    ),
    "all refuse, and inside could not be tried": (
        replace(tried(NO, NO, NO), targets=[Target("web-1", 8080, listens=None)]),
        "Refused",
        ["Either the pods refuse, or the node does"],
    ),
    "the host's name is unknown": (
        replace(WELL, attempts=[Attempt("http://apps.example:30008", Outcome.UNKNOWN_NAME)]),
        "UnknownName",
        ["does not know apps.example", "spec.nodes.host"],
    ),
    "no HTTP comes back": (
        replace(WELL, attempts=[Attempt("https://10.0.0.1:30008", Outcome.SILENT)]),
        "NoAnswer",
        ["no HTTPS comes back", "does not speak https"],
    ),
    "the app has an error of its own": (
        replace(WELL, attempts=[Attempt(URLS[0], OK, 503)]),
        "AppError",
        [f"answers {URLS[0]} with HTTP 503"],
    ),
    "the app answers, but is not ready": (
        replace(WELL, app=app("Progressing", "1 of 2 pods are ready", ready="False")),
        "NotReady",
        ["Every URL that was tried from here answers, but web is not Ready."],
    ),
    "only UDP": (
        replace(WELL, attempts=[Attempt("udp://10.0.0.1:30008", Outcome.UNTRIED)]),
        "Fine",
        ["UDP and SCTP were not tried"],
    ),
    "inside the cluster only": (
        replace(WELL, app=app(urls=(), **INSIDE), service=service(type="ClusterIP"), attempts=[]),
        "Fine",
        ["http://web.shop.svc:80", "kubectl port-forward"],
    ),
    "a name for something elsewhere": (
        Facts("shop", "web", app(urls=(), **ELSEWHERE), service=service(type="ExternalName")),
        "Fine",
        ["get db.example.com"],
    ),
}


@pytest.mark.parametrize("situation", TABLE)
def test_diagnosis(situation: str) -> None:
    facts, code, words = TABLE[situation]
    report = diagnose(facts)
    said = report.finding.text
    assert (report.finding.code, [it for it in words if it not in said]) == (code, []), said
    assert "  " not in said
    assert said.endswith(".")
    broken = [it for it in report.steps if it.ok is False]
    assert bool(broken) == (code not in {"Fine", "AppError", "NotReady"})


def test_the_chain_in_its_order() -> None:
    assert [(it.step, it.ok) for it in diagnose(WELL).steps] == [
        ("resource", True),
        ("pods", True),
        ("endpoints", True),
        ("container port", True),
        ("service", True),
        ("node port", True),
        *[("url", True)] * 3,
    ]


def test_exit_codes() -> None:
    assert diagnose(WELL).exit == Exit.FINE
    assert diagnose(replace(WELL, app=None)).exit == Exit.NO_APP
    assert diagnose(tried(OK, NO, OK)).exit == Exit.UNWELL


def test_every_code_has_a_situation_and_is_in_the_manual() -> None:
    assert {code for _, code, _ in TABLE.values()} == set(Code)
    manual = (Path(__file__).parents[4] / "docs" / "cli.md").read_text()
    assert [
        it for it in Code if not re.search(rf"^\|[^|]*\b{it}\b[^|]*\|", manual, re.MULTILINE)
    ] == []


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_has_an_advice(reason: Reason) -> None:
    text = advice(reason, "shop", "web")
    assert text.endswith(".")
    assert not set("{}") & set(text)


def test_advice_names_the_app() -> None:
    assert "-n shop -l exposedapp.dev/name=web " in advice("CrashLoopBackOff", "shop", "web")


def test_a_reason_of_a_newer_operator_has_no_advice() -> None:
    assert advice("NotObserved", "shop", "web") == ""


def test_nodes_that_need_not_be_routable_are_no_fault() -> None:
    steps = diagnose(also(LOCAL, OK, LATE, LATE, LATE)).steps
    found = [(it.ok, it.detail) for it in steps if it.step == "url"]
    assert found == [(True, f"{LOCAL}: HTTP 200"), *((None, it) for it in timed_out())]


def timed_out() -> list[str]:
    return [f"{url} ({NODES[url[7:15]]}): timed out" for url in URLS]


# --- nodes that are not listed --------------------------------------------------------------------


def node(name: str, address: str = "10.9.9.9", **changes: Any) -> Node:
    found = Node(name, ready=True, deleting=False, addresses=(("InternalIP", address),))
    return replace(found, **changes)


def not_listed(*nodes: Node, base: Facts = WELL) -> list[str]:
    steps = diagnose(replace(base, cluster=nodes)).steps
    found = [it for it in steps if it.step == "not listed"]
    assert {it.ok for it in found} <= {None}
    return [it.detail for it in found]


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
        "c: about to go (taint karpenter.sh/disrupted)",
        f"d: excluded (label {labels[0][0]})",
        "f: without an IPv4 address of type ExternalIP or InternalIP",
        "g: forwards, but is not listed yet",
    ]


def test_nodes_that_the_app_does_not_ask_for() -> None:
    wanted: Json = {"nodes": {"selector": {"zone": "a"}}}
    one = node("one", "10.0.0.1", labels=(("zone", "a"),))
    base = replace(WELL, app=app(urls=URLS[:1], **wanted), attempts=[Attempt(URLS[0], OK, 200)])
    assert not_listed(one, *LISTED[1:], base=base) == [
        "three, two: not matching spec.nodes.selector"
    ]


def test_nodes_without_a_pod_under_the_policy_local() -> None:
    local = service(externalTrafficPolicy="Local")
    base = replace(WELL, app=app(urls=URLS[1:2]), service=local, attempts=[])
    assert not_listed(*LISTED, base=base) == [
        "one, three: no ready pod (externalTrafficPolicy Local)"
    ]


def test_more_nodes_than_the_limit_are_counted() -> None:
    said = app(nodes={"limit": 3})
    said["status"]["nodes"] = {"eligible": 1000, "listed": 3}
    many = [node(f"n-{it:03}") for it in range(997)]
    assert not_listed(*LISTED, *many, base=replace(WELL, app=said)) == [
        "n-000, n-001, n-002, n-003, n-004 and 992 more: not among the first 3 (spec.nodes.limit)"
    ]
    said["spec"]["nodes"] = {"limit": 16}
    assert not_listed(*LISTED, node("a"), base=replace(WELL, app=said)) == [
        "a: not among the first 3, more URLs do not fit into a status"
    ]


def test_behind_a_host_the_operators_choice_is_made_again() -> None:
    said = app(urls=["http://apps.example:30008"], nodes={"host": "apps.example", "limit": 2})
    said["metadata"]["uid"] = "some-uid"
    said["status"]["nodes"] = {"eligible": 3, "listed": 2}
    chosen = select_nodes("some-uid", NODES.values(), 2)
    (left,) = set(NODES.values()) - set(chosen)
    assert not_listed(*LISTED, base=replace(WELL, app=said)) == [
        f"{left}: not among the first 2 (spec.nodes.limit)"
    ]


def test_of_types_without_node_ports_no_node_is_missing() -> None:
    inside = replace(WELL, app=app(urls=(), **INSIDE), service=service(type="ClusterIP"))
    assert not_listed(node("a"), base=inside) == []


def test_a_spec_that_the_operator_cannot_read_either() -> None:
    said = app(nodes={"addressTypes": ["Nonsense"]})
    assert not_listed(node("a"), base=replace(WELL, app=said)) == []
