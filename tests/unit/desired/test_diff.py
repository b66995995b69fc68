# SPDX-License-Identifier: Apache-2.0
"""Real drift between a desired and a live object, and what only looks like drift."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exposedapp.api.meta import Json
from exposedapp.desired.diff import drift, surplus_ports


def nested(path: str, value: Any) -> Json:
    """An object with one value at a dotted path."""
    for key in reversed(path.split(".")):
        value = {key: value}
    return dict(value)


CPU = "spec.resources.limits.cpu"
MEMORY = "spec.resources.requests.memory"


@pytest.mark.parametrize(
    ("path", "desired", "live"),
    [
        (CPU, "1000m", "1"),
        (CPU, "0.5", "500m"),
        (CPU, 1, "1"),
        (CPU, "1", 1),
        (CPU, 0, "0"),
        (CPU, "+2", "2"),
        (CPU, "1e1", "10"),
        (MEMORY, "1024Mi", "1Gi"),
        (MEMORY, "0.5Gi", "512Mi"),
        (MEMORY, "1E3", "1000"),
        ("resources.requests.nvidia.com/gpu", 1, "1"),
        ("env.valueFrom.resourceFieldRef.divisor", "1024Ki", "1Mi"),
        ("env.valueFrom.resourceFieldRef.divisor", 1, "1"),
        ("value", "", None),
        ("env", [], None),
        ("resources", {}, None),
        ("optional", False, None),
        ("optional", None, None),
    ],
)
def test_a_normalised_value_is_no_drift(path: str, desired: Any, live: Any) -> None:
    stored = {} if live is None else nested(path, live)
    assert list(drift(nested(path, desired), stored)) == []


SPREAD = {"topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule", "maxSkew": 1}
OWNER = {"uid": "u1", "kind": "ExposedApp", "name": "web", "controller": True}


@pytest.mark.parametrize(
    ("desired", "live"),
    [
        ({"a": 1}, {"a": 1, "b": 2}),
        ({"a": {"b": 1}}, {"a": {"b": 1, "c": {"d": 2}}}),
        ({"env": [{"name": "A"}]}, {"env": [{"name": "A"}, {"name": "B", "value": "theirs"}]}),
        (
            {"env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]},
            {"env": [{"name": "B", "value": "2"}, {"name": "A", "value": "1"}]},
        ),
        (
            {"containers": [{"name": "app", "image": "i"}]},
            {"containers": [{"name": "injected", "image": "x"}, {"name": "app", "image": "i"}]},
        ),
        (
            {"ports": [{"port": 53, "protocol": "UDP"}, {"port": 53, "protocol": "TCP"}]},
            {
                "ports": [
                    {"port": 53, "protocol": "TCP", "nodePort": 30001},
                    {"port": 53, "protocol": "UDP", "nodePort": 30002},
                ]
            },
        ),
        (
            # By number and not by name: a Service's port can have any name.
            {"ports": [{"port": 80, "protocol": "TCP", "name": "a", "nodePort": 1}]},
            {
                "ports": [
                    {"port": 81, "protocol": "TCP", "name": "b", "nodePort": 2},
                    {"port": 80, "protocol": "TCP", "name": "a", "nodePort": 1},
                ]
            },
        ),
        (
            {"ports": [{"containerPort": 80, "protocol": "TCP"}]},
            {
                "ports": [
                    {"containerPort": 80, "protocol": "UDP"},
                    {"containerPort": 80, "protocol": "TCP"},
                ]
            },
        ),
        (
            {"ownerReferences": [OWNER]},
            {"ownerReferences": [{"uid": "u0", "kind": "Other", "name": "web"}, OWNER]},
        ),
        ({"args": ["a", "b"]}, {"args": ["a", "b"]}),
        (
            {"ports": [{"containerPort": 80}]},
            {
                "ports": [
                    {"containerPort": 80, "protocol": "UDP"},
                    {"containerPort": 80, "protocol": "TCP"},
                ]
            },
        ),
        (
            {"volumeDevices": [{"name": "data", "devicePath": "/b"}]},
            {
                "volumeDevices": [
                    {"name": "data", "devicePath": "/a"},
                    {"name": "data", "devicePath": "/b"},
                ]
            },
        ),
        (
            {"hostAliases": [{"ip": "10.0.0.2"}]},
            {"hostAliases": [{"ip": "10.0.0.1"}, {"ip": "10.0.0.2", "hostnames": ["a"]}]},
        ),
        (
            {"topologySpreadConstraints": [SPREAD]},
            {
                "topologySpreadConstraints": [
                    {**SPREAD, "whenUnsatisfiable": "ScheduleAnyway", "maxSkew": 2},
                    SPREAD,
                ]
            },
        ),
    ],
    ids=[
        "a default",
        "a default deeper down",
        "another's list item",
        "another order",
        "an injected container",
        "ports of one number",
        "ports in another order",
        "container ports of one number",
        "another owner",
        "scalars",
        "the default protocol",
        "a volume of two devices",
        "another host alias",
        "another spread constraint",
    ],
)
def test_additions_and_order_of_other_clients_are_no_drift(desired: Json, live: Json) -> None:
    assert list(drift(desired, live)) == []


@pytest.mark.parametrize(
    ("desired", "live", "paths"),
    [
        (nested("spec.replicas", 2), nested("spec.replicas", 3), ["spec.replicas"]),
        (nested("spec.replicas", 0), nested("spec.replicas", 3), ["spec.replicas"]),
        (nested("spec.replicas", 2), {}, ["spec.replicas"]),
        (nested("spec.replicas", 2), {"spec": None}, ["spec.replicas"]),
        (nested("value", ""), nested("value", "theirs"), ["value"]),
        (nested("optional", False), nested("optional", True), ["optional"]),
        (nested(CPU, "1"), nested(CPU, "2"), [CPU]),
        (nested(CPU, "1"), {}, [CPU]),
        (nested(CPU, "0"), {}, [CPU]),
        (nested(CPU, "one"), nested(CPU, "1"), [CPU]),
        (nested("labels.version", "1.0"), nested("labels.version", "1"), ["labels.version"]),
        (nested("value", "1000m"), nested("value", "1"), ["value"]),
        (
            {"env": [{"name": "A", "value": "1"}]},
            {"env": [{"name": "A", "value": "2"}]},
            ["env[0].value"],
        ),
        (
            {"env": [{"name": "A", "value": "1"}]},
            {"env": [{"name": "B", "value": "1"}]},
            ["env[0].name", "env[0].value"],
        ),
        (
            {"ports": [{"port": 53, "protocol": "TCP", "nodePort": 30001}]},
            {"ports": [{"port": 53, "protocol": "UDP", "nodePort": 30001}]},
            ["ports[0].port", "ports[0].protocol", "ports[0].nodePort"],
        ),
        (
            {"ownerReferences": [{"uid": "u1", "kind": "ExposedApp", "name": "web"}]},
            {"ownerReferences": [{"uid": "u0", "kind": "ExposedApp", "name": "web"}]},
            ["ownerReferences[0].uid", "ownerReferences[0].kind", "ownerReferences[0].name"],
        ),
        (
            {"ports": [{"port": 80, "protocol": "TCP", "name": "new"}]},
            {"ports": [{"port": 80, "protocol": "TCP", "name": "old"}]},
            ["ports[0].name"],
        ),
        ({"args": ["a", "b"]}, {"args": ["b", "a"]}, ["args[0]", "args[1]"]),
        ({"args": ["a", "b"]}, {"args": ["a"]}, ["args[1]"]),
        ({"env": [{"name": "A"}]}, {"env": "no list"}, ["env[0].name"]),
    ],
    ids=[
        "number",
        "zero",
        "absent",
        "null parent",
        "emptied",
        "switched off",
        "quantity",
        "quantity absent",
        "quantity zero absent",
        "not a quantity",
        "a label is no quantity",
        "a value is no quantity",
        "list item",
        "list item replaced",
        "another protocol",
        "an earlier app of the name",
        "port renamed",
        "order of scalars",
        "scalar missing",
        "another shape",
    ],
)
def test_drift(desired: Json, live: Json, paths: list[str]) -> None:
    assert list(drift(desired, live)) == paths


@pytest.mark.parametrize("field", ["selector", "nodeSelector", "matchLabels"])
def test_an_addition_to_an_atomic_map_is_drift(field: str) -> None:
    desired, live = (
        nested(f"spec.{field}", {"a": "1"}),
        nested(f"spec.{field}", {"a": "1", "b": "2"}),
    )
    assert list(drift(desired, live)) == [f"spec.{field}"]
    assert list(drift(desired, desired)) == []
    assert list(drift(nested(f"spec.{field}", {}), {"spec": {}})) == []


@pytest.mark.parametrize("field", ["loadBalancerSourceRanges", "externalIPs"])
def test_an_addition_to_an_atomic_list_is_drift(field: str) -> None:
    desired, live = (nested(f"spec.{field}", list(items)) for items in ("a", "ab"))
    assert list(drift(desired, live)) == [f"spec.{field}"]
    assert list(drift(desired, desired)) == []
    assert list(drift(desired, {"spec": {}})) == [f"spec.{field}"]


MOUNTS = [{"name": "data", "mountPath": "/a"}, {"name": "data", "mountPath": "/b"}]


def test_a_volume_that_is_mounted_twice() -> None:
    assert list(drift({"volumeMounts": MOUNTS}, {"volumeMounts": MOUNTS})) == []


def test_the_size_of_a_volume_is_a_quantity() -> None:
    path = "spec.volumes.emptyDir.sizeLimit"
    assert list(drift(nested(path, "1024Mi"), nested(path, "1Gi"))) == []


def service(*ports: tuple[int, str]) -> Json:
    return {"spec": {"ports": [{"port": port, "protocol": protocol} for port, protocol in ports]}}


@pytest.mark.parametrize(
    ("desired", "live", "surplus"),
    [
        (service((80, "TCP")), service((80, "TCP")), False),
        (service((80, "TCP")), service((80, "TCP"), (81, "TCP")), True),
        (service((80, "TCP")), service((80, "TCP"), (80, "UDP")), True),
        (service((80, "TCP")), service((81, "TCP")), True),
        (service((80, "TCP"), (81, "TCP")), service((81, "TCP")), False),
        (service((80, "TCP")), {"spec": {"ports": [{"port": 80}]}}, False),
        ({"spec": {}}, service((80, "TCP")), True),
        ({"spec": {}}, {"spec": {}}, False),
        ({"spec": {"replicas": 1}}, {"spec": {"replicas": 1}}, False),
    ],
    ids=[
        "the same",
        "one more",
        "another protocol",
        "another one",
        "one less",
        "the default protocol",
        "none desired",
        "none at all",
        "a Deployment",
    ],
)
def test_surplus_ports(desired: Json, live: Json, surplus: bool) -> None:
    assert surplus_ports(desired, live) is surplus


@pytest.mark.parametrize(
    ("desired_port", "live_port", "surplus"),
    [
        ({}, {"nodePort": 30001}, True),
        ({}, {}, False),
        ({"nodePort": 30001}, {"nodePort": 30001}, False),
    ],
    ids=["kept by the API server", "none", "requested"],
)
def test_surplus_node_ports(desired_port: Json, live_port: Json, surplus: bool) -> None:
    desired, live = service((80, "TCP")), service((80, "TCP"))
    desired["spec"]["ports"][0] |= desired_port
    live["spec"]["ports"][0] |= live_port
    assert surplus_ports(desired, live) is False
    desired["spec"]["allocateLoadBalancerNodePorts"] = False
    assert surplus_ports(desired, live) is surplus


# --- properties ---------------------------------------------------------------------------------

KEYS = st.text("abcde", min_size=1, max_size=2)
OTHER_KEYS = st.text("vwxyz", min_size=1, max_size=2)
SCALARS = st.one_of(st.integers(), st.booleans(), st.text(max_size=3))


def named_lists(values: st.SearchStrategy[Any]) -> st.SearchStrategy[list[Json]]:
    """Lists as the API has them: of objects that their name identifies."""
    items = st.dictionaries(KEYS, values, min_size=1, max_size=3)
    return st.dictionaries(KEYS, items, max_size=3).map(
        lambda by_name: [{"name": name, **item} for name, item in by_name.items()]
    )


VALUES = st.recursive(
    SCALARS,
    lambda values: st.one_of(
        st.dictionaries(KEYS, values, max_size=3),
        st.lists(SCALARS, max_size=3),
        named_lists(values),
    ),
    max_leaves=12,
)
OBJECTS = st.dictionaries(KEYS, VALUES, max_size=4)


def with_additions(value: Any, data: st.DataObject) -> Any:
    """The value with fields and list items of other clients, at random places."""
    if isinstance(value, dict):
        result = {key: with_additions(sub, data) for key, sub in value.items()}
        return {**data.draw(st.dictionaries(OTHER_KEYS, SCALARS, max_size=2)), **result}
    if isinstance(value, list) and value and isinstance(value[0], dict):
        others = [{"name": name} for name in data.draw(st.sets(OTHER_KEYS, max_size=2))]
        return data.draw(
            st.permutations([*others, *(with_additions(item, data) for item in value)])
        )
    return value


def without_one_leaf(value: Any, data: st.DataObject) -> Any:
    """The value without one of its leaves that are not empty; None when it has none."""
    places = leaves(value)
    return _without(value, data.draw(st.sampled_from(places))) if places else None


def leaves(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    if isinstance(value, dict):
        return [leaf for key, sub in value.items() for leaf in leaves(sub, (*path, key))]
    if isinstance(value, list):
        return [leaf for i, sub in enumerate(value) for leaf in leaves(sub, (*path, i))]
    return [path] if value else []


def _without(value: Any, path: tuple[Any, ...]) -> Any:
    head, *tail = path
    copied = value.copy()
    if tail:
        copied[head] = _without(value[head], tuple(tail))
    else:
        del copied[head]
    return copied


@given(OBJECTS)
def test_nothing_differs_from_itself(desired: Json) -> None:
    assert list(drift(desired, desired)) == []


@given(OBJECTS, st.data())
def test_nothing_differs_from_itself_with_additions(desired: Json, data: st.DataObject) -> None:
    assert list(drift(desired, with_additions(desired, data))) == []


@given(OBJECTS, st.data())
def test_every_lost_leaf_is_drift(desired: Json, data: st.DataObject) -> None:
    live = without_one_leaf(desired, data)
    if live is not None:
        assert list(drift(desired, live)) != []
