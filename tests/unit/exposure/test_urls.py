# SPDX-License-Identifier: Apache-2.0
"""The URLs and addresses of an app, for every type of Service."""

from typing import Any

import pytest

from exposedapp.api.app import ExposedAppSpec, NodesStatus
from exposedapp.api.meta import Json
from exposedapp.exposure.endpoints import Endpoint
from exposedapp.exposure.exposure import Exposure
from exposedapp.exposure.node_selection import NodeIndex
from exposedapp.exposure.nodes import Node
from exposedapp.exposure.probes import NOTHING_PROBED
from exposedapp.exposure.reachability import select_url
from exposedapp.exposure.urls import compute_exposure
from exposedapp.settings import Settings
from support.objects import APP, node, port, service_body, spec_of

NODES = [node("a", ("InternalIP", "10.0.0.1")), node("b", ("InternalIP", "10.0.0.2"))]
PODS = [Endpoint("p", ready=True, terminating=False, node="a")]
NO_SETTINGS = Settings()


def exposure_of(
    service: Json,
    spec: ExposedAppSpec | None = None,
    *,
    endpoints: list[Endpoint] = PODS,
    nodes: list[Node] = NODES,
    settings: Settings = NO_SETTINGS,
) -> Exposure:
    return compute_exposure(APP, spec or spec_of(), service, endpoints, NodeIndex(nodes), settings)


def best(exposure: Exposure, before: str | None = None) -> str | None:
    return select_url(exposure.preferred, before, NOTHING_PROBED, previous_was_probed=False)


def exposure_of_port(
    *, host: str = "10.0.0.1", protocol: str = "TCP", **port_fields: Any
) -> Exposure:
    """The exposure of an app with one port, on one node."""
    spec = spec_of(ports=[{"port": 80, "protocol": protocol, **port_fields}])
    families = ["IPv6" if ":" in host else "IPv4"]
    service = service_body(port(80, 30001, protocol), ipFamilies=families)
    return exposure_of(service, spec, nodes=[node("n", ("InternalIP", host))])


# --- schemes and paths ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("port_fields", "scheme"),
    [
        ({}, "http"),
        ({"protocol": "UDP"}, "udp"),
        ({"protocol": "SCTP"}, "sctp"),
        ({"appProtocol": "http"}, "http"),
        ({"appProtocol": "https"}, "https"),
        ({"appProtocol": "HTTPS"}, "https"),
        ({"appProtocol": "Kubernetes.io/WSS"}, "wss"),
        ({"appProtocol": "grpc"}, "grpc"),
        ({"appProtocol": "kubernetes.io/h2c"}, "http"),
        ({"appProtocol": "kubernetes.io/ws"}, "ws"),
        ({"appProtocol": "kubernetes.io/wss"}, "wss"),
        ({"appProtocol": "postgresql"}, "http"),
        ({"scheme": "https"}, "https"),
        ({"scheme": "postgres", "appProtocol": "https"}, "postgres"),
        ({"protocol": "UDP", "appProtocol": "https"}, "udp"),
        ({"protocol": "UDP", "scheme": "quic"}, "quic"),
    ],
)
def test_scheme(port_fields: Json, scheme: str) -> None:
    exposure = exposure_of_port(**port_fields)
    assert best(exposure) == f"{scheme}://10.0.0.1:30001"
    assert exposure.urls == [best(exposure)]
    assert exposure.cluster_url == f"{scheme}://web.shop.svc:80"


@pytest.mark.parametrize(
    ("host", "path", "url"),
    [
        ("10.0.0.1", None, "http://10.0.0.1:30001"),
        ("10.0.0.1", "/", "http://10.0.0.1:30001/"),
        ("10.0.0.1", "/login?next=/a", "http://10.0.0.1:30001/login?next=/a"),
        ("2001:db8::1", None, "http://[2001:db8::1]:30001"),
        ("2001:db8::1", "/login", "http://[2001:db8::1]:30001/login"),
    ],
)
def test_host_and_path(host: str, path: str | None, url: str) -> None:
    exposure = exposure_of_port(host=host, path=path)
    assert (best(exposure), exposure.urls) == (url, [url])
    assert exposure.cluster_url == "http://web.shop.svc:80"


