# SPDX-License-Identifier: Apache-2.0
"""The API server in memory with a client whose writes are dry runs, as a review has it."""

import copy
from collections.abc import Awaitable

from exposedapp.api.meta import Json
from exposedapp.kube.errors import ApiError
from exposedapp.kube.resources import Resource
from exposedapp.kube.scope import Scope
from support.admission import not_found
from support.fake_api_server import FakeApiServer


class DryRunApiServer:
    """Answers as the server would, and leaves it as it is. Implements ReviewClient."""

    def __init__(self, server: FakeApiServer) -> None:
        self._server = server
        self.existing: set[tuple[str, str]] = set()
        """(plural, name) of the ConfigMaps, Secrets and ServiceAccounts that exist."""
        self.metadata_error: ApiError | None = None
        """How each of them is answered, if not by whether it exists."""
        self.writes = 0
        """How many dry runs were sent."""
        self.metadata_requests = 0
        """How often it was asked whether one of them exists."""

    async def get(self, kind: str, namespace: str, name: str) -> Json | None:
        return await self._server.get(kind, namespace, name)

    async def services(self, scope: Scope) -> list[Json]:
        return await self._server.services(scope)

    async def get_metadata(self, resource: Resource, namespace: str, name: str) -> Json:
        self.metadata_requests += 1
        if self.metadata_error:
            raise self.metadata_error
        if (resource.plural, name) not in self.existing:
            raise not_found(resource.plural, name)
        return {"metadata": {"namespace": namespace, "name": name}}

    async def create(self, desired: Json) -> Json:
        return await self._tried(self._server.create(desired))

    async def apply(self, desired: Json, uid: str | None = None) -> Json:
        return await self._tried(self._server.apply(desired, uid))

    async def patch_spec(self, live: Json, kind: str, changes: Json) -> Json:
        return await self._tried(self._server.patch_spec(live, kind, changes))

    async def patch_metadata(self, live: Json, kind: str, changes: Json) -> Json:
        raise AssertionError("a review changes no metadata")

    async def delete(self, live: Json, kind: str) -> None:
        raise AssertionError("a review deletes nothing")

    async def _tried(self, write: Awaitable[Json]) -> Json:
        self.writes += 1
        before = copy.deepcopy(self._server.objects)
        try:
            written = await write
            metadata = written["metadata"]
            key = (written["kind"], metadata["namespace"], metadata["name"])
            version = before[key]["metadata"]["resourceVersion"] if key in before else "1"
            return {**written, "metadata": {**metadata, "resourceVersion": version}}
        finally:
            self._server.objects = before
