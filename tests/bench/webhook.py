# SPDX-License-Identifier: Apache-2.0
"""The objects by which the API server calls an operator that runs on this machine.

A Service without a selector leads to it, through kube-proxy as to a pod.
"""

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Self

from bench import apps
from bench.client import Api, Json, Refused
from bench.environment import FAKE_SELECTOR, NODES

NAMESPACE = "default"
"""Of an operator outside of a pod."""
CONFIGURATIONS = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations"
ROOT = f"/api/v1/namespaces/{NAMESPACE}"
SLICES = f"/apis/discovery.k8s.io/v1/namespaces/{NAMESPACE}/endpointslices"
BLACK_HOLE = "198.18.255.254"
"""An address that is not routed (RFC 2544): a connection to it is neither accepted nor refused."""
CHANGE_SECONDS = 90.0
"""Until the operator has completed the configuration, and the API server has read it."""
PROXY_SECONDS = 3.0
"""Until kube-proxy leads to another address."""
STEADY = 20
"""So many answers in a row show that the API server has read a change."""


class Webhook:
    """The webhook of one operator."""

    def __init__(self, api: Api, name: str, address: str, port: int) -> None:
        self._api = api
        self._name = name
        self._port = port
        self.address = address
        """Of this machine, as the nodes see it."""

    @classmethod
    @asynccontextmanager
    async def create(
        cls, api: Api, name: str, environment: Mapping[str, str]
    ) -> AsyncIterator[Self]:
        """Create the objects; delete them at the end."""
        port = int(environment["EXPOSEDAPP_ADMISSION_PORT"])
        webhook = cls(api, name, await _own_address(api), port)
        await webhook._delete()
        metadata = {"name": name}
        ports = [{"name": "admission", "port": 443}]
        await api.post(f"{ROOT}/services", {"metadata": metadata, "spec": {"ports": ports}})
        await api.post(f"{ROOT}/secrets", {"metadata": metadata})
        await webhook.lead_to(webhook.address)
        try:
            yield webhook
        finally:
            await webhook._delete()

    async def lead_to(self, address: str, port: int | None = None) -> None:
        """Have the Service lead to an address, and to a port other than the operator's."""
        body = {
            "metadata": {"name": self._name, "labels": {"kubernetes.io/service-name": self._name}},
            "addressType": "IPv4",
            "endpoints": [{"addresses": [address]}],
            "ports": [{"name": "admission", "port": port or self._port}],
        }
        await self._api.delete(f"{SLICES}/{self._name}")
        await self._api.post(SLICES, body)
        await asyncio.sleep(PROXY_SECONDS)

    async def install(self) -> None:
        """Have apps reviewed, from the return of this on."""
        await self._api.post(CONFIGURATIONS, self._configuration())
        await self._until(refused=True)

    async def remove(self) -> None:
        """Have apps reviewed no more."""
        await self._api.delete(f"{CONFIGURATIONS}/{self._name}")
        await self._until(refused=False)

    async def _until(self, *, refused: bool) -> None:
        end, steady = time.monotonic() + CHANGE_SECONDS, 0
        while steady < STEADY:
            steady = steady + 1 if await self._is_refused() is refused else 0
            if time.monotonic() > end:
                raise TimeoutError(f"no webhook that refuses: {refused} after {CHANGE_SECONDS} s")
            await asyncio.sleep(0.05)

    async def _is_refused(self) -> bool:
        """Whether the API server refuses an app that cannot work, which it does not store."""
        resources = {"requests": {"cpu": "2"}, "limits": {"cpu": "1"}}
        body = apps.app("broken", resources=resources)
        try:
            await self._api.post(f"{apps.path(NAMESPACE)}?dryRun=All", body)
        except Refused:
            return True
        return False

    def _configuration(self) -> Json:
        return {
            "metadata": {"name": self._name},
            "webhooks": [
                {
                    "name": "review.exposedapp.dev",
                    "admissionReviewVersions": ["v1"],
                    "failurePolicy": "Ignore",
                    "timeoutSeconds": 3,
                    "sideEffects": "None",
                    "clientConfig": {"service": {"name": self._name, "namespace": NAMESPACE}},
                    "rules": [
                        {
                            "apiGroups": ["exposedapp.dev"],
                            "apiVersions": ["v1alpha1"],
                            "operations": ["CREATE", "UPDATE"],
                            "resources": ["exposedapps"],
                        }
                    ],
                }
            ],
        }

    async def _delete(self) -> None:
        await self._api.delete(f"{CONFIGURATIONS}/{self._name}")
        for path in (f"{ROOT}/services", f"{ROOT}/secrets", SLICES):
            await self._api.delete(f"{path}/{self._name}")


async def _own_address(api: Api) -> str:
    """The address of this machine from which a packet to a node would be sent."""
    nodes = await api.get(f"{NODES}?labelSelector=!{FAKE_SELECTOR.partition('=')[0]}")
    addresses = nodes["items"][0]["status"]["addresses"]
    node = next(each["address"] for each in addresses if each["type"] == "InternalIP")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect((node, 9))
        return str(probe.getsockname()[0])
