# SPDX-License-Identifier: Apache-2.0
"""deploy/kustomize: kustomize changes an ExposedApp as it changes a Deployment."""

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from exposedapp.api import crd
from exposedapp.api.meta import API_VERSION, KIND, Json
from support.kustomize import COMPONENT, ROOT, write_kustomization

KUBECTL = ROOT / "build" / "bin" / "kubectl"
CONFIGURATION = yaml.safe_load((COMPONENT / "configuration.yaml").read_text())
REFERENCES = {
    f"{reference['kind']} in {field['kind']} {field['path']}": (reference, field)
    for reference in CONFIGURATION["nameReference"]
    for field in reference["fieldSpecs"]
}
LISTS = {
    *("containers", "initContainers", "volumes", "imagePullSecrets", "env", "envFrom", "sources"),
    *("rules", "paths", "backendRefs"),
}
"""Parts of the paths that are lists."""


def build(folder: Path, *objects: Json, **fields: object) -> list[Json]:
    """What `kubectl kustomize` makes of the objects."""
    if not KUBECTL.exists():
        pytest.fail(f"There is no {KUBECTL}: run tests/kind/tools.sh user (it needs Go).")
    write_kustomization(folder, *objects, **fields)
    done = subprocess.run(
        [KUBECTL, "kustomize", folder], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return list(yaml.safe_load_all(done.stdout))


def app(**spec: Any) -> Json:
    return {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "metadata": {"name": "web"},
        "spec": {"image": "shop/web", "ports": [{"port": 80}], **spec},
    }


def of_kind(objects: list[Json], kind: str) -> Json:
    (body,) = (body for body in objects if body["kind"] == kind)
    return body


def at_path(path: str, value: str) -> Json:
    """An object with a value at a path, in which each list has one item."""
    first, _, remainder = path.partition("/")
    inner: Any = at_path(remainder, value) if remainder else value
    return {first: [inner] if first in LISTS else inner}


def values_at(node: Any, path: str) -> Iterator[str]:
    """The values at a path, in each item of the lists on the way."""
    if isinstance(node, list):
        for item in node:
            yield from values_at(item, path)
    elif path:
        first, _, remainder = path.partition("/")
        yield from values_at(node[first], remainder)
    else:
        yield node


def body_of(known: Json, name: str, **fields: Any) -> Json:
    """An object of a kind and group that the configuration names, for any version."""
    group = known.get("group")
    version = f"{group}/v1" if group else "v1"
    return {"apiVersion": version, "kind": known["kind"], "metadata": {"name": name}, **fields}


@pytest.fixture(scope="module")
def prefixed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Json]:
    """A referrer for each name that the configuration has, after a namePrefix; by its number."""
    objects = []
    for index, (reference, field) in enumerate(REFERENCES.values()):
        objects.append(body_of(reference, f"target-{index}"))
        fields = at_path(field["path"], f"target-{index}")
        objects.append(body_of(field, f"referrer-{index}", **fields))
    built = build(tmp_path_factory.mktemp("prefixed"), *objects, namePrefix="shop-")
    return {body["metadata"]["name"]: body for body in built}


@pytest.mark.parametrize("name", REFERENCES)
def test_a_name_is_followed(prefixed: dict[str, Json], name: str) -> None:
    index = [*REFERENCES].index(name)
    _, field = REFERENCES[name]
    referrer = prefixed[f"shop-referrer-{index}"]
    assert [*values_at(referrer, field["path"])] == [f"shop-target-{index}"]


def references(node: Json, path: str = "") -> Iterator[str]:
    """The path of each name of a ConfigMap or Secret in a schema, as kustomize writes it."""
    node = node.get("items", node)
    for name, schema in node.get("properties", {}).items():
        if name in ("configMapKeyRef", "secretKeyRef", "configMapRef", "secretRef"):
            yield f"{path}/{name}/name".removeprefix("/")
        yield from references(schema, f"{path}/{name}")


