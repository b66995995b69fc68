# SPDX-License-Identifier: Apache-2.0
"""Keeps the webhook's certificate valid, and the API server's configuration of the webhook true.

Built by runtime.py and run as a task of its own. All replicas serve the certificate of one Secret;
the leader makes it, renews it, and writes what the API server must know into the
ValidatingWebhookConfiguration. Both objects come with the chart: the operator needs no right to
create any.
"""

import asyncio
import logging
import os
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from exposedapp.admission.serving_secret import (
    ServingSecret,
    encode,
    parse_secret,
    secret_data,
    with_token,
)
from exposedapp.api.meta import Json

log = logging.getLogger(__name__)

CHECK_SECONDS = 30.0
FIRST_CHECK_SECONDS = 1.0
"""Until there is a certificate."""

TLS_SUFFIX = "-tls"
"""Of the Secret that cert-manager writes: the name of the operator's own with this."""

WEBHOOKS = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations"


class Request(Protocol):
    """The API client's method for one request. Raises ApiError."""

    async def __call__(self, method: str, path: str, body: Json | None = None) -> Json:
        """The parsed response."""


@dataclass(frozen=True, slots=True)
class WebhookNames:
    """How the webhook's objects are called."""

    namespace: str
    name: str
    """Of the Service, the Secret and the ValidatingWebhookConfiguration."""
    has_own_certificate: bool
    """False: somebody else makes the certificate, and the CA bundle in the configuration."""

    @property
    def dns_name(self) -> str:
        """The name by which the API server calls the Service."""
        return f"{self.name}.{self.namespace}.svc"

    @property
    def webhook_path(self) -> str:
        """The path of the ValidatingWebhookConfiguration."""
        return f"{WEBHOOKS}/{self.name}"

    def secret_path(self, suffix: str = "") -> str:
        """The path of a Secret."""
        return f"/api/v1/namespaces/{self.namespace}/secrets/{self.name}{suffix}"


class CertificateKeeper:
    """The certificate that is served, and the path that is answered."""

    def __init__(
        self,
        request: Request,
        names: WebhookNames,
        may_write: Callable[[], bool],
        check_seconds: float = CHECK_SECONDS,
    ) -> None:
        self._request = request
        self._names = names
        self._may_write = may_write
        self._check_seconds = check_seconds
        self._served = ServingSecret()
        self._last_problem = ""
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        """Of the server; connections that are opened later have the newest certificate."""
        self.is_ready = asyncio.Event()
        """Set when there is a certificate."""

    @property
    def token(self) -> str:
        """The path of the webhook."""
        return self._served.token

    async def run(self) -> None:
        """Check the certificate again and again, until cancelled."""
        while True:
            try:
                await self._check()
            except Exception as error:  # noqa: BLE001 - users may edit both objects; work goes on
                self._report(f"{type(error).__name__}: {error}")
            is_ready = self.is_ready.is_set()
            await asyncio.sleep(self._check_seconds if is_ready else FIRST_CHECK_SECONDS)

    async def _check(self) -> None:
        """Raises ApiError, and whatever an object of an unforeseen shape leads to."""
        secret = await self._request("GET", self._names.secret_path())
        shared = parse_secret(secret)
        if self._may_write():
            shared = await self._write(secret, shared)
        if not self._names.has_own_certificate:
            given = parse_secret(await self._request("GET", self._names.secret_path(TLS_SUFFIX)))
            shared = ServingSecret(given.certificate, given.key, token=shared.token)
        self._serve(shared)

    async def _write(self, secret: Json, shared: ServingSecret) -> ServingSecret:
        """Complete what the replicas share, and have the API server know; what is shared then."""
        desired = with_token(shared)
        if self._names.has_own_certificate:
            # Here, because the library takes 9 MiB, and only who makes the certificate needs it.
            from exposedapp.admission.certificate import renewed

            desired = renewed(desired, self._names.dns_name, datetime.now(UTC))
        await self._publish(desired)  # first: no replica may serve what is not trusted yet
        if desired != shared:
            body = {**secret, "data": secret_data(desired)}
            await self._request("PUT", self._names.secret_path(), body)
            log.info("Admission: wrote the Secret %s", self._names.name)
        return desired

    async def _publish(self, secret: ServingSecret) -> None:
        """Make the API server call the webhook's path, and trust its certificate."""
        path = self._names.webhook_path
        configuration = await self._request("GET", path)
        webhooks = [self._configured(webhook, secret) for webhook in configuration["webhooks"]]
        if webhooks != configuration["webhooks"]:
            await self._request("PUT", path, {**configuration, "webhooks": webhooks})

    def _configured(self, webhook: Json, secret: ServingSecret) -> Json:
        client = webhook["clientConfig"]
        changed = {**client, "service": {**client["service"], "path": f"/{secret.token}"}}
        if self._names.has_own_certificate:
            changed["caBundle"] = encode(secret.trusted)
        return {**webhook, "clientConfig": changed}

    def _serve(self, secret: ServingSecret) -> None:
        """Use this certificate from now on. Raises ssl.SSLError when it is none."""
        if not (secret.certificate and secret.key and secret.token):
            self._report(f"the Secret {self._names.name} has no certificate yet")
            return
        if secret != self._served:
            _load(self.context, secret)
            self._served = secret
            self.is_ready.set()
        self._last_problem = ""

    def _report(self, problem: str) -> None:
        if problem != self._last_problem:
            log.warning("Admission requests are not served as they should: %s", problem)
            self._last_problem = problem


def _load(context: ssl.SSLContext, secret: ServingSecret) -> None:
    """Load a certificate and its key, which ssl reads from files only. Raises ssl.SSLError.

    From a file in memory: the container's root is read-only, and a key belongs on no disk.
    """
    descriptor = os.memfd_create("certificate")
    with os.fdopen(descriptor, "wb") as file:
        file.write((secret.certificate + secret.key).encode())
        file.flush()
        path = f"/proc/self/fd/{descriptor}"
        # What is refused would leave the context that is served without a certificate.
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(path)
        context.load_cert_chain(path)
