# SPDX-License-Identifier: Apache-2.0
"""The environment variables: what they may hold, and what an error says."""

import re

import pytest

from exposedapp.environment import read_settings
from exposedapp.settings import Settings

HOSTS = frozenset({"a.example", "b.example"})
HOST = "a DNS name in lower case or an IP address, without"
MAPPINGS = "NODEPORT:PORT/PROTOCOL with commas"
COUNT = "a whole number from 1 on"
RATE = "a number above 0"
PORT = "a port number from 1 to 65535"


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Without the variables of whoever runs the tests."""
    for field in Settings.model_fields:
        monkeypatch.delenv(f"EXPOSEDAPP_{field.upper()}", raising=False)
    return monkeypatch


def test_the_defaults(environment: pytest.MonkeyPatch) -> None:
    defaults = read_settings()
    assert defaults == Settings()
    assert (defaults.log_level, defaults.log_format) == ("INFO", "text")
    assert (defaults.health_port, defaults.metrics_port) == (8080, 8081)
    assert (defaults.nodes_host, defaults.port_mappings) == (None, {})
    assert defaults.requests_in_flight == 32
    assert (defaults.probe, defaults.probe_rate, defaults.probe_in_flight) == (True, 50.0, 50)
    assert defaults.probe_hosts == frozenset()
    assert (defaults.admission_port, defaults.admission_certificate) == (0, "own")
    assert defaults.admission_references == frozenset()


@pytest.mark.parametrize(
    ("variable", "text", "expected"),
    [
        ("LOG_LEVEL", "debug", {"log_level": "DEBUG"}),
        ("LOG_LEVEL", "WARN", {"log_level": "WARN"}),
        ("LOG_FORMAT", "json", {"log_format": "json"}),
        ("HEALTH_PORT", "18080", {"health_port": 18080}),
        ("METRICS_PORT", "0", {"metrics_port": 0}),
        ("NODES_HOST", "", {}),
        ("NODES_HOST", " ", {}),
        ("NODES_HOST", " a.example ", {"nodes_host": "a.example"}),
        ("NODES_HOST", "fd00::1", {"nodes_host": "fd00::1"}),
        ("LEASE_NAMESPACE", "operators", {"lease_namespace": "operators"}),
        ("LEASE_NAMESPACE", "", {}),
        ("LEASE_NAME", "", {}),
        ("LEASE_NAME", "of-the-shop", {"lease_name": "of-the-shop"}),
        ("WATCH_NAMESPACES", "", {}),
        ("WATCH_NAMESPACES", " shop, staging, shop,", {"watch_namespaces": ("shop", "staging")}),
        ("NODE_NAME", "worker-1", {"node_name": "worker-1"}),
        ("NODE_NAME", "", {}),
        ("ADMISSION_PORT", "9443", {"admission_port": 9443}),
        ("ADMISSION_NAME", "reviews", {"admission_name": "reviews"}),
        ("ADMISSION_CERTIFICATE", "given", {"admission_certificate": "given"}),
        (
            "ADMISSION_REFERENCES",
            "ConfigMap, Secret",
            {"admission_references": {"ConfigMap", "Secret"}},
        ),
        ("REQUESTS_IN_FLIGHT", "1", {"requests_in_flight": 1}),
        ("PROBE", "true", {}),
        ("PROBE", "false", {"probe": False}),
        ("PROBE_RATE", "2.5", {"probe_rate": 2.5}),
        ("PROBE_IN_FLIGHT", "7", {"probe_in_flight": 7}),
        ("PROBE_HOSTS", "a.example, b.example,", {"probe_hosts": HOSTS}),
        (
            "PORT_MAPPINGS",
            "30008:8080/TCP,30009:53/UDP",
            {"port_mappings": {(30008, "TCP"): 8080, (30009, "UDP"): 53}},
        ),
        (
            "PORT_MAPPINGS",
            " 30008:8080, 30009:53/UDP ,",
            {"port_mappings": {(30008, "TCP"): 8080, (30009, "UDP"): 53}},
        ),
    ],
)
def test_settings(
    environment: pytest.MonkeyPatch, variable: str, text: str, expected: dict[str, object]
) -> None:
    environment.setenv(f"EXPOSEDAPP_{variable}", text)
    assert read_settings() == Settings.model_validate(expected)


@pytest.mark.parametrize(
    ("variable", "text", "words"),
    [
        ("LOG_LEVEL", "CHATTY", "DEBUG, INFO, WARNING, ERROR or CRITICAL"),
        ("LOG_FORMAT", "JSON", "text or json"),
        ("HEALTH_PORT", "http", PORT),
        ("HEALTH_PORT", "0", PORT),
        ("METRICS_PORT", "-1", f"{PORT}, or 0 for none"),
        ("METRICS_PORT", "65536", f"{PORT}, or 0 for none"),
        ("NODES_HOST", "10.0.0.1:8080", HOST),
        ("NODES_HOST", "LB.example.com", HOST),
        ("NODES_HOST", "None", HOST),
        ("LEASE_NAMESPACE", "a/b", "the name of a namespace"),
        ("LEASE_NAMESPACE", "Operators", "the name of a namespace"),
        ("LEASE_NAME", "a.b", "a name of lower case letters, digits and hyphens"),
        ("WATCH_NAMESPACES", "shop staging", "names of namespaces with commas between"),
        ("WATCH_NAMESPACES", "*", "names of namespaces with commas between"),
        ("ADMISSION_PORT", "65536", f"{PORT}, or 0 for none"),
        ("ADMISSION_NAME", "a.b", "the name of a Service"),
        ("ADMISSION_CERTIFICATE", "mine", "own or given"),
        ("ADMISSION_REFERENCES", "Pod", "ConfigMap, Secret, ServiceAccount, or some of them"),
        ("PROBE", "True", "true or false"),
        ("PROBE", "1", "true or false"),
        ("PROBE", "yes", "true or false"),
        ("PROBE_RATE", "0", RATE),
        ("PROBE_RATE", "-1", RATE),
        ("PROBE_RATE", "nan", RATE),
        ("PROBE_RATE", "inf", RATE),
        ("PROBE_RATE", "many", RATE),
        ("PROBE_IN_FLIGHT", "0", COUNT),
        ("PROBE_IN_FLIGHT", "1.5", COUNT),
        ("REQUESTS_IN_FLIGHT", "0", COUNT),
        ("PROBE_HOSTS", "a.example,b.example:80", "hosts with commas between"),
        ("PORT_MAPPINGS", "30008", MAPPINGS),
        ("PORT_MAPPINGS", "30008:0", MAPPINGS),
        ("PORT_MAPPINGS", "30008:65536", MAPPINGS),
        ("PORT_MAPPINGS", "30008:80/tcp", MAPPINGS),
        ("PORT_MAPPINGS", "127.0.0.1:30008:80", MAPPINGS),
    ],
)
def test_an_error_names_the_variable_and_what_to_write(
    environment: pytest.MonkeyPatch, variable: str, text: str, words: str
) -> None:
    environment.setenv(f"EXPOSEDAPP_{variable}", text)
    expected = re.escape(f"EXPOSEDAPP_{variable} is {text!r}: write {words}")
    with pytest.raises(ValueError, match=f"^{expected}[^\n]*$"):
        read_settings()


def test_nodes_are_watched_unless_nothing_of_the_whole_cluster_is_needed() -> None:
    namespaces, host = {"watch_namespaces": ("shop",)}, {"nodes_host": "apps.example"}
    assert Settings().watches_nodes
    assert Settings.model_validate(namespaces).watches_nodes
    assert Settings.model_validate(host).watches_nodes
    assert not Settings.model_validate(namespaces | host).watches_nodes


def test_every_setting_says_what_to_write() -> None:
    assert all(field.description for field in Settings.model_fields.values())


def test_defaults_do_not_come_from_the_environment(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("EXPOSEDAPP_PROBE", "false")
    assert Settings().probe
