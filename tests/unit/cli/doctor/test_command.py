# SPDX-License-Identifier: Apache-2.0
"""`exposedapp doctor`, as it is typed."""

import asyncio
import json

import pytest

from exposedapp.api.meta import Json
from exposedapp.cli.doctor import collect
from exposedapp.cli.doctor.diagnosis.evidence import UrlProbe
from exposedapp.exposure.probes import ProbeOutcome, ProbeResult
from support.causes import CAUSES, CLAIM_EVENT, EVENT, Cause
from support.cli import FakeKube, Run, not_ready, with_spec, with_status


def test_the_report_for_people(run: Run, url_probes: dict[str, UrlProbe]) -> None:
    result = run("doctor", "hello")
    assert result.exit_code == 0
    assert result.stdout == (
        "✓ resource        generation 1 observed: Ready, Available\n"
        "✓ pods            1 of 1 ready\n"
        "✓ endpoints       1 ready\n"
        "✓ container port  8080 listens\n"
        "✓ service         NodePort, 80/TCP -> 8080, node port 30008\n"
        "✓ node port       on 1 node\n"
        "✓ url             http://10.0.0.1:30008: HTTP 200\n"
        "✓ url             http://[fd00::1]:30008: HTTP 200\n"
        "\n"
        "Every URL that was probed from here answers.\n"
    )


def test_the_report_for_programs(run: Run, kube: FakeKube, url_probes: dict[str, UrlProbe]) -> None:
    url = "http://10.0.0.1:30008"
    url_probes[url] = UrlProbe(url, ProbeResult(ProbeOutcome.REFUSED))
    result = run("doctor", "hello", "-o", "json")
    report = json.loads(result.stdout)
    assert (result.exit_code, report["code"]) == (1, "Refused")
    step = {"step": "url", "ok": False, "detail": f"{url}: connection refused"}
    assert report["steps"][6] == step
    kube.listening = False
    assert json.loads(run("doctor", "hello", "-o", "json").stdout)["code"] == "NothingListens"
    assert json.loads(run("doctor", "no", "-o", "json").stdout)["code"] == "NoSuchApp"
    assert run("doctor", "no", "-o", "json").exit_code == 3


@pytest.mark.parametrize(
    "url", ["http://[10.0.0.1:8080]:30008", "http://10.0.0.1:99999", "http://10.0.0.1:80:30008"]
)
def test_a_url_that_is_not_valid(run: Run, kube: FakeKube, url: str) -> None:
    spec = {"nodes": {"host": "10.0.0.1:8080"}}
    kube.set_app(with_spec(spec, url=url, urls=[url]))
    result = run("doctor", "hello", "-o", "json")
    report = json.loads(result.stdout)
    assert (result.exit_code, report["code"]) == (1, "InvalidURL")
    assert "Change spec.nodes.host (10.0.0.1:8080)" in report["diagnosis"]
    assert report["steps"][-1] == {"step": "url", "ok": False, "detail": f"{url}: not a valid URL"}


def test_only_tcp_is_probed_whatever_the_scheme(
    run: Run, kube: FakeKube, url_probes: dict[str, UrlProbe]
) -> None:
    spec = {
        "ports": [
            {"name": "web", "port": 443, "scheme": "https"},
            {"name": "quic", "port": 443, "protocol": "UDP", "scheme": "quic"},
        ]
    }
    ports = [
        {"name": "web", "port": 443, "targetPort": 443, "nodePort": 30008, "protocol": "TCP"},
        {"name": "quic", "port": 443, "targetPort": 443, "nodePort": 30009, "protocol": "UDP"},
    ]
    urls = ["https://10.0.0.1:30008", "quic://10.0.0.1:30009", "quic://localhost:8443"]
    kube.set_app(with_spec(spec, urls=urls, ports=ports))
    steps = json.loads(run("doctor", "hello", "-o", "json").stdout)["steps"]
    assert [step["detail"] for step in steps if step["step"] == "url"] == [
        "quic://localhost:8443: not probed",
        "https://10.0.0.1:30008: HTTP 200",
        "quic://10.0.0.1:30009: not probed",
    ]


def test_nodes_that_are_not_listed_have_their_reason(
    run: Run, kube: FakeKube, url_probes: dict[str, UrlProbe]
) -> None:
    def node(number: int, ready: str) -> Json:
        return {
            "metadata": {"name": f"n{number}"},
            "status": {
                "addresses": [{"type": "InternalIP", "address": f"10.0.0.{number}"}],
                "conditions": [{"type": "Ready", "status": ready}],
            },
        }

    six = {"type": "InternalIP", "address": "FD00:0::1"}
    one = node(1, "True")
    one["status"]["addresses"].append(six)
    kube.responses["/api/v1/nodes"] = {"items": [one, node(2, "False")]}
    result = run("doctor", "hello")
    assert "http://[fd00::1]:30008 (n1): HTTP 200" in result.stdout
    assert "- not listed      n2: not ready\n" in result.stdout
    assert result.exit_code == 0
    steps = json.loads(run("doctor", "hello", "-o", "json").stdout)["steps"]
    assert {"step": "not listed", "ok": None, "detail": "n2: not ready"} in steps


def test_too_many_urls(run: Run, kube: FakeKube, url_probes: dict[str, UrlProbe]) -> None:
    urls = [f"http://10.0.0.{node}:{port}" for node in range(50) for port in (30009, 30008)]
    kube.set_app(with_status(urls=urls))
    steps = json.loads(run("doctor", "hello", "-o", "json").stdout)["steps"]
    details = [step["detail"] for step in steps if step["step"] == "url"]
    assert details[-1] == "36 more: not probed"
    assert sum(":30008" in detail for detail in details) == 50


async def test_the_probes_in_flight_are_bounded(
    kube: FakeKube, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_flight = highest = 0

    async def slow(url: str) -> UrlProbe:
        nonlocal in_flight, highest
        in_flight += 1
        highest = max(highest, in_flight)
        await asyncio.sleep(0.001)
        in_flight -= 1
        return UrlProbe(url, ProbeResult(ProbeOutcome.ANSWERED, 200))

    monkeypatch.setattr(collect, "probe_url", slow)

    urls = [f"http://10.0.0.{node}:30008" for node in range(50)]
    kube.set_app(with_status(urls=urls))
    await collect.collect_evidence(kube.client(), "hello")
    assert highest == collect.MAX_IN_FLIGHT


@pytest.mark.parametrize(
    "cause",
    [cause for cause in CAUSES if cause.pods and not cause.deployment["status"]["readyReplicas"]],
    ids=lambda cause: cause.name,
)
def test_why_no_pod_is_ready_is_judged_as_in_the_condition(
    run: Run, kube: FakeKube, url_probes: dict[str, UrlProbe], cause: Cause
) -> None:
    kube.responses["/api/v1/namespaces/shop/pods"] = {"items": cause.pods}
    kube.responses["/api/v1/namespaces/shop/events"] = {"items": cause.events}
    kube.set_app(not_ready("Progressing"))
    report = json.loads(run("doctor", "hello", "-o", "json").stdout)
    assert report["code"] == "NoReadyPod"
    assert cause.words in report["diagnosis"]
    read = [path for _, path, _ in kube.requests if "/events" in path]
    assert len(read) <= 1
    assert bool(read) >= (cause.source in (EVENT, CLAIM_EVENT))
