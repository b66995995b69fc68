# SPDX-License-Identifier: Apache-2.0
"""The EndpointSlices in memory: the endpoints of each app's Service.

Part of the cache. Pure.
"""

from exposedapp.api.meta import Json, NamespacedName, version_of
from exposedapp.cache.versions import ListSnapshot, Versions, name_of
from exposedapp.exposure.endpoints import Endpoint, parse_endpoint_slice

SERVICE_NAME_LABEL = "kubernetes.io/service-name"


class EndpointSliceStore:
    """A store of EndpointSlices. Its keys are those of the apps: a Service has its app's name."""

    def __init__(self) -> None:
        self._endpoints: dict[NamespacedName, dict[str, tuple[Endpoint, ...]]] = {}
        """By app, and by the name of the slice."""
        self._apps: dict[NamespacedName, NamespacedName] = {}
        """The app of each slice."""
        self._versions = Versions()

    def endpoints(self, app: NamespacedName) -> list[Endpoint]:
        """The endpoints of an app; one in two slices (two IP families) comes twice."""
        slices = self._endpoints.get(app, {}).values()
        return [endpoint for endpoints in slices for endpoint in endpoints]

    def upsert(self, body: Json) -> list[NamespacedName]:
        """Take in a state; the app's key when anything that matters is different.

        Also the former app's key, of a slice that was relabelled.
        """
        key, app, version = name_of(body), _app_of(body), version_of(body)
        endpoints = parse_endpoint_slice(body)
        if version < self._versions.latest(key):
            return []
        former = [] if self._apps.get(key, app) == app else self._remove(key, version)
        self._versions.set(key, version)
        self._apps[key] = app
        slices = self._endpoints.setdefault(app, {})
        if slices.get(key.name) == endpoints:
            return []
        slices[key.name] = endpoints
        return [*former, app]

    def delete(self, body: Json) -> list[NamespacedName]:
        """Take in a deletion; the app's key, unless a newer slice has taken its place."""
        key, version = name_of(body), version_of(body)
        if version < self._versions.latest(key):
            return []
        return self._remove(key, version)

    def delete_missing(self, snapshot: ListSnapshot) -> list[NamespacedName]:
        """Delete the slices that a list does not have. Raises HistoryRewrittenError."""
        self._versions.check(snapshot)
        missing = self._versions.missing(snapshot)
        return [app for key in missing for app in self._remove(key, snapshot.version)]

    def _remove(self, key: NamespacedName, version: int) -> list[NamespacedName]:
        self._versions.bury(key, version)
        app = self._apps.pop(key, None)
        if app is None:
            return []
        slices = self._endpoints[app]
        del slices[key.name]
        if not slices:
            del self._endpoints[app]
        return [app]


def _app_of(body: Json) -> NamespacedName:
    metadata = body["metadata"]
    return NamespacedName(metadata["namespace"], metadata["labels"].get(SERVICE_NAME_LABEL, ""))
