# SPDX-License-Identifier: Apache-2.0
"""A partial pod template merged over the generated one."""

import copy
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exposedapp.api.meta import Json
from exposedapp.desired.errors import MergeError
from exposedapp.desired.strategic_merge import GENERATED_LISTS, strategic_merge

APP: Json = {
    "name": "app",
    "image": "web:1",
    "env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}],
    "ports": [
        {"containerPort": 80, "protocol": "TCP", "name": "web"},
        {"containerPort": 53, "protocol": "UDP", "name": "dns"},
    ],
    "resources": {"claims": [{"name": "gpu"}], "limits": {"cpu": "1", "memory": "1Gi"}},
    "args": ["a", "b"],
    "envFrom": [{"configMapRef": {"name": "a"}}],
}
BASE: Json = {
    "metadata": {"labels": {"exposedapp.dev/name": "web"}},
    "spec": {"containers": [APP]},
}


def merged(overlay: Json) -> Json:
    return strategic_merge(BASE, overlay, "spec.podTemplate")


def on_app(**fields: Any) -> Json:
    """The container app after a merge of these of its fields."""
    (container,) = merged({"spec": {"containers": [{"name": "app", **fields}]}})["spec"][
        "containers"
    ]
    assert isinstance(container, dict)
    return container


@pytest.mark.parametrize(
    ("overlay", "expected"),
    [
        ({"image": "web:2"}, {"image": "web:2"}),
        ({"tty": True}, {"tty": True}),
        (
            {"env": [{"name": "B", "value": "3"}]},
            {"env": [{"name": "A", "value": "1"}, {"name": "B", "value": "3"}]},
        ),
        (
            {"env": [{"name": "C", "value": "3"}]},
            {"env": [*APP["env"], {"name": "C", "value": "3"}]},
        ),
        (
            {"ports": [{"containerPort": 80, "hostPort": 8080}]},
            {"ports": [{**APP["ports"][0], "hostPort": 8080}, APP["ports"][1]]},
        ),
        (
            {"ports": [{"containerPort": 53, "protocol": "UDP", "name": "udp"}]},
            {"ports": [APP["ports"][0], {**APP["ports"][1], "name": "udp"}]},
        ),
        (
            {"ports": [{"containerPort": 53}]},
            {"ports": [*APP["ports"], {"containerPort": 53}]},
        ),
        (
            {"resources": {"claims": [{"name": "gpu", "request": "one"}, {"name": "net"}]}},
            {
                "resources": {
                    "claims": [{"name": "gpu", "request": "one"}, {"name": "net"}],
                    "limits": APP["resources"]["limits"],
                }
            },
        ),
        (
            {"resources": {"limits": {"cpu": "2"}}},
            {"resources": {**APP["resources"], "limits": {"cpu": "2", "memory": "1Gi"}}},
        ),
        ({"args": ["c"]}, {"args": ["c"]}),
        ({"args": []}, {"args": []}),
        ({"envFrom": [{"secretRef": {"name": "b"}}]}, {"envFrom": [{"secretRef": {"name": "b"}}]}),
    ],
    ids=[
        "a scalar wins",
        "another scalar",
        "env by name",
        "another env",
        "TCP is the default protocol",
        "port by number and protocol",
        "port of another protocol",
        "claims by name",
        "map by map",
        "atomic list",
        "atomic list emptied",
        "atomic list of objects",
    ],
)
def test_merge(overlay: Json, expected: Json) -> None:
    assert on_app(**overlay) == {**APP, **expected}


def test_another_container_comes_last() -> None:
    sidecar = {"name": "proxy", "image": "proxy:1"}
    assert merged({"spec": {"containers": [sidecar]}})["spec"]["containers"] == [APP, sidecar]


def test_a_list_that_is_not_generated_is_taken_as_it_is() -> None:
    volumes = [{"name": "data", "emptyDir": {}}, {"name": "data", "emptyDir": {}}]
    spec = merged({"spec": {"volumes": volumes, "hostNetwork": False}})["spec"]
    assert spec == {"containers": [APP], "volumes": volumes, "hostNetwork": False}


WITHOUT_A = [{"name": "B", "value": "2"}]


