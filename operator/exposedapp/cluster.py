"""The only module that talks to the API server.

Requests and answers are plain JSON: the client library's typed models cost ten times as much, and
everything here is handled as objects of one shape anyway. The library gives the login, with token
refresh, and one bounded pool of connections.
"""

import json
import re
from typing import Self, cast
from urllib.parse import quote

import aiohttp
import orjson
from kubernetes.aio import client, config

from exposedapp.api import GROUP, PLURAL, VERSION
from exposedapp.schema import Json

FIELD_MANAGER = "exposedapp"
MAX_IN_FLIGHT = 32
"""Requests at one time, for the whole operator: a storm of apps must not become one of requests."""
TIMEOUT_SECONDS = 30.0

APPLY = "application/apply-patch+yaml "
"""With a space, which is no part of the value (RFC 9110, 5.5), but keeps the client library from
writing the body itself: it would write surrogate pairs."""
NOT_PLAIN = re.compile(r"[\x7f-\uffff]")

PATHS = {
    "Deployment": "/apis/apps/v1/namespaces/{namespace}/deployments",
    "Service": "/api/v1/namespaces/{namespace}/services",
    "Pod": "/api/v1/namespaces/{namespace}/pods",
    "Event": "/api/v1/namespaces/{namespace}/events",
    "ExposedApp": f"/apis/{GROUP}/{VERSION}/namespaces/{{namespace}}/{PLURAL}",
}


