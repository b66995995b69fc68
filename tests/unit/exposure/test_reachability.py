# SPDX-License-Identifier: Apache-2.0
"""Which URLs of an app are probed, whether it is reachable, and which URL is the one to click."""

from typing import Any

import pytest

from exposedapp.api.app import Condition
from exposedapp.api.meta import Json
from exposedapp.api.url_settings import ProbeSpec
from exposedapp.exposure.backend import BackendFingerprint, backend_fingerprint
from exposedapp.exposure.exposure import Exposure, ProbeCandidate
from exposedapp.exposure.node_selection import NodeIndex
from exposedapp.exposure.not_probed import no_probe_reason, not_probed_note
from exposedapp.exposure.probes import (
    NOTHING_PROBED,
    ProbeOutcome,
    ProbeResult,
    ProbeResults,
    Target,
    probe_targets,
)
from exposedapp.exposure.reachability import (
    FIRST_ANSWER_GRACE_SECONDS,
    MAX_QUOTED_URLS,
    evaluate,
    grace_left,
    select_url,
)
from exposedapp.exposure.urls import compute_exposure
from exposedapp.settings import Settings
from support.objects import APP, node, port, service_body, spec_of
from support.probes import LATE, OK, REFUSED
from support.snapshots import BEFORE

A, B, C = (f"http://10.0.0.{i}:30001" for i in (1, 2, 3))
SOON, LONG = FIRST_ANSWER_GRACE_SECONDS - 0.1, FIRST_ANSWER_GRACE_SECONDS
ConditionValues = tuple[str, str, str]
"""(status, reason, message)"""

ResultByUrl = dict[str, ProbeResult | None]
"""None for a URL without a result yet."""

NOT_PROBED = ("Unknown", "NotProbed", "No URL is probed.")
WAITING = ("Unknown", "WaitingForAnswer", "The pods are ready; no URL answers yet.")
ANSWERS = ("True", "Answers", "The node URLs answer, tried from the operator's pod.")


def counted(reason: str, good: int, total: int, *failing: str) -> ConditionValues:
    summary = f"{good} of {total} node URLs answer, tried from the operator's pod"
    return "False", reason, "; ".join([summary, *failing])


def condition(values: ConditionValues | None) -> Condition | None:
    if values is None:
        return None
    return Condition.model_validate(
        {
            "type": "Reachable",
            **dict(zip(("status", "reason", "message"), values, strict=True)),
            "observedGeneration": 7,
            "lastTransitionTime": BEFORE,
        }
    )


def evaluated(
    results: ProbeResults, before: ConditionValues | None = None, waited: float = SOON
) -> ConditionValues:
    reachability = evaluate(results, condition(before), waited)
    return reachability.status, reachability.reason, reachability.message


# --- whether an app is reachable ------------------------------------------------------------------

SOME = counted("SomeUnreachable", 2, 3, f"{A}: {REFUSED}")
NONE = counted("Unreachable", 0, 2, f"{A}: {REFUSED}", f"{B}: {LATE}")
ALL_FAIL: ResultByUrl = {B: LATE, A: REFUSED}
NOTHING_KNOWN: ResultByUrl = {A: None, B: None}


