"""From what was observed to the status: what Ready says, where the app is, what is written."""

from dataclasses import replace
from typing import Any

import pytest

from exposedapp.api import Condition, ExposedAppStatus, Json
from exposedapp.resources import Identity
from exposedapp.status import (
    WAITING_REASONS,
    Endpoint,
    Observed,
    Problem,
    Reason,
    Trouble,
    changes,
    compute,
    is_urgent,
    pod_trouble,
    rollout_complete,
    summary,
)
from unit.objects import APP, deployment_body, node, pod_body, service_body, spec_of

NEW = ExposedAppStatus(observed_generation=-1)
NODES = [node("a", ("InternalIP", "10.0.0.1")), node("b", ("InternalIP", "10.0.0.2"))]
BEFORE, NOW = "2026-01-01T00:00:00Z", "2026-01-01T00:01:00Z"

WELL = Observed(
    app=APP,
    generation=7,
    spec=spec_of(),
    previous=NEW,
    deployment=deployment_body(),
    service=service_body(),
    endpoints=[Endpoint("p", ready=True, terminating=False)],
    nodes=NODES,
    trouble=None,
    problems=[],
    waiting={},
    now=BEFORE,
)
STOPPED = replace(WELL, spec=spec_of(replicas=0), deployment=deployment_body(0), endpoints=[])


def condition(status: ExposedAppStatus, kind: str) -> Condition | None:
    return next((it for it in status.conditions or () if it.type == kind), None)


def told(seen: Observed, kind: str = "Ready") -> tuple[str, str, str]:
    found = condition(compute(seen), kind)
    assert found is not None
    return found.status, found.reason, found.message


def kinds(status: ExposedAppStatus) -> list[str]:
    return [it.type for it in status.conditions or ()]


# --- Ready --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reason", "child"),
    [
        (Reason.INVALID_SPEC, None),
        (Reason.NOT_OWNED, "Deployment"),
        (Reason.NOT_OWNED, "Service"),
        (Reason.NODE_PORT_CONFLICT, "Service"),
        (Reason.NODE_PORTS_EXHAUSTED, "Service"),
        (Reason.QUOTA_EXCEEDED, "Deployment"),
        (Reason.FORBIDDEN, "Service"),
    ],
)
@pytest.mark.parametrize(
    "seen",
    [
        WELL,
        STOPPED,
        replace(STOPPED, nodes=[]),
        replace(WELL, trouble=Trouble(Reason.IMAGE_PULL, "")),
    ],
    ids=["running", "stopped", "no node", "pods in trouble"],
)
def test_a_problem(seen: Observed, reason: Reason, child: Any) -> None:
    # Whatever else there is to say: nothing of it heals before this does.
    seen = replace(seen, problems=[Problem(reason, "The server's words.", child)])
    expected = ("False", reason.value, "The server's words.")
    assert told(seen) == expected
    assert told(seen, "Stalled") == ("True", *expected[1:])
    assert condition(compute(seen), "Reconciling") is None
    for kind, part in (("WorkloadAvailable", "Deployment"), ("ServiceReady", "Service")):
        assert (told(seen, kind) == expected) is (child in (part, None))


def test_the_first_of_two_problems_is_told() -> None:
    seen = replace(
        WELL,
        problems=[
            Problem(Reason.QUOTA_EXCEEDED, "No more pods.", "Deployment"),
            Problem(Reason.NODE_PORT_CONFLICT, "30008 is taken.", "Service"),
        ],
    )
    assert told(seen)[1:] == ("QuotaExceeded", "No more pods.")
    assert told(seen, "ServiceReady")[1:] == ("NodePortConflict", "30008 is taken.")


def test_a_spec_that_could_not_be_parsed() -> None:
    seen = replace(
        WELL, spec=None, problems=[Problem(Reason.INVALID_SPEC, "spec.ports: Field required")]
    )
    assert told(seen) == ("False", "InvalidSpec", "spec.ports: Field required")
    # What ran before still runs, and where it is still holds.
    assert compute(seen).url == "http://10.0.0.1:30001"


def failing(kind: str, status: str, message: str) -> Json:
    return deployment_body(2, 1, conditions=[{"type": kind, "status": status, "message": message}])


