# SPDX-License-Identifier: Apache-2.0
"""Apps as the API server has them, and a catalog that shows them."""

from collections.abc import AsyncIterator

import pytest

from support.catalog import Catalog
from support.http_api_server import HttpApiServer


@pytest.fixture
async def server() -> AsyncIterator[HttpApiServer]:
    """An API server without apps."""
    async with HttpApiServer() as api_server:
        yield api_server


@pytest.fixture
async def catalog(
    server: HttpApiServer, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Catalog]:
    """`python -m exposedapp.catalog`, which watches that API server."""
    async with Catalog(server, tmp_path_factory.mktemp("catalog")) as running:
        yield running
