"""Which port of an app a URL leads to, and what to write to get there from one's own machine."""

from itertools import takewhile
from typing import Any

import pytest
import yaml

from exposedapp.api.meta import Json
from exposedapp.cli.ports import app_ports, mappings, port_forward, protocol_of

WEB: Json = {"name": "web", "port": 80, "nodePort": 30080}
DNS: Json = {"name": "dns", "port": 53, "nodePort": 30053, "protocol": "UDP"}
BOTH = {"port": 443, "nodePort": 30443}
TLS: Json = {**BOTH, "name": "tls", "appProtocol": "https"}
QUIC: Json = {**BOTH, "name": "quic", "protocol": "UDP", "scheme": "quic"}
COAP: Json = {"name": "coap", "port": 5683, "nodePort": 30683, "protocol": "UDP", "scheme": "coap"}
HTTP_ON_UDP: Json = {"port": 80, "nodePort": 30080, "protocol": "UDP", "scheme": "http"}


def app(*ports: Json, **changes: Any) -> Json:
    found = [{"targetPort": it["port"], "protocol": "TCP", **it} for it in ports]
    return {"spec": {"ports": list(ports)}, "status": {"ports": found}, **changes}


@pytest.mark.parametrize(
    ("ports", "url", "protocol"),
    [
        ([WEB], "http://10.0.0.1:30080", "TCP"),
        ([DNS], "udp://10.0.0.1:30053", "UDP"),
        ([COAP], "coap://10.0.0.1:30683", "UDP"),
        ([HTTP_ON_UDP], "http://10.0.0.1:30080", "UDP"),
        # One number for both: the scheme tells them apart.
        ([TLS, QUIC], "https://10.0.0.1:30443", "TCP"),
        ([TLS, QUIC], "quic://10.0.0.1:30443", "UDP"),
        # At a load balancer it is the port, at localhost a number of its own.
        ([WEB, COAP], "coap://203.0.113.1:5683", "UDP"),
        ([WEB, COAP], "coap://localhost:8080", "UDP"),
        ([WEB, COAP], "http://localhost:8080", "TCP"),
        ([], "http://10.0.0.1:30080", "TCP"),
        ([COAP], "coap://[10.0.0.1:1]:30683", "TCP"),
    ],
)
def test_the_protocol_of_a_url(ports: list[Json], url: str, protocol: str) -> None:
    assert protocol_of(app(*ports), url) == protocol


def test_before_the_operator_has_answered_the_spec_tells() -> None:
    (found,) = app_ports(app(TLS, status={"observedGeneration": -1}))
    assert (found.port, found.protocol, found.scheme, found.pinned) == (443, "TCP", "https", True)


@pytest.mark.parametrize(
    ("ports", "told"),
    [
        ([DNS, WEB], "`kubectl port-forward -n shop service/web 8080:80`, then localhost:8080"),
        ([DNS], "`kubectl port-forward` knows TCP only; for UDP set service.type NodePort"),
        ([], "service/web 8080:80`"),
    ],
)
def test_port_forward(ports: list[Json], told: str) -> None:
    assert told in port_forward("shop", "web", app(*ports))


def copied(told: str, key: str) -> list[Json]:
    """What YAML makes of the lines under a key."""
    lines = told.splitlines()
    after = lines[lines.index(f"{key}:") :]
    found: list[Json] = yaml.safe_load("\n".join([after[0], *takewhile(is_item, after[1:])]))[key]
    return found


def is_item(line: str) -> bool:
    return line.startswith("- ")


def test_mappings_are_ready_to_copy() -> None:
    told = mappings(app_ports(app(WEB, TLS)), None)
    assert (
        copied(told, "extraPortMappings")
        == copied(told, "portMappings")
        == [
            {"containerPort": 30080, "hostPort": 8080, "protocol": "TCP"},
            {"containerPort": 30443, "hostPort": 8081, "protocol": "TCP"},
        ]
    )
    assert "http://localhost:8080 and https://localhost:8081" in told
    assert "write nodePort" not in told  # the spec has them


def test_a_node_port_that_another_cluster_would_not_give_again() -> None:
    unpinned = {"spec": {"ports": [{"port": 80}]}}
    told = mappings(app_ports({**app(WEB), **unpinned}), 9000)
    assert "hostPort: 9000" in told
    assert told.endswith("; write nodePort: 30080 into spec.ports, or the new one gives another.")