def test_each_port_has_its_own_scheme_and_path() -> None:
    spec = spec_of(
        ports=[
            {"name": "a", "port": 80, "path": "/a"},
            {"name": "b", "port": 80, "protocol": "UDP"},
            {"name": "c", "port": 443, "appProtocol": "https"},
        ]
    )
    service = service_body(port(80, 30001), port(80, 30002, "UDP"), port(443, 30003))
    assert exposure_of(service, spec, nodes=NODES[:1]).urls == [
        "http://10.0.0.1:30001/a",
        "https://10.0.0.1:30003",
        "udp://10.0.0.1:30002",
    ]


def test_a_port_that_the_spec_does_not_have() -> None:
    # While a change is under way, and while the spec is wrong.
    service = service_body(port(81, 30081))
    assert exposure_of(service, nodes=NODES[:1]).urls == ["http://10.0.0.1:30081"]
    unknown = compute_exposure(
        APP, None, service_body(port(80, 30001)), PODS, NodeIndex(NODES[:1]), Settings()
    )
    assert unknown.urls == ["http://10.0.0.1:30001"]


def test_without_a_spec_the_live_port_tells_the_scheme() -> None:
    service = service_body(port(443, 30001, appProtocol="https"))
    assert (
        best(compute_exposure(APP, None, service, PODS, NodeIndex(NODES[:1]), Settings()))
        == "https://10.0.0.1:30001"
    )


# --- inside the cluster, and at the API server ----------------------------------------------------

PROXY = "/api/v1/namespaces/shop/services"


@pytest.mark.parametrize(
    ("port_fields", "path"),
    [
        ({}, f"{PROXY}/web:80/proxy/"),
        ({"path": "/login"}, f"{PROXY}/web:80/proxy/"),
        ({"scheme": "https"}, f"{PROXY}/https:web:80/proxy/"),
        ({"appProtocol": "https"}, f"{PROXY}/https:web:80/proxy/"),
        ({"scheme": "http", "appProtocol": "https"}, f"{PROXY}/web:80/proxy/"),
        ({"protocol": "UDP"}, None),
        ({"protocol": "SCTP"}, None),
    ],
)
def test_proxy_path(port_fields: Json, path: str | None) -> None:
    assert exposure_of_port(**port_fields).proxy_path == path


def test_a_cluster_ip_is_reached_inside_only() -> None:
    spec = spec_of(ports=[{"port": 80, "scheme": "https", "path": "/login"}])
    exposure = exposure_of(service_body(port(80), type="ClusterIP"), spec)
    assert best(exposure) == exposure.cluster_url == "https://web.shop.svc:80"
    assert exposure.proxy_path == f"{PROXY}/https:web:80/proxy/"
    assert exposure.cluster_ips == ["10.96.0.1"]
    assert exposure.urls == ()
    assert (exposure.nodes, exposure.load_balancer, exposure.no_node_reason) == (None, None, None)


def test_without_nodes_a_cluster_ip_is_as_good() -> None:
    assert exposure_of(service_body(port(80), type="ClusterIP"), nodes=[]).no_node_reason is None


def external(*ports: Json) -> Json:
    body: Json = {"type": "ExternalName", "externalName": "db.example.com"}
    return {"metadata": {"name": "web"}, "spec": {**body, "ports": list(ports)} if ports else body}


def test_an_external_name() -> None:
    exposure = exposure_of(external(), endpoints=[])
    assert exposure == Exposure(preferred={}, ports=[], cluster_ips=[])
    spec = spec_of(ports=[{"port": 5432, "scheme": "postgres"}])
    exposure = exposure_of(external(port(5432)), spec)
    assert best(exposure) == exposure.cluster_url == "postgres://web.shop.svc:5432"
    # The API server passes requests on to pods only.
    assert (exposure.urls, exposure.proxy_path, exposure.cluster_ips) == ((), None, [])


# --- load balancers -------------------------------------------------------------------------------


def balanced(*ingress: Json, **spec: Any) -> Json:
    service = service_body(port(80, 30001), type="LoadBalancer", **spec)
    return {**service, "status": {"loadBalancer": {"ingress": list(ingress)}}}


NODE_URLS = ["http://10.0.0.1:30001", "http://10.0.0.2:30001"]


