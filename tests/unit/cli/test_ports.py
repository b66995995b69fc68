# SPDX-License-Identifier: Apache-2.0
"""Which port of an app a URL leads to, and how to reach it from the user's machine."""

from itertools import takewhile
from typing import Any

import pytest
import yaml

from exposedapp.api.meta import Json
from exposedapp.cli.ports import (
    app_ports,
    port_forward_hint,
    port_mapping_hint,
    protocol_of,
)

WEB: Json = {"name": "web", "port": 80, "nodePort": 30080}
DNS: Json = {"name": "dns", "port": 53, "nodePort": 30053, "protocol": "UDP"}
BOTH = {"port": 443, "nodePort": 30443}
TLS: Json = {**BOTH, "name": "tls", "appProtocol": "https"}
QUIC: Json = {**BOTH, "name": "quic", "protocol": "UDP", "scheme": "quic"}
COAP: Json = {"name": "coap", "port": 5683, "nodePort": 30683, "protocol": "UDP", "scheme": "coap"}
HTTP_ON_UDP: Json = {"port": 80, "nodePort": 30080, "protocol": "UDP", "scheme": "http"}


def app(*ports: Json, **changes: Any) -> Json:
    status_ports = [{"targetPort": port["port"], "protocol": "TCP", **port} for port in ports]
    return {"spec": {"ports": list(ports)}, "status": {"ports": status_ports}, **changes}


@pytest.mark.parametrize(
    ("ports", "url", "protocol"),
    [
        ([WEB], "http://10.0.0.1:30080", "TCP"),
        ([DNS], "udp://10.0.0.1:30053", "UDP"),
        ([COAP], "coap://10.0.0.1:30683", "UDP"),
        ([HTTP_ON_UDP], "http://10.0.0.1:30080", "UDP"),
        # One number for both: they differ in the scheme.
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


def test_before_the_first_status_the_ports_are_those_of_the_spec() -> None:
    (port,) = app_ports(app(TLS, status={"observedGeneration": -1}))
    assert (port.port, port.protocol, port.scheme, port.node_port) == (443, "TCP", "https", 30443)


def test_a_port_that_this_version_cannot_read_has_the_usual_scheme() -> None:
    (port,) = app_ports(app({**WEB, "scheme": 5}))
    assert (port.port, port.scheme) == (80, "http")


@pytest.mark.parametrize(
    ("ports", "hint"),
    [
        ([DNS, WEB], "`kubectl port-forward -n shop service/web 8080:80`, then localhost:8080"),
        ([DNS], "`kubectl port-forward` supports TCP only; for UDP set service.type NodePort"),
        ([], "service/web 8080:80`"),
    ],
)
def test_port_forward(ports: list[Json], hint: str) -> None:
    assert hint in port_forward_hint("shop", "web", app(*ports))


def copied(hint: str, key: str) -> list[Json]:
    """The list under a key, as YAML reads it."""
    lines = hint.splitlines()
    after = lines[lines.index(f"{key}:") :]
    items: list[Json] = yaml.safe_load("\n".join([after[0], *takewhile(is_item, after[1:])]))[key]
    return items


def is_item(line: str) -> bool:
    return line.startswith("- ")


def test_mappings_are_ready_to_copy() -> None:
    hint = port_mapping_hint(app(WEB, TLS), app_ports(app(WEB, TLS)), None)
    assert (
        copied(hint, "extraPortMappings")
        == copied(hint, "portMappings")
        == [
            {"containerPort": 30080, "hostPort": 8080, "protocol": "TCP"},
            {"containerPort": 30443, "hostPort": 8081, "protocol": "TCP"},
        ]
    )
    assert "http://localhost:8080 and https://localhost:8081" in hint
    assert "write nodePort" not in hint  # the spec has them


def test_a_node_port_that_another_cluster_would_not_allocate_again() -> None:
    unpinned = {**app(WEB), "spec": {"ports": [{"port": 80}]}}
    hint = port_mapping_hint(unpinned, app_ports(unpinned), 9000)
    assert "hostPort: 9000" in hint
    assert hint.endswith(
        "; write nodePort: 30080 into spec.ports, or the new one allocates another."
    )
