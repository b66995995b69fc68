# SPDX-License-Identifier: Apache-2.0
"""What the API server does about an admission webhook: objects of the chart, and requests."""

import base64
import ssl
from typing import Any

import aiohttp

from exposedapp.admission.serving_secret import ServingSecret
from exposedapp.kube.errors import ApiError
from support.http_api_server import HttpApiServer
from support.sockets import free_port

Json = dict[str, Any]

NAME = "exposedapp-admission"
NAMESPACE = "default"
DNS_NAME = f"{NAME}.{NAMESPACE}.svc"
CONFIGURATIONS = "validatingwebhookconfigurations"
RESOURCE = {"group": "exposedapp.dev", "version": "v1alpha1", "resource": "exposedapps"}


def app_body(name: str = "web", **spec: Any) -> Json:
    """An app as a webhook gets it when it is created: without resourceVersion and status."""
    return {
        "apiVersion": "exposedapp.dev/v1alpha1",
        "kind": "ExposedApp",
        "metadata": {"namespace": "shop", "name": name, "uid": f"uid-of-{name}", "generation": 1},
        "spec": {"image": "demo", "replicas": 0, "ports": [{"port": 80}], **spec},
    }


def review_body(new: Json, old: Json | None = None, **request: Any) -> Json:
    """An AdmissionReview."""
    return {
        "apiVersion": "admission.k8s.io/v1",
        "kind": "AdmissionReview",
        "request": {
            "uid": "uid-of-review",
            "resource": RESOURCE,
            "operation": "UPDATE" if old else "CREATE",
            "userInfo": {"username": "jane"},
            "object": new,
            "oldObject": old,
            "dryRun": False,
            **request,
        },
    }


class WebhookCaller:
    """Calls the webhook of an operator as its configuration says."""

    def __init__(self, server: HttpApiServer) -> None:
        self._server = server
        self.port = free_port()
        server.put("secrets", {"metadata": {"namespace": NAMESPACE, "name": NAME}})
        self.apply_configuration()

    def apply_configuration(self) -> None:
        """Apply the configuration as the chart has it."""
        client = {"service": {"name": NAME, "namespace": NAMESPACE, "port": 443}}
        webhook = {"name": "review.exposedapp.dev", "clientConfig": client}
        self._server.put(CONFIGURATIONS, {"metadata": {"name": NAME}, "webhooks": [webhook]})

    @property
    def client_config(self) -> Json:
        """How the webhook is to be called."""
        configuration = self._server.get(CONFIGURATIONS, NAME, "")
        assert configuration
        config: Json = configuration["webhooks"][0]["clientConfig"]
        return config

    @property
    def trusted(self) -> str:
        """The certificates that the API server trusts."""
        return base64.b64decode(self.client_config.get("caBundle", "")).decode()

    def secret(self) -> Json:
        """The data of the Secret, decoded."""
        body = self._server.get("secrets", NAME, NAMESPACE) or {}
        return {
            key: base64.b64decode(text).decode() for key, text in (body.get("data") or {}).items()
        }

    def put_secret(self, secret: ServingSecret, suffix: str = "") -> None:
        """Replace a Secret."""
        fields = {
            "tls.crt": secret.certificate,
            "tls.key": secret.key,
            "ca.crt": secret.trusted,
            "token": secret.token,
        }
        data = {key: base64.b64encode(text.encode()).decode() for key, text in fields.items()}
        metadata = {"namespace": NAMESPACE, "name": f"{NAME}{suffix}"}
        self._server.put("secrets", {"metadata": metadata, "data": data})

    async def post(
        self, body: Json, port: int | None = None, path: str = "", trusted: str = ""
    ) -> tuple[int, Json]:
        """The status and the body of the answer; (0, {}) when there is none."""
        trusted = trusted or self.trusted
        if not trusted:
            return 0, {}
        context = ssl.create_default_context(cadata=trusted)
        url = (
            f"https://127.0.0.1:{port or self.port}{path or self.client_config['service']['path']}"
        )
        try:
            async with (
                aiohttp.ClientSession() as session,
                session.post(url, json=body, ssl=context, server_hostname=DNS_NAME) as response,
            ):
                return response.status, await response.json() if response.status == 200 else {}
        except (aiohttp.ClientError, ssl.SSLError):
            return 0, {}

    async def review(self, new: Json, old: Json | None = None, port: int | None = None) -> Json:
        """The response to an app; {} when there is none."""
        _, review = await self.post(review_body(new, old), port)
        response: Json = review.get("response", {})
        return response


def not_found(plural: str, name: str) -> ApiError:
    """As the API server words it."""
    return ApiError(404, "NotFound", f'{plural} "{name}" not found')