@pytest.mark.parametrize(
    ("by_url", "before", "waited", "expected"),
    [
        ({A: OK, B: OK}, None, SOON, ANSWERS),
        ({A: OK, B: OK}, None, LONG, ANSWERS),
        ({A: OK, B: None}, None, SOON, ANSWERS),
        ({A: OK, B: OK}, NONE, SOON, ANSWERS),
        ({A: REFUSED, B: OK, C: OK}, None, SOON, ANSWERS),
        ({A: REFUSED, B: OK, C: OK}, SOME, SOON, SOME),
        ({A: REFUSED, B: None, C: None}, SOME, SOON, SOME),
        ({A: None, B: OK, C: OK}, SOME, SOON, SOME),
        ({A: REFUSED, B: None}, ANSWERS, SOON, ANSWERS),
        ({A: REFUSED, B: None}, NONE, SOON, NONE),
        ({A: REFUSED, B: OK, C: OK}, None, LONG, SOME),
        ({A: REFUSED, B: OK, C: OK}, ANSWERS, LONG, SOME),
        (NOTHING_KNOWN, None, SOON, WAITING),
        (NOTHING_KNOWN, NOT_PROBED, SOON, WAITING),
        (NOTHING_KNOWN, WAITING, SOON, WAITING),
        (NOTHING_KNOWN, ANSWERS, SOON, ANSWERS),
        (NOTHING_KNOWN, SOME, SOON, SOME),
        (NOTHING_KNOWN, NONE, SOON, NONE),
        (ALL_FAIL, None, 0.0, WAITING),
        (ALL_FAIL, WAITING, SOON, WAITING),
        (ALL_FAIL, WAITING, LONG, NONE),
        (ALL_FAIL, ANSWERS, LONG, NONE),
        ({A: REFUSED, B: None}, SOME, LONG, SOME),
        ({A: REFUSED, B: None, C: None}, None, LONG, WAITING),
        ({A: REFUSED, B: None, C: OK}, None, LONG, ANSWERS),
        ({A: OK, B: None}, NONE, LONG, ANSWERS),
    ],
    ids=[
        "all answer at once",
        "all answer later",
        "one is not known yet",
        "all answer again",
        "some fail at first",
        "some fail as before",
        "restart, the one that failed is known first",
        "restart, those that answered are known first",
        "restart, one fails, the rest is not known",
        "restart, none answered, one is known",
        "some fail later",
        "some fail after all was well",
        "nothing known of a new app",
        "nothing was tried before",
        "nothing known still",
        "restart, all was well",
        "restart, some failed",
        "restart, none answered",
        "none at once",
        "none within the time",
        "none after the time",
        "none any more",
        "the node that answered was replaced",
        "a storm: the turn of most has not come",
        "a storm: one answers, the turn of others has not come",
        "one answers again, the turn of others has not come",
    ],
)
def test_judge(
    by_url: ResultByUrl, before: ConditionValues | None, waited: float, expected: ConditionValues
) -> None:
    assert evaluated(ProbeResults(0.0, by_url), before, waited) == expected


METRICS = "http://10.0.0.1:30002"
MAIN_FAILS = counted("Unreachable", 1, 3, f"{A}: {REFUSED}", f"{B}: {LATE}")[2].replace(
    "answer,", "answer, none of the first port,"
)
METRICS_FAIL = counted("SomeUnreachable", 2, 3, f"{METRICS}: {REFUSED}")


@pytest.mark.parametrize(
    ("by_url", "before", "waited", "expected"),
    [
        ({A: REFUSED, B: LATE, METRICS: OK}, None, SOON, WAITING),
        ({A: REFUSED, B: LATE, METRICS: OK}, None, LONG, ("False", "Unreachable", MAIN_FAILS)),
        ({A: REFUSED, B: LATE, METRICS: OK}, ANSWERS, LONG, ("False", "Unreachable", MAIN_FAILS)),
        ({A: REFUSED, B: None, METRICS: OK}, None, LONG, WAITING),
        ({A: OK, B: OK, METRICS: REFUSED}, None, LONG, METRICS_FAIL),
        ({A: OK, B: None, METRICS: None}, None, SOON, ANSWERS),
        ({A: OK, B: OK, METRICS: OK}, NONE, SOON, ANSWERS),
    ],
    ids=[
        "the main port does not answer yet",
        "the main port does not answer",
        "it does not any more",
        "one of its URLs is not known",
        "another port does not answer",
        "the main port is known first",
        "all answer again",
    ],
)  # fmt: skip
def test_the_main_port_counts(
    by_url: ResultByUrl, before: ConditionValues | None, waited: float, expected: ConditionValues
) -> None:
    """spring-boot#16473: metrics that answer do not make an app reachable."""
    results = ProbeResults(0.0, by_url, main=frozenset({A, B}))
    assert evaluated(results, before, waited) == expected


def test_nothing_tried() -> None:
    for before in (None, NOT_PROBED, ANSWERS, NONE):
        assert evaluated(NOTHING_PROBED, before, 0.0) == NOT_PROBED


def test_what_is_quoted_is_bounded() -> None:
    urls = [f"http://10.0.0.{i}:30001" for i in range(10, 10 + MAX_QUOTED_URLS + 2)]
    quoted = [f"{url}: {REFUSED}" for url in urls]
    all_quoted = ProbeResults(0.0, dict.fromkeys(urls[:MAX_QUOTED_URLS], REFUSED))
    too_many = ProbeResults(0.0, dict.fromkeys(reversed(urls), REFUSED))
    assert evaluated(all_quoted, waited=LONG) == counted(
        "Unreachable", 0, MAX_QUOTED_URLS, *quoted[:MAX_QUOTED_URLS]
    )
    assert evaluated(too_many, waited=LONG) == counted(
        "Unreachable", 0, MAX_QUOTED_URLS + 2, *quoted[:MAX_QUOTED_URLS], "and 2 more"
    )


