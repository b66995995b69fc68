"""The only module that talks to the API server.

Requests and answers are plain JSON: the client library's typed models cost ten times as much, and
everything here is handled as objects of one shape anyway. The library gives the login, with token
refresh; connection.py has the sessions.
"""

import asyncio
import json
import re
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Self, cast
from urllib.parse import quote

import aiohttp
import orjson
from kubernetes.aio import client

from exposedapp.api.meta import GROUP, PLURAL, VERSION, Json
from exposedapp.kube.connection import RENEWAL_SECONDS, Connection, Login, log_in
from exposedapp.kube.errors import (
    ApiError,
    broken_response_error,
    error_from_response,
    error_from_status,
    no_response_error,
)
from exposedapp.kube.lines import BrokenStreamError, read_lines
from exposedapp.kube.resources import Resource, object_path
from exposedapp.kube.session import OnResponse, kopf_middleware

FIELD_MANAGER = "exposedapp"

TIMEOUT_SECONDS = 30.0

CONNECT_SECONDS = 10.0

MAX_IN_FLIGHT = 32

PAGE_SIZE = 100
"""How many objects are listed at once: thousands in one answer would take much memory."""

MAX_PAGE_BYTES = 8 * 1024 * 1024
"""Of one page of a list: whoever may create objects of 1.5 MiB could fill the memory with a hundred
of them. More than one object, so a page of one is never too large."""

JSON = "application/json"
METADATA_ONLY = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
"""Source: API concepts, \"Metadata-only fetches\"."""
APPLY = "application/apply-patch+yaml"

MUST_NOT_EXIST = "1"
"""A resourceVersion that no object ever has: the empty store has it (etcd's API, "Revisions"), and
each write counts on. Applied with it, an object can be made, but none that is there be changed."""

MAX_INTEGER_DIGITS = 18
"""With a sign or without: always within 64 bits."""

NON_ASCII = re.compile(r"[\x7f-\uffff]")


class PageTooLargeError(Exception):
    """A page of a list is larger than what is read at once."""


@dataclass(slots=True)
class _Told:
    """The answer's code, as soon as there is one."""

    status: int = 0