@pytest.mark.parametrize(
    ("ingress", "url", "urls"),
    [
        ([], NODE_URLS[0], []),
        ([{"ip": "203.0.113.1"}], "http://203.0.113.1:80", ["http://203.0.113.1:80"]),
        ([{"ip": "2001:db8::1"}], "http://[2001:db8::1]:80", ["http://[2001:db8::1]:80"]),
        ([{"hostname": "lb.example"}], "http://lb.example:80", ["http://lb.example:80"]),
        (
            [{"ip": "203.0.113.2", "ipMode": "VIP"}, {"ip": "203.0.113.1"}],
            "http://203.0.113.1:80",
            ["http://203.0.113.1:80", "http://203.0.113.2:80"],
        ),
        ([{"ip": "203.0.113.1", "hostname": "x"}], "http://203.0.113.1:80", ["http://203.0.113.1:80"]),
    ],
    ids=["pending", "ip", "IPv6", "hostname", "two", "both"],
)  # fmt: skip
def test_a_load_balancer(ingress: list[Json], url: str, urls: list[str]) -> None:
    exposure = exposure_of(balanced(*ingress))
    assert best(exposure) == url
    # The nodes answer too.
    assert exposure.urls == sorted([*urls, *NODE_URLS])
    listed = exposure.load_balancer.as_json()["ingress"] if exposure.load_balancer else []
    assert len(listed) == len(ingress)


def test_a_load_balancer_that_has_only_ports_yet() -> None:
    assert best(exposure_of(balanced({"ports": [{"port": 80, "protocol": "TCP"}]}))) == NODE_URLS[0]


def test_a_balancer_s_address_that_no_url_can_have() -> None:
    given = [{"ip": "", "hostname": "LB.example"}, {"ip": "0.0.0.0"}, {"hostname": "<none>"}]  # noqa: S104
    assert set(exposure_of(balanced(*given)).urls) - set(NODE_URLS) == {"http://lb.example:80"}


def test_without_node_ports_the_nodes_do_not_matter() -> None:
    service = balanced({"ip": "203.0.113.1"}, allocateLoadBalancerNodePorts=False)
    service["spec"]["ports"] = [port(80)]
    for nodes in (NODES, []):
        exposure = exposure_of(service, nodes=nodes)
        assert exposure.urls == ["http://203.0.113.1:80"]
        assert (exposure.nodes, exposure.no_node_reason, exposure.probe_urls) == (None, None, [])


def test_a_balancer_is_a_way_in_without_a_node() -> None:
    away = [node("a", ready=False)]
    exposure = exposure_of(balanced({"ip": "203.0.113.1"}), nodes=away)
    assert exposure.urls == ["http://203.0.113.1:80"]
    assert (exposure.nodes, exposure.no_node_reason) == (NodesStatus(eligible=0, listed=0), None)
    assert exposure_of(balanced(), nodes=away).no_node_reason == "No eligible node: 1 not ready."


def test_a_load_balancers_url_takes_the_place_of_a_nodes() -> None:
    two = [{"ip": "203.0.113.1"}, {"ip": "203.0.113.2"}]
    assert best(exposure_of(balanced(*two)), NODE_URLS[1]) == "http://203.0.113.1:80"
    assert best(exposure_of(balanced(*two)), "http://203.0.113.2:80") == "http://203.0.113.2:80"
    assert best(exposure_of(balanced()), "http://203.0.113.1:80") == NODE_URLS[0]
    assert best(exposure_of(balanced()), NODE_URLS[1]) == NODE_URLS[1]


# --- external IPs ---------------------------------------------------------------------------------

EXTERNAL_IPS = ["192.0.2.9", "2001:DB8::9", "0.0.0.0"]  # noqa: S104
AT_EXTERNAL_IPS = ["http://192.0.2.9:80", "http://[2001:db8::9]:80"]


def test_external_ips_are_listed_after_the_nodes_and_not_probed() -> None:
    exposure = exposure_of(service_body(externalIPs=EXTERNAL_IPS))
    assert exposure.urls == sorted([*NODE_URLS, *AT_EXTERNAL_IPS])
    assert best(exposure) == NODE_URLS[0]
    assert {candidate.url for candidate in exposure.probe_urls} == set(NODE_URLS)


def test_external_ips_are_no_way_in_without_a_node() -> None:
    exposure = exposure_of(service_body(externalIPs=EXTERNAL_IPS), nodes=[])
    assert exposure.no_node_reason == "No eligible node: there are no nodes."