TWO = replace(WELL, spec=spec_of(replicas=2), deployment=deployment_body(2, 1))
REFUSED = 'pods "web-1" is forbidden: exceeded quota: small'
LATE = 'ReplicaSet "web-1" has timed out progressing.'


@pytest.mark.parametrize(
    ("seen", "reason", "message"),
    [
        (TWO, "Progressing", "1 of 2 pods are ready."),
        (
            replace(TWO, trouble=Trouble(Reason.UNSCHEDULABLE, "0/3 nodes are available.")),
            "Unschedulable",
            "1 of 2 pods are ready. 0/3 nodes are available.",
        ),
        (
            replace(TWO, trouble=Trouble(Reason.IMAGE_PULL, "")),
            "ImagePullBackOff",
            "1 of 2 pods are ready.",
        ),
        (
            replace(TWO, deployment=failing("ReplicaFailure", "True", REFUSED)),
            "FailedCreate",
            f"1 of 2 pods are ready. {REFUSED}",
        ),
        (
            replace(TWO, deployment=failing("Progressing", "False", LATE)),
            "ProgressDeadlineExceeded",
            f"1 of 2 pods are ready. {LATE}",
        ),
        (
            # The pods know better than the Deployment.
            replace(
                TWO,
                deployment=failing("Progressing", "False", LATE),
                trouble=Trouble(Reason.CRASH_LOOP, "It ends."),
            ),
            "CrashLoopBackOff",
            "1 of 2 pods are ready. It ends.",
        ),
        (
            replace(TWO, deployment=failing("ReplicaFailure", "False", REFUSED)),
            "Progressing",
            "1 of 2 pods are ready.",
        ),
        (
            replace(TWO, deployment=failing("Progressing", "True", "on its way")),
            "Progressing",
            "1 of 2 pods are ready.",
        ),
        (
            # All pods are ready, but those of the old template.
            replace(WELL, deployment=deployment_body(updatedReplicas=0)),
            "Progressing",
            "1 of 1 pods are ready.",
        ),
        (
            # One more than wanted: an old pod is still there.
            replace(WELL, deployment=deployment_body(1, 2, replicas=2)),
            "Progressing",
            "1 of 1 pods are ready.",
        ),
        (
            replace(WELL, deployment=deployment_body(observedGeneration=2)),
            "Progressing",
            "1 of 1 pods are ready.",
        ),
        (replace(WELL, deployment=None), "Progressing", "There is no Deployment yet."),
        (replace(WELL, service=None), "Progressing", "There is no Service yet."),
        (replace(STOPPED, service=None), "Progressing", "There is no Service yet."),
        (
            replace(WELL, deployment=None, waiting={"Deployment": "The old one is going."}),
            "Progressing",
            "The old one is going.",
        ),
        (
            replace(WELL, service=None, waiting={"Service": "The old one is going."}),
            "Progressing",
            "The old one is going.",
        ),
        (
            replace(WELL, endpoints=[Endpoint("p", ready=False, terminating=False)]),
            "Progressing",
            "0 of 1 pods get traffic from the Service.",
        ),
        (
            replace(WELL, endpoints=[]),
            "Progressing",
            "0 of 1 pods get traffic from the Service.",
        ),
    ],
    ids=[
        "pods missing",
        "pod unschedulable",
        "trouble without a message",
        "FailedCreate",
        "ProgressDeadlineExceeded",
        "pods before Deployment",
        "FailedCreate is over",
        "no deadline passed",
        "old template",
        "old pod left",
        "not yet observed",
        "no Deployment",
        "no Service",
        "no Service while stopped",
        "Deployment waits",
        "Service waits",
        "endpoint not ready",
        "no endpoint",
    ],
)
def test_not_yet_as_wanted(seen: Observed, reason: str, message: str) -> None:
    assert told(seen) == ("False", reason, message)
    assert told(seen, "Reconciling") == ("True", reason, message)
    assert condition(compute(seen), "Stalled") is None


def test_available() -> None:
    assert told(WELL) == ("True", "Available", "1 of 1 pods are ready.")
    assert told(WELL, "WorkloadAvailable") == ("True", "Available", "1 of 1 pods are ready.")
    assert told(WELL, "ServiceReady") == ("True", "Available", "1 of 1 pods get traffic.")
    assert kinds(compute(WELL)) == ["Ready", "WorkloadAvailable", "ServiceReady"]


