# SPDX-License-Identifier: Apache-2.0
"""Upgrade, removal and restore: what they do to apps that run. See docs/upgrade.md."""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.client import HTTPException
from pathlib import Path
from threading import Event, Thread

import pytest
from pytest_kind import KindCluster

from e2e.conftest import Operator, reconciled_apps
from e2e.releases import (
    CHART,
    build_image,
    current_image,
    existing_apps,
    former_tree,
    install,
    uninstall,
)
from e2e.support import ROOT, Json, Namespace, app, eventually, fetch
from exposedapp.reconcile.upgrades import MAX_UPGRADES_UNDER_WAY

RELEASE = "exposedapp"
STOPPED_APPS = 46
RUNNING_APPS = 4
ROLLED_APPS = MAX_UPGRADES_UNDER_WAY + 4
POD_FIELD = "dnsPolicy"
GENTLE: Json = {
    # On a busy machine kube-proxy takes longer than the demo's two seconds.
    "env": [{"name": "DRAIN_SECONDS", "value": "8"}],
    "readinessProbe": {"httpGet": {"path": "/healthz", "port": 8080}, "periodSeconds": 1},
}


@pytest.fixture(autouse=True)
def current_release(operator: Operator) -> Iterator[None]:
    """Whatever a test has installed: at its end, the operator of this tree."""
    yield
    operator.install()


def apply_apps(namespace: Namespace, stopped: int, running: int) -> None:
    """Apply apps without and with a pod, and wait until all are Ready."""
    namespace.apply(
        *(app(f"stopped-{number}", replicas=0) for number in range(stopped)),
        *(app(f"running-{number}", **GENTLE) for number in range(running)),
    )
    namespace.kubectl("wait", "xapp", "--all", "--for=condition=Ready", "--timeout=180s")


def objects(namespace: Namespace) -> dict[str, Json]:
    """Every app and child."""
    bodies = json.loads(namespace.kubectl("get", "xapp,deployments,services", "-o", "json"))
    return {f"{body['kind']}/{body['metadata']['name']}": body for body in bodies["items"]}


def settled_objects(namespace: Namespace) -> dict[str, Json]:
    """All of these once two readings in a row are the same."""
    previous = objects(namespace)

    def is_unchanged() -> None:
        nonlocal previous
        before, previous = previous, objects(namespace)
        assert previous == before

    eventually(is_unchanged)
    return previous


def assert_unwritten(namespace: Namespace, before: dict[str, Json]) -> None:
    """Nothing was created, changed or deleted."""
    after = settled_objects(namespace)
    assert after.keys() == before.keys()
    changed = [
        f"{name}: {before[name]} -> {after[name]}" for name in before if after[name] != before[name]
    ]
    assert not changed, f"{len(changed)} changed, such as {changed[0]}"


def all_are_reconciled(cluster: KindCluster) -> None:
    assert reconciled_apps(cluster) == existing_apps(cluster) > 0


@contextmanager
def uninterrupted(url: str) -> Iterator[None]:
    """Requests without a pause until the block ends; none may fail."""
    stop, failures, count = Event(), list[str](), 0

    def request_again_and_again() -> None:
        nonlocal count
        while not stop.is_set():
            count += 1
            try:
                fetch(url)
            except (OSError, HTTPException) as error:
                failures.append(repr(error))

    client = Thread(target=request_again_and_again)
    client.start()
    try:
        yield
    finally:
        stop.set()
        client.join()
    print(f"{count} requests, {len(failures)} failed")
    assert count > 0
    assert failures == []


def url_of(namespace: Namespace, name: str) -> str:
    url: str = namespace.wait_ready(name)["status"]["url"]
    eventually(partial(fetch, url))
    return url


def test_an_upgrade_writes_nothing_and_drops_no_request(
    cluster: KindCluster, namespace: Namespace, tmp_path: Path
) -> None:
    """From the chart and the operator of an earlier commit."""
    tree = former_tree(tmp_path)
    context = tmp_path / "context"
    context.mkdir()
    image = build_image(cluster, tree / "operator" / "exposedapp", "former", context)
    uninstall(cluster, RELEASE)
    install(cluster, RELEASE, tree / "deploy" / "chart" / "exposedapp", image)
    apply_apps(namespace, STOPPED_APPS, RUNNING_APPS)
    before = settled_objects(namespace)
    with uninterrupted(url_of(namespace, "running-0")):
        install(cluster, RELEASE, CHART, current_image())
        eventually(partial(all_are_reconciled, cluster))
        assert_unwritten(namespace, before)


