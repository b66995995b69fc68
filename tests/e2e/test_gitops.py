# SPDX-License-Identifier: Apache-2.0
"""What GitOps tools apply stays without a difference, and others apply their fields beside it.

What users of other projects ran into: external-secrets#6398 and #6887 (a default within a list is
OutOfSync for ever), argo-rollouts#111 and kustomize#2524 (kustomize does not know the kind).
"""

import json
import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest
import yaml
from pytest_kind import KindCluster

from e2e.conftest import BIN, Operator
from e2e.support import EXAMPLES, ROOT, Json, Namespace, Refused, app, eventually, fetch, kstatus
from e2e.test_every_property import MODES, VALUES, whole
from support.kustomize import write_kustomization

pytestmark = pytest.mark.shares_cluster

FLUX = ("--server-side", "--field-manager=kustomize-controller")
ARGO_CD = ("--server-side", "--field-manager=argocd-controller")
"""With its option ServerSideApply=true; else it applies as kubectl does."""
SPECS = [whole(change.after) for change in (VALUES | MODES).values()]
"""For each property of the spec one that has it."""


@dataclass(frozen=True)
class Comparison:
    """How Argo CD applies and compares, by its own package (tests/kind/argodiff)."""

    apply_flags: tuple[str, ...]
    openapi: tuple[Path, ...] = ()
    """The API server's description of all kinds, for the comparison of ServerSideApply=true."""

    def apply(self, namespace: Namespace, *objects: Json) -> None:
        manifest = json.dumps(list_of(objects))
        namespace.kubectl("apply", *self.apply_flags, "-f", "-", stdin=manifest)

    def differences(self, namespace: Namespace, *desired: Json) -> list[str]:
        """How each live object would be changed to become the desired one, where it would."""
        manifest = json.dumps(list_of(desired))
        flags = ("-o", "json", "--show-managed-fields")
        live = json.loads(namespace.kubectl("get", "-f", "-", *flags, stdin=manifest))
        pairs = zip(desired, live.get("items", [live]), strict=True)
        lines = [
            json.dumps({"desired": in_namespace(body, namespace), "live": item})
            for body, item in pairs
        ]
        done = subprocess.run(
            [ROOT / "build" / "bin" / "argodiff", *self.openapi],
            input="\n".join(lines),
            capture_output=True,
            text=True,
            check=True,
        )
        results = done.stdout.splitlines()
        assert len(results) == len(desired)
        return [result for result in results if result != "Synced"]


def list_of(objects: Sequence[Json]) -> Json:
    return {"apiVersion": "v1", "kind": "List", "items": list(objects)}


def in_namespace(body: Json, namespace: Namespace) -> Json:
    """The object as Argo CD has it before it compares."""
    return {**body, "metadata": {**body["metadata"], "namespace": namespace.name}}


@pytest.fixture(params=["client-side", "server-side"])
def argo_cd(
    request: pytest.FixtureRequest, cluster: KindCluster, operator: Operator, tmp_path: Path
) -> Comparison:
    if request.param == "client-side":
        return Comparison(())
    openapi = tmp_path / "openapi.json"
    openapi.write_text(cluster.kubectl("get", "--raw", "/openapi/v2"))
    return Comparison(ARGO_CD, (openapi,))


def test_argo_cd_finds_no_difference_in_any_property(
    namespace: Namespace, argo_cd: Comparison
) -> None:
    # Suspended: the children would only take time.
    apps = [
        app(f"app-{index}") | {"spec": {**spec, "suspend": True}}
        for index, spec in enumerate(SPECS)
    ]
    argo_cd.apply(namespace, *apps)
    assert argo_cd.differences(namespace, *apps) == []


def test_argo_cd_finds_no_difference_while_an_app_runs(
    namespace: Namespace, argo_cd: Comparison
) -> None:
    """Neither the status nor an autoscaler's replicas, which the manifest leaves out, is one."""
    argo_cd.apply(namespace, app("hello"))
    namespace.wait_ready("hello")
    namespace.kubectl("scale", "xapp/hello", "--replicas=2")
    namespace.wait_ready("hello")
    assert argo_cd.differences(namespace, app("hello")) == []
    changed = app("hello", ports=[{"port": 81, "targetPort": 8080}])
    assert argo_cd.differences(namespace, changed), "the comparison compares nothing"


def test_argo_cd_finds_no_difference_in_the_operator(operator: Operator) -> None:
    """The chart, its CustomResourceDefinition included."""
    manifest = helm_manifest(operator.namespace)
    desired = [body for body in yaml.safe_load_all(manifest) if body]
    assert {"CustomResourceDefinition", "Deployment"} <= {body["kind"] for body in desired}
    assert Comparison(()).differences(operator.namespace, *desired) == []


def helm_manifest(namespace: Namespace) -> str:
    """What Helm has installed."""
    environment = {**os.environ, "KUBECONFIG": str(namespace.cluster.kubeconfig_path)}
    command = [str(BIN / "helm"), "--namespace", namespace.name, "get", "manifest", "exposedapp"]
    return subprocess.check_output(command, env=environment, text=True)


