# SPDX-License-Identifier: Apache-2.0
"""When the catalog does not call itself live, and how many browsers it serves."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp.test_utils import TestClient, TestServer

from exposedapp.catalog import server as server_module
from exposedapp.catalog.pages import Pages
from exposedapp.catalog.server import MAX_SILENCE_SECONDS, CatalogServer
from exposedapp.catalog.store import CatalogStore
from exposedapp.kube.resources import EXPOSED_APPS


class Clock:
    """A clock that a test sets."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


@asynccontextmanager
async def connected(catalog: CatalogServer) -> AsyncIterator[TestClient]:  # type: ignore[type-arg]
    async with TestClient(TestServer(catalog.application())) as client:
        yield client


def new_catalog(clock: Clock) -> tuple[CatalogServer, str]:
    """A catalog without apps, and the events since its start."""
    pages = Pages()
    store = CatalogStore(pages.row)
    return CatalogServer(store, pages, clock), f"/events?since={store.epoch}-0"


async def test_it_is_live_while_the_api_server_sends_something() -> None:
    clock = Clock()
    catalog, events = new_catalog(clock)
    async with connected(catalog) as client:
        assert (await client.get("/readyz")).status == 503
        assert (await client.get(events)).status == 503
        catalog.observe_activity(EXPOSED_APPS)
        assert (await client.get("/readyz")).status == 200
        async with client.get(events) as stream:
            assert stream.status == 200
        clock.now += MAX_SILENCE_SECONDS
        assert (await client.get("/readyz")).status == 503
        assert (await client.get(events)).status == 503
        assert (await client.get("/")).status == 200
        assert (await client.get("/healthz")).status == 200


async def test_one_browser_too_many_gets_a_page_without_events(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(server_module, "MAX_STREAMS", 1)
    catalog, events = new_catalog(Clock())
    catalog.observe_activity(EXPOSED_APPS)
    async with connected(catalog) as client, client.get(events) as first:
        assert first.status == 200
        assert (await client.get(events)).status == 503
        assert (await client.get("/")).status == 200