def test_external_ips_are_the_way_in_where_there_is_no_other() -> None:
    exposure = exposure_of(service_body(port(80), type="ClusterIP", externalIPs=EXTERNAL_IPS))
    assert exposure.urls == AT_EXTERNAL_IPS
    assert best(exposure) == AT_EXTERNAL_IPS[0]
    assert (exposure.nodes, exposure.no_node_reason, exposure.probe_urls) == (None, None, [])


# --- externalTrafficPolicy Local ------------------------------------------------------------------


def endpoint(on: str | None, *, ready: bool = True, terminating: bool = False) -> Endpoint:
    return Endpoint(f"p-{on}", ready=ready, terminating=terminating, node=on)


@pytest.mark.parametrize(
    ("endpoints", "listed"),
    [
        ([endpoint("a")], ["a"]),
        ([endpoint("a"), endpoint("a")], ["a"]),
        ([endpoint("a"), endpoint("b")], ["a", "b"]),
        ([endpoint("a"), endpoint("b", ready=False)], ["a"]),
        ([endpoint("a"), endpoint("b", terminating=True)], ["a"]),
        ([endpoint("a"), endpoint("elsewhere")], ["a"]),
        ([endpoint(None)], []),
        ([endpoint("a", ready=False)], []),
        ([], []),
    ],
    ids=[
        "one",
        "two of one",
        "both",
        "not ready",
        "going",
        "unknown node",
        "no node",
        "none ready",
        "no pods",
    ],
)
def test_local_lists_nodes_with_a_ready_pod(endpoints: list[Endpoint], listed: list[str]) -> None:
    hosts = {"a": NODE_URLS[0], "b": NODE_URLS[1]}
    exposure = exposure_of(service_body(externalTrafficPolicy="Local"), endpoints=endpoints)
    assert exposure.urls == [hosts[name] for name in listed]
    assert exposure.nodes is not None
    assert (exposure.nodes.eligible, exposure.nodes.listed) == (len(listed), len(listed))
    assert (exposure.no_node_reason is None) is bool(listed)
    assert exposure.local_pods_required


def test_local_pods_on_nodes_that_do_not_forward() -> None:
    service = service_body(externalTrafficPolicy="Local")
    nodes = [node("a", ready=False), NODES[1]]
    exposure = exposure_of(service, endpoints=PODS, nodes=nodes)
    reasons = "1 not ready, 1 without a ready pod (externalTrafficPolicy Local)"
    assert exposure.no_node_reason == f"No eligible node: {reasons}."
    assert exposure.local_pods_required
    exposure = exposure_of(service, endpoints=PODS, nodes=nodes[:1])
    assert not exposure.local_pods_required


def test_cluster_lists_all_nodes() -> None:
    service = service_body(externalTrafficPolicy="Cluster")
    assert exposure_of(service, endpoints=[]).urls == NODE_URLS
    assert not exposure_of(service_body(), nodes=[]).local_pods_required


# --- spec.nodes and the settings of the operator --------------------------------------------------


def exposure_at_nodes(settings: Settings, count: int = 2, **nodes_spec: Any) -> Exposure:
    nodes = [node(f"n{i}", ("InternalIP", f"10.0.0.{i}")) for i in range(count)]
    spec = spec_of(nodes=nodes_spec, ports=[{"port": 80, "path": "/" + "p" * 1000}])
    return compute_exposure(
        APP, spec, service_body(port(80, 30001)), PODS, NodeIndex(nodes), settings
    )


def test_a_host_stands_for_all_nodes() -> None:
    # Rancher#27040, an address in front of the nodes; the app's own host wins over the operator's.
    (url,) = exposure_at_nodes(Settings(nodes_host="all.example")).urls
    assert url.startswith("http://all.example:30001/p")
    (url,) = exposure_at_nodes(Settings(nodes_host="all.example"), host="fd00::7").urls
    assert url.startswith("http://[fd00::7]:30001/p")
    assert exposure_at_nodes(Settings(nodes_host="all.example"), count=0).urls == []