@pytest.mark.parametrize(
    ("outcome", "words"),
    [
        (ProbeOutcome.ANSWERED, "answered"),
        (ProbeOutcome.REFUSED, "connection refused"),
        (ProbeOutcome.TIMED_OUT, "timed out"),
        (ProbeOutcome.UNKNOWN_HOST, "unknown host"),
        (ProbeOutcome.NO_ROUTE, "no route to host"),
        (ProbeOutcome.CLOSED, "connection closed"),
        (ProbeOutcome.NO_TLS, "no TLS"),
        (ProbeOutcome.NOT_HTTP, "no answer that is HTTP"),
        (ProbeOutcome.HTTP_ERROR, "HTTP 503"),
        (ProbeOutcome.NO_CONNECTION, "no connection"),
        (ProbeOutcome.NOT_ATTEMPTED, "cannot be tried"),
    ],
)
def test_words_of_a_result(outcome: ProbeOutcome, words: str) -> None:
    """They appear in conditions: a change of a word causes one write of the status of every app."""
    status = 503 if outcome is ProbeOutcome.HTTP_ERROR else None
    assert str(ProbeResult(outcome, status)) == words


# --- the URL to click -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("best", "before", "by_url", "expected"),
    [
        ([], None, {}, None),
        ([], A, {}, None),
        ([A, B], None, {}, A),
        ([A, B], B, {}, B),
        ([A, B], C, {}, A),
        ([A, B], None, {A: None, B: None}, A),
        ([A, B], B, {A: None, B: None}, B),
        ([A, B], None, {A: OK, B: OK}, A),
        ([A, B], B, {A: OK, B: OK}, B),
        ([A, B], None, {A: None, B: OK}, B),
        ([A, B], None, {A: REFUSED, B: None}, B),
        ([A, B], None, {A: REFUSED, B: OK}, B),
        ([A, B], A, {A: REFUSED, B: None}, B),
        ([A, B], A, {A: REFUSED, B: OK}, B),
        ([A, B, C], A, {A: REFUSED, B: None, C: OK}, C),
        ([A, B], None, {A: REFUSED, B: LATE}, A),
        ([A, B], B, {A: REFUSED, B: LATE}, B),
        ([A], B, {A: OK, B: OK}, A),
    ],
    ids=[
        "no URL",
        "no URL any more",
        "not tried",
        "not tried, as before",
        "not tried, another before",
        "nothing known",
        "nothing known, as before",
        "all answer",
        "all answer, as before",
        "the second answers",
        "the first fails",
        "the first fails, the second answers",
        "left for one that may answer",
        "left for one that answers",
        "one that answers before one that may",
        "all fail",
        "all fail, as before",
        "listed no more",
    ],
)
def test_pick(
    best: list[str], before: str | None, by_url: ResultByUrl, expected: str | None
) -> None:
    ranks = dict.fromkeys(best, 0)
    results = ProbeResults(0.0, by_url)
    assert select_url(ranks, before, results, previous_was_probed=False) == expected


@pytest.mark.parametrize(
    ("before", "probed", "by_url", "expected"),
    [
        (None, False, {}, C),
        (A, False, {}, C),
        (None, False, {A: OK, C: None}, A),
        (A, False, {A: OK, B: OK, C: REFUSED}, A),
        (A, False, {A: OK, C: OK}, C),
        (A, True, {A: None, B: OK, C: None}, A),
        (A, True, {A: None, C: OK}, C),
        (C, True, {A: OK, C: None}, C),
        (C, True, {A: OK, C: REFUSED}, A),
        (None, False, {A: None, B: REFUSED, C: REFUSED}, A),
        (A, False, {A: REFUSED, B: REFUSED, C: REFUSED}, A),
    ],
    ids=[
        "not tried",
        "not tried, a less preferred one before",
        "only a less preferred one answers yet",
        "the most preferred one fails",
        "it answers again",
        "restart, the one before is not known yet",
        "restart, the most preferred one answers",
        "restart, the most preferred one is not known yet",
        "restart, the most preferred one fails",
        "one that may answer before some that do not",
        "all fail, as before",
    ],
)
def test_the_most_preferred_type_of_address_that_answers(
    before: str | None, probed: bool, by_url: ResultByUrl, expected: str
) -> None:
    ranks = {C: 0, A: 1, B: 1}
    results = ProbeResults(0.0, by_url)
    assert select_url(ranks, before, results, previous_was_probed=probed) == expected


