# SPDX-License-Identifier: Apache-2.0
"""Which addresses are links, and from where they can be reached."""

import pytest

from exposedapp.catalog.link import (
    FROM_ANYWHERE,
    FROM_API_SERVER,
    FROM_LOAD_BALANCER,
    FROM_LOCALHOST,
    FROM_NODE_NETWORK,
    FROM_NODES_HOST,
    FROM_PODS,
    addresses,
    is_link,
)
from support.catalog import ready_app


@pytest.mark.parametrize(
    "url",
    [
        "http://172.18.0.2:30080",
        "https://apps.example.com:30080/shop",
        "http://[2001:db8::1]:30080/",
    ],
)
def test_http_is_a_link(url: str) -> None:
    assert is_link(url)


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "JavaScript:alert(1)",
        "javascript://a.example/%0aalert(1)",
        " javascript:alert(1)",
        "java\nscript:alert(1)",
        "data:text/html,<script>alert(1)</script>",
        "vbscript:msgbox(1)",
        "file:///etc/passwd",
        "http:javascript:alert(1)",
        "http://",
        "//evil.example",
        "http://shop.example@evil.example",
        "http://shop.example\\@evil.example",
        "http://[::1",
        "http://shop.example/\x00",
        "udp://172.18.0.2:30080",
        "grpc://172.18.0.2:30080",
        "/api/v1/namespaces/shop/services/web:80/proxy/",
        "",
    ],
)
def test_nothing_else_is(url: str) -> None:
    assert not is_link(url)


def test_the_one_to_click_is_the_first_and_each_is_there_once() -> None:
    status = ready_app("web")["status"]
    status["url"] = status["urls"][1]
    assert [(each.text, each.reach) for each in addresses(status)] == [
        ("http://172.18.0.3:30080", FROM_NODE_NETWORK),
        ("http://172.18.0.2:30080", FROM_NODE_NETWORK),
        ("http://172.18.0.4:30080", FROM_NODE_NETWORK),
        ("http://web.shop.svc:80", FROM_PODS),
        ("/api/v1/namespaces/shop/services/web:80/proxy/", FROM_API_SERVER),
    ]


@pytest.mark.parametrize(
    ("url", "reach"),
    [
        ("http://172.18.0.2:30080", FROM_NODE_NETWORK),
        ("http://8.8.8.8:30080", FROM_ANYWHERE),
        ("http://localhost:8080", FROM_LOCALHOST),
        ("http://apps.example.com:30080", FROM_NODES_HOST),
        ("http://198.51.100.7:80", FROM_LOAD_BALANCER),
        ("http://lb.example.com:80", FROM_LOAD_BALANCER),
        ("javascript:alert(1)", ""),
        ("http://[::1", ""),
    ],
)
def test_from_where_it_can_be_reached(url: str, reach: str) -> None:
    ingress = [{"ip": "198.51.100.7"}, {"hostname": "lb.example.com"}]
    [address] = addresses({"urls": [url], "loadBalancer": {"ingress": ingress}})
    assert address.reach == reach


def test_the_url_of_a_cluster_ip_is_for_pods() -> None:
    url = "http://web.shop.svc:80"
    [address] = addresses({"url": url, "clusterURL": url})
    assert address.reach == FROM_PODS