def test_behind_a_host_nodes_count_that_have_no_address_of_their_own() -> None:
    unnamed = [node("a", ("Hostname", "a")), node("b", ("Hostname", "b"), ready=False)]
    for settings, nodes_spec in (
        (Settings(nodes_host="all.example"), {}),
        (Settings(), {"host": "all.example"}),
    ):
        spec = spec_of(nodes=nodes_spec)
        exposure = exposure_of(service_body(), spec, nodes=unnamed, settings=settings)
        assert exposure.urls == ["http://all.example:30001"]
        assert exposure.nodes == NodesStatus(eligible=1, listed=1)
        exposure = exposure_of(service_body(), spec, nodes=unnamed[1:], settings=settings)
        assert (exposure.urls, exposure.no_node_reason) == ([], "No eligible node: 1 not ready.")


EXTERNAL = node("c", ("InternalIP", "10.0.0.3"), ("ExternalIP", "203.0.113.3"))


def test_a_more_preferred_type_of_address_comes_first() -> None:
    """k3s#1652: not the order of the texts, in which a private address came first."""
    exposure = exposure_of(service_body(), nodes=[*NODES, EXTERNAL])
    assert list(exposure.preferred) == ["http://203.0.113.3:30001", *NODE_URLS]
    assert best(exposure) == best(exposure, NODE_URLS[1]) == "http://203.0.113.3:30001"
    spec = spec_of(nodes={"addressTypes": ["InternalIP", "ExternalIP"]})
    assert best(exposure_of(service_body(), spec, nodes=[*NODES, EXTERNAL])) == NODE_URLS[0]


@pytest.mark.parametrize("policy", ["Cluster", "Local"])
def test_nodes_with_a_more_preferred_type_of_address_are_listed_first(policy: str) -> None:
    many = [node(f"n{i}", ("InternalIP", f"10.0.1.{i}")) for i in range(50)]
    pods = [Endpoint(node.name, ready=True, terminating=False, node=node.name) for node in many]
    pods.append(Endpoint("c", ready=True, terminating=False, node="c"))
    service = service_body(externalTrafficPolicy=policy)
    exposure = exposure_of(service, endpoints=pods, nodes=[*many, EXTERNAL])
    assert "http://203.0.113.3:30001" in exposure.urls
    assert exposure.nodes == NodesStatus(eligible=51, listed=16)
    spec = spec_of(nodes={"limit": 1})
    exposure = exposure_of(service, spec, endpoints=pods, nodes=[*many, EXTERNAL])
    assert exposure.urls == ["http://203.0.113.3:30001"]


def test_two_nodes_with_one_address_have_one_url() -> None:
    exposure = exposure_of(service_body(), nodes=[node("a"), node("b")])
    assert exposure.urls == ["http://10.0.0.1:30001"]
    assert exposure.probe_urls == [("http://10.0.0.1:30001", "10.0.0.1", 30001)]
    assert exposure.nodes == NodesStatus(eligible=2, listed=2)


def test_rancher_17876_no_url_without_a_host() -> None:
    spec = spec_of(nodes={"addressTypes": ["ExternalDNS", "Hostname"]})
    nameless = [node("a", ("ExternalDNS", ""), ("Hostname", "None"))]
    exposure = exposure_of(service_body(), spec, nodes=nameless)
    reason = "1 without a usable IPv4 address of type ExternalDNS or Hostname"
    assert (exposure.urls, exposure.no_node_reason) == ([], f"No eligible node: {reason}.")


def test_a_port_mapping_is_a_url_of_this_machine() -> None:
    # kind#3140: the nodes are out of reach of a Docker Desktop's user.
    mapped = Settings(port_mappings={(30001, "TCP"): 8080, (30002, "TCP"): 8081})
    exposure = exposure_at_nodes(mapped)
    assert (best(exposure) or "").startswith("http://localhost:8080/p")
    assert len(exposure.urls) == 3
    assert len(exposure_at_nodes(Settings(port_mappings={(30001, "UDP"): 8080})).urls) == 2


def test_the_list_is_bounded() -> None:
    # Envoy Gateway#3662: 67 nodes.
    exposure = exposure_at_nodes(Settings(), count=67)
    assert exposure.nodes is not None
    assert (exposure.nodes.eligible, exposure.nodes.listed, len(exposure.urls)) == (67, 16, 16)
    assert len(exposure_at_nodes(Settings(), count=67, limit=3).urls) == 3


