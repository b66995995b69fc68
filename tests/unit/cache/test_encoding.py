# SPDX-License-Identifier: Apache-2.0
"""Whatever an app contains, it is kept, and so are all others."""

import json
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exposedapp.api.meta import Json, NamespacedName
from exposedapp.cache.cache import Cache
from exposedapp.cache.encoding import MAX_APP_BYTES, UNREADABLE
from exposedapp.cache.watches import AppHandler
from exposedapp.kube.codec import MAX_JSON_DEPTH, parse
from exposedapp.workqueue.priority import Priority

KEY = NamespacedName("shop", "web")
METADATA = {"namespace": "shop", "name": "web", "uid": "u", "resourceVersion": "5", "generation": 1}
STATUS = {"observedGeneration": 1}
HUGE = "100000000000000000000"
"""1e20 as the API server sends it: read as a float64, which Go writes as an integer."""


@pytest.fixture(autouse=True)
def recursion_limit() -> Iterator[None]:
    """As main.py sets it."""
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(MAX_JSON_DEPTH)
    yield
    sys.setrecursionlimit(limit)


def app_text(spec: str, metadata: Json = METADATA) -> bytes:
    other_fields = json.dumps({"metadata": metadata, "status": STATUS})
    return f'{{"spec": {spec}, {other_fields[1:]}'.encode()


def nested(levels: int, inner: str = "{}") -> str:
    return '{"a": ' * levels + inner + "}" * levels


def taken_in(body: Json) -> Json | None:
    cache = Cache()
    requests = list(AppHandler(cache).upsert(body))
    assert requests == [(KEY, Priority.LOW)]
    return cache.apps.get(KEY)


@pytest.mark.parametrize(
    ("spec", "reason"),
    [
        (nested(9_000), "nested deeper than 254 levels"),
        (nested(300), "nested deeper than 254 levels"),
        (nested(1_100, HUGE), "nested deeper than 254 levels"),
        (json.dumps({"env": "x" * MAX_APP_BYTES}), "too large: 256 KiB, at most 256 KiB"),
    ],
    ids=["deep", "deeper than orjson writes", "deep and a huge number", "large"],
)
def test_an_app_that_cannot_be_kept_is_kept_without_its_spec(spec: str, reason: str) -> None:
    stored = taken_in(parse(app_text(spec)))
    assert stored is not None
    assert reason in stored.pop(UNREADABLE)
    assert stored == {"metadata": METADATA, "spec": {}, "status": STATUS}


def test_labels_annotations_and_a_status_that_are_too_large_are_left_out() -> None:
    large = "x" * MAX_APP_BYTES
    metadata = {**METADATA, "annotations": {"a": large}, "labels": {"a": "b"}}
    body = {"metadata": metadata, "spec": {}, "status": {**STATUS, "url": large}}
    stored = taken_in(body)
    assert stored is not None
    assert stored.pop(UNREADABLE)
    assert stored == {"metadata": METADATA, "spec": {}, "status": {}}


def test_a_deep_app_does_not_change_how_the_others_of_its_page_are_read() -> None:
    """The page is then read by a parser that knows integers of any size, which orjson does not."""
    huge = app_text(f'{{"podTemplate": {{"n": {HUGE}}}}}')
    page = parse(b"[%s, %s]" % (app_text(nested(1_100)), huge))
    assert page[1] == parse(huge)  # type: ignore[index]
    stored = taken_in(page[1])  # type: ignore[index]
    assert stored is not None
    assert stored["spec"] == {"podTemplate": {"n": 1e20}}


def test_an_app_is_readable_again_when_it_is_corrected() -> None:
    cache = Cache()
    handler = AppHandler(cache)
    handler.upsert(parse(app_text(nested(300))))
    corrected = {**METADATA, "resourceVersion": "6", "generation": 2}
    requests = handler.upsert({"metadata": corrected, "spec": {"image": "x"}})
    assert list(requests) == [(KEY, Priority.HIGH)]
    stored = cache.apps.get(KEY)
    assert stored is not None
    assert UNREADABLE not in stored


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)
json_texts = st.builds(
    lambda value, levels: nested(levels, json.dumps(value)),
    json_values,
    st.sampled_from([0, 0, 0, 50, 250, 300, 1_100]),
)
fields = st.sampled_from(["metadata", "spec", "status"])


@given(spec=json_texts)
def test_whatever_the_spec_is_the_app_is_known(spec: str) -> None:
    assert taken_in(parse(app_text(spec))) is not None


@given(text=json_texts, malformed=st.dictionaries(fields, json_values))
def test_no_json_raises(text: str, malformed: dict[str, Any]) -> None:
    handler = AppHandler(Cache())
    valid = {"metadata": METADATA, "spec": {}, "status": STATUS}
    for body in (parse(text.encode()), {**valid, **malformed}):
        list(handler.upsert(body))
        list(handler.delete(body))


METADATA_FIELDS = [*METADATA, "labels", "annotations", "ownerReferences", "deletionTimestamp"]


@given(metadata=st.dictionaries(st.sampled_from(METADATA_FIELDS), json_values), spec=json_texts)
def test_no_metadata_raises(metadata: Json, spec: str) -> None:
    body = parse(app_text(spec, {**METADATA, **metadata}))
    list(AppHandler(Cache()).upsert(body))
