# SPDX-License-Identifier: Apache-2.0
"""Whatever objects the API server stores, a status follows from them, and it is bounded."""

import json
from typing import Any

import orjson
from hypothesis import given, settings
from hypothesis import strategies as st

from exposedapp.api.app import ExposedAppSpec, ExposedAppStatus
from exposedapp.api.meta import Json
from exposedapp.api.service import Protocol
from exposedapp.exposure.backend import backend_fingerprint
from exposedapp.exposure.endpoints import parse_endpoint_slice, ready_pods
from exposedapp.exposure.exposure import Exposure
from exposedapp.exposure.node_selection import NodeIndex
from exposedapp.exposure.nodes import parse_node
from exposedapp.exposure.not_probed import no_probe_reason, not_probed_note
from exposedapp.exposure.probes import ProbeResults, probe_targets
from exposedapp.exposure.reachability import grace_left
from exposedapp.exposure.urls import compute_exposure
from exposedapp.settings import Settings
from exposedapp.status.compute import compute_status
from exposedapp.status.events import event_object, reachability_events, status_events
from exposedapp.status.observation import Observation
from exposedapp.status.pod_events import explain_pod
from exposedapp.status.pods import deciding_pods, pod_failure, unexplained_pod
from exposedapp.status.queries import awaits_first_probe, is_reconciling, reports_pod_failure
from exposedapp.status.rollout import rolled_out, workload_settled
from exposedapp.status.write_policy import is_urgent, status_patch
from support.objects import APP, spec_of
from support.probes import OK, REFUSED

MAX_STATUS_BYTES = 100_000
Strategy = st.SearchStrategy[Any]

ODD_TEXT = st.sampled_from(
    [
        "",
        " ",
        "None",
        "null",
        "::1",
        "fe80::1%eth0",
        "[",
        "a" * 300,
        "😀" * 300,
        "\n",
        '"',
        "\u0000",
    ]
)
TEXT = st.text(max_size=10) | ODD_TEXT
NUMBER = st.sampled_from([0, 1, 2, -1, 2**31 - 1]) | st.integers(-(2**31), 2**31 - 1)
STATUS = st.sampled_from(["True", "False", "Unknown"])


def items(element: Strategy) -> Strategy:
    return st.none() | st.lists(element, max_size=3)


def fields(required: dict[str, Strategy], optional: dict[str, Strategy]) -> Strategy:
    """An object; the API server leaves out what is optional and empty, or has null for a list."""
    return st.fixed_dictionaries(required, optional=optional)


def known_or_odd(*words: str) -> Strategy:
    return st.sampled_from(words) | TEXT


