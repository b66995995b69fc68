# SPDX-License-Identifier: Apache-2.0
"""The API client: the requests that the operator and the command line make.

Objects are plain JSON: the client library's typed models cost ten times as much, and everything
here is handled as objects of one shape anyway. The library gives the login, with token refresh.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing
from typing import Self
from urllib.parse import quote

from kubernetes.aio import client

from exposedapp.api.meta import FIELD_MANAGER, GROUP, PLURAL, VERSION, Json
from exposedapp.kube.codec import parse_event, parse_object
from exposedapp.kube.connection import RENEWAL_SECONDS, Connection, Login, log_in
from exposedapp.kube.errors import ApiError
from exposedapp.kube.resources import (
    ALL_SERVICES,
    EVENTS,
    EXPOSED_APPS,
    PODS,
    RESOURCES,
    Resource,
)
from exposedapp.kube.scope import WHOLE_CLUSTER, Scope
from exposedapp.kube.transport import JSON, PageTooLargeError, Transport

BY_US = f"fieldManager={FIELD_MANAGER}"

MAX_IN_FLIGHT = 32

PAGE_SIZE = 100
"""Objects per page of a list: thousands of them in one response would take much memory."""

MAX_PAGE_BYTES = 8 * 1024 * 1024
"""Of one page of a list: whoever may create objects of 1.5 MiB could fill the memory with a hundred
of them."""

MAX_OBJECT_BYTES = 16 * 1024 * 1024
"""Of a page with one object. etcd takes 1.5 MiB, which as JSON may be six times as much: Go writes
"<" and control characters as \\u00XX, and Deployments and pods are stored in protobuf."""

METADATA = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
METADATA_LIST = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
"""Source: API concepts, \"Metadata-only fetches\"."""
APPLY_PATCH = "application/apply-patch+yaml"
MERGE_PATCH = "application/merge-patch+json"

MUST_NOT_EXIST = "1"
"""A resourceVersion that no object ever has: the empty store has it (etcd's API, "Revisions"), and
each write increments it. Applied with it, an object is created, and an existing one refused."""


PORT_FIELDS = ("ports", "healthCheckNodePort")