def test_scaled_to_zero() -> None:
    assert told(STOPPED)[:2] == ("True", "ScaledToZero")
    assert told(STOPPED, "WorkloadAvailable")[:2] == ("True", "ScaledToZero")
    assert told(STOPPED, "ServiceReady")[:2] == ("True", "ScaledToZero")
    assert kinds(compute(STOPPED)) == ["Ready", "WorkloadAvailable", "ServiceReady"]
    # The address is kept.
    assert compute(STOPPED).url == "http://10.0.0.1:30001"


@pytest.mark.parametrize(
    ("nodes", "message"),
    [
        ([], "there are no nodes"),
        ([node("a", ready=False)], "1 not ready"),
        (
            [node("a", ready=False), node("b", deleting=True), node("c", ready=False)],
            "1 being deleted, 2 not ready",
        ),
        ([node("a", ("InternalIP", "fd00::1"))], "1 without an IPv4 address"),
    ],
    ids=["none", "one", "of each", "of another family"],
)
def test_no_eligible_node(nodes: list[Any], message: str) -> None:
    seen = replace(WELL, nodes=nodes)
    expected = f"No node forwards to the app: {message}."
    assert told(seen) == ("False", "NoEligibleNode", expected)
    # Nothing is under way, and nothing is wrong with the spec.
    assert kinds(compute(seen)) == ["Ready", "WorkloadAvailable", "ServiceReady"]
    assert compute(seen).url is None
    assert compute(seen).urls == []


def test_stopped_and_without_a_node_is_still_as_wanted() -> None:
    assert told(replace(STOPPED, nodes=[]))[:2] == ("True", "ScaledToZero")


@pytest.mark.parametrize(
    ("deployment", "complete"),
    [
        (deployment_body(2), True),
        (deployment_body(0), True),
        (deployment_body(2, 1), False),
        (deployment_body(2, replicas=3), False),
        (deployment_body(2, updatedReplicas=1), False),
        (deployment_body(1, observedGeneration=2), False),
        ({"metadata": {"generation": 1}, "spec": {"replicas": 1}, "status": {}}, False),
        ({"metadata": {"generation": 1}, "spec": {"replicas": 0}}, False),
    ],
    ids=[
        "complete",
        "none wanted",
        "not available",
        "one too many",
        "an old one",
        "not observed",
        "no status yet",
        "no status at all",
    ],
)
def test_rollout_complete(deployment: Json, complete: bool) -> None:
    assert rollout_complete(deployment) is complete


# --- what the pods say --------------------------------------------------------------------------


@pytest.mark.parametrize(("word", "reason"), WAITING_REASONS.items())
def test_every_cause_has_a_word_of_the_closed_list(word: str, reason: Reason) -> None:
    found = pod_trouble([pod_body("web-1", waiting={"reason": word, "message": "Its words."})])
    assert found == Trouble(reason, "Pod web-1: Its words.")


UNSCHEDULABLE: Json = {
    "type": "PodScheduled",
    "status": "False",
    "reason": "Unschedulable",
    "message": "0/3 nodes are available: 3 Insufficient cpu.",
}
PULL: Json = {"reason": "ImagePullBackOff", "message": "Back-off pulling image"}
CRASH: Json = {
    "reason": "CrashLoopBackOff",
    "message": "back-off 40s restarting failed container=app pod=web-1_shop(uid)",
}


