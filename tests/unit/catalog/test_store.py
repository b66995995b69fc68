# SPDX-License-Identifier: Apache-2.0
"""What the store answers to a browser that was away."""

import copy
from typing import Any

import pytest

from exposedapp.api.meta import NamespacedName, key_of, version_of
from exposedapp.cache.versions import HistoryRewrittenError, ListSnapshot
from exposedapp.catalog import store as store_module
from exposedapp.catalog.store import CatalogStore
from exposedapp.catalog.view import AppView
from support.catalog import failing_app, ready_app

Json = dict[str, Any]

WEB = NamespacedName("shop", "web")
API = NamespacedName("shop", "api")


def render(app: AppView) -> bytes:
    return f"{app.key.name} {app.readiness.reason}".encode()


@pytest.fixture
def store() -> CatalogStore:
    return CatalogStore(render)


def at_version(app: Json, version: int) -> Json:
    body = copy.deepcopy(app)
    body["metadata"]["resourceVersion"] = str(version)
    return body


def test_not_ready_first_then_by_name(store: CatalogStore) -> None:
    store.upsert(at_version(ready_app("a"), 1))
    store.upsert(at_version(failing_app("z", "Unschedulable", "No node."), 2))
    store.upsert(at_version(failing_app("b", "Progressing", "0 of 2."), 3))
    assert store.rows() == [b"z Unschedulable", b"b Progressing", b"a Available"]


def test_each_app_once_however_often_it_changed(store: CatalogStore) -> None:
    store.upsert(at_version(ready_app("api"), 1))
    seen = store.number
    for version in range(2, 10):
        reason = "Progressing" if version % 2 else "Unhealthy"
        store.upsert(at_version(failing_app("web", reason, "no"), version))
    changes = store.changes_since(seen)
    assert changes
    assert changes.rows == {WEB: b"web Progressing"}
    after = store.changes_since(changes.number)
    assert after
    assert (after.rows, after.deleted) == ({}, [])


def test_a_write_that_shows_nothing_new_is_no_change(store: CatalogStore) -> None:
    app = at_version(ready_app("web"), 1)
    store.upsert(app)
    app["metadata"].update(resourceVersion="2", annotations={"a": "b"}, managedFields=[{}])
    app["spec"]["env"] = [{"name": "PASSWORD", "value": "secret"}]
    assert store.upsert(app) == []
    assert store.number == 1


def test_an_older_state_does_not_win(store: CatalogStore) -> None:
    store.upsert(at_version(ready_app("web"), 5))
    assert store.upsert(at_version(failing_app("web", "Unhealthy", "no"), 4)) == []
    assert store.rows() == [b"web Available"]


def test_a_deletion_and_a_new_app_of_that_name(store: CatalogStore) -> None:
    store.upsert(at_version(ready_app("web"), 1))
    seen = store.number
    store.delete(at_version(ready_app("web"), 2))
    changes = store.changes_since(seen)
    assert changes
    assert (changes.rows, changes.deleted) == ({}, [WEB])
    store.upsert(at_version(ready_app("web"), 3))
    changes = store.changes_since(seen)
    assert changes
    assert (changes.rows, changes.deleted) == ({WEB: b"web Available"}, [])


def test_what_a_list_does_not_have_is_deleted(store: CatalogStore) -> None:
    for version, name in enumerate(("web", "api"), 1):
        store.upsert(at_version(ready_app(name), version))
    api = at_version(ready_app("api"), 2)
    assert store.delete_missing(ListSnapshot(9, {key_of(api): version_of(api)})) == [WEB]
    assert store.view(WEB) is None
    assert store.view(API) is not None


def test_a_list_from_the_past_is_not_believed(store: CatalogStore) -> None:
    store.upsert(at_version(ready_app("web"), 5))
    with pytest.raises(HistoryRewrittenError):
        store.delete_missing(ListSnapshot(9, {WEB: 4}))


def test_who_was_away_too_long_loads_the_page_again(
    store: CatalogStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_module, "MAX_DELETIONS", 2)
    seen = store.number
    for version in range(1, 4):
        store.upsert(at_version(ready_app(f"app-{version}"), 2 * version))
        store.delete(at_version(ready_app(f"app-{version}"), 2 * version + 1))
    assert store.changes_since(seen) is None
    assert store.changes_since(store.number)
    assert store.changes_since(store.number + 1) is None


def test_a_malformed_app_leaves_the_state_before(store: CatalogStore) -> None:
    store.upsert(at_version(ready_app("web"), 1))
    broken = at_version(ready_app("web"), 2)
    broken["status"]["ports"] = [{"nodePort": 1}]
    with pytest.raises(KeyError):
        store.upsert(broken)
    assert store.rows() == [b"web Available"]
