# SPDX-License-Identifier: Apache-2.0
"""The API client of one review: what the reconcile code writes is tried, and nothing is stored.

Built by reviewer.py. Its requests are dry runs because its transport makes each write one.
"""

import asyncio
import time
from typing import Protocol

from exposedapp.api.meta import Json
from exposedapp.kube.resources import Resource
from exposedapp.kube.scope import Scope
from exposedapp.reconcile.interfaces import ChildClient

SERVICES_TTL_SECONDS = 10.0
"""How long a list of all Services answers who has a node port: a user may try one after another."""


class ReviewClient(ChildClient, Protocol):
    """The requests of a review, as kube/client.py sends them. All writes are dry runs."""

    async def get_metadata(self, resource: Resource, namespace: str, name: str) -> Json:
        """The metadata of an object, for whether it exists."""


class ServiceList:
    """All Services in the scope, listed at most every SERVICES_TTL_SECONDS for all reviews."""

    def __init__(self, client: ReviewClient, scope: Scope) -> None:
        self._client = client
        self._scope = scope
        self._services: list[Json] = []
        self._expires_at = time.monotonic()
        self._lock = asyncio.Lock()

    async def get(self) -> list[Json]:
        """The Services with their names and ports. Raises ApiError."""
        async with self._lock:
            if time.monotonic() >= self._expires_at:
                self._services = await self._client.services(self._scope)
                self._expires_at = time.monotonic() + SERVICES_TTL_SECONDS
            return self._services


class DryRunClient:
    """Sends the first write of each child that is accepted; it answers for those after it.

    A reconcile that writes a child twice relies on the first write, which a dry run does not store:
    the API server would refuse the second one. Implements ChildClient of reconcile/interfaces.py.
    """

    def __init__(self, client: ReviewClient, services: ServiceList) -> None:
        self._client = client
        self._services = services
        self._accepted: dict[str, Json] = {}
        """By kind, the child as it would be."""

    async def get(self, kind: str, namespace: str, name: str) -> Json | None:
        """An object; None when it does not exist."""
        return await self._client.get(kind, namespace, name)

    async def create(self, desired: Json) -> Json:
        """Try to create an object."""
        kind = desired["kind"]
        if kind not in self._accepted:
            self._accepted[kind] = await self._client.create(desired)
        return self._accepted[kind]

    async def apply(self, desired: Json, uid: str | None = None) -> Json:
        """Try to apply an object."""
        kind = desired["kind"]
        if kind not in self._accepted:
            self._accepted[kind] = await self._client.apply(desired, uid)
        return self._accepted[kind]

    async def patch_spec(self, live: Json, kind: str, changes: Json) -> Json:
        """Try to set the whole spec of an object."""
        if kind not in self._accepted:
            self._accepted[kind] = await self._client.patch_spec(live, kind, changes)
        return self._accepted[kind]

    async def patch_metadata(self, live: Json, kind: str, changes: Json) -> Json:  # noqa: ARG002
        """Nothing: what a reconcile changes in metadata alone does not come from the spec."""
        return live

    async def delete(self, live: Json, kind: str) -> None:
        """Nothing: a deletion is not what an author asks for."""

    async def services(self, scope: Scope) -> list[Json]:  # noqa: ARG002 - it is the operator's
        """All Services in the scope that may be listed, with their names and ports."""
        return await self._services.get()