class KubeClient:
    """The API server, as far as the operator uses it."""

    def __init__(
        self,
        configuration: client.Configuration,
        in_flight: int = MAX_IN_FLIGHT,
        login: Login | None = None,
        renewal_seconds: float = RENEWAL_SECONDS,
    ) -> None:
        """`login` is called for another configuration after `renewal_seconds` without a response.

        At most `in_flight` requests are under way at one time: a storm of apps must not become a
        storm of requests. Watches do not count.
        """
        connection = Connection(configuration, login, renewal_seconds)
        self.transport = Transport(connection, in_flight)

    @classmethod
    async def login(
        cls, in_flight: int = MAX_IN_FLIGHT, renewal_seconds: float = RENEWAL_SECONDS
    ) -> Self:
        """A client for this pod's cluster, else for the kubeconfig's. Raises ConfigException."""
        return cls(await log_in(), in_flight, log_in, renewal_seconds)

    async def close(self) -> None:
        """Close the connections."""
        await self.transport.close()

    async def request(
        self,
        method: str,
        path: str,
        body: Json | None = None,
        content_type: str = JSON,
        accept: str = JSON,
    ) -> Json:
        """Send one request to a path of the API server; the object in the response.

        For what has no method of its own. Raises ApiError, with status 0 when there is no response.
        """
        data = await self.transport.fetch(method, path, body, content_type, accept)
        return parse_object(data)

    async def serves_exposedapps(self, scope: Scope = WHOLE_CLUSTER) -> bool:
        """Whether ExposedApps can be found, and listed in at least one part of the scope.

        Raises ApiError while the CustomResourceDefinition is so new that they cannot be listed.
        """
        try:
            group = await self.request("GET", f"/apis/{GROUP}/{VERSION}")
            await self._list_one(scope.limit(EXPOSED_APPS))
        except ApiError as error:
            if error.status == 404:
                return False
            raise
        return any(resource["name"] == PLURAL for resource in group["resources"])

    async def _list_one(self, resources: Sequence[Resource]) -> None:
        """List one object, of the first of these that may be listed. Raises ApiError."""
        for resource in resources:
            try:
                await self.request("GET", resource.list_path(limit="1"))
            except ApiError as error:
                if error.status != 403 or resource == resources[-1]:
                    raise
            else:
                return

    async def get(self, kind: str, namespace: str, name: str) -> Json | None:
        """An object; None when it does not exist."""
        try:
            return await self.request("GET", RESOURCES[kind].path(namespace, name))
        except ApiError as error:
            if error.status == 404:
                return None
            raise

    async def get_metadata(self, resource: Resource, namespace: str, name: str) -> Json:
        """The metadata of an object, for whether it exists. Raises ApiError, 404 if it does not."""
        return await self.request("GET", resource.path(namespace, name), accept=METADATA)

    async def create(self, desired: Json) -> Json:
        """Server-side apply of an object that does not exist; the object as it is then.

        Raises ApiError 409 when there is an object of that name, whosever it is.
        """
        try:
            return await self._apply(desired, {"resourceVersion": MUST_NOT_EXIST})
        except ApiError as error:
            metadata = desired["metadata"]
            kind, namespace, name = desired["kind"], metadata["namespace"], metadata["name"]
            if not _may_refuse_version(error) or await self.get(kind, namespace, name):
                raise
            # No documentation promises that the version does not matter to an object that is new.
            path = RESOURCES[kind].path(namespace)
            return await self.request("POST", f"{path}?{BY_US}", desired, JSON)

    async def apply(self, desired: Json, uid: str | None = None) -> Json:
        """Server-side apply, also of fields that others own; the object as it is then.

        With a `uid`, raises ApiError 409 when the object was replaced or deleted meanwhile.
        """
        return await self._apply(desired, {"uid": uid} if uid else {})

    async def _apply(self, desired: Json, condition: Json) -> Json:
        metadata = desired["metadata"]
        path = RESOURCES[desired["kind"]].path(metadata["namespace"], metadata["name"])
        body = {**desired, "metadata": {**metadata, **condition}}
        return await self.request("PATCH", f"{path}?{BY_US}&force=true", body, APPLY_PATCH)

    async def patch_spec(self, live: Json, kind: str, changes: Json) -> Json:
        """Set fields of an object's spec as a whole, also parts that others own.

        Raises ApiError 409 when the object is not in the `live` state any more.
        """
        return await self._patch(live, kind, {"spec": changes})

    async def patch_metadata(self, live: Json, kind: str, changes: Json) -> Json:
        """Set fields of an object's metadata; None removes one. Raises ApiError as above."""
        return await self._patch(live, kind, {"metadata": changes})

    async def _patch(self, live: Json, kind: str, changes: Json) -> Json:
        metadata = live["metadata"]
        path = RESOURCES[kind].path(metadata["namespace"], metadata["name"])
        condition = {"resourceVersion": metadata["resourceVersion"]}
        body = {**changes, "metadata": {**changes.get("metadata", {}), **condition}}
        return await self.request("PATCH", f"{path}?{BY_US}", body, MERGE_PATCH)

    async def delete(self, live: Json, kind: str) -> None:
        """Delete this object, and in the background what it owns; a deleted one is no error.

        Raises ApiError 409 when another object has taken its place.
        """
        metadata = live["metadata"]
        path = RESOURCES[kind].path(metadata["namespace"], metadata["name"])
        options = {
            "preconditions": {"uid": metadata["uid"]},
            "propagationPolicy": "Background",
        }
        try:
            await self.request("DELETE", path, options)
        except ApiError as error:
            if error.status != 404:
                raise

    async def patch_status(self, namespace: str, name: str, version: str, changes: Json) -> Json:
        """Merge the changed fields into an app's status; None removes a field. The app's metadata.

        Of the response nothing else is needed, and a spec may have a mebibyte.
        Raises ApiError 409 when the app is not at this resourceVersion any more: the status may be
        that of another spec, or of another app of the same name.
        """
        path = f"{EXPOSED_APPS.path(namespace, name)}/status?{BY_US}"
        body = {"metadata": {"resourceVersion": version}, "status": changes}
        return await self.request("PATCH", path, body, MERGE_PATCH, METADATA)

    async def pods(self, namespace: str, selector: str) -> AsyncGenerator[Sequence[Json]]:
        """The pods with these labels, page by page.

        Without resourceVersion=0, with which the API server sends all pods at once, whatever limit
        is asked for (computeListLimit in k8s.io/apiserver, pkg/storage/cacher/delegator.go).
        """
        async for page in self._pages(f"{PODS.path(namespace)}?labelSelector={quote(selector)}"):
            yield page["items"]

    async def events(self, namespace: str, field_selector: str) -> Sequence[Json]:
        """The first page of a namespace's Events with these fields: one request.

        Those about one object are few, as their recorders aggregate them by reason and message.
        """
        path = f"{EVENTS.path(namespace)}?fieldSelector={quote(field_selector)}"
        async with aclosing(self._pages(path)) as pages:
            page = await anext(pages)
        return page["items"] or ()

    async def services(self, scope: Scope = WHOLE_CLUSTER) -> list[Json]:
        """All Services in a scope with their names and ports only: there may be thousands.

        Without those of a namespace that may not be read; a limited scope has others beside it in
        any case.
        """
        services: list[Json] = []
        for resource in scope.limit(ALL_SERVICES):
            try:
                async for page in self.list(resource):
                    services += map(_ports_of, page["items"])
            except ApiError as error:
                if error.status != 403 or not scope.is_limited:
                    raise
        return services

    async def list(self, resource: Resource, accept: str = JSON) -> AsyncIterator[Json]:
        """All objects of a kind, page by page: each a list, with the version to watch from."""
        async for page in self._pages(resource.list_path(), accept):
            yield page

    async def _pages(self, path: str, accept: str = JSON) -> AsyncGenerator[Json]:
        """The pages of a list.

        A page of more than MAX_PAGE_BYTES is requested again with half as many objects. Raises
        ApiError.
        """
        token: str | None = ""
        size = PAGE_SIZE
        while token is not None:
            query = f"limit={size}" + (f"&continue={quote(token)}" if token else "")
            separator = "&" if "?" in path else "?"
            max_bytes = MAX_PAGE_BYTES if size > 1 else MAX_OBJECT_BYTES
            try:
                data = await self.transport.fetch(
                    "GET", f"{path}{separator}{query}", accept=accept, max_bytes=max_bytes
                )
            except PageTooLargeError as error:
                if size == 1:
                    message = f"an object is larger than {MAX_OBJECT_BYTES} bytes"
                    raise ApiError(0, "ObjectTooLarge", message) from error
                size = size // 2
                continue
            page = parse_object(data)
            token = page["metadata"].get("continue") or None
            size = min(PAGE_SIZE, size * 2)
            yield page

    async def list_metadata(self, resource: Resource) -> tuple[str, Sequence[Json]]:
        """The resourceVersion of a list, and the metadata of all its objects."""
        items: Sequence[Json] = ()
        version = ""
        async for page in self.list(resource, METADATA_LIST):
            # Of the first page: later ones are of the same version, or of a later one after a token
            # expired, and then objects of the first may have changed since.
            version = version or page["metadata"]["resourceVersion"]
            items = [*items, *(page["items"] or ())]  # null when there are none
        return version, items

    async def current_version(self, resource: Resource) -> str:
        """The resourceVersion of a list now, read from etcd."""
        page = await self.request("GET", resource.list_path(limit="1"))
        return str(page["metadata"]["resourceVersion"])

    async def watch(self, resource: Resource, version: str, seconds: int) -> AsyncGenerator[Json]:
        """What happens to the objects of a kind after a version, for `seconds`: {type, object}.

        Raises ApiError, 410 when the version is too old: list again.
        """
        path = resource.list_path(
            resourceVersion=version,
            watch="1",
            allowWatchBookmarks="true",
            timeoutSeconds=str(seconds),
        )
        async with aclosing(self.transport.stream(path, seconds)) as lines:
            async for line in lines:
                yield parse_event(line)


def _may_refuse_version(error: ApiError) -> bool:
    """Whether the API server may only refuse the resourceVersion of an object to be created."""
    return error.status in (404, 409) or "resourceVersion" in error.message


def _ports_of(service: Json) -> Json:
    metadata = {key: service["metadata"][key] for key in ("namespace", "name")}
    spec = {key: service["spec"][key] for key in PORT_FIELDS if key in service["spec"]}
    return {"metadata": metadata, "spec": spec}
