# SPDX-License-Identifier: Apache-2.0
"""From spec to Deployment and Service, compared as whole objects.

`UPDATE_GOLDEN=1 pytest tests/unit/desired/test_deployment_and_service.py` rewrites the files in
golden/; their diff is then for the reviewer to read.
"""

import os
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from exposedapp.api.app import ExposedAppSpec
from exposedapp.api.meta import HASH_ANNOTATION, Json
from exposedapp.desired import metadata
from exposedapp.desired.deployment import make_deployment
from exposedapp.desired.errors import SpecError
from exposedapp.desired.metadata import generator_version, is_upgrade
from exposedapp.desired.node_ports import keep_node_ports, node_ports
from exposedapp.desired.pod_template import pod_labels
from exposedapp.desired.service import make_service
from support.objects import APP, spec_of
from support.specs import DNS_PORTS, SPECS

GOLDEN = Path(__file__).parent / "golden"


def deployment_of(spec: ExposedAppSpec, live: Json | None = None) -> Json:
    deployment = make_deployment(APP, spec, live)
    assert deployment is not None
    return deployment


def service_of(spec: ExposedAppSpec, live: Json | None = None) -> Json:
    return make_service(APP, spec, pod_labels(APP, spec, live))


@pytest.mark.parametrize("name", SPECS)
def test_golden(name: str) -> None:
    spec = spec_of(**SPECS[name])
    children = [child for child in (make_deployment(APP, spec), service_of(spec)) if child]
    path = GOLDEN / f"{name}.yaml"
    if os.environ.get("UPDATE_GOLDEN"):
        check_generator_version(path, children)
        path.write_text(yaml.safe_dump_all(children, sort_keys=False, width=100))
    assert children == list(yaml.safe_load_all(path.read_text()))


def check_generator_version(path: Path, children: list[Json]) -> None:
    """Fail when a spec gives other children than before under the same generator version."""
    before = list(yaml.safe_load_all(path.read_text())) if path.exists() else []
    for old, new in zip(before, children, strict=False):
        same_version = not is_upgrade(new, old)
        assert digest(old) == digest(new) or not same_version, (
            "the children of an unchanged spec change: raise desired.metadata.GENERATOR_VERSION"
        )


def test_other_children_need_another_generator_version(monkeypatch: pytest.MonkeyPatch) -> None:
    path = GOLDEN / "minimal.yaml"
    changed = [deployment_of(spec_of(replicas=7)), service_of(spec_of())]
    with pytest.raises(AssertionError, match="GENERATOR_VERSION"):
        check_generator_version(path, changed)
    monkeypatch.setattr(metadata, "GENERATOR_VERSION", 2)
    changed = [deployment_of(spec_of(replicas=7)), service_of(spec_of())]
    check_generator_version(path, changed)


def test_no_golden_file_is_left_over() -> None:
    assert {path.stem for path in GOLDEN.glob("*.yaml")} == SPECS.keys()


@pytest.mark.parametrize(
    ("ports", "field"),
    [
        ([{"port": 80, "targetPort": "web"}], r"spec\.ports\[0\]\.targetPort.*'web'"),
        (
            [{"name": "web", "port": 80}, {"name": "b", "port": 81, "targetPort": "wbe"}],
            r"spec\.ports\[1\]\.targetPort.*'wbe'",
        ),
        # A name refers to the container's port, and a port that refers has none of its own.
        ([{"name": "web", "port": 80, "targetPort": "web"}], r"spec\.ports\[0\]\.targetPort"),
    ],
    ids=["no names", "misspelt", "itself"],
)
def test_a_target_port_that_no_container_has(ports: list[Json], field: str) -> None:
    with pytest.raises(SpecError, match=field):
        make_deployment(APP, spec_of(ports=ports))


def digest(child: Json) -> Any:
    return child["metadata"]["annotations"][HASH_ANNOTATION]


def test_the_hash_is_stable() -> None:
    # Across restarts of the operator, too: see the golden files.
    first, second = spec_of(**SPECS["env-and-resources"]), spec_of(**SPECS["env-and-resources"])
    assert digest(deployment_of(first)) == digest(deployment_of(second))
    assert digest(service_of(first)) == digest(service_of(second))


