# SPDX-License-Identifier: Apache-2.0
"""`exposedapp import`: manifests become apps, whether they are applied already or not."""

import copy
from pathlib import Path

import pytest
import yaml

from support.cli import APPS, FakeKube, Run
from unit.cli.test_expose import (
    ALL_SERVICES,
    AUTOSCALERS,
    CONTAINER,
    DEPLOYMENT,
    DEPLOYMENTS,
    SERVICE,
    SERVICES,
    SPEC,
    named,
    shop,
    writes,
)

__all__ = ["shop"]  # the fixture

CONFIG_MAP = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings"}}


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "chart.yaml"
    path.write_text(yaml.safe_dump_all([CONFIG_MAP, SERVICE, DEPLOYMENT]))
    return str(path)


def test_what_runs_is_taken_over(run: Run, shop: FakeKube, file: str) -> None:
    result = run("import", "-f", file)
    assert result.exit_code == 0, result.stderr
    assert writes(shop) == [
        ("PATCH", f"{DEPLOYMENTS}/web"),
        ("PATCH", f"{SERVICES}/web"),
        ("POST", APPS),
    ]
    assert "ConfigMap settings stays as it is" in result.stderr


def test_what_does_not_run_becomes_an_app_of_its_own(run: Run, shop: FakeKube, file: str) -> None:
    del shop.responses[f"{DEPLOYMENTS}/web"]
    del shop.responses[f"{SERVICES}/web"]
    shop.responses[SERVICES] = {"items": []}
    result = run("import", "-f", file, "--dry-run")
    assert result.exit_code == 0, result.stderr
    spec = yaml.safe_load(result.stdout)["spec"]
    expected = copy.deepcopy(SPEC)
    expected["podTemplate"]["metadata"]["labels"] = {"app": "web", "tier": "front"}
    expected["podTemplate"]["spec"]["containers"][0]["name"] = "app"
    assert spec == expected
    assert writes(shop) == []


def test_a_strategy_comes_with_what_does_not_run_yet(
    run: Run, shop: FakeKube, tmp_path: Path
) -> None:
    del shop.responses[f"{DEPLOYMENTS}/web"]
    del shop.responses[f"{SERVICES}/web"]
    manifest = copy.deepcopy(DEPLOYMENT)
    fields = {"strategy": {"type": "Recreate"}, "minReadySeconds": 5}
    manifest["spec"] |= {**fields, "progressDeadlineSeconds": 600}  # the last one is the default
    path = tmp_path / "web.yaml"
    path.write_text(yaml.safe_dump_all([manifest, SERVICE]))
    spec = yaml.safe_load(run("import", "-f", str(path), "--dry-run").stdout)["spec"]
    assert spec["deployment"] == fields


def test_several_containers(run: Run, shop: FakeKube, tmp_path: Path) -> None:
    """The one that the Service leads to is the app's, the others are beside it."""
    del shop.responses[f"{DEPLOYMENTS}/web"]
    del shop.responses[f"{SERVICES}/web"]
    proxy = {"name": "proxy", "image": "proxy:1"}
    manifest = copy.deepcopy(DEPLOYMENT)
    manifest["spec"]["template"]["spec"]["containers"] = [proxy, CONTAINER]
    path = tmp_path / "web.yaml"
    path.write_text(yaml.safe_dump_all([manifest, SERVICE]))
    spec = yaml.safe_load(run("import", "-f", str(path), "--dry-run").stdout)["spec"]
    assert spec["image"] == "demo:1"
    names = [item["name"] for item in spec["podTemplate"]["spec"]["containers"]]
    assert names == ["app", "proxy"]


def test_a_service_of_another_name_keeps_its_node_port(
    run: Run, shop: FakeKube, tmp_path: Path
) -> None:
    """It stays as it is: the app would request its node port, and get NodePortConflict."""
    del shop.responses[f"{SERVICES}/web"]
    front = {**SERVICE, "metadata": {"name": "front", "namespace": "shop"}}
    shop.responses[SERVICES] = {"items": [front]}
    path = tmp_path / "web.yaml"
    path.write_text(yaml.safe_dump_all([front, DEPLOYMENT]))
    result = run("import", "-f", str(path), "--dry-run")
    assert yaml.safe_load(result.stdout)["spec"]["ports"] == [{"port": 80, "targetPort": "http"}]
    assert "node port 30080 is left out: Service front keeps it" in result.stderr


def test_services_are_listed_once_for_all_manifests(
    run: Run, shop: FakeKube, tmp_path: Path
) -> None:
    other = copy.deepcopy(DEPLOYMENT)
    other["metadata"] = {"name": "other", "namespace": "shop"}
    front = named(SERVICE, "front", "elsewhere")
    shop.responses[ALL_SERVICES] = {"items": [front]}
    del shop.responses[f"{SERVICES}/web"]
    path = tmp_path / "web.yaml"
    path.write_text(yaml.safe_dump_all([named(SERVICE, "front"), DEPLOYMENT, other]))
    result = run("import", "-f", str(path), "--dry-run")
    assert result.stderr.count("30080 is left out: Service elsewhere/front keeps it") == 2
    assert [path for _, path, _ in shop.requests].count(ALL_SERVICES) == 1


def test_a_service_of_another_name_that_does_not_run_has_no_node_port(
    run: Run, shop: FakeKube, tmp_path: Path
) -> None:
    del shop.responses[f"{SERVICES}/web"]
    shop.responses[SERVICES] = {"items": []}
    path = tmp_path / "web.yaml"
    path.write_text(yaml.safe_dump_all([{**SERVICE, "metadata": {"name": "front"}}, DEPLOYMENT]))
    result = run("import", "-f", str(path), "--dry-run")
    assert yaml.safe_load(result.stdout)["spec"]["ports"] == SPEC["ports"]
    assert "left out" not in result.stderr


def test_replicas_that_the_file_leaves_open_are_the_clusters(
    run: Run, shop: FakeKube, tmp_path: Path
) -> None:
    manifest = copy.deepcopy(DEPLOYMENT)
    del manifest["spec"]["replicas"]
    path = tmp_path / "web.yaml"
    path.write_text(yaml.safe_dump(manifest))
    spec = yaml.safe_load(run("import", "-f", str(path), "--dry-run").stdout)["spec"]
    assert spec["replicas"] == 3


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("kind: ConfigMap", "the files contain no Deployment"),
        (yaml.safe_dump({**DEPLOYMENT, "metadata": {"name": "web", "namespace": "x"}}), "use -n x"),
    ],
)
def test_files_that_cannot_be_imported(run: Run, shop: FakeKube, text: str, words: str) -> None:
    shop.responses[AUTOSCALERS] = {"items": []}
    result = run("import", "-f", "-", stdin=text)
    assert (result.exit_code, writes(shop)) == (2, [])
    assert words in result.stderr