def test_apps_run_on_without_an_operator_and_another_release_adopts_them(
    cluster: KindCluster, namespace: Namespace
) -> None:
    apply_apps(namespace, stopped=2, running=2)
    before = settled_objects(namespace)
    with uninterrupted(url_of(namespace, "running-0")):
        uninstall(cluster, RELEASE)
        assert_unwritten(namespace, before)
        install(cluster, "other-exposedapp", CHART, current_image())
        try:
            eventually(partial(all_are_reconciled, cluster))
            assert_unwritten(namespace, before)
            namespace.apply(app("running-1", replicas=2))
            namespace.kubectl("wait", "deployment/running-1", "--for=jsonpath={.spec.replicas}=2")
        finally:
            uninstall(cluster, "other-exposedapp")


def next_package(folder: Path) -> Path:
    """The operator of this tree, changed to generate pods with one more field."""
    package = folder / "next"
    shutil.copytree(ROOT / "operator" / "exposedapp", package)
    metadata = package / "desired" / "metadata.py"
    text = metadata.read_text()
    assert "\nGENERATOR_VERSION = 1\n" in text
    metadata.write_text(text.replace("\nGENERATOR_VERSION = 1\n", "\nGENERATOR_VERSION = 2\n"))
    deployment = package / "desired" / "deployment.py"
    text, line = deployment.read_text(), "    check_named_ports("
    assert line in text
    field = f'    template["metadata"].setdefault("annotations", {{}})["{POD_FIELD}"] = "next"\n'
    deployment.write_text(text.replace(line, field + line))
    return package


def deployments(namespace: Namespace) -> list[Json]:
    items: list[Json] = json.loads(namespace.kubectl("get", "deployments", "-o", "json"))["items"]
    return items


def is_rolling(deployment: Json) -> bool:
    status, metadata = deployment.get("status", {}), deployment["metadata"]
    pods = {status.get(field, 0) for field in ("replicas", "updatedReplicas", "availableReplicas")}
    is_observed = status.get("observedGeneration", 0) >= metadata["generation"]
    return not is_observed or pods != {deployment["spec"]["replicas"]}


def is_upgraded(deployment: Json) -> bool:
    annotations = deployment["spec"]["template"]["metadata"].get("annotations") or {}
    return POD_FIELD in annotations


def test_a_release_that_generates_other_children_rolls_a_few_apps_at_a_time(
    cluster: KindCluster, namespace: Namespace, tmp_path: Path
) -> None:
    apply_apps(namespace, stopped=0, running=ROLLED_APPS)
    context = tmp_path / "context"
    context.mkdir()
    image = build_image(cluster, next_package(tmp_path), "next", context)
    most_at_a_time = 0

    def all_are_upgraded() -> None:
        nonlocal most_at_a_time
        bodies = deployments(namespace)
        most_at_a_time = max(most_at_a_time, sum(map(is_rolling, bodies)))
        assert all(is_upgraded(body) and not is_rolling(body) for body in bodies)

    with uninterrupted(url_of(namespace, "running-0")):
        install(cluster, RELEASE, CHART, image)
        eventually(all_are_upgraded, deadline=240)
    print(f"at most {most_at_a_time} of {ROLLED_APPS} at a time")
    assert 0 < most_at_a_time <= MAX_UPGRADES_UNDER_WAY
    for number in range(ROLLED_APPS):
        eventually(partial(has_only_the_event, namespace, f"running-{number}", "Upgraded"))


def has_only_the_event(namespace: Namespace, name: str, reason: str) -> None:
    """Whether the app's change is reported as an upgrade, and not one of its spec."""
    field = f"involvedObject.kind=ExposedApp,involvedObject.name={name}"
    text = namespace.kubectl("get", "events", f"--field-selector={field}", "-o", "json")
    reasons = {event["reason"] for event in json.loads(text)["items"]}
    assert reason in reasons
    assert "Updated" not in reasons


def test_a_restored_app_gets_its_pinned_node_port(namespace: Namespace) -> None:
    """From what a backup has: the apps alone, with their status, under new uids."""
    ports = [{"port": 80, "targetPort": 8080, "nodePort": 30088}]
    namespace.apply(app("pinned", ports=ports, **GENTLE))
    namespace.wait_ready("pinned")
    backup = namespace.kubectl("get", "xapp", "pinned", "-o", "json")
    namespace.kubectl("delete", "xapp", "pinned", "--cascade=foreground", "--timeout=60s")
    namespace.kubectl("create", "-f", "-", stdin=backup)
    restored = namespace.wait_ready("pinned")
    assert restored["metadata"]["uid"] != json.loads(backup)["metadata"]["uid"]
    assert restored["status"]["ports"][0]["nodePort"] == 30088
    eventually(partial(fetch, restored["status"]["url"]))