# --- what is probed -------------------------------------------------------------------------------

CANDIDATE = ProbeCandidate(A, "10.0.0.1", 30001)
PROBE = {"periodSeconds": 10, "timeoutSeconds": 3, "failureThreshold": 4}


def probe_spec(**fields: Any) -> ProbeSpec:
    return ProbeSpec.model_validate(fields)


@pytest.mark.parametrize(
    ("probe", "enabled", "tried"),
    [
        (None, True, True),
        (probe_spec(), True, True),
        (probe_spec(enabled=False), True, False),
        (None, False, False),
        (probe_spec(enabled=True), False, False),
    ],
    ids=[
        "by default",
        "empty",
        "off by the app",
        "off by the owner",
        "the owner has the last word",
    ],
)
def test_whether_anything_is_tried(probe: ProbeSpec | None, enabled: bool, tried: bool) -> None:
    targets = probe_targets([CANDIDATE], probe, enabled=enabled)
    assert [target.url for target in targets] == [A] * tried


def test_how_it_is_tried() -> None:
    targets = probe_targets([CANDIDATE], probe_spec(**PROBE), enabled=True)
    assert targets == [Target(A, "10.0.0.1", 30001, False, 10.0, 3.0, 4)]
    assert probe_targets([CANDIDATE], None, enabled=True) == [
        Target(A, "10.0.0.1", 30001, False, 60.0, 2.0, 2)
    ]


@pytest.mark.parametrize(
    ("scheme", "kind", "http"),
    [
        ("http", "tcp", False),
        ("http", "http", True),
        ("https", "http", True),
        ("ws", "http", False),
        ("grpc", "http", False),
        ("httpx", "http", False),
    ],
)
def test_only_http_is_asked_for_a_page(scheme: str, kind: str, http: bool) -> None:
    url = f"{scheme}://10.0.0.1:30001"
    (target,) = probe_targets(
        [ProbeCandidate(url, "10.0.0.1", 30001)], probe_spec(type=kind), enabled=True
    )
    assert target.http is http


NODES = [node("a", ("InternalIP", "10.0.0.1"), ("InternalIP", "fd00::1"))]
TRIED = (A, "10.0.0.1", 30001)
BALANCED: Json = {"loadBalancer": {"ingress": [{"ip": "203.0.113.1"}]}}


@pytest.mark.parametrize(
    ("service", "nodes", "settings", "probe_urls"),
    [
        (service_body(), {}, {}, [TRIED]),
        (service_body(port(80)), {}, {}, []),
        (service_body(port(80), type="ClusterIP"), {}, {}, []),
        (service_body(port(80, 30001, "UDP"), port(80, 30001, "SCTP")), {}, {}, []),
        (service_body(port(80, 30001), port(53, 30002, "UDP")), {}, {}, [TRIED]),
        (service_body(ipFamilies=["IPv6"]), {}, {}, [("http://[fd00::1]:30001", "fd00::1", 30001)]),
        ({**service_body(type="LoadBalancer"), "status": BALANCED}, {}, {}, [TRIED]),
        (service_body(), {}, {"port_mappings": {(30001, "TCP"): 8080}}, [TRIED]),
        (service_body(), {"host": "app.example"}, {}, []),
        (service_body(), {"host": "app.example"}, {"probe_hosts": frozenset({"other"})}, []),
        (
            service_body(),
            {"host": "app.example"},
            {"probe_hosts": frozenset({"app.example"})},
            [("http://app.example:30001", "app.example", 30001)],
        ),
        (
            service_body(),
            {},
            {"nodes_host": "all.example"},
            [("http://all.example:30001", "all.example", 30001)],
        ),
        (service_body(), {}, {"nodes_host": "localhost"}, []),
        (service_body(), {}, {"nodes_host": "127.0.0.1"}, []),
        (service_body(), {}, {"nodes_host": "a.localhost"}, []),
        (service_body(ipFamilies=["IPv6"]), {}, {"nodes_host": "::1"}, []),
        (service_body(), {"selector": {"no": "node"}}, {}, []),
    ],
    ids=[
        "NodePort",
        "no node port yet",
        "ClusterIP",
        "UDP and SCTP",
        "TCP beside UDP",
        "IPv6",
        "LoadBalancer",
        "port mapping",
        "a host of the app's author",
        "not that host",
        "a host that may be tried",
        "the owner's host",
        "localhost",
        "a loopback address",
        "a name of localhost",
        "an IPv6 loopback address",
        "no node",
    ],
)  # fmt: skip
def test_what_can_be_tried(
    service: Json, nodes: Json, settings: dict[str, Any], probe_urls: list[tuple[str, str, int]]
) -> None:
    exposure = compute_exposure(
        APP, spec_of(nodes=nodes), service, [], NodeIndex(NODES), Settings(**settings)
    )
    assert list(exposure.probe_urls) == probe_urls
    # Only listed URLs are probed.
    assert {url for url, _, _ in exposure.probe_urls} <= set(exposure.urls)


