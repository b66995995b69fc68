# SPDX-License-Identifier: Apache-2.0
"""Whatever the spec of an app, its status stays below 100 KB."""

import json
import string
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exposedapp.api.app import ExposedAppStatus
from exposedapp.api.conditions import Reason
from exposedapp.api.meta import AppRef, Json
from exposedapp.exposure.endpoints import Endpoint
from exposedapp.exposure.node_selection import NodeIndex
from exposedapp.exposure.nodes import Node
from exposedapp.exposure.probes import ProbeResult, ProbeResults
from exposedapp.exposure.urls import compute_exposure
from exposedapp.settings import Settings
from exposedapp.status.conditions import MAX_MESSAGE_BYTES
from exposedapp.status.observation import Problem
from support.objects import node, spec_of
from support.probes import REFUSED
from support.snapshots import WELL, Seen, compute, condition

MAX_STATUS_BYTES = 100_000
MAX_PORTS, MAX_NODES = 64, 64
LONG_LABEL = "x" * 63
"""A label of a DNS name, or value of a label, of the maximum length."""
LONG_APP = AppRef(LONG_LABEL, LONG_LABEL, "uid-long")


def name(number: int, length: int) -> str:
    """A DNS name of about this length, another one for each number."""
    labels = [f"n{number}", *([LONG_LABEL] * 4)]
    return ".".join(labels)[: max(length, 5)].strip(".")


def addresses(number: int, length: int) -> list[tuple[str, str]]:
    return [
        ("Hostname", name(number, length)),
        ("InternalIP", f"10.0.{number}.1"),
        ("InternalIP", f"fd00:1111:2222:3333:4444:5555:6666:{number:x}"),
    ]


@st.composite
def wide(draw: st.DrawFn) -> Seen:
    """An app with up to the maximum of everything that URLs are computed from."""
    many = draw(st.sampled_from([1, 7, MAX_PORTS]))
    path = "/" + draw(st.sampled_from(["p", '"', "&", "\\"])) * draw(st.sampled_from([0, 30, 1023]))
    length = draw(st.sampled_from([5, 60, 250]))
    ports: list[Json] = [
        {
            "name": f"{i}-{LONG_LABEL}"[:63],
            "port": 10000 + i,
            "scheme": "s" * draw(st.sampled_from([1, 32])),
            "path": path,
            "protocol": draw(st.sampled_from(["TCP", "TCP", "UDP"])),
        }
        for i in range(many)
    ]
    types = draw(st.sampled_from([["InternalIP"], ["Hostname"]]))
    nodes: Json = {"limit": draw(st.sampled_from([1, 16, MAX_NODES])), "addressTypes": types}
    if draw(st.booleans()):
        nodes["host"] = name(1, length)
    spec: dict[str, Any] = {"ports": ports, "nodes": nodes}
    selector = {"app": "web"}
    if draw(st.booleans()):
        # Labels of pods that another client runs.
        selector = {f"{name(i, 250)}/{LONG_LABEL}": LONG_LABEL for i in range(64)}
        spec |= {"image": None, "selector": selector}
    kind = draw(st.sampled_from(["NodePort", "LoadBalancer"]))
    ingress = [
        {"ip": f"203.0.113.{i % 250}", "hostname": name(i, length)}
        for i in range(draw(st.sampled_from([0, 3, 500])))
    ]
    service: Json = {
        "metadata": {"name": "web", "namespace": "shop"},
        "spec": {
            "type": kind,
            "clusterIPs": ["10.96.0.1", "fd01::1"],
            "ipFamilies": ["IPv4", "IPv6"],
            "selector": selector,
            "ports": [
                {**port, "targetPort": "t" * 15, "nodePort": port["port"] + 20000} for port in ports
            ],
        },
        "status": {"loadBalancer": {"ingress": ingress}} if kind == "LoadBalancer" else {},
    }
    mapped = {(30000 + i, "TCP"): i + 1 for i in range(many)} if draw(st.booleans()) else {}
    problem = Problem(Reason.FORBIDDEN, draw(st.text(string.printable + "é😀")) * 5000)
    return replace(
        WELL,
        app=LONG_APP,
        spec=spec_of(**spec),
        pods=selector,
        service=service,
        nodes=[node(f"n{i}", *addresses(i, length)) for i in range(80)],
        settings=Settings(port_mappings=mapped),
        problems=draw(st.sampled_from([[], [problem]])),
    )


def unreachable(seen: Seen, result: ProbeResult) -> Seen:
    """The same app when each of its URLs has this result, which is no answer."""
    assert seen.service is not None
    exposure = compute_exposure(
        seen.app, seen.spec, seen.service, seen.endpoints, NodeIndex(seen.nodes), seen.settings
    )
    return replace(
        seen,
        answers=ProbeResults(0.0, {url: result for url, _, _ in exposure.probe_urls}),
        waited=99.0,
    )


def as_json(status: ExposedAppStatus) -> Json:
    return status.model_dump(mode="json", by_alias=True, exclude_none=True)


@settings(max_examples=60)
@given(wide())
def test_a_status_is_never_large(seen: Seen) -> None:
    for variant in (seen, unreachable(seen, REFUSED)):
        status = compute(variant)
        assert len(json.dumps(as_json(status))) < MAX_STATUS_BYTES
        assert status.url
        assert status.url in (status.urls or ())
        assert status.selector
        # Computed again from the same snapshot, the status is equal.
        assert compute(replace(variant, previous=status)) == status


def test_hundreds_of_ready_pods_on_as_many_nodes() -> None:
    many: list[Node] = [node(f"n{i}", ("InternalIP", f"10.0.{i}.1")) for i in range(250)]
    pods = [Endpoint(f"p{i}", ready=True, terminating=False, node=f"n{i}") for i in range(250)]
    status = compute(replace(WELL, nodes=many, endpoints=pods))
    assert len(status.urls or ()) == 16


@pytest.mark.parametrize("character", ["x", '"', "é", "😀", "\n"])
def test_a_message_is_cut_where_it_gets_too_long(character: str) -> None:
    message = character * 30_000
    status = compute(replace(WELL, problems=[Problem(Reason.FORBIDDEN, message)]))
    ready = condition(status, "Ready")
    assert ready is not None
    assert ready.message.endswith(f"{character} ...")
    assert MAX_MESSAGE_BYTES * 0.8 < len(json.dumps(ready.message)) <= MAX_MESSAGE_BYTES
    short = compute(replace(WELL, problems=[Problem(Reason.FORBIDDEN, ready.message)]))
    assert condition(short, "Ready") == ready