class ApiError(Exception):
    """The API server's refusal, as it tells it (metav1.Status).

    `status` is the HTTP code, 0 when there was no answer; `reason` and `causes` are for programs,
    the text is the server's own message; `retry_after` is in seconds.
    """

    def __init__(
        self,
        status: int,
        reason: str,
        message: str,
        causes: tuple[str, ...] = (),
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.reason = reason
        self.message = message
        self.causes = causes
        self.retry_after = retry_after


class Cluster:
    """The API server, as far as the operator needs it."""

    def __init__(self, configuration: client.Configuration) -> None:
        configuration.connection_pool_maxsize = MAX_IN_FLIGHT
        self._configuration = configuration
        self._client = client.ApiClient(configuration)

    @classmethod
    async def login(cls) -> Self:
        """Finds the cluster: from inside a pod, else by the kubeconfig."""
        configuration = client.Configuration()
        try:
            config.load_incluster_config(client_configuration=configuration)
        except config.ConfigException:
            await config.load_kube_config(client_configuration=configuration)
        return cls(configuration)

    async def close(self) -> None:
        """Closes the connections."""
        await self._client.close()

    async def serves_exposedapps(self) -> bool:
        """Whether ExposedApps can be found and listed.

        Raises ApiError while the CustomResourceDefinition is so new that they cannot be listed.
        """
        path = f"/apis/{GROUP}/{VERSION}"
        try:
            found = await self._request("GET", path)
            await self._request("GET", f"{path}/{PLURAL}?limit=1")
        except ApiError as error:
            if error.status == 404:
                return False
            raise
        return any(resource["name"] == PLURAL for resource in found["resources"])

    async def get(self, kind: str, namespace: str, name: str) -> Json | None:
        """One object, or None when there is none."""
        try:
            return await self._request("GET", _path(kind, namespace, name))
        except ApiError as error:
            if error.status == 404:
                return None
            raise

    async def apply(self, wanted: Json, uid: str | None) -> Json:
        """Server-side apply; the answer is the object as it is now.

        With a uid, an object that was replaced or deleted meanwhile is refused (ApiError 409).
        """
        meta = wanted["metadata"]
        body = {**wanted, "metadata": {**meta, "uid": uid}} if uid else wanted
        return await self._request(
            "PATCH",
            _path(wanted["kind"], meta["namespace"], meta["name"])
            + f"?fieldManager={FIELD_MANAGER}&force=true",
            body,
            APPLY,
        )

    async def patch_spec(self, live: Json, kind: str, changes: Json) -> Json:
        """Sets fields of an object's spec as a whole, also parts that others own.

        Refused (ApiError 409) when the object is not as it was when it was looked at.
        """
        meta = live["metadata"]
        return await self._request(
            "PATCH",
            _path(kind, meta["namespace"], meta["name"]) + f"?fieldManager={FIELD_MANAGER}",
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
            await self._request(
                "DELETE",
                _path(kind, meta["namespace"], meta["name"]),
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
        return await self._request(
            "PATCH",
            _path("ExposedApp", namespace, name) + f"/status?fieldManager={FIELD_MANAGER}",
            {"metadata": {"resourceVersion": version}, "status": changes},
            "application/merge-patch+json",
        )

    async def pods(self, namespace: str, selector: str) -> list[Json]:
        """The pods with these labels, from the API server's own cache."""
        path = _path("Pod", namespace)
        query = f"?labelSelector={quote(selector)}&resourceVersion=0"
        return cast("list[Json]", (await self._request("GET", path + query))["items"])

    async def services(self) -> list[Json]:
        """All Services of the cluster, from the API server's own cache."""
        path = "/api/v1/services?resourceVersion=0"
        return cast("list[Json]", (await self._request("GET", path))["items"])

    async def names(self, group: str, version: str, plural: str, labels: str | None) -> Json:
        """The metadata of all objects of a kind, from the API server's own cache.

        A PartialObjectMetadataList: {metadata: {resourceVersion}, items: [{metadata}]}.
        """
        path = f"/apis/{group}/{version}" if group else f"/api/{version}"
        query = f"?resourceVersion=0{f'&labelSelector={quote(labels)}' if labels else ''}"
        accept = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
        return await self._request("GET", f"{path}/{plural}{query}", accept=accept)

    async def _request(
        self,
        method: str,
        path: str,
        body: Json | None = None,
        content_type: str | None = None,
        accept: str = "application/json",
    ) -> Json:
        headers = {"Accept": accept, "User-Agent": FIELD_MANAGER}
        if content_type:
            headers["Content-Type"] = content_type
        await self._client.update_params_for_auth(headers, [], ["BearerToken"], path, method, body)
        try:
            answer = await self._client.rest_client.request(
                method,
                self._configuration.host + path,
                headers=headers,
                body=_yaml(body) if content_type == APPLY else body,
                _request_timeout=aiohttp.ClientTimeout(total=TIMEOUT_SECONDS),
            )
            data = await answer.read()
        except (aiohttp.ClientError, TimeoutError) as error:
            raise ApiError(
                0, "NoAnswer", f"no answer from the API server: {error or type(error).__name__}"
            ) from error
        if 200 <= answer.status < 300:
            return _parse(data)
        raise _error(answer.status, answer.getheader("Retry-After"), data)


def _path(kind: str, namespace: str, name: str | None = None) -> str:
    path = PATHS[kind].format(namespace=namespace)
    return f"{path}/{name}" if name else path


def _yaml(body: Json | None) -> bytes:
    """JSON that is YAML too: YAML knows no surrogate pairs, and not every character as it is."""
    text = json.dumps(body, ensure_ascii=False)
    return NOT_PLAIN.sub(lambda found: f"\\u{ord(found[0]):04x}", text).encode()


def _parse(data: bytes) -> Json:
    try:
        return cast("Json", orjson.loads(data))
    except orjson.JSONDecodeError:
        # An object that is nested deeper than orjson goes.
        return cast("Json", json.loads(data))


def _error(status: int, retry_after: str | None, data: bytes) -> ApiError:
    try:
        said = orjson.loads(data)
    except orjson.JSONDecodeError:
        said = {}
    if not isinstance(said, dict):
        said = {}
    return ApiError(
        status,
        said.get("reason", ""),
        said.get("message") or f"the API server answered {status}",
        tuple(cause.get("reason", "") for cause in (said.get("details") or {}).get("causes") or ()),
        float(retry_after) if retry_after and retry_after.isdecimal() else None,
    )
