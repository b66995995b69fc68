# SPDX-License-Identifier: Apache-2.0
"""The exposure of an app in its status: URLs and addresses."""

from dataclasses import replace

import pytest

from exposedapp.api.meta import AppRef, Json
from exposedapp.exposure.endpoints import Endpoint
from support.objects import node, port, service_body
from support.snapshots import NODES, TWO, WELL, compute


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
        ([port(80)], None, None),
    ],
    ids=["one", "first port first", "UDP", "SCTP", "TCP before UDP", "not allocated"],
)
def test_urls(ports: list[Json], url: str | None, urls: list[str] | None) -> None:
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
    fewer = compute(replace(WELL, previous=more, nodes=NODES[:1]))
    assert fewer.url == "http://10.0.0.1:30001"


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
    other = compute(replace(WELL, app=AppRef("shop", "web", "uid-other"), nodes=nodes))
    assert other.urls != status.urls


def test_the_other_ways_in() -> None:
    status = compute(WELL)
    assert status.cluster_url == "http://web.shop.svc:80"
    assert status.proxy_path == "/api/v1/namespaces/shop/services/web:80/proxy/"
    assert status.cluster_ips == ["10.96.0.1"]
    assert status.selector == "exposedapp.dev/name=web"


def test_a_headless_service_has_no_cluster_ip() -> None:
    assert compute(replace(WELL, service=service_body(clusterIPs=["None"]))).cluster_ips is None


def test_the_ports_are_as_the_cluster_has_them() -> None:
    ports = [port(53, 30053, name="dns"), {"port": 54, "targetPort": "dns"}]
    status = compute(replace(WELL, service=service_body(*ports)))
    assert [status_port.as_json() for status_port in status.ports or ()] == [
        {"name": "dns", "port": 53, "targetPort": 53, "nodePort": 30053, "protocol": "TCP"},
        {"name": None, "port": 54, "targetPort": "dns", "nodePort": None, "protocol": "TCP"},
    ]


def test_without_a_service_the_ports_are_remembered() -> None:
    first = compute(WELL)
    status = compute(replace(WELL, previous=first, service=None))
    # So that the Service gets the same node ports when it is created again.
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