def exposure_at_host(host: str | None, settings: dict[str, Any] | None = None) -> Exposure:
    """The exposure of an app with this spec.nodes.host; None: without one."""
    nodes = [node(f"n{i}", ("InternalIP", f"10.0.0.{i}"), kubelet_port=10250) for i in range(1, 6)]
    service = service_body(port(53, 30053, "UDP"), port(80, 30001), port(81, 30002))
    spec = spec_of(nodes={"host": host} if host else {})
    return compute_exposure(APP, spec, service, [], NodeIndex(nodes), Settings(**settings or {}))


def test_where_a_host_stands_for_the_nodes_some_of_them_are_tried_too() -> None:
    exposure = exposure_at_host(None, {"nodes_host": "203.0.113.7"})
    assert len(exposure.stand_ins) == 3
    assert {port for _, _, port in exposure.stand_ins} == {30001}
    assert not {url for url, _, _ in exposure.stand_ins} & set(exposure.urls)
    assert exposure.main_urls == {"http://203.0.113.7:30001"}
    hosts = {host for _, host, _ in exposure.stand_ins}
    assert {exposure.control_ports[host] for host in hosts} == {10250}
    assert "203.0.113.7" not in exposure.control_ports


def test_the_operator_s_own_node_is_no_control() -> None:
    """Traffic between a pod and its own node is allowed under any NetworkPolicy."""
    exposure = exposure_at_host(None, {"node_name": "n2"})
    assert exposure.control_ports.keys() == {f"10.0.0.{i}" for i in (1, 3, 4, 5)}


def test_what_stands_for_itself_has_no_stand_in() -> None:
    assert exposure_at_host(None).stand_ins == ()
    # A node's own address as the host: that node is listed by it.
    own = exposure_at_host(None, {"nodes_host": "10.0.0.1"})
    assert len(own.stand_ins) == 3
    assert "10.0.0.1" not in {host for _, host, _ in own.stand_ins}


def test_a_host_that_may_not_be_tried_brings_no_other_tries() -> None:
    assert exposure_at_host("apps.example").stand_ins == ()
    allowed = {"probe_hosts": frozenset({"apps.example"})}
    assert len(exposure_at_host("apps.example", allowed).stand_ins) == 3


def test_a_restart_does_not_change_the_url() -> None:
    """Another URL may answer first; the one that answered before is as good."""
    assert (
        select_url(
            {"a": 0, "b": 0}, "a", ProbeResults(0.0, {"a": None, "b": OK}), previous_was_probed=True
        )
        == "a"
    )
    assert (
        select_url(
            {"a": 0, "b": 0},
            "a",
            ProbeResults(0.0, {"a": REFUSED, "b": OK}),
            previous_was_probed=True,
        )
        == "b"
    )
    assert select_url({"b": 0}, "a", ProbeResults(0.0, {"b": OK}), previous_was_probed=True) == "b"


@pytest.mark.parametrize(
    ("by_url", "waited", "expected"),
    [
        ({"a": OK, "b": OK}, 1.0, None),
        ({"a": OK, "b": REFUSED}, 1.0, 29.0),
        ({"a": None}, 10.0, 20.0),
        ({"a": REFUSED}, 30.0, None),
    ],
)
def test_patience(by_url: ResultByUrl, waited: float, expected: float | None) -> None:
    """An app that does not answer is evaluated again once, when the grace period ends."""
    assert grace_left(ProbeResults(0.0, by_url), waited) == expected


