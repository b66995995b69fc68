"""Where the chain breaks: each situation with what is said of it."""

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from exposedapp.addresses import Endpoint
from exposedapp.cli.advice import ADVICE
from exposedapp.cli.diagnosis import diagnose
from exposedapp.cli.exits import Exit
from exposedapp.cli.facts import Attempt, Facts, Outcome, Pod, Target
from exposedapp.cli.report import Code
from exposedapp.reasons import Reason
from exposedapp.schema import Json

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
        ["FailedCreate: pods forbidden: exceeded quota.", "see the quota"],
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
    manual = (Path(__file__).parents[2] / "docs" / "cli.md").read_text()
    assert [
        it for it in Code if not re.search(rf"^\|[^|]*\b{it}\b[^|]*\|", manual, re.MULTILINE)
    ] == []


def test_every_reason_has_an_advice() -> None:
    well = {Reason.AVAILABLE, Reason.SCALED_TO_ZERO}
    assert {it for it in Reason if it not in well} - ADVICE.keys() == set()