@pytest.mark.parametrize(
    ("annotations", "version"),
    [
        (None, None),
        ({"other": "2-0"}, None),
        ({HASH_ANNOTATION: "0123456789abcdef"}, 1),
        ({HASH_ANNOTATION: "2-0123456789abcdef"}, 2),
        ({HASH_ANNOTATION: "what-somebody-wrote"}, 1),
    ],
)
def test_the_generator_version_of_a_child(annotations: Json | None, version: int | None) -> None:
    assert generator_version({"metadata": {"annotations": annotations}}) == version


def test_another_generator_version_is_an_upgrade(monkeypatch: pytest.MonkeyPatch) -> None:
    live = deployment_of(spec_of())
    assert not is_upgrade(deployment_of(spec_of(replicas=2)), live)
    monkeypatch.setattr(metadata, "GENERATOR_VERSION", 2)
    assert is_upgrade(deployment_of(spec_of()), live)
    adopted: Json = {"metadata": {}}
    assert not is_upgrade(deployment_of(spec_of()), adopted)


FULL: Json = {
    "env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}],
    "resources": {"requests": {"cpu": "1"}, "limits": {"cpu": "2"}},
}


@pytest.mark.parametrize(
    "dropped",
    [
        {**FULL, "env": FULL["env"][:1]},
        {**FULL, "env": [{"name": "A", "value": "1"}, {"name": "B"}]},
        {**FULL, "resources": {"requests": {"cpu": "1"}}},
        {"env": FULL["env"]},
        {"resources": FULL["resources"]},
    ],
    ids=["list item", "value", "limits", "resources", "env"],
)
def test_a_dropped_field_changes_the_hash(dropped: Json) -> None:
    # drift() compares desired fields only: it cannot see one that is no longer desired.
    full, fewer = deployment_of(spec_of(**FULL)), deployment_of(spec_of(**dropped))
    assert digest(full) != digest(fewer)


def test_a_dropped_node_port_changes_the_hash() -> None:
    pinned = service_of(spec_of(ports=[{"port": 80, "nodePort": 30080}]))
    assert digest(pinned) != digest(service_of(spec_of()))


def kept_node_ports(ports: list[Json], allocated: dict[tuple[int, str], int]) -> list[int | None]:
    service = service_of(spec_of(ports=ports))
    return [port.get("nodePort") for port in keep_node_ports(service, allocated)["spec"]["ports"]]


@pytest.mark.parametrize(
    ("ports", "allocated", "expected"),
    [
        ([{"port": 80}], {(80, "TCP"): 30001}, [30001]),
        ([{"port": 80}], {}, [None]),
        ([{"port": 80}], {(81, "TCP"): 30001}, [None]),
        ([{"port": 80, "nodePort": 30080}], {(80, "TCP"): 30001}, [30080]),
        (DNS_PORTS, {(53, "TCP"): 30001, (53, "UDP"): 30002}, [30001, 30002]),
        (DNS_PORTS, {(53, "UDP"): 30002}, [None, 30002]),
    ],
    ids=["kept", "new app", "another port", "spec wins", "by protocol", "one of two"],
)
def test_keep_node_ports(
    ports: list[Json], allocated: dict[tuple[int, str], int], expected: list[int | None]
) -> None:
    assert kept_node_ports(ports, allocated) == expected


def test_keeping_node_ports_changes_neither_the_hash_nor_the_original() -> None:
    service = service_of(spec_of())
    before = yaml.safe_dump(service)
    kept = keep_node_ports(service, {(80, "TCP"): 30001})
    assert kept["metadata"] == service["metadata"]
    assert yaml.safe_dump(service) == before


def test_node_ports_of_a_service_and_of_a_status() -> None:
    # An absent protocol is TCP; no nodePort, or 0, is none.
    ports: list[Json] = [
        {"port": 80, "nodePort": 30001},
        {"port": 53, "protocol": "UDP", "nodePort": 30002},
        {"port": 81, "nodePort": 0},
        {"port": 82},
    ]
    assert node_ports(ports) == {(80, "TCP"): 30001, (53, "UDP"): 30002}


