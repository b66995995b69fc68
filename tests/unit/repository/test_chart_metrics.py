# SPDX-License-Identifier: Apache-2.0
"""The chart's part for Prometheus and Grafana."""

import json

import pytest
import yaml

from support.helm import CHART, one, plain_environment, pod_spec, render, template

ALL = [f"metrics.{part}.enabled=true" for part in ("serviceMonitor", "prometheusRule", "dashboard")]


def test_the_port_and_its_service() -> None:
    documents = render("metrics.port=9090", release="mine")
    pod = one(documents, "Deployment")["spec"]["template"]
    [container] = pod["spec"]["containers"]
    assert {"name": "metrics", "containerPort": 9090} in container["ports"]
    assert plain_environment(container)["EXPOSEDAPP_METRICS_PORT"] == "9090"
    service = one(documents, "Service", "mine-exposedapp-metrics")
    assert service["spec"]["ports"] == [{"name": "metrics", "port": 9090, "targetPort": "metrics"}]
    assert service["spec"]["selector"].items() <= pod["metadata"]["labels"].items()


def test_metrics_can_be_left_out() -> None:
    documents = render("metrics.enabled=false", *ALL)
    kinds = {document["kind"] for document in documents}
    assert not kinds & {"Service", "ServiceMonitor", "PrometheusRule", "ConfigMap"}
    [container] = pod_spec("metrics.enabled=false")["containers"]
    assert plain_environment(container)["EXPOSEDAPP_METRICS_PORT"] == "0"
    assert [port["name"] for port in container["ports"]] == ["health"]


def test_what_needs_another_operator_is_not_there_unless_asked_for() -> None:
    kinds = {document["kind"] for document in render()}
    assert not kinds & {"ServiceMonitor", "PrometheusRule", "ConfigMap"}


def test_the_service_monitor_finds_the_service() -> None:
    labels = 'metrics.serviceMonitor.labels={"release": "prometheus"}'
    documents = render(*ALL, labels, 'metrics.serviceMonitor.interval="10s"')
    monitor = one(documents, "ServiceMonitor")
    assert monitor["metadata"]["labels"]["release"] == "prometheus"
    assert monitor["metadata"]["namespace"] == "somewhere"
    service = one(documents, "Service")
    labels = monitor["spec"]["selector"]["matchLabels"]
    assert labels.items() <= service["metadata"]["labels"].items()
    [endpoint] = monitor["spec"]["endpoints"]
    assert endpoint == {"port": service["spec"]["ports"][0]["name"], "interval": "10s"}


def test_the_rules_are_those_of_the_file() -> None:
    labels = 'metrics.prometheusRule.labels={"release": "prometheus"}'
    base = 'metrics.prometheusRule.runbookBase="docs/metrics.md"'
    rule = one(render(*ALL, labels, base), "PrometheusRule")
    assert rule["metadata"]["labels"]["release"] == "prometheus"
    assert rule["spec"] == yaml.safe_load((CHART / "files" / "alerts.yaml").read_text())


def test_without_the_page_s_address_the_rules_have_no_link() -> None:
    rules = [
        rule
        for group in one(render(*ALL), "PrometheusRule")["spec"]["groups"]
        for rule in group["rules"]
    ]
    assert rules
    assert all(rule["annotations"].keys() == {"summary", "description"} for rule in rules)


def test_the_rules_link_to_where_the_page_is() -> None:
    base = "https://wiki.example.com/exposedapp"
    documents = render(*ALL, f'metrics.prometheusRule.runbookBase="{base}"')
    for group in one(documents, "PrometheusRule")["spec"]["groups"]:
        for rule in group["rules"]:
            url = rule["annotations"]["runbook_url"]
            assert url == f"{base}#{rule['alert'].lower()}"


def test_grafana_finds_the_dashboard() -> None:
    documents = render(*ALL, 'metrics.dashboard.labels={"grafana_dashboard": "yes", "a": "b"}')
    assert one(documents, "ConfigMap")["metadata"]["labels"]["grafana_dashboard"] == "yes"
    dashboard = one(render(*ALL), "ConfigMap")
    assert dashboard["metadata"]["labels"]["grafana_dashboard"] == "1"
    assert json.loads(dashboard["data"]["exposedapp.json"]) == json.loads(
        (CHART / "files" / "dashboard.json").read_text()
    )


@pytest.mark.parametrize(
    "wrong",
    [
        "metrics.port=8080",  # the health port
        "metrics.port=80",  # the operator is not root
        'metrics.serviceMonitor.interval="often"',
        "metrics.serviceMonitor.labels.number=1",
        "metrics.dashbord.enabled=true",
        "metrics.prometheusRule.severity=1",
    ],
)
def test_wrong_values_are_refused(wrong: str) -> None:
    result = template(wrong)
    assert result.returncode != 0
    assert "metrics" in result.stderr
