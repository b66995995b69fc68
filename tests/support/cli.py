# SPDX-License-Identifier: Apache-2.0
"""A cluster for the command line that answers from a table, and an app in it."""

from collections.abc import Callable
from typing import Any

from kubernetes.aio import client
from typer.testing import Result

from exposedapp.api.meta import Json
from exposedapp.cli.client import CliClient
from exposedapp.kube.client import KubeClient
from exposedapp.kube.errors import ApiError

API = "/apis/exposedapp.dev/v1alpha1"
APPS = f"{API}/namespaces/shop/exposedapps"

HELLO: Json = {
    "apiVersion": "exposedapp.dev/v1alpha1",
    "kind": "ExposedApp",
    "metadata": {"name": "hello", "namespace": "shop", "generation": 1},
    "spec": {"image": "demo:1", "replicas": 1, "ports": [{"port": 80}]},
    "status": {
        "observedGeneration": 1,
        "url": "http://10.0.0.1:30008",
        "urls": ["http://10.0.0.1:30008", "http://[fd00::1]:30008"],
        "clusterURL": "http://hello.shop.svc:80",
        "proxyPath": "/api/v1/namespaces/shop/services/hello:80/proxy/",
        "clusterIPs": ["10.96.0.9"],
        "nodes": {"eligible": 1, "listed": 1},
        "ports": [{"port": 80, "targetPort": 8080, "nodePort": 30008, "protocol": "TCP"}],
        "conditions": [
            {
                "type": "Ready",
                "status": "True",
                "reason": "Available",
                "message": "1 of 1 pods are ready.",
                "observedGeneration": 1,
            }
        ],
    },
}

POD: Json = {
    "metadata": {"name": "hello-1", "creationTimestamp": "2026-01-01T00:00:00Z"},
    "status": {"conditions": [{"type": "Ready", "status": "True"}]},
}

SLICE: Json = {
    "endpoints": [{"addresses": ["10.1.0.1"], "targetRef": {"name": "hello-1"}, "nodeName": "one"}],
    "ports": [{"name": "", "port": 8080, "protocol": "TCP"}],
}

Run = Callable[..., Result]


class FakeKube(KubeClient):
    """An API server of canned responses; a list is one response after the other."""

    def __init__(self) -> None:
        super().__init__(client.Configuration())
        self.requests: list[tuple[str, str, Json | None]] = []
        self.listening: bool | None = True
        self.responses: dict[str, Any] = {
            f"{APPS}/hello": HELLO,
            API: {"resources": [{"name": "exposedapps"}]},
            f"{API}/exposedapps": {"items": []},
            "/api/v1/namespaces/shop/services/hello": {
                "spec": {"type": "NodePort", "ports": HELLO["status"]["ports"]}
            },
            "/apis/discovery.k8s.io/v1/namespaces/shop/endpointslices": {"items": [SLICE]},
            "/api/v1/namespaces/shop/pods": {"items": [POD]},
            "/api/v1/namespaces/shop/events": {"items": []},
            "/api/v1/nodes": {"items": []},
        }

    def set_app(self, *responses: Json | Exception | None) -> None:
        """What the API server has for the app hello; of several, one after the other."""
        self.responses[f"{APPS}/hello"] = list(responses)

    async def request(
        self,
        method: str,
        path: str,
        body: Json | None = None,
        content_type: str | None = None,
        accept: str = "",
    ) -> Json:
        self.requests.append((method, path, body))
        response = self.responses.get(path.partition("?")[0])
        if isinstance(response, list):
            response = response.pop(0) if len(response) > 1 else response[0]
        if isinstance(response, Exception):
            raise response
        if response is None:
            raise ApiError(404, "NotFound", f"{path} not found")
        result: Json = response
        return result

    def client(self, namespace: str | None = None) -> CliClient:
        """A client of this cluster, as the commands hold one."""
        return CliClient(self, client.Configuration(), namespace or "shop")


def app(spec: Any, **metadata: Any) -> Json:
    """An ExposedApp web in a file."""
    return {
        "apiVersion": "exposedapp.dev/v1alpha1",
        "kind": "ExposedApp",
        "metadata": {"name": "web", **metadata},
        "spec": spec,
    }


def complete(spec: Json) -> Json:
    """These fields on top of the least that a spec needs; None removes one of those."""
    fields = {"image": "demo:1", "ports": [{"port": 80}], **spec}
    return {key: value for key, value in fields.items() if value is not None}


def with_status(**status: Any) -> Json:
    """The app hello with these fields of its status."""
    return {**HELLO, "status": {**HELLO["status"], **status}}


def with_spec(spec: Json, **status: Any) -> Json:
    """The app hello with these fields of its spec, and of its status."""
    return {**with_status(**status), "spec": {**HELLO["spec"], **spec}}


def not_ready(reason: str, *true_conditions: str) -> Json:
    """The app hello with this reason, and further conditions that are true."""
    fields = {"reason": reason, "message": "Words.", "observedGeneration": 1}
    return with_status(
        conditions=[
            {"type": "Ready", "status": "False", **fields},
            *({"type": name, "status": "True", **fields} for name in true_conditions),
        ]
    )