# --- after a change -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("by_url", "before", "waited", "expected"),
    [
        ({A: None, B: None}, ANSWERS, SOON, WAITING),
        ({A: None, B: None}, NONE, SOON, WAITING),
        ({A: None, B: None}, SOME, SOON, WAITING),
        ({A: None, B: REFUSED}, ANSWERS, SOON, WAITING),
        ({A: REFUSED, B: LATE}, NONE, SOON, WAITING),
        ({A: REFUSED, B: LATE}, ANSWERS, LONG, NONE),
        ({A: OK, B: None}, NONE, SOON, ANSWERS),
        ({A: OK, B: None}, ANSWERS, SOON, ANSWERS),
        ({A: OK, B: None, C: None}, SOME, SOON, SOME),
        ({A: REFUSED, B: OK, C: OK}, SOME, SOON, SOME),
        ({A: REFUSED, B: OK, C: OK}, ANSWERS, SOON, ANSWERS),
        ({A: REFUSED, B: OK, C: OK}, ANSWERS, LONG, SOME),
    ],
    ids=[
        "it answered",
        "it did not",
        "some did",
        "one has failed",
        "none as before, and yet it has its time",
        "none after the time",
        "mended",
        "the first answer",
        "the first answer, the rest as before",
        "some fail as before",
        "some fail at first",
        "some fail later",
    ],
)
def test_judge_afresh(
    by_url: ResultByUrl, before: ConditionValues | None, waited: float, expected: ConditionValues
) -> None:
    results = ProbeResults(0.0, by_url, fresh_only=True)
    if expected == NONE:
        expected = counted("Unreachable", 0, 2, f"{A}: {REFUSED}", f"{B}: {LATE}")
    assert evaluated(results, before, waited) == expected


def test_what_counts_afresh() -> None:
    known = ProbeResults(0.0, {A: OK, B: REFUSED}, frozenset({A}), 5.0, not_probed="Something.")
    assert known.only_fresh() == ProbeResults(
        5.0,
        {A: None, B: REFUSED},
        backends_changed_at=5.0,
        fresh_only=True,
        not_probed="Something.",
    )
    assert ProbeResults(3.0, {A: OK}).only_fresh() == ProbeResults(3.0, {A: OK}, fresh_only=True)


SERVICE = service_body()


@pytest.mark.parametrize(
    ("service", "pods", "differs"),
    [
        (service_body(), ["q", "p"], False),
        (service_body(), ["p"], True),
        (service_body(), ["p", "q", "r"], True),
        (service_body(), None, False),
        (service_body(selector={"app": "other"}), ["p", "q"], True),
        (service_body(externalTrafficPolicy="Local"), ["p", "q"], True),
        (service_body(port(80, 30001, targetPort=9)), ["p", "q"], True),
        (service_body(port(80, 30002)), None, True),
        ({**service_body(), "metadata": {"labels": {"a": "b"}}}, ["p", "q"], False),
        ({**service_body(), "status": BALANCED}, ["p", "q"], False),
    ],
    ids=[
        "the same",
        "fewer pods",
        "more pods",
        "pods on their way",
        "another selector",
        "another policy",
        "another targetPort",
        "another node port",
        "a label",
        "a balancer",
    ],
)
def test_what_is_behind(service: Json, pods: list[str] | None, differs: bool) -> None:
    before = backend_fingerprint(SERVICE, ["p", "q"])
    assert backend_fingerprint(service, pods).changed_since(before) is differs


def test_pods_on_their_way_leave_the_former_ones() -> None:
    assert BackendFingerprint(2, None).keeping_pods_of(
        BackendFingerprint(1, 7)
    ) == BackendFingerprint(2, 7)
    assert BackendFingerprint(2, 8).keeping_pods_of(BackendFingerprint(1, 7)) == BackendFingerprint(
        2, 8
    )
    assert not BackendFingerprint(1, 7).changed_since(BackendFingerprint(1, None))


# --- what is not probed ---------------------------------------------------------------------------

