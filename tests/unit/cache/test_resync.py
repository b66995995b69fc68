# SPDX-License-Identifier: Apache-2.0
"""kopf's list of the apps is compared with one of ours, in each namespace by itself."""

import asyncio
from collections.abc import Sequence

import pytest

from exposedapp.api.meta import Json
from exposedapp.cache.cache import Cache
from exposedapp.cache.resync import MAX_START_SECONDS, RETRY_SECONDS, AppResync
from exposedapp.cache.watches import AppHandler
from exposedapp.kube.errors import ApiError
from exposedapp.kube.resources import EXPOSED_APPS, Resource
from exposedapp.kube.scope import Scope
from support.virtual_time import in_virtual_time

FORBIDDEN = ApiError(403, "Forbidden", "exposedapps is forbidden")
SHOP, STAGING = Scope(("shop", "staging")).limit(EXPOSED_APPS)


class Lister:
    """An API server with these apps, or without the right to list them."""

    def __init__(self, *apps: Json) -> None:
        self.apps = list(apps)
        self.is_forbidden = False

    async def list_metadata(self, resource: Resource) -> tuple[str, Sequence[Json]]:
        if self.is_forbidden:
            raise FORBIDDEN
        return "10", [
            {"metadata": app["metadata"]}
            for app in self.apps
            if resource.namespace in (None, app["metadata"]["namespace"])
        ]

    async def get(self, kind: str, namespace: str, name: str) -> Json | None:
        return None


def app(namespace: str, name: str) -> Json:
    metadata = {"namespace": namespace, "name": name, "uid": f"{namespace}-{name}"}
    return {"metadata": {**metadata, "resourceVersion": "5", "generation": 1}, "spec": {}}


def resync_of(resource: Resource, lister: Lister, cache: Cache) -> AppResync:
    handler = AppHandler(cache)
    return AppResync(lister, resource, cache.apps, handler, lambda _: None, lambda _: None)


@in_virtual_time
async def test_what_a_namespace_lacks_is_deleted_there_alone() -> None:
    cache = Cache()
    for namespace in ("shop", "staging"):
        cache.apps.upsert(app(namespace, "web"))
    resync = resync_of(SHOP, Lister(), cache)
    resync.trigger()
    task = asyncio.create_task(resync.run())
    await resync.has_synced.wait()
    assert list(cache.apps) == [("staging", "web")]
    task.cancel()


@in_virtual_time
async def test_kopf_that_never_lists_ends_the_process() -> None:
    with pytest.raises(RuntimeError, match="kopf has not listed"):
        await resync_of(EXPOSED_APPS, Lister(), Cache()).run()
    assert asyncio.get_running_loop().time() == pytest.approx(MAX_START_SECONDS, abs=1)


@in_virtual_time
async def test_after_a_refusal_kopf_gets_as_long_again() -> None:
    """Its own next attempt may come a few seconds after the right."""
    lister = Lister()
    lister.is_forbidden = True
    task = asyncio.create_task(resync_of(STAGING, lister, Cache()).run())
    await asyncio.sleep(MAX_START_SECONDS * 1.5)
    lister.is_forbidden = False
    await asyncio.sleep(MAX_START_SECONDS)
    assert not task.done()
    with pytest.raises(RuntimeError, match="kopf has not listed"):
        await task


@in_virtual_time
async def test_a_namespace_that_is_forbidden_is_caught_up_with_when_it_is_not() -> None:
    lister = Lister()
    resync = resync_of(STAGING, lister, Cache())
    resync.has_synced.set()
    lister.is_forbidden = True
    task = asyncio.create_task(resync.catch_up())
    await asyncio.sleep(RETRY_SECONDS * 10)
    assert not task.done()
    lister.is_forbidden = False
    await asyncio.sleep(RETRY_SECONDS)
    assert task.done()