class KubeClient:
    """The API server, as far as the operator needs it."""

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
        self._connection = Connection(configuration, login, renewal_seconds)
        self._free = asyncio.Semaphore(in_flight)
        self.observe: Callable[[str, int, float], None] = lambda *_: None
        """Is told of each request: its method, the answer's code (0: none) and the seconds it took;
        of a watch, until it began."""
        self.may_write: Callable[[], bool] = lambda: True
        """Whether this process may write, judged at each write right before it is sent."""

    @classmethod
    async def login(
        cls, in_flight: int = MAX_IN_FLIGHT, renewal_seconds: float = RENEWAL_SECONDS
    ) -> Self:
        """A client for this pod's cluster, else for the kubeconfig's. Raises ConfigException."""
        return cls(await log_in(), in_flight, log_in, renewal_seconds)

    @property
    def host(self) -> str:
        """The API server's address."""
        return self._connection.host

    def open_session(self, on_response: OnResponse) -> aiohttp.ClientSession:
        """A session of its own for kopf, which closes it; see session.py."""

        def observe(request: aiohttp.ClientRequest, status: int, seconds: float) -> None:
            self._report(request.method, status, seconds)
            on_response(request, status, seconds)

        return self._connection.open_session(kopf_middleware(observe))

    async def close(self) -> None:
        """Closes the connections."""
        await self._connection.close()

    async def serves_exposedapps(self) -> bool:
        """Whether ExposedApps can be found and listed.

        Raises ApiError while the CustomResourceDefinition is so new that they cannot be listed.
        """
        path = f"/apis/{GROUP}/{VERSION}"
        try:
            found = await self.request("GET", path)
            await self.request("GET", f"{path}/{PLURAL}?limit=1")
        except ApiError as error:
            if error.status == 404:
                return False
            raise
        return any(resource["name"] == PLURAL for resource in found["resources"])

    async def get(self, kind: str, namespace: str, name: str) -> Json | None:
        """One object, or None when there is none."""
        try:
            return await self.request("GET", object_path(kind, namespace, name))
        except ApiError as error:
            if error.status == 404:
                return None
            raise

    async def create(self, wanted: Json) -> Json:
        """Server-side apply of an object that is not there; the answer is the object as it is now.

        Refused (ApiError 409) when there is one of its name, whosever it is.
        """
        return await self._apply(wanted, {"resourceVersion": MUST_NOT_EXIST})

    async def apply(self, wanted: Json, uid: str | None = None) -> Json:
        """Server-side apply, also of fields that others own; the answer is the object as it is now.

        Refused (ApiError 409) with a uid, when the object was replaced or deleted meanwhile.
        """
        return await self._apply(wanted, {"uid": uid} if uid else {})

    async def _apply(self, wanted: Json, condition: Json) -> Json:
        meta = wanted["metadata"]
        return await self.request(
            "PATCH",
            object_path(wanted["kind"], meta["namespace"], meta["name"])
            + f"?fieldManager={FIELD_MANAGER}&force=true",
            {**wanted, "metadata": {**meta, **condition}},
            APPLY,
        )

    async def patch_spec(self, live: Json, kind: str, changes: Json) -> Json:
        """Sets fields of an object's spec as a whole, also parts that others own.

        Refused (ApiError 409) when the object is not as it was when it was looked at.
        """
        meta = live["metadata"]
        return await self.request(
            "PATCH",
            object_path(kind, meta["namespace"], meta["name"]) + f"?fieldManager={FIELD_MANAGER}",
            {"metadata": {"resourceVersion": meta["resourceVersion"]}, "spec": changes},
            "application/merge-patch+json",
        )

    async def delete(self, live: Json, kind: str) -> None:
        """Deletes this object, and in the background what it owns; one that is gone is no error.

        Refused (ApiError 409) when another one has taken its place.
        """
        meta = live["metadata"]
        options = {"preconditions": {"uid": meta["uid"]}, "propagationPolicy": "Background"}
        try:
            await self.request(
                "DELETE",
                object_path(kind, meta["namespace"], meta["name"]),
                options,
                "application/json",
            )
        except ApiError as error:
            if error.status != 404:
                raise

    async def patch_status(self, namespace: str, name: str, version: str, changes: Json) -> Json:
        """Merges the changed fields into an app's status; None removes a field.

        Refused (ApiError 409) when the app is not at this resourceVersion any more: what was
        computed may be about another spec, or about another app of the same name.
        """
        return await self.request(
            "PATCH",
            object_path("ExposedApp", namespace, name) + f"/status?fieldManager={FIELD_MANAGER}",
            {"metadata": {"resourceVersion": version}, "status": changes},
            "application/merge-patch+json",
        )

    async def pods(self, namespace: str, selector: str) -> list[Json]:
        """The pods with these labels, from the API server's own cache."""
        path = object_path("Pod", namespace)
        query = f"?labelSelector={quote(selector)}&resourceVersion=0"
        return cast("list[Json]", (await self.request("GET", path + query))["items"])

    async def services(self) -> list[Json]:
        """All Services of the cluster, with their names and ports alone: there may be thousands."""
        found = []
        async for page in self.list(Resource("", "v1", "services")):
            for body in page["items"]:
                meta = {key: body["metadata"][key] for key in ("namespace", "name")}
                fields = ("ports", "healthCheckNodePort")
                spec = {key: body["spec"][key] for key in fields if key in body["spec"]}
                found.append({"metadata": meta, "spec": spec})
        return found

    async def list(self, kind: Resource, accept: str = JSON) -> AsyncIterator[Json]:
        """All objects of a kind, page by page: each a list, with the version to watch from.

        A page of more than MAX_PAGE_BYTES is requested again with half as many objects.
        """
        token: str | None = ""
        size = PAGE_SIZE
        while token is not None:
            more = {"continue": token} if token else {}
            path = kind.path(limit=str(size), **more)
            try:
                data = await self._fetch("GET", path, accept=accept, max_bytes=MAX_PAGE_BYTES)
            except PageTooLargeError:
                size = max(1, size // 2)
                continue
            page = _parse_response(data)
            token = page["metadata"].get("continue") or None
            size = min(PAGE_SIZE, size * 2)
            yield page

    async def list_metadata(self, resource: Resource) -> tuple[str, Sequence[Json]]:
        """The resourceVersion of a list, and the metadata of all its objects."""
        items: Sequence[Json] = ()
        version = "0"
        async for page in self.list(resource, METADATA_ONLY):
            version = page["metadata"]["resourceVersion"]
            items = [*items, *(page["items"] or ())]  # null when there are none
        return version, items

    async def current_version(self, resource: Resource) -> str:
        """The resourceVersion of a list now, read from etcd."""
        page = await self.request("GET", resource.path(limit="1"))
        return str(page["metadata"]["resourceVersion"])

    async def watch(self, kind: Resource, version: str, seconds: int) -> AsyncIterator[Json]:
        """What happens to a kind's objects after a version, for so long: {type, object}.

        Raises ApiError, 410 when the version is too old: then list anew.
        """
        follow = {"watch": "1", "allowWatchBookmarks": "true", "timeoutSeconds": str(seconds)}
        path = kind.path(resourceVersion=version, **follow)
        # A dead connection is silent: wait no longer than the API server keeps the watch open.
        timeout = aiohttp.ClientTimeout(total=seconds + CONNECT_SECONDS, connect=CONNECT_SECONDS)
        try:
            with self._told("GET") as told:
                response = await self._send(await self._connection.session(), "GET", path, timeout)
                # What follows the headers lasts as long as the watch does.
                told.status = response.status
            async with response:
                if response.status != 200:
                    retry_after = response.headers.get("Retry-After")
                    raise error_from_response(response.status, retry_after, await response.read())
                async for line in read_lines(response.content.iter_any()):
                    yield _parse_event(line)
        except BrokenStreamError as error:
            raise broken_response_error(error) from error
        except (aiohttp.ClientError, TimeoutError) as error:
            raise no_response_error(error) from error

    async def request(
        self,
        method: str,
        path: str,
        body: Json | None = None,
        content_type: str | None = None,
        accept: str = JSON,
    ) -> Json:
        """Send one request to a path of the API server; return the parsed response.

        For what no method of its own covers. Raises ApiError for any status that is no success,
        and with status 0 when there is no response.
        """
        return _parse_response(await self._fetch(method, path, body, content_type, accept))

    async def _fetch(
        self,
        method: str,
        path: str,
        body: Json | None = None,
        content_type: str | None = None,
        accept: str = JSON,
        max_bytes: int = sys.maxsize,
    ) -> bytes:
        """The body of a response. Raises ApiError, and PageTooLargeError over `max_bytes`."""
        timeout = aiohttp.ClientTimeout(total=TIMEOUT_SECONDS)
        async with self._free:
            session = await self._connection.session()  # may take a while: before may_write()
            if method != "GET" and not self.may_write():
                raise ApiError(0, "NotLeader", "nothing is written without the Lease")
            with self._told(method) as told:
                response = await self._send(
                    session, method, path, timeout, body, content_type, accept
                )
                told.status = response.status
                async with response:
                    data = await _read(response, max_bytes)
        if data is None:
            raise PageTooLargeError
        if 200 <= response.status < 300:
            return data
        raise error_from_response(response.status, response.headers.get("Retry-After"), data)

    async def _send(
        self,
        session: aiohttp.ClientSession,
        method: str,
        path: str,
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109 - the library's word for it
        body: Json | None = None,
        content_type: str | None = None,
        accept: str = JSON,
    ) -> aiohttp.ClientResponse:
        headers = {"Accept": accept, "User-Agent": FIELD_MANAGER}
        if content_type:
            headers["Content-Type"] = content_type
        data = None if body is None else _encode(body)
        return await session.request(
            method, self.host + path, headers=headers, data=data, timeout=timeout
        )

    @contextmanager
    def _told(self, method: str) -> Iterator["_Told"]:
        """Has a request observed; one without an answer becomes an ApiError."""
        told, start = _Told(), time.monotonic()
        try:
            yield told
        except (aiohttp.ClientError, TimeoutError) as error:
            self._report(method, 0, time.monotonic() - start)
            raise no_response_error(error) from error
        self._report(method, told.status, time.monotonic() - start)

    def _report(self, method: str, status: int, seconds: float) -> None:
        self._connection.observe(status)
        self.observe(method, status, seconds)


async def _read(response: aiohttp.ClientResponse, max_bytes: int) -> bytes | None:
    """The body of a response; None when it is larger."""
    chunks, size = [], 0
    async for chunk in response.content.iter_any():
        chunks.append(chunk)
        size += len(chunk)
        if size > max_bytes:
            response.close()  # releasing it would read the rest
            return None
    return b"".join(chunks)


def _encode(body: Json) -> bytes:
    """JSON that is YAML, too: YAML has no surrogate pairs, and takes few characters literally."""
    text = json.dumps(body, ensure_ascii=False)
    return NON_ASCII.sub(lambda found: f"\\u{ord(found[0]):04x}", text).encode()


def _parse_response(data: bytes) -> Json:
    """The object in a response. Raises ApiError when it is none, such as a proxy's page."""
    try:
        body = _parse(data)
    except ValueError as error:
        raise broken_response_error(error) from error
    if not isinstance(body, dict):
        raise broken_response_error(TypeError("it is not an object"))
    return body


def _parse_event(line: bytes) -> Json:
    """An event of a watch. Raises ApiError for one of type ERROR."""
    try:
        event = _parse(line)
        event_type, body = event["type"], event["object"]
    except (ValueError, KeyError, TypeError) as error:
        raise BrokenStreamError(f"a line is no event: {error}") from error
    if event_type == "ERROR":
        raise error_from_status(body, body.get("code", 500))
    return event


def _parse(data: bytes) -> Json:
    try:
        return cast("Json", orjson.loads(data))
    except orjson.JSONDecodeError:
        # An object that is nested deeper than orjson reads (1,024 levels).
        return cast("Json", json.loads(data, parse_int=_parse_int))


def _parse_int(digits: str) -> int | float:
    """A number as orjson reads it: one over 64 bits, which it would not write, is a float.

    The API server sends such numbers: it reads 1e20 as a float64, and Go writes that as an integer.
    """
    return int(digits) if len(digits) <= MAX_INTEGER_DIGITS else float(digits)
