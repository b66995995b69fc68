# SPDX-License-Identifier: Apache-2.0
"""Texts of the command line become parts of a spec."""

import pytest

from exposedapp.api.meta import Json
from exposedapp.cli.arguments import make_app, parse_duration, parse_env, parse_port, parse_ports
from exposedapp.cli.validation.schema_check import find_problems


@pytest.mark.parametrize(
    ("text", "port"),
    [
        ("80", {"port": 80}),
        ("80:8080", {"port": 80, "targetPort": 8080}),
        ("53/udp", {"port": 53, "protocol": "UDP"}),
        ("53/UDP", {"port": 53, "protocol": "UDP"}),
        ("80@30008", {"port": 80, "nodePort": 30008}),
        (
            "80:8080/tcp@30008",
            {"port": 80, "targetPort": 8080, "protocol": "TCP", "nodePort": 30008},
        ),
    ],
)
def test_a_port(text: str, port: Json) -> None:
    assert parse_port(text) == port


@pytest.mark.parametrize(
    "text", ["", "web", "80:", "80:web", "80/http", "80@", "-1", "80@30008/udp", "80 81", "٣"]
)
def test_a_text_that_is_not_a_port(text: str) -> None:
    with pytest.raises(ValueError, match="write PORT"):
        parse_port(text)


@pytest.mark.parametrize("text", ["0", "65536", "80:70000", "80@99999"])
def test_a_port_out_of_range(text: str) -> None:
    with pytest.raises(ValueError, match="is not from 1 to 65535"):
        parse_port(text)


def test_several_ports_get_names() -> None:
    assert parse_ports(["80:8080", "80/udp"]) == [
        {"name": "tcp-80", "port": 80, "targetPort": 8080},
        {"name": "udp-80", "port": 80, "protocol": "UDP"},
    ]


def test_a_port_given_twice() -> None:
    with pytest.raises(ValueError, match="port tcp 80 is given twice"):
        parse_ports(["80:8080", "80:8081"])


def test_a_variable() -> None:
    assert parse_env("A=b=c") == {"name": "A", "value": "b=c"}
    assert parse_env("A=") == {"name": "A", "value": ""}
    for text in ("A", "=b"):
        with pytest.raises(ValueError, match="write NAME=VALUE"):
            parse_env(text)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90", 90),
        ("90s", 90),
        ("2m", 120),
        ("1h30m", 5400),
        ("0s", 0),
        ("0", 0),
        ("1h30", 3630),
        (" 2m30s ", 150),
        ("500ms", 0.5),
        ("1.5s", 1.5),
        ("1.5m", 90),
        ("1.5", 1.5),
    ],
)
def test_a_duration(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "s", "m5", "rubbish", "1 s", "9" * 30 + "h", "1e3"])
def test_a_text_that_is_not_a_duration(text: str) -> None:
    with pytest.raises(ValueError, match="is not a duration: write 90s"):
        parse_duration(text)


@pytest.mark.parametrize("text", ["-1s", "-5", "-1h30m"])
def test_a_negative_duration(text: str) -> None:
    with pytest.raises(ValueError, match=f"'{text}' is negative: write 90s"):
        parse_duration(text)


def test_an_app_has_the_fields_that_were_given_and_no_others() -> None:
    assert make_app("hello", "demo:1", ["80"])["spec"] == {
        "image": "demo:1",
        "ports": [{"port": 80}],
    }
    app = make_app(
        "hello",
        "demo:1",
        ["80", "81"],
        replicas=0,
        env=["A=b"],
        service_type="ClusterIP",
        namespace="shop",
    )
    assert app == {
        "apiVersion": "exposedapp.dev/v1alpha1",
        "kind": "ExposedApp",
        "metadata": {"name": "hello", "namespace": "shop"},
        "spec": {
            "image": "demo:1",
            "replicas": 0,
            "ports": [{"name": "tcp-80", "port": 80}, {"name": "tcp-81", "port": 81}],
            "env": [{"name": "A", "value": "b"}],
            "service": {"type": "ClusterIP"},
        },
    }
    assert find_problems(app) == []