CONDITION = fields(
    {
        "type": known_or_odd("Ready", "PodScheduled", "Progressing", "ReplicaFailure"),
        "status": STATUS | TEXT,
    },
    {"reason": known_or_odd("Unschedulable", "NewReplicaSetAvailable"), "message": TEXT},
)
LABELS = st.dictionaries(known_or_odd("zone", "pod-template-hash"), TEXT, max_size=3)
META = fields(
    {"name": TEXT, "creationTimestamp": TEXT | st.none(), "generation": NUMBER},
    {"labels": LABELS | st.none(), "deletionTimestamp": TEXT},
)
NODE = fields(
    {"metadata": META},
    {
        "spec": fields({}, {"taints": items(fields({"key": TEXT, "effect": TEXT}, {}))}),
        "status": fields(
            {},
            {
                "conditions": items(CONDITION),
                "addresses": items(
                    fields(
                        {
                            "type": known_or_odd("InternalIP", "ExternalIP", "Hostname"),
                            "address": known_or_odd("10.0.0.1", "fd00::1", "node-1"),
                        },
                        {},
                    )
                ),
            },
        ),
    },
)
SLICE = fields(
    {},
    {
        "ports": items(fields({}, {"name": TEXT | st.none(), "port": NUMBER})),
        "endpoints": items(
            fields(
                {"addresses": st.lists(TEXT, min_size=1, max_size=2)},
                {
                    "conditions": fields(
                        {},
                        {
                            "ready": st.booleans() | st.none(),
                            "terminating": st.booleans() | st.none(),
                        },
                    ),
                    "targetRef": fields({}, {"uid": TEXT, "kind": TEXT}),
                    "nodeName": TEXT,
                },
            )
        ),
    },
)
CONTAINER = fields(
    {"name": TEXT, "ready": st.booleans(), "restartCount": NUMBER},
    {
        key: fields(
            {},
            {
                "waiting": fields(
                    {}, {"reason": known_or_odd("CrashLoopBackOff"), "message": TEXT}
                ),
                "terminated": fields({"exitCode": NUMBER}, {"reason": TEXT, "message": TEXT}),
                "running": fields({}, {"startedAt": TEXT | st.none()}),
            },
        )
        for key in ("state", "lastState")
    },
)
CONTAINER_SPEC = fields(
    {"name": TEXT},
    {
        "restartPolicy": known_or_odd("Always"),
        "resources": fields({}, {"limits": fields({}, {"memory": TEXT})}),
        **dict.fromkeys(("readinessProbe", "livenessProbe", "startupProbe"), fields({}, {})),
    },
)
POD = fields(
    {"metadata": META},
    {
        "spec": fields(
            {},
            {
                "nodeName": TEXT,
                "schedulerName": TEXT,
                "schedulingGates": items(fields({"name": TEXT}, {})),
                "resources": fields({}, {"limits": st.none()}),
                "volumes": items(
                    fields(
                        {"name": TEXT},
                        {
                            "persistentVolumeClaim": fields({"claimName": TEXT}, {}) | st.none(),
                            "ephemeral": fields({}, {}),
                        },
                    )
                ),
                "containers": items(CONTAINER_SPEC),
                "initContainers": items(CONTAINER_SPEC),
            },
        ),
        "status": fields(
            {},
            {
                "phase": known_or_odd("Pending", "Running", "Failed"),
                "reason": known_or_odd("Evicted"),
                "message": TEXT,
                "conditions": items(CONDITION),
                "containerStatuses": items(CONTAINER),
                "initContainerStatuses": items(CONTAINER),
            },
        ),
    },
)
EVENT = fields(
    {"metadata": META},
    {
        "reason": known_or_odd("FailedMount", "Unhealthy", "ProvisioningFailed"),
        "message": TEXT | st.just("Readiness probe failed: no"),
        "involvedObject": fields({}, {"name": TEXT, "fieldPath": TEXT | st.none()}),
        "lastTimestamp": TEXT | st.none(),
        "series": fields({}, {"lastObservedTime": TEXT}) | st.none(),
    },
)
DEPLOYMENT = fields(
    {"metadata": META, "spec": fields({}, {"replicas": NUMBER})},
    {
        "status": fields(
            {},
            {
                "conditions": items(CONDITION),
                **dict.fromkeys(
                    (
                        "observedGeneration",
                        "replicas",
                        "readyReplicas",
                        "updatedReplicas",
                        "availableReplicas",
                    ),
                    NUMBER,
                ),
            },
        )
    },
)
PORT = fields(
    {
        "port": st.integers(1, 65535),
        "targetPort": NUMBER | st.text("abc-", min_size=1, max_size=15),
        "protocol": st.sampled_from(Protocol.__args__),  # type: ignore[attr-defined]
    },
    {
        "name": st.text("abc-", max_size=63),
        "nodePort": st.integers(0, 65535),
        "appProtocol": known_or_odd("https", "kubernetes.io/wss"),
    },
)
SERVICE = fields(
    {
        "spec": fields(
            {"type": st.sampled_from(["NodePort", "ClusterIP", "LoadBalancer", "ExternalName"])},
            {
                "ports": items(PORT),
                "selector": LABELS | st.none(),
                "clusterIPs": items(known_or_odd("10.96.0.1", "None")),
                "ipFamilies": st.none() | st.sampled_from([[], ["IPv4"], ["IPv6", "IPv4"]]),
                "externalTrafficPolicy": st.sampled_from(["Local", "Cluster", ""]),
                "externalName": TEXT,
            },
        )
    },
    {
        "status": fields(
            {},
            {
                "loadBalancer": fields(
                    {},
                    {"ingress": items(fields({}, {"ip": TEXT, "hostname": TEXT, "ipMode": TEXT}))},
                )
            },
        )
    },
)
PREVIOUS = fields(
    {"observedGeneration": NUMBER},
    {
        "url": TEXT,
        "urls": items(TEXT),
        "nodes": fields({"eligible": NUMBER, "listed": NUMBER}, {}),
        "ports": items(PORT),
        "endpoints": fields({"ready": NUMBER, "total": NUMBER}, {}),
        "conditions": items(
            fields(
                {
                    "type": known_or_odd("Ready", "Reachable", "Stalled"),
                    "status": STATUS,
                    "reason": known_or_odd("Available", "Unreachable", "WaitingForAnswer"),
                    "message": TEXT,
                    "observedGeneration": NUMBER,
                    "lastTransitionTime": TEXT,
                },
                {},
            )
        ),
    },
)
SPEC = st.sampled_from(
    [
        None,
        spec_of(),
        spec_of(suspend=True),
        spec_of(image=None, selector={"app": "web"}),
        spec_of(nodes={"selector": {"zone": "a"}, "addressTypes": ["Hostname"]}),
        spec_of(nodes={"host": "lb.example.com"}, probe={"type": "http"}),
    ]
)