@pytest.mark.parametrize(
    ("overlay", "expected"),
    [
        ({"args": None}, {"args": ...}),
        ({"resources": {"limits": {"cpu": None}}}, {"limits": {"memory": "1Gi"}}),
        ({"resources": {"limits": {"$patch": "delete"}}}, {"limits": ...}),
        ({"resources": {"limits": {"$patch": "delete", "cpu": "3"}}}, {"limits": ...}),
        ({"resources": {"limits": {"$patch": "replace", "cpu": "3"}}}, {"limits": {"cpu": "3"}}),
        (
            {"resources": {"limits": {"$patch": "merge", "cpu": "3"}}},
            {"limits": {"cpu": "3", "memory": "1Gi"}},
        ),
        ({"env": [{"name": "A", "$patch": "delete"}]}, {"env": WITHOUT_A}),
        ({"env": [{"name": "Z", "$patch": "delete"}]}, {"env": APP["env"]}),
        (
            {"env": [{"name": "A", "$patch": "replace", "valueFrom": {"f": 1}}]},
            {"env": [{"name": "A", "valueFrom": {"f": 1}}, *WITHOUT_A]},
        ),
        (
            {"env": [{"name": "A", "$patch": "merge", "x": 1}]},
            {"env": [{"name": "A", "value": "1", "x": 1}, *WITHOUT_A]},
        ),
        (
            {"env": [{"name": "A", "value": None, "x": 1}]},
            {"env": [{"name": "A", "x": 1}, *WITHOUT_A]},
        ),
        ({"env": [{"$patch": "replace"}, {"name": "C"}]}, {"env": [{"name": "C"}]}),
        ({"env": [{"name": "C"}, {"$patch": "replace"}]}, {"env": [{"name": "C"}]}),
        ({"env": [{"$patch": "replace"}]}, {"env": []}),
    ],
    ids=[
        "null removes a field",
        "null removes a key",
        "delete a map",
        "delete and nothing else",
        "replace a map",
        "merge a map",
        "delete an item",
        "delete an unknown item",
        "replace an item",
        "merge an item",
        "null in an item",
        "replace a list",
        "replace a list at its end",
        "replace a list by none",
    ],
)
def test_removals(overlay: Json, expected: Json) -> None:
    result = on_app(**overlay)
    if "resources" in overlay:
        result = result["resources"]
    for field, value in expected.items():
        assert result.get(field, ...) == value


def test_a_container_can_be_deleted() -> None:
    containers = [{"name": "app", "$patch": "delete"}, {"name": "other"}]
    assert merged({"spec": {"containers": containers}})["spec"]["containers"] == [{"name": "other"}]


@pytest.mark.parametrize(
    ("overlay", "path"),
    [
        ({"spec": {"$patch": "remove"}}, "spec.podTemplate.spec.$patch: .*'remove'"),
        ({"spec": {"$patch": ["delete"]}}, "spec.podTemplate.spec.$patch: "),
        ({"spec": {"$retainKeys": ["a"]}}, "spec.podTemplate.spec.$retainKeys: "),
        (
            {"spec": {"$setElementOrder/containers": []}},
            "spec.podTemplate.spec.$setElementOrder/containers: ",
        ),
        (
            {"spec": {"containers": [{"name": "a"}, {"name": "app", "$patch": "x"}]}},
            "spec.podTemplate.spec.containers[1].$patch: .*'x'",
        ),
        (
            {"spec": {"volumes": [{"name": "v", "emptyDir": {"$x": 1}}]}},
            "spec.podTemplate.spec.volumes[0].emptyDir.$x: ",
        ),
    ],
)
def test_an_unknown_directive_is_refused(overlay: Json, path: str) -> None:
    start, _, value = path.partition(".*")
    with pytest.raises(MergeError) as raised:
        merged(overlay)
    assert str(raised.value).startswith(start)
    assert value in str(raised.value)


@pytest.mark.parametrize(
    ("overlay", "expected"),
    [
        ({"spec": {"containers": "none"}}, {"containers": "none"}),
        ({"spec": {"containers": {"name": "app"}}}, {"containers": {"name": "app"}}),
        ({"spec": {"containers": ["app", 1]}}, {"containers": [APP, "app", 1]}),
        ({"spec": {"containers": [{"image": "x"}]}}, {"containers": [APP, {"image": "x"}]}),
        ({"spec": {"volumes": {"name": "v"}}}, {"containers": [APP], "volumes": {"name": "v"}}),
    ],
    ids=["scalar for list", "map for list", "scalars in list", "no key", "map for a new list"],
)
def test_a_wrong_type_is_left_to_the_server(overlay: Json, expected: Json) -> None:
    assert merged(overlay)["spec"] == expected