@pytest.mark.parametrize(
    ("pods", "expected"),
    [
        ([], None),
        ([pod_body("web-1")], None),
        ([pod_body("web-1", waiting={"reason": "ContainerCreating"})], None),
        ([pod_body("web-1", waiting={"reason": "PodInitializing"})], None),
        (
            [pod_body("web-1", waiting={"reason": "CreateContainerConfigError"})],
            Trouble(Reason.CONTAINER_CONFIG, "Pod web-1: CreateContainerConfigError"),
        ),
        (
            # The seconds of the back-off change at every try; how the container ended does not.
            [pod_body("web-1", waiting=CRASH, last={"reason": "Error", "exitCode": 3})],
            Trouble(
                Reason.CRASH_LOOP, "Pod web-1: the container keeps ending (Error, exit code 3)"
            ),
        ),
        (
            [
                pod_body(
                    "web-1",
                    waiting=CRASH,
                    last={"reason": "OOMKilled", "exitCode": 137, "message": "no memory\n"},
                )
            ],
            Trouble(
                Reason.CRASH_LOOP,
                "Pod web-1: the container keeps ending (OOMKilled, exit code 137): no memory",
            ),
        ),
        (
            [pod_body("web-1", waiting=PULL, init=True, container="init")],
            Trouble(Reason.IMAGE_PULL, "Pod web-1, container init: Back-off pulling image"),
        ),
        (
            [pod_body("web-1", conditions=[UNSCHEDULABLE])],
            Trouble(Reason.UNSCHEDULABLE, "0/3 nodes are available: 3 Insufficient cpu."),
        ),
        (
            [pod_body("web-1", conditions=[{"type": "PodScheduled", "status": "True"}])],
            None,
        ),
        (
            [
                pod_body("old", created="2026-01-01T00:00:00Z", conditions=[UNSCHEDULABLE]),
                pod_body("new", created="2026-01-01T00:00:01Z", waiting=PULL),
            ],
            Trouble(Reason.IMAGE_PULL, "Pod new: Back-off pulling image"),
        ),
        (
            [
                pod_body("old", created="2026-01-01T00:00:00Z", waiting=PULL),
                pod_body("new", created="2026-01-01T00:00:01Z"),
            ],
            Trouble(Reason.IMAGE_PULL, "Pod old: Back-off pulling image"),
        ),
        ([{"metadata": {"name": "web-1", "creationTimestamp": BEFORE}}], None),
    ],
    ids=[
        "no pods",
        "running",
        "starting",
        "init containers at work",
        "no message",
        "keeps ending",
        "keeps ending with words",
        "init container",
        "unschedulable",
        "scheduled",
        "the newest first",
        "then the older ones",
        "no status yet",
    ],
)
def test_pod_trouble(pods: list[Json], expected: Trouble | None) -> None:
    assert pod_trouble(pods) == expected


# --- times and generations ----------------------------------------------------------------------


def test_the_same_again_is_equal() -> None:
    first = compute(WELL)
    assert compute(replace(WELL, previous=first, now=NOW)) == first


def test_a_transition_has_the_time_it_happened_at() -> None:
    first = compute(WELL)
    later = compute(replace(TWO, previous=first, now=NOW))
    times = {it.type: it.last_transition_time for it in later.conditions or ()}
    assert times == {
        "Ready": NOW,
        "WorkloadAvailable": NOW,
        "ServiceReady": NOW,
        "Reconciling": NOW,
    }


def test_another_reason_is_no_transition() -> None:
    first = compute(TWO)
    crash = replace(TWO, previous=first, trouble=Trouble(Reason.CRASH_LOOP, "It ends."), now=NOW)
    ready = summary(compute(crash))
    assert ready is not None
    assert (ready.reason, ready.last_transition_time) == ("CrashLoopBackOff", BEFORE)


def test_reconciling_and_stalled_come_and_go() -> None:
    first = compute(TWO)
    assert "Reconciling" in kinds(first)
    stalled = compute(
        replace(TWO, previous=first, problems=[Problem(Reason.FORBIDDEN, "No.", "Service")])
    )
    assert [kind for kind in kinds(stalled) if kind in ("Reconciling", "Stalled")] == ["Stalled"]
    well = compute(replace(WELL, previous=stalled))
    assert not {"Reconciling", "Stalled"} & set(kinds(well))


def test_everything_answers_the_generation_that_was_read() -> None:
    status = compute(WELL)
    assert status.observed_generation == 7
    assert {it.observed_generation for it in status.conditions or ()} == {7}


def test_summary() -> None:
    assert summary(NEW) is None
    ready = summary(compute(WELL))
    assert ready is not None
    assert ready.type == "Ready"


# --- addresses ----------------------------------------------------------------------------------


def port(number: int, node_port: int | None = None, protocol: str = "TCP", **more: Any) -> Json:
    found = {"port": number, "targetPort": number, "protocol": protocol, **more}
    return {**found, "nodePort": node_port} if node_port else found