@pytest.mark.parametrize("type_", ["ClusterIP", "ExternalName"])
def test_types_without_node_ports_keep_none(type_: str) -> None:
    external = {"externalName": "db.example.com"} if type_ == "ExternalName" else {}
    service = service_of(spec_of(service={"type": type_, **external}))
    assert keep_node_ports(service, {(80, "TCP"): 30001}) == service


def test_a_load_balancer_keeps_its_node_ports() -> None:
    service = service_of(spec_of(service={"type": "LoadBalancer"}))
    (port,) = keep_node_ports(service, {(80, "TCP"): 30001})["spec"]["ports"]
    assert port["nodePort"] == 30001


def test_a_load_balancer_alone_keeps_no_node_ports() -> None:
    service = service_of(spec_of(**SPECS["load-balancer-alone"]))
    assert keep_node_ports(service, {(80, "TCP"): 30001}) == service


def test_an_empty_deployment_changes_nothing() -> None:
    assert deployment_of(spec_of(deployment={})) == deployment_of(spec_of())


def test_a_strategy_always_has_its_type() -> None:
    """Another manager may have set the other one."""
    strategy = {"rollingUpdate": {"maxSurge": 1}}
    spec = deployment_of(spec_of(deployment={"strategy": strategy}))["spec"]
    assert spec["strategy"] == {"type": "RollingUpdate", **strategy}


def test_an_external_name_needs_no_ports() -> None:
    service = service_of(spec_of(**SPECS["external-name"]))
    assert "ports" not in service["spec"]
    assert keep_node_ports(service, {(80, "TCP"): 30001}) == service


def test_the_selector_is_the_identity_label_alone() -> None:
    # A selector is immutable, so it must not depend on anything that a spec can change.
    deployment, service = deployment_of(spec_of()), service_of(spec_of())
    assert deployment["spec"]["selector"]["matchLabels"] == {"exposedapp.dev/name": "web"}
    assert service["spec"]["selector"] == {"exposedapp.dev/name": "web"}


def test_the_pods_of_an_app() -> None:
    assert pod_labels(APP, spec_of(), None) == {"exposedapp.dev/name": "web"}
    assert pod_labels(APP, spec_of(**SPECS["selector"]), None) == {"app": "db", "role": "primary"}
    assert pod_labels(APP, spec_of(**SPECS["external-name"]), None) == {}


@pytest.mark.parametrize("name", ["selector", "external-name"])
def test_without_an_image_there_is_no_deployment(name: str) -> None:
    assert make_deployment(APP, spec_of(**SPECS[name])) is None


# --- podTemplate ----------------------------------------------------------------------------------


def template_of(pod_template: Json, **fields: Any) -> Json:
    deployment = deployment_of(spec_of(podTemplate=pod_template, **fields))
    template: Json = deployment["spec"]["template"]
    return template


@pytest.mark.parametrize(
    "metadata",
    [
        {"labels": {"exposedapp.dev/name": "other"}},
        {"labels": {"exposedapp.dev/name": None}},
        {"labels": {"exposedapp.dev/name": ["web"]}},
        {"labels": {"exposedapp.dev/name": {"$patch": "delete"}}},
        {"labels": {"$patch": "delete"}},
        {"labels": {"$patch": "replace", "team": "shop"}},
        {"labels": None},
        {"$patch": "delete"},
        {"$patch": "replace", "annotations": {"a": "b"}},
        None,
    ],
)
def test_no_pod_template_removes_the_identity(metadata: Json) -> None:
    # The selector is immutable: the API server would refuse a template without its labels for ever.
    template = template_of({"metadata": metadata})
    assert template["metadata"]["labels"]["exposedapp.dev/name"] == "web"


def test_an_unsupported_directive_in_the_pod_template_is_a_spec_error() -> None:
    with pytest.raises(SpecError, match=r"spec\.podTemplate\.spec\.\$retainKeys"):
        template_of({"spec": {"$retainKeys": ["volumes"]}})


PROXY = {"name": "proxy", "ports": [{"name": "web", "containerPort": 8080}]}