# --- properties -----------------------------------------------------------------------------------

DIRECTIVES = st.dictionaries(
    st.sampled_from(["$patch", "$x"]), st.sampled_from(["delete", "replace", "merge", "x", 1, None])
)
NAMES = st.sampled_from(
    [
        "spec",
        "metadata",
        "name",
        "protocol",
        "containerPort",
        "limits",
        "image",
        *sorted(GENERATED_LISTS),
    ]
)
KEYS = st.one_of(NAMES, st.text(st.characters(exclude_characters="$"), max_size=3))
SCALARS = st.one_of(st.sampled_from(["app", "A", "TCP", "UDP", 80, 53]), st.none(), st.booleans())


def overlays(extra: st.SearchStrategy[Json]) -> st.SearchStrategy[Json]:
    values = st.recursive(
        SCALARS,
        lambda inner: st.one_of(
            st.lists(inner, max_size=3),
            st.builds(lambda a, b: {**a, **b}, st.dictionaries(KEYS, inner, max_size=4), extra),
        ),
        max_leaves=15,
    )
    return st.dictionaries(NAMES, values, max_size=3).map(
        lambda fields: {"metadata": fields, "spec": {"containers": [{"name": "app", **fields}]}}
    )


@given(overlays(DIRECTIVES))
def test_any_overlay_is_merged_or_refused(overlay: Json) -> None:
    base, given_overlay = copy.deepcopy(BASE), copy.deepcopy(overlay)
    with suppress(MergeError):
        assert isinstance(merged(overlay), dict)
    assert (base, given_overlay) == (BASE, overlay)


def test_an_empty_overlay_changes_nothing() -> None:
    same: Json = {"metadata": {}, "spec": {"containers": [{"name": "app"}]}}
    nothing: list[Json] = [{}, {"spec": {}}, same]
    for overlay in nothing:
        assert merged(overlay) == BASE


NAMED = st.fixed_dictionaries(
    {"name": st.sampled_from(["A", "B", "C"])}, optional={"value": SCALARS}
)
NUMBERED = st.fixed_dictionaries(
    {"containerPort": st.sampled_from([80, 53])},
    optional={"protocol": st.sampled_from(["TCP", "UDP"]), "name": SCALARS},
)
CONTAINER = st.fixed_dictionaries(
    {"name": st.sampled_from(["app", "proxy"])},
    optional={
        "image": SCALARS,
        "env": st.lists(NAMED, max_size=4),
        "ports": st.lists(NUMBERED, max_size=4),
        "args": st.lists(SCALARS, max_size=3),
        "resources": st.dictionaries(
            NAMES, st.dictionaries(NAMES, SCALARS, max_size=2), max_size=2
        ),
    },
)


@given(st.lists(CONTAINER, max_size=3))
def test_the_same_twice_is_the_same_as_once(containers: list[Json]) -> None:
    overlay = {"spec": {"containers": containers}}
    once = merged(overlay)
    assert strategic_merge(once, overlay, "spec.podTemplate") == once


@given(overlays(st.just({})))
def test_an_overlay_without_nulls_is_in_the_result(overlay: Json) -> None:
    """Every map in it, at every depth outside lists."""

    def check(expected: Any, result: Any) -> None:
        if isinstance(expected, dict):
            for key, value in expected.items():
                if value is not None:
                    check(value, result[key])
        elif not isinstance(expected, list):
            assert result == expected

    check(overlay, merged(overlay))


def test_a_protocol_of_null_is_the_default() -> None:
    overlay = {
        "spec": {
            "containers": [{"name": "app", "ports": [{"containerPort": 80, "protocol": None}]}]
        }
    }
    assert len(merged(overlay)["spec"]["containers"][0]["ports"]) == 2


def test_even_the_whole_template_can_be_deleted() -> None:
    assert merged({"$patch": "delete"}) == {}