@pytest.mark.parametrize(
    ("ports", "url", "urls"),
    [
        (
            [port(80, 30001)],
            "http://10.0.0.1:30001",
            ["http://10.0.0.1:30001", "http://10.0.0.2:30001"],
        ),
        (
            [port(81, 30009), port(80, 30001)],
            "http://10.0.0.1:30009",
            [
                "http://10.0.0.1:30001",
                "http://10.0.0.1:30009",
                "http://10.0.0.2:30001",
                "http://10.0.0.2:30009",
            ],
        ),
        (
            [port(53, 30053, "UDP")],
            "udp://10.0.0.1:30053",
            ["udp://10.0.0.1:30053", "udp://10.0.0.2:30053"],
        ),
        (
            [port(36412, 30412, "SCTP")],
            "sctp://10.0.0.1:30412",
            ["sctp://10.0.0.1:30412", "sctp://10.0.0.2:30412"],
        ),
        (
            [port(53, 30053, "UDP"), port(80, 30001)],
            "http://10.0.0.1:30001",
            [
                "http://10.0.0.1:30001",
                "http://10.0.0.2:30001",
                "udp://10.0.0.1:30053",
                "udp://10.0.0.2:30053",
            ],
        ),
        ([port(80)], None, []),
    ],
    ids=["one", "first port first", "UDP", "SCTP", "TCP before UDP", "not allocated"],
)
def test_urls(ports: list[Json], url: str | None, urls: list[str]) -> None:
    status = compute(replace(WELL, service=service_body(*ports), nodes=NODES[::-1]))
    assert (status.url, status.urls) == (url, urls)


def test_urls_of_two_families() -> None:
    both = node("a", ("InternalIP", "10.0.0.1"), ("InternalIP", "fd00::1"))
    service = service_body(ipFamilies=["IPv4", "IPv6"], clusterIPs=["10.96.0.1", "fd01::1"])
    status = compute(replace(WELL, service=service, nodes=[both]))
    assert status.urls == ["http://10.0.0.1:30001", "http://[fd00::1]:30001"]
    assert status.cluster_ips == ["10.96.0.1", "fd01::1"]


def test_the_url_stays_while_it_is_listed() -> None:
    first = compute(replace(WELL, nodes=NODES[1:]))
    assert first.url == "http://10.0.0.2:30001"
    more = compute(replace(WELL, previous=first))
    assert more.url == "http://10.0.0.2:30001"
    gone = compute(replace(WELL, previous=more, nodes=NODES[:1]))
    assert gone.url == "http://10.0.0.1:30001"


def test_the_url_goes_with_its_node_port() -> None:
    first = compute(WELL)
    moved = compute(replace(WELL, previous=first, service=service_body(port(80, 30002))))
    assert moved.url == "http://10.0.0.1:30002"


def test_at_most_so_many_nodes_are_listed() -> None:
    nodes = [node(f"n{i}", ("InternalIP", f"10.0.0.{i}")) for i in range(40)]
    status = compute(replace(WELL, nodes=nodes))
    assert status.nodes is not None
    assert (status.nodes.eligible, status.nodes.listed) == (40, 16)
    assert len(status.urls or ()) == 16
    assert status.urls == sorted(status.urls or ())
    other = compute(replace(WELL, app=Identity("shop", "web", "uid-other"), nodes=nodes))
    assert other.urls != status.urls


def test_the_other_ways_in() -> None:
    status = compute(WELL)
    assert status.cluster_url == "http://web.shop.svc:80"
    assert status.proxy_path == "/api/v1/namespaces/shop/services/web:80/proxy/"
    assert status.cluster_ips == ["10.96.0.1"]
    assert status.selector == "exposedapp.dev/name=web"


def test_a_headless_service_has_no_cluster_ip() -> None:
    assert compute(replace(WELL, service=service_body(clusterIPs=["None"]))).cluster_ips == []


def test_the_ports_are_as_the_cluster_has_them() -> None:
    ports = [port(53, 30053, name="dns"), {"port": 54, "targetPort": "dns"}]
    status = compute(replace(WELL, service=service_body(*ports)))
    assert [it.as_json() for it in status.ports or ()] == [
        {"name": "dns", "port": 53, "targetPort": 53, "nodePort": 30053, "protocol": "TCP"},
        {"name": None, "port": 54, "targetPort": "dns", "nodePort": None, "protocol": "TCP"},
    ]