@pytest.mark.parametrize("flags", [(), FLUX], ids=["client-side", "server-side"])
def test_diff_shows_nothing_after_apply(namespace: Namespace, flags: tuple[str, ...]) -> None:
    # An adopted Deployment has another owner than those who apply it: docs/gitops.md.
    paths = [path for path in sorted(EXAMPLES.glob("*.yaml")) if path.stem != "adopt"]
    for path in paths:
        namespace.kubectl("apply", *flags, "-f", str(path))
    eventually(partial(all_are_observed, namespace))
    for path in paths:
        eventually(partial(has_no_difference, namespace, path, flags))


def has_no_difference(namespace: Namespace, path: Path, flags: tuple[str, ...]) -> None:
    """Not at every moment: kubectl compares two answers, and a status may change between them."""
    assert namespace.kubectl("diff", *flags, "-f", str(path)) == ""


def all_are_observed(namespace: Namespace) -> None:
    """Every app has a status of its own."""
    for body in json.loads(namespace.kubectl("get", "xapp", "-o", "json"))["items"]:
        assert body["status"]["observedGeneration"] == body["metadata"]["generation"]


def test_flux_applies_again_and_sees_the_app_become_current(namespace: Namespace) -> None:
    manifest = yaml.safe_dump(app("hello"))
    namespace.kubectl("apply", *FLUX, "-f", "-", stdin=manifest)
    assert kstatus(namespace.wait_ready("hello")) == "Current"
    before = namespace.get("xapp", "hello")["metadata"]["resourceVersion"]
    namespace.kubectl("apply", *FLUX, "-f", "-", stdin=manifest)
    assert namespace.get("xapp", "hello")["metadata"]["resourceVersion"] == before


def test_others_apply_their_fields_beside_the_operator(namespace: Namespace) -> None:
    """Without a conflict, and each keeps what it has applied."""
    apply = partial(apply_as, namespace)
    apply("team", app("hello", env=[{"name": "A", "value": "1"}]))
    namespace.wait_ready("hello")
    apply("platform", named("ExposedApp", "hello", spec={"env": [{"name": "B", "value": "2"}]}))
    annotated = named("Deployment", "hello")
    annotated["metadata"]["annotations"] = {"reloader.stakater.com/auto": "true"}
    apply("platform", annotated)
    apply("team", app("hello", env=[{"name": "A", "value": "3"}]))

    def is_merged() -> None:
        deployment = namespace.get("deployment", "hello")
        (container,) = deployment["spec"]["template"]["spec"]["containers"]
        env = {variable["name"]: variable["value"] for variable in container["env"]}
        assert env == {"A": "3", "B": "2"}
        assert deployment["metadata"]["annotations"]["reloader.stakater.com/auto"] == "true"

    eventually(is_merged)
    namespace.wait_ready("hello")
    apply("platform", annotated)
    with pytest.raises(Refused, match=r'conflict with "exposedapp".*\.spec\.replicas'):
        apply("platform", named("Deployment", "hello", spec={"replicas": 5}))


def apply_as(namespace: Namespace, manager: str, body: Json) -> None:
    flags = ("--server-side", f"--field-manager={manager}")
    namespace.kubectl("apply", *flags, "-f", "-", stdin=json.dumps(body))


def named(kind: str, name: str, **fields: Json) -> Json:
    version = "apps/v1" if kind == "Deployment" else "exposedapp.dev/v1alpha1"
    return {"apiVersion": version, "kind": kind, "metadata": {"name": name}, **fields}


def test_a_rollout_restart_replaces_the_pods(namespace: Namespace) -> None:
    namespace.apply(app("hello"))
    namespace.wait_ready("hello")
    (before,) = namespace.names("pods", "exposedapp.dev/name=hello")
    namespace.kubectl("rollout", "restart", "deployment/hello")
    namespace.kubectl("rollout", "status", "deployment/hello", "--timeout=90s")
    namespace.wait_ready("hello")
    remaining = [name for names in namespace.pods_by_node("hello").values() for name in names]
    assert before not in remaining
    template = namespace.get("deployment", "hello")["spec"]["template"]["metadata"]
    assert "kubectl.kubernetes.io/restartedAt" in template["annotations"]


def test_a_generated_config_map_reaches_the_pods(namespace: Namespace, tmp_path: Path) -> None:
    """kustomize gives it a name with a hash: other content is another name, and a rollout."""
    hello = app("hello", envFrom=[{"configMapRef": {"name": "settings"}}])
    for node in ("first", "second"):
        generated = {"name": "settings", "literals": [f"NODE_NAME={node}"]}
        write_kustomization(tmp_path, hello, namePrefix="shop-", configMapGenerator=[generated])
        namespace.kubectl("apply", "-k", str(tmp_path))
        eventually(partial(answers_from, namespace, node))


def answers_from(namespace: Namespace, node: str) -> None:
    """The demo app says which node it is on, as the environment has it."""
    assert fetch(namespace.status("shop-hello")["url"]).strip().endswith(f" on {node}")
