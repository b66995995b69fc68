# SPDX-License-Identifier: Apache-2.0
"""Two operators side by side, each of some namespaces, with the rights that the chart gives them.

The operator of all namespaces is stopped meanwhile.
"""

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from pytest_kind import KindCluster

from e2e.conftest import BIN, Operator, namespace_of
from e2e.releases import CHART, current_image
from e2e.support import Namespace, app, condition, eventually

UNREADY_SECONDS = 180
"""A running watch lasts up to 35 s more, and counts as silent 90 s later."""


@dataclass(frozen=True)
class Release:
    """An operator of some namespaces, as a release of the chart with one replica."""

    name: str
    home: Namespace
    """Where it runs."""

    def helm(self, *words: str | Path) -> None:
        """Run helm for its namespace."""
        environment = {**os.environ, "KUBECONFIG": str(self.home.cluster.kubeconfig_path)}
        command = [BIN / "helm", "--namespace", self.home.name, *words]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr

    def install(self, *namespaces: Namespace, host: str = "") -> None:
        """Install it for these namespaces, and wait until it is ready."""
        repository, _, tag = current_image().rpartition(":")
        watched = ",".join(namespace.name for namespace in namespaces)
        sets = [f"watchNamespaces={{{watched}}}", "replicas=1", f"nodes.host={host}"]
        sets += [f"image.repository={repository}", f"image.tag={tag}", "crds.install=false"]
        waiting = ["--wait", "--timeout", "120s"]
        self.helm("install", self.name, CHART, *waiting, *(f"--set={given}" for given in sets))

    @property
    def object_name(self) -> str:
        """The name of its objects."""
        return f"{self.name}-exposedapp"

    def log(self) -> str:
        return self.home.kubectl("logs", f"deployment/{self.object_name}")

    def may(self, verb: str, resource: str, *where: str) -> bool:
        """Whether its account has a right, in a namespace or with --all-namespaces."""
        account = f"system:serviceaccount:{self.home.name}:{self.object_name}"
        return self.home.may(account, verb, resource, *where)

    def is_ready(self) -> bool:
        [pod] = json.loads(
            self.home.kubectl(
                "get", "pods", "-l", f"app.kubernetes.io/instance={self.name}", "-o", "json"
            )
        )["items"]
        return bool(condition(pod["status"], "Ready")["status"] == "True")


@dataclass(frozen=True)
class Shops:
    """Two operators, and their namespaces."""

    first: Release
    shop: Namespace
    staging: Namespace
    second: Release
    """It does not read Nodes."""
    host: str
    """What it writes into all URLs."""
    market: Namespace


def node_address(namespace: Namespace) -> str:
    [address, *_] = namespace.kubectl(
        "get",
        "nodes",
        "-o",
        'jsonpath={.items[*].status.addresses[?(@.type=="InternalIP")].address}',
    ).split()
    return address


@pytest.fixture(scope="module")
def shops(cluster: KindCluster, operator: Operator) -> Iterator[Shops]:
    operator.stop()
    with ExitStack() as stack:
        stack.callback(operator.start)
        home, shop, staging, market = (stack.enter_context(namespace_of(cluster)) for _ in range(4))
        first, second = Release("first", home), Release("second", home)
        host = node_address(market)
        for release, namespaces, given in (
            (first, (shop, staging), ""),
            (second, (market,), host),
        ):
            stack.callback(release.helm, "uninstall", release.name, "--ignore-not-found", "--wait")
            release.install(*namespaces, host=given)
        yield Shops(first, shop, staging, second, host, market)
        for release in (first, second):
            assert "Traceback" not in release.log()


def test_the_rights_are_those_of_the_namespaces(shops: Shops) -> None:
    for verb, resource in (("create", "deployments"), ("list", "services"), ("list", "pods")):
        for release, own, others in (
            (shops.first, (shops.shop, shops.staging), (shops.market, shops.first.home)),
            (shops.second, (shops.market,), (shops.shop, shops.staging)),
        ):
            assert all(release.may(verb, resource, f"-n={owned.name}") for owned in own)
            assert not any(release.may(verb, resource, f"-n={other.name}") for other in others)
            assert not release.may(verb, resource, "--all-namespaces")
    assert shops.first.may("list", "nodes")
    assert not shops.second.may("list", "nodes")


def test_each_reconciles_the_apps_of_its_namespaces(shops: Shops) -> None:
    shops.first.home.apply(app("web", replicas=0))
    for namespace in (shops.shop, shops.staging, shops.market):
        namespace.apply(app("web"))
    for namespace in (shops.shop, shops.staging):
        status = namespace.wait_ready("web")["status"]
        assert status["nodes"]["eligible"] > 1
    leaders = [
        shops.first.home.get("lease", release.object_name)["spec"]["holderIdentity"]
        for release in (shops.first, shops.second)
    ]
    assert [leader.rpartition("-exposedapp-")[0] for leader in leaders] == ["first", "second"]
    # No operator watches the namespace in which they run.
    assert shops.first.home.status("web") == {"observedGeneration": -1}


def test_an_operator_without_a_right_on_nodes_gives_apps_its_host(shops: Shops) -> None:
    shops.market.apply(app("local", service={"externalTrafficPolicy": "Cluster"}))
    status = shops.market.wait_ready("local")["status"]
    assert status["url"].startswith(f"http://{shops.host}:")
    assert "nodes" not in status
    assert condition(status, "Reachable")["status"] == "True"


def test_a_node_port_of_another_operator_s_app(shops: Shops) -> None:
    shops.shop.apply(app("web"))
    shops.shop.wait_ready("web")
    number = shops.shop.status("web")["ports"][0]["nodePort"]
    shops.market.apply(app("late", ports=[{"port": 80, "targetPort": 8080, "nodePort": number}]))

    def names_no_service() -> None:
        ready = shops.market.ready("late")
        assert ready["reason"] == "NodePortConflict", ready
        holder = f"Node port {number} belongs to a Service of another namespace."
        assert ready["message"].endswith(holder), ready

    eventually(names_no_service)


def test_a_right_that_is_taken_away_and_given_back(shops: Shops) -> None:
    role = f"rolebinding/{shops.first.object_name}-apps"
    binding = yaml.safe_load(shops.staging.kubectl("get", role, "-o", "yaml"))
    for field in ("uid", "resourceVersion", "creationTimestamp"):
        del binding["metadata"][field]
    shops.staging.kubectl("delete", role)
    try:
        shops.staging.apply(app("later"))
        shops.shop.apply(app("meanwhile"))
        shops.shop.wait_ready("meanwhile")
        eventually(lambda: is_unready(shops.first), UNREADY_SECONDS)
        assert f"services in namespace {shops.staging.name}: services" in shops.first.log()
        assert "url" not in shops.staging.status("later")
        # The other operator, and the other namespace, go on.
        shops.market.apply(app("meanwhile"))
        shops.market.wait_ready("meanwhile")
        shops.shop.apply(app("still"))
        shops.shop.wait_ready("still")
    finally:
        shops.staging.apply(binding)
    shops.staging.wait_ready("later")
    eventually(lambda: is_ready(shops.first))


def is_ready(release: Release) -> None:
    assert release.is_ready()


def is_unready(release: Release) -> None:
    assert not release.is_ready()