def test_a_status_stays_small_however_long_the_paths_are() -> None:
    nodes = [node(f"n{i}", ("InternalIP", f"10.0.{i}.1")) for i in range(64)]
    ports = [{"name": f"p{i}", "port": i, "path": "/" + "p" * 1000} for i in range(1, 65)]
    spec = spec_of(nodes={"limit": 64}, ports=ports)
    service = service_body(*(port(i, 30000 + i) for i in range(1, 65)))
    exposure = compute_exposure(APP, spec, service, PODS, NodeIndex(nodes), Settings())
    # One node is listed, with most of its ports, the main one among them.
    assert exposure.nodes == NodesStatus(eligible=64, listed=1)
    assert 50 < len(exposure.urls) < 64
    first = next(iter(exposure.preferred))
    assert first in exposure.urls
    assert first.endswith(":30001/" + "p" * 1000)
    assert {url for url, _, _ in exposure.probe_urls} == set(exposure.urls)


def test_whole_nodes_are_listed_while_they_fit_and_few_move() -> None:
    long = ".".join(["x" * 60] * 4)
    nodes = [node(f"n{i}", ("Hostname", f"n{i}.{long}")) for i in range(64)]
    ports = [{"name": f"p{i}", "port": i} for i in range(1, 33)]
    spec = spec_of(nodes={"limit": 64, "addressTypes": ["Hostname"]}, ports=ports)
    service = service_body(*(port(i, 30000 + i) for i in range(1, 33)))

    def listed(known: list[Node]) -> set[str]:
        exposure = compute_exposure(APP, spec, service, PODS, NodeIndex(known), Settings())
        hosts = {host for _, host, _ in exposure.probe_urls}
        assert len(exposure.urls) == 32 * len(hosts)
        assert exposure.nodes == NodesStatus(eligible=len(known), listed=len(hosts))
        return hosts

    first = listed(nodes)
    assert 3 < len(first) < 10
    for removed in range(64):
        others = listed(nodes[:removed] + nodes[removed + 1 :])
        assert len(first - others) <= 1
        assert len(others - first) <= 1


def test_what_is_elsewhere_leaves_room_for_a_node() -> None:
    ports = [{"name": f"p{i}", "port": i, "path": "/" + "p" * 1000} for i in range(1, 65)]
    service = service_body(*(port(i, 30000 + i) for i in range(1, 65)), type="LoadBalancer")
    service["status"] = {"loadBalancer": {"ingress": [{"ip": f"203.0.113.{i}"} for i in range(9)]}}
    mapped = Settings(port_mappings={(30000 + i, "TCP"): i for i in range(1, 65)})
    exposure = exposure_of(service, spec_of(ports=ports), nodes=NODES, settings=mapped)
    places = {url.split("/")[2] for url in exposure.urls}
    assert {"localhost:1", "203.0.113.8:1", "203.0.113.0:1"} <= places
    assert list(exposure.preferred) == ["http://localhost:1/" + "p" * 1000]
    assert exposure.probe_urls[0][2] == 30001


# --- Nodes that are not watched -------------------------------------------------------------------

WITHOUT_NODES = Settings(watch_namespaces=("shop",), nodes_host="apps.example")


@pytest.mark.parametrize(
    ("policy", "endpoints", "listed", "reason"),
    [
        ("Cluster", [], ["http://apps.example:30001"], None),
        ("Local", PODS, ["http://apps.example:30001"], None),
        ("Local", [], [], "No eligible node: none has a ready pod (externalTrafficPolicy Local)."),
    ],
)
def test_behind_the_host_of_all_apps_there_is_a_node(
    policy: str, endpoints: list[Endpoint], listed: list[str], reason: str | None
) -> None:
    service = service_body(externalTrafficPolicy=policy)
    exposure = exposure_of(service, endpoints=endpoints, nodes=[], settings=WITHOUT_NODES)
    assert (exposure.urls, exposure.no_node_reason) == (listed, reason)
    assert exposure.nodes is None
    assert exposure.local_pods_required is (policy == "Local")
    assert [candidate.url for candidate in exposure.probe_urls] == listed


def test_an_app_s_own_host_stands_before_that_of_all_apps() -> None:
    spec = spec_of(nodes={"host": "own.example"})
    exposure = exposure_of(service_body(), spec, nodes=[], settings=WITHOUT_NODES)
    assert exposure.urls == ["http://own.example:30001"]