def test_every_reference_of_the_schema_is_followed() -> None:
    in_schema = {*references(crd.schema())}
    assert len(in_schema) == 4
    assert in_schema <= {field["path"] for _, field in REFERENCES.values()}


CONTAINER: Json = {
    "name": "one",
    "image": "shop/web",
    "env": [
        {"name": "A", "valueFrom": {"configMapKeyRef": {"name": "config", "key": "a"}}},
        {"name": "B", "valueFrom": {"secretKeyRef": {"name": "secret", "key": "b"}}},
    ],
    "envFrom": [{"configMapRef": {"name": "config"}}, {"secretRef": {"name": "secret"}}],
}
POD_SPEC: Json = {
    "serviceAccountName": "account",
    "priorityClassName": "urgent",
    "imagePullSecrets": [{"name": "secret"}],
    "containers": [CONTAINER],
    "initContainers": [CONTAINER],
    "volumes": [
        {"name": "a", "configMap": {"name": "config"}},
        {"name": "b", "secret": {"secretName": "secret"}},
        {"name": "c", "persistentVolumeClaim": {"claimName": "claim"}},
        {
            "name": "d",
            "projected": {
                "sources": [{"configMap": {"name": "config"}}, {"secret": {"name": "secret"}}]
            },
        },
        {"name": "e", "image": {"reference": "shop/web"}},
    ],
}
TARGETS = [
    body_of({"kind": "ConfigMap"}, "config"),
    body_of({"kind": "Secret"}, "secret"),
    body_of({"kind": "PersistentVolumeClaim"}, "claim"),
    body_of({"kind": "ServiceAccount"}, "account"),
    body_of({"kind": "PriorityClass", "group": "scheduling.k8s.io"}, "urgent"),
]


def test_a_pod_template_is_changed_as_that_of_a_deployment(tmp_path: Path) -> None:
    deployment = body_of(
        {"kind": "Deployment", "group": "apps"}, "web", spec={"template": {"spec": POD_SPEC}}
    )
    objects = [deployment, app(podTemplate={"spec": POD_SPEC}), *TARGETS]
    images = [{"name": "shop/web", "newName": "registry.example/web", "newTag": "2"}]
    built = build(tmp_path, *objects, namePrefix="shop-", images=images)
    by_kustomize = of_kind(built, "Deployment")["spec"]["template"]["spec"]
    assert by_kustomize["priorityClassName"] == "shop-urgent"
    assert of_kind(built, KIND)["spec"]["podTemplate"]["spec"] == by_kustomize


def test_an_image_is_set(tmp_path: Path) -> None:
    images = [{"name": "shop/web", "newName": "registry.example/web", "newTag": "2"}]
    built = build(tmp_path, app(), images=images)
    assert of_kind(built, KIND)["spec"]["image"] == "registry.example/web:2"


def test_an_app_without_an_image_gets_none(tmp_path: Path) -> None:
    selecting = app(selector={"app": "db"})
    del selecting["spec"]["image"]
    built = build(tmp_path, selecting, images=[{"name": "shop/web", "newTag": "2"}])
    assert "image" not in of_kind(built, KIND)["spec"]


def test_replicas_are_set(tmp_path: Path) -> None:
    built = build(tmp_path, app(), replicas=[{"name": "web", "count": 3}])
    assert of_kind(built, KIND)["spec"]["replicas"] == 3


def test_a_generated_name_is_followed(tmp_path: Path) -> None:
    settings = app(envFrom=[{"configMapRef": {"name": "settings"}}])
    generated = {"name": "settings", "literals": ["SIZE=small"]}
    built = build(tmp_path, settings, configMapGenerator=[generated])
    name = of_kind(built, "ConfigMap")["metadata"]["name"]
    assert name.startswith("settings-")
    (source,) = of_kind(built, KIND)["spec"]["envFrom"]
    assert source["configMapRef"]["name"] == name