OWNER = "Probing is disabled in the operator's configuration (chart value probe.enabled)."
AUTHOR = "Probing is disabled by spec.probe.enabled."
DATAGRAMS = "UDP and SCTP ports cannot be probed."
HOST = (
    "spec.nodes.host is probed only if the operator's configuration allows it "
    "(chart value probe.hosts)."
)
INSIDE = "The Service has no address outside the cluster."
OFF: Json = {"probe": {"enabled": False}}


@pytest.mark.parametrize(
    ("service", "spec", "settings", "ready", "reason"),
    [
        (None, {}, {}, True, "There is no Service yet."),
        (service_body(port(80), type="ClusterIP"), OFF, {}, False, INSIDE),
        (
            {"spec": {"type": "ExternalName", "externalName": "db.example"}},
            {"image": None, "ports": None},
            {},
            False,
            INSIDE,
        ),
        (service_body(), OFF, {"probe": False}, True, OWNER),
        (service_body(), OFF, {}, False, AUTHOR),
        (service_body(port(53, 30001, "UDP")), {}, {}, False, DATAGRAMS),
        (service_body(port(53, 30001, "UDP"), port(9, 30002, "SCTP")), {}, {}, True, DATAGRAMS),
        (service_body(), {"nodes": {"host": "app.example"}}, {}, False, HOST),
        (service_body(), {}, {}, False, "No pod is ready."),
        (
            service_body(),
            {"nodes": {"host": "app.example"}},
            {"probe_hosts": frozenset({"app.example"})},
            False,
            "No pod is ready.",
        ),
        (service_body(), {}, {}, True, "There is no node URL to probe."),
    ],
    ids=[
        "no Service",
        "ClusterIP",
        "ExternalName",
        "off by the owner",
        "off by the app",
        "UDP",
        "UDP and SCTP",
        "a host",
        "no pod",
        "a host that is listed, and no pod",
        "no node",
    ],
)  # fmt: skip
def test_why_nothing_is_tried(
    service: Json | None, spec: Json, settings: dict[str, Any], ready: bool, reason: str
) -> None:
    if service and service["spec"]["type"] == "ExternalName":
        spec = {**spec, "service": {"type": "ExternalName", "externalName": "db.example"}}
    assert no_probe_reason(spec_of(**spec), service, Settings(**settings), ready=ready) == reason
    if not spec:
        assert no_probe_reason(None, service, Settings(**settings), ready=ready) == reason


BALANCER = {**service_body(type="LoadBalancer"), "status": BALANCED}
MIXED = service_body(port(80, 30001), port(53, 30002, "UDP"))


@pytest.mark.parametrize(
    ("service", "mappings", "note"),
    [
        (service_body(), {}, ""),
        (MIXED, {}, "Not probed: UDP and SCTP ports."),
        (BALANCER, {}, "Not probed: load balancer URLs, status.url among them."),
        (
            service_body(),
            {(30001, "TCP"): 8080},
            "Not probed: localhost URLs, status.url among them.",
        ),
        (MIXED, {(30002, "UDP"): 8080}, "Not probed: UDP and SCTP ports and localhost URLs."),
        (
            BALANCER,
            {(30001, "TCP"): 8080},
            "Not probed: load balancer URLs and localhost URLs, status.url among them.",
        ),
    ],
    ids=["nothing", "UDP beside TCP", "balancer", "localhost", "both", "all but nodes"],
)
def test_what_is_not_checked_beside_it(
    service: Json, mappings: dict[tuple[int, str], int], note: str
) -> None:
    settings = Settings(port_mappings=mappings)
    exposure = compute_exposure(APP, spec_of(), service, [], NodeIndex(NODES), settings)
    tried = {url for url, _, _ in exposure.probe_urls}
    assert tried
    assert not_probed_note(service, exposure.urls, exposure.preferred, tried) == note


def test_what_is_left_out_is_told_beside_the_answers() -> None:
    not_probed = "Not probed: UDP and SCTP ports."
    for by_url, message in [
        ({A: OK}, f"The node URLs answer, tried from the operator's pod. {not_probed}"),
        (
            {A: REFUSED},
            f"0 of 1 node URLs answer, tried from the operator's pod; {A}: {REFUSED}. {not_probed}",
        ),
    ]:
        results = ProbeResults(0.0, by_url, not_probed=not_probed)
        assert evaluate(results, None, LONG).message == message
    assert evaluate(ProbeResults(None, {}, not_probed=DATAGRAMS), None, 0.0).message == DATAGRAMS