def test_without_a_service_the_ports_are_remembered() -> None:
    first = compute(WELL)
    status = compute(replace(WELL, previous=first, service=None))
    # So that the Service gets the same node ports when it is made again.
    assert status.ports == first.ports
    assert (status.url, status.urls, status.nodes, status.cluster_url) == (None, None, None, None)


def test_counts() -> None:
    seen = replace(
        TWO,
        endpoints=[
            Endpoint("a", ready=True, terminating=False),
            Endpoint("a", ready=True, terminating=False),  # of the other IP family
            Endpoint("b", ready=False, terminating=False),
            Endpoint("c", ready=False, terminating=True),
        ],
    )
    status = compute(seen)
    assert (status.replicas, status.ready_replicas) == (2, 1)
    assert status.endpoints is not None
    assert (status.endpoints.ready, status.endpoints.total) == (1, 2)


def test_the_scale_subresource_always_has_a_number() -> None:
    # Without one, `kubectl scale` and autoscalers get an error 500.
    status = compute(replace(WELL, deployment=None))
    assert (status.replicas, status.ready_replicas) == (0, 0)


# --- what is written ----------------------------------------------------------------------------

FIRST = compute(WELL)


def after(**fields: Any) -> ExposedAppStatus:
    return compute(replace(WELL, previous=FIRST, now=NOW, **fields))


def test_an_equal_status_is_not_written() -> None:
    assert changes(FIRST, after()) == {}


def test_the_number_of_eligible_nodes_alone_is_not_written() -> None:
    many = [node(f"n{i}", ("InternalIP", "10.0.0.1")) for i in range(17)]
    first = compute(replace(WELL, nodes=many))
    # All have one address here, so the URLs are equal and nothing but the count is different.
    more = compute(replace(WELL, nodes=[*many, node("one-more")], previous=first))
    assert first.nodes != more.nodes
    assert changes(first, more) == {}


def test_a_listed_node_is_written() -> None:
    patch = changes(FIRST, after(nodes=NODES[:1]))
    assert patch == {
        "nodes": {"eligible": 1, "listed": 1},
        "urls": ["http://10.0.0.1:30001"],
    }


def test_only_what_changed_is_written() -> None:
    assert set(changes(FIRST, after(generation=8))) == {"observedGeneration", "conditions"}
    assert set(changes(FIRST, after(endpoints=[]))) == {"endpoints", "conditions"}


def test_what_is_no_longer_true_is_removed() -> None:
    patch = changes(FIRST, after(service=None))
    assert {key for key, value in patch.items() if value is None} == {
        "url",
        "urls",
        "nodes",
        "clusterIPs",
        "clusterURL",
        "proxyPath",
    }


def test_the_first_status_is_written_whole() -> None:
    patch = changes(NEW, FIRST)
    assert patch["observedGeneration"] == 7
    assert None not in patch.values()
    assert patch["clusterIPs"] == ["10.96.0.1"]
    assert patch["conditions"][0]["lastTransitionTime"] == BEFORE


@pytest.mark.parametrize(
    ("fields", "urgent"),
    [
        ({}, False),
        ({"generation": 8}, True),
        ({"nodes": NODES[:1]}, True),
        ({"nodes": []}, True),
        ({"service": service_body(port(80, 30002))}, True),
        ({"deployment": deployment_body(2, 1)}, True),
        ({"trouble": Trouble(Reason.CRASH_LOOP, "x"), "deployment": deployment_body(1, 0)}, True),
        ({"deployment": deployment_body(2)}, False),
        ({"endpoints": [*WELL.endpoints, Endpoint("q", ready=False, terminating=False)]}, False),
        ({"service": service_body(clusterIPs=["10.96.0.2"])}, False),
    ],
    ids=[
        "nothing",
        "generation",
        "a URL less",
        "no URL",
        "node port",
        "not ready",
        "another reason",
        "counts",
        "endpoints",
        "cluster IP",
    ],
)
def test_is_urgent(fields: dict[str, Any], urgent: bool) -> None:
    assert is_urgent(FIRST, after(**fields)) is urgent


def test_a_message_alone_is_not_urgent() -> None:
    first = compute(TWO)
    more = replace(
        TWO,
        previous=first,
        spec=spec_of(replicas=3),
        deployment=deployment_body(3, 2),
    )
    status = compute(more)
    assert changes(first, status)
    assert not is_urgent(first, status)
