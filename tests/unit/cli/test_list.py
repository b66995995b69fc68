# SPDX-License-Identifier: Apache-2.0
"""`exposedapp list` and `doctor -A`: many apps at once."""

import json

import pytest

from exposedapp.api.meta import Json
from exposedapp.cli.doctor.diagnosis.evidence import UrlProbe
from support.cli import API, APPS, HELLO, FakeKube, Run, not_ready


def named(app: Json, name: str, namespace: str = "shop") -> Json:
    """The app with another name."""
    return {**app, "metadata": {**app["metadata"], "name": name, "namespace": namespace}}


@pytest.fixture
def apps(kube: FakeKube, url_probes: dict[str, UrlProbe]) -> FakeKube:
    broken = not_ready("ImagePullBackOff")
    kube.responses[APPS] = {"items": [HELLO, named(broken, "zebra")]}
    others = [HELLO, named(broken, "zebra"), named(HELLO, "hello", "else")]
    kube.responses[f"{API}/exposedapps"] = {"items": others}
    kube.responses[f"{APPS}/zebra"] = named(broken, "zebra")
    kube.responses["/api/v1/namespaces/shop/services/zebra"] = None
    return kube


def test_what_is_not_ready_comes_first_with_what_to_do(run: Run, apps: FakeKube) -> None:
    result = run("list")
    assert result.exit_code == 0
    first, second = (line.split("\t") for line in result.stdout.splitlines())
    assert first[:3] == ["zebra", "False", "ImagePullBackOff"]
    assert first[-1].startswith("Words. ")
    assert "Check its name" in first[-1]
    assert second == ["hello", "True", "Available", "http://10.0.0.1:30008", ""]


def test_all_namespaces(run: Run, apps: FakeKube) -> None:
    lines = [line.split("\t")[:2] for line in run("list", "-A").stdout.splitlines()]
    assert lines == [["shop", "zebra"], ["else", "hello"], ["shop", "hello"]]


def test_for_programs(run: Run, apps: FakeKube) -> None:
    items = json.loads(run("list", "-o", "json").stdout)["items"]
    assert [item["name"] for item in items] == ["zebra", "hello"]
    assert items[1] == {
        "namespace": "shop",
        "name": "hello",
        "ready": True,
        "reason": "Available",
        "message": "1 of 1 pods are ready.",
        "advice": "",
        "url": "http://10.0.0.1:30008",
    }


def test_none(run: Run, kube: FakeKube) -> None:
    kube.responses[APPS] = {"items": []}
    result = run("list")
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr == "No ExposedApp was found.\n"


def test_a_cluster_without_the_resource(run: Run, kube: FakeKube) -> None:
    del kube.responses[API]
    result = run("list")
    assert result.exit_code == 4
    assert "install the operator" in result.stderr


def test_the_doctor_examines_all_that_are_not_ready(run: Run, apps: FakeKube) -> None:
    result = run("doctor", "-A")
    assert result.exit_code == 1
    assert result.stdout.startswith("shop/zebra\n")
    assert "2 of 3 apps are ready." in result.stdout
    assert "else/hello" not in result.stdout
    items = json.loads(run("doctor", "-A", "-o", "json").stdout)["items"]
    assert [(item["namespace"], item["name"]) for item in items] == [("shop", "zebra")]
    assert items[0]["code"] == "NoService"


def test_the_doctor_has_nothing_to_do(run: Run, kube: FakeKube) -> None:
    kube.responses[f"{API}/exposedapps"] = {"items": [HELLO]}
    result = run("doctor", "-A")
    assert (result.exit_code, result.stdout) == (0, "1 of 1 apps are ready.\n")


@pytest.mark.parametrize("words", [[], ["hello", "-A"]])
def test_the_doctor_needs_a_name_or_all(run: Run, kube: FakeKube, words: list[str]) -> None:
    result = run("doctor", *words)
    assert (result.exit_code, kube.requests) == (2, [])
