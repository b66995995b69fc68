# SPDX-License-Identifier: Apache-2.0
"""The cluster's API server, as its administrator reaches it. The proxy and the tests share it."""

import asyncio
import base64
import json
import os
import ssl
import tempfile
from pathlib import Path
from typing import Any, Self

import aiohttp
import yaml

Json = dict[str, Any]

ROOT = Path(__file__).parents[2]
APPS = "/apis/exposedapp.dev/v1alpha1"
APPLY = "application/apply-patch+yaml"
MERGE = "application/merge-patch+json"
MAX_LINE_BYTES = 4 * 2**20
"""A watch event is one line, and an object may have 1.5 MiB (etcd's limit)."""

BUSY_SECONDS = 60.0
"""For which a CRD's storage may be initialized again after a change of the CRD, and the like."""

COLLECTIONS = {
    "exposedapps": f"{APPS}/namespaces/{{}}/exposedapps",
    "deployments": "/apis/apps/v1/namespaces/{}/deployments",
    "services": "/api/v1/namespaces/{}/services",
}


class RefusedError(Exception):
    """The API server's refusal; `status` is the HTTP status."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(f"{status}: {text}")
        self.status = status


def kubeconfig_path() -> Path:
    """The kubeconfig of the cluster that the tests run on; `make` sets KUBECONFIG."""
    return Path(os.environ.get("KUBECONFIG") or ROOT / "build" / "kubeconfig")


def _tls(user: Json, cluster: Json) -> ssl.SSLContext:
    authority = base64.b64decode(cluster["certificate-authority-data"]).decode()
    context = ssl.create_default_context(cadata=authority)
    with tempfile.TemporaryDirectory() as folder:
        certificate, key = Path(folder, "certificate"), Path(folder, "key")
        certificate.write_bytes(base64.b64decode(user["client-certificate-data"]))
        key.write_bytes(base64.b64decode(user["client-key-data"]))
        context.load_cert_chain(certificate, key)
    return context


class ApiServer:
    """Requests to the API server, without the operator's proxy in between."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self.session = session
        self.url = url

    @classmethod
    def connect(cls) -> Self:
        """Log in with the first user of the kubeconfig."""
        config = yaml.safe_load(kubeconfig_path().read_text())
        cluster = config["clusters"][0]["cluster"]
        session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(ssl=_tls(config["users"][0]["user"], cluster), limit=0),
            read_bufsize=MAX_LINE_BYTES,
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=10),
        )
        return cls(session, cluster["server"])

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.session.close()

    async def request(
        self, method: str, path: str, body: Json | None = None, content_type: str = MERGE
    ) -> Json:
        """The parsed response. Waits while the API server is not ready for it (429).

        Raises RefusedError.
        """
        async with asyncio.timeout(BUSY_SECONDS):
            while True:
                try:
                    return await self._request(method, path, body, content_type)
                except RefusedError as error:
                    if error.status != 429:
                        raise
                await asyncio.sleep(1)

    async def _request(self, method: str, path: str, body: Json | None, content_type: str) -> Json:
        async with self.session.request(
            method,
            self.url + path,
            data=json.dumps(body) if body is not None else None,
            headers={"Content-Type": content_type},
        ) as response:
            text = await response.text()
            if response.status >= 400:
                raise RefusedError(response.status, text)
            parsed: Json = json.loads(text)
            return parsed

    async def list(self, plural: str, namespace: str) -> list[Json]:
        """All objects of a kind of COLLECTIONS in a namespace."""
        answer = await self.request("GET", COLLECTIONS[plural].format(namespace))
        items: list[Json] = answer["items"]
        return items

    async def apply(self, body: Json, path: str) -> Json:
        """Server-side apply, as Helm does it: else its next upgrade would be in conflict."""
        return await self.request("PATCH", f"{path}?fieldManager=helm&force=true", body, APPLY)

    async def create(self, plural: str, namespace: str, body: Json) -> Json:
        """Create an object of a kind of COLLECTIONS."""
        path = COLLECTIONS[plural].format(namespace)
        return await self.request("POST", path, body, "application/json")

    async def patch(self, plural: str, namespace: str, name: str, changes: Json) -> Json:
        """Merge changes into an object of a kind of COLLECTIONS."""
        path = f"{COLLECTIONS[plural].format(namespace)}/{name}"
        return await self.request("PATCH", path, changes)

    async def delete(self, path: str) -> None:
        """Delete an object; one that is not there is no error."""
        try:
            await self.request("DELETE", path)
        except RefusedError as error:
            if error.status != 404:
                raise