@pytest.mark.parametrize(
    "pod_template",
    [
        {"spec": {"containers": [PROXY]}},
        {"spec": {"containers": [{**PROXY, "name": "app"}]}},
        {"spec": {"initContainers": [{**PROXY, "restartPolicy": "Always"}]}},
    ],
    ids=["sidecar", "the app itself", "sidecar that starts first"],
)
def test_a_target_port_that_the_pod_template_names(pod_template: Json) -> None:
    assert template_of(pod_template, ports=[{"port": 80, "targetPort": "web"}])


@pytest.mark.parametrize(
    "pod_template",
    [
        {"spec": {"containers": [{"name": "app", "ports": [{"$patch": "replace"}]}]}},
        {"spec": {"containers": [{"name": "app", "ports": None}]}},
        {"spec": {"containers": [{"name": "app", "ports": "web"}]}},
        {"spec": {"containers": [{"name": "app", "ports": [{"$patch": "replace"}, "web"]}]}},
        {"spec": {"containers": "web"}},
        {"spec": {"containers": [{"$patch": "replace"}, "web"], "initContainers": {"a": 1}}},
        {"spec": {"$patch": "delete"}},
        {"spec": None},
    ],
)
def test_a_target_port_that_the_pod_template_removes(pod_template: Json) -> None:
    """A SpecError that names the port, whatever the shape of the template."""
    # The first port names a container port, the second one refers to it.
    ports = [{"name": "web", "port": 81}, {"name": "b", "port": 80, "targetPort": "web"}]
    assert deployment_of(spec_of(ports=ports))
    with pytest.raises(SpecError, match=r"ports\[1\]\.targetPort.*'web'"):
        template_of(pod_template, ports=ports)


def probing(port: int | str, action: str = "httpGet") -> Json:
    return {action: {"port": port}}


@pytest.mark.parametrize("probe", ["readinessProbe", "livenessProbe"])
@pytest.mark.parametrize("action", ["httpGet", "tcpSocket"])
def test_a_probe_of_a_port_that_its_container_does_not_have(probe: str, action: str) -> None:
    words = f"{probe}.{action}.port: container app has no port named 'admin'"
    with pytest.raises(SpecError, match=re.escape(words)):
        make_deployment(APP, spec_of(**{probe: probing("admin", action)}))
    ports = [{"name": "admin", "port": 80, "targetPort": 8080}]
    assert make_deployment(APP, spec_of(ports=ports, **{probe: probing("admin", action)}))
    assert make_deployment(APP, spec_of(**{probe: probing(9999, action)}))


def test_a_probe_of_another_containers_port() -> None:
    """The kubelet searches for the name in the probe's own container only."""
    template = {"spec": {"containers": [PROXY]}}
    with pytest.raises(SpecError, match="container app has no port named 'web'"):
        template_of(template, readinessProbe=probing("web"))
    startup = {"spec": {"containers": [{**PROXY, "startupProbe": probing("webb")}]}}
    with pytest.raises(SpecError, match=r"startupProbe.*container \w+ has no port named 'webb'"):
        template_of(startup)


@pytest.mark.parametrize("field", ["labels", "annotations"])
def test_what_may_be_injected_is_left_to_the_status(field: str) -> None:
    template = {"metadata": {field: {"sidecar.istio.io/inject": "true"}}}
    assert template_of(template, readinessProbe=probing("injected"))
    assert template_of(template, ports=[{"port": 80, "targetPort": "injected"}])


def test_a_port_of_an_init_container_that_ends_is_no_target() -> None:
    with pytest.raises(SpecError):
        template_of(
            {"spec": {"initContainers": [PROXY]}}, ports=[{"port": 80, "targetPort": "web"}]
        )


@pytest.mark.parametrize("part", ["service", "deployment"])
def test_annotations_that_let_an_object_be_adopted_are_its_owner_s(part: str) -> None:
    """Else an author could have the operator release a Service, which the app leaves behind."""
    annotations = {"exposedapp.dev/adopt": "false", "example.com/team": "blue"}
    spec = spec_of(**{part: {"annotations": annotations}})
    child = service_of(spec) if part == "service" else deployment_of(spec)
    assert child["metadata"]["annotations"] == {
        "example.com/team": "blue",
        HASH_ANNOTATION: digest(child),
    }