def status_of(
    spec: ExposedAppSpec | None,
    service: Json | None,
    deployment: Json | None,
    slices: list[Json],
    nodes: list[Json],
    pods: list[Json],
    previous: ExposedAppStatus,
    result: Any,
) -> ExposedAppStatus:
    """All that a reconcile computes from these objects, one step after the other."""
    endpoints = [endpoint for body in slices for endpoint in parse_endpoint_slice(body)]
    index, config = NodeIndex(map(parse_node, nodes)), Settings()
    exposure = Exposure(ports=previous.ports or ())
    if service is not None:
        exposure = compute_exposure(APP, spec, service, endpoints, index, config)
    observation = Observation(
        app=APP,
        generation=1,
        spec=spec,
        previous=previous,
        pod_selector=(service["spec"].get("selector") or {}) if service else {},
        deployment=deployment,
        service=service,
        endpoints=endpoints,
        exposure=exposure,
        problems=(),
        pending={},
        is_rolled_out=deployment is not None and rolled_out(deployment),
        now="2026-01-01T00:00:00Z",
    )
    workload_settled(observation)
    backend = backend_fingerprint(service, ready_pods(endpoints))
    targets = probe_targets(exposure.probe_urls, spec.probe if spec else None, enabled=True)
    note = no_probe_reason(spec, service, config, ready=True)
    if service and targets:
        urls = [target.url for target in targets]
        note = not_probed_note(service, exposure.urls, exposure.preferred, urls)
    assert backend == backend_fingerprint(service, ready_pods(endpoints))
    results = {target.url: result for target in targets}
    probes = ProbeResults(1.0 if targets else None, results, not_probed=note)
    grace_left(probes, 99.0)
    return compute_status(observation, probes, pod_failure(pods), 99.0)


def as_json(status: ExposedAppStatus) -> Json:
    return status.model_dump(mode="json", by_alias=True, exclude_none=True)


@settings(max_examples=300)
@given(
    SPEC,
    SERVICE | st.none(),
    DEPLOYMENT | st.none(),
    st.lists(SLICE, max_size=2),
    st.lists(NODE, max_size=3),
    st.lists(POD, max_size=3),
    PREVIOUS.map(ExposedAppStatus.model_validate),
    st.sampled_from([None, OK, REFUSED]),
)
def test_a_status_follows_from_any_objects(
    spec: ExposedAppSpec | None,
    service: Json | None,
    deployment: Json | None,
    slices: list[Json],
    nodes: list[Json],
    pods: list[Json],
    previous: ExposedAppStatus,
    result: Any,
) -> None:
    objects = (spec, service, deployment, slices, nodes, pods)
    status = status_of(*objects, previous, result)
    body = as_json(status)
    assert ExposedAppStatus.model_validate(orjson.loads(orjson.dumps(body))) == status
    assert len(json.dumps(body)) < MAX_STATUS_BYTES
    is_urgent(previous, status)
    is_reconciling(status)
    awaits_first_probe(status)
    reports_pod_failure(status, 1)
    assert status_patch(status, status) == {}
    for event in (*status_events(previous, status), *reachability_events(None, status)):
        orjson.dumps(event_object(APP, event, 1, "", ""))
    # The same objects again: nothing is written for them.
    settled = status_of(*objects, status, result)
    assert status_patch(settled, status_of(*objects, settled, result)) == {}


@settings(max_examples=300)
@given(st.lists(POD, max_size=3), st.lists(EVENT, max_size=3))
def test_a_failure_follows_from_any_pods_and_events(pods: list[Json], events: list[Json]) -> None:
    failure, pod = pod_failure(pods), unexplained_pod(pods)
    assert pod_failure(deciding_pods(pods)) == failure
    if pod:
        name = pod["metadata"]["name"]
        about_pod = [event | {"involvedObject": {"name": name}} for event in events]
        explained = explain_pod(pod, failure, [*events, *about_pod])
        assert explained is None or explained.message


def test_a_service_that_another_client_made_huge_makes_no_huge_status() -> None:
    """While an app is suspended, its Service has whatever type others give it."""
    many = range(3000)
    service: Json = {
        "spec": {
            "type": "LoadBalancer",
            "selector": {f"{number}.example.com/{'x' * 60}": "y" * 60 for number in many},
            "ports": [
                {
                    "name": f"p-{number}",
                    "port": number + 1,
                    "targetPort": "t",
                    "nodePort": number + 1,
                }
                for number in many
            ],
            "clusterIPs": ["10.96.0.1"],
        },
        "status": {"loadBalancer": {"ingress": [{"hostname": f"{n}.example"} for n in many]}},
    }
    node = {
        "metadata": {"name": "n"},
        "status": {
            "conditions": [{"type": "Ready", "status": "True"}],
            "addresses": [{"type": "InternalIP", "address": "10.0.0.1"}],
        },
    }
    new = ExposedAppStatus(observed_generation=-1)
    for kind in ("NodePort", "LoadBalancer", "ClusterIP"):
        service["spec"]["type"] = kind
        spec = spec_of(suspend=True)
        status = status_of(spec, service, None, [], [node], [], new, REFUSED)
        assert len(json.dumps(as_json(status))) < MAX_STATUS_BYTES
        # The deletion of a Service leaves the ports of the previous status.
        many_ports = replace_ports(status, service)
        status = status_of(spec, None, None, [], [node], [], many_ports, REFUSED)
        assert len(json.dumps(as_json(status))) < MAX_STATUS_BYTES


def replace_ports(status: ExposedAppStatus, service: Json) -> ExposedAppStatus:
    ports = [{**port, "protocol": "TCP"} for port in service["spec"]["ports"]]
    return ExposedAppStatus.model_validate({**as_json(status), "ports": ports})
