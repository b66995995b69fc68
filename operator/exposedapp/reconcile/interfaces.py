# SPDX-License-Identifier: Apache-2.0
"""What a reconcile needs of the API client and of the prober; tests have others of both."""

from collections.abc import AsyncGenerator, Iterable, Sequence
from typing import Protocol

from exposedapp.api.meta import Json, NamespacedName
from exposedapp.exposure.probes import ProbeResults, Target
from exposedapp.kube.scope import Scope


class ChildClient(Protocol):
    """The requests for an app's children, as kube/client.py sends them. Each raises ApiError."""

    async def get(self, kind: str, namespace: str, name: str) -> Json | None:
        """An object; None when it does not exist."""

    async def create(self, desired: Json) -> Json:
        """Apply an object that does not exist."""

    async def apply(self, desired: Json, uid: str | None = None) -> Json:
        """Apply an object; with a uid, only to that one."""

    async def patch_spec(self, live: Json, kind: str, changes: Json) -> Json:
        """Set fields of a live object's spec as a whole."""

    async def patch_metadata(self, live: Json, kind: str, changes: Json) -> Json:
        """Set fields of a live object's metadata; None removes one."""

    async def delete(self, live: Json, kind: str) -> None:
        """Delete a live object."""

    async def services(self, scope: Scope) -> list[Json]:
        """All Services in the scope that may be listed, with their names and ports."""


class ApiClient(ChildClient, Protocol):
    """All requests of a reconcile."""

    async def patch_status(self, namespace: str, name: str, version: str, changes: Json) -> Json:
        """Merge changes into an app's status; the app's metadata."""

    def pods(self, namespace: str, selector: str) -> AsyncGenerator[Sequence[Json]]:
        """The pods with these labels, page by page."""

    async def events(self, namespace: str, field_selector: str) -> Sequence[Json]:
        """The Events of a namespace that the selector selects, in one request."""


class Prober(Protocol):
    """The URLs that are probed, as probing/prober.py does it."""

    def set_targets(self, key: NamespacedName, targets: Iterable[Target]) -> ProbeResults:
        """Probe these URLs of an app from now on, and no others; what is known of them."""
