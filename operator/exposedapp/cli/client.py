"""The API server, as far as the command line needs it."""

import contextlib
from pathlib import Path
from typing import Self, cast
from urllib.parse import quote

import aiohttp
import yaml
from kubernetes.aio import client, config

from exposedapp.api.meta import GROUP, Json
from exposedapp.cli.exit_codes import Exit, Failure, no_such_app
from exposedapp.kube.client import KubeClient
from exposedapp.kube.errors import ApiError
from exposedapp.kube.resources import PATHS

CREATOR = "exposedapp-cli"

OWN_NAMESPACE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")

PROXY_SECONDS = 3.0

MOST_ERROR_BYTES = 65536

UNREACHED = "error trying to reach service"
"""How the API server's proxy begins when it could not connect to a pod."""


class Server(KubeClient):
    """The cluster of a kubeconfig's context, and the namespace that is meant."""

    namespace = "default"

    @classmethod
    async def connect(cls, context: str | None, namespace: str | None) -> Self:
        """Finds the cluster: by the kubeconfig, else from inside a pod."""
        configuration = client.Configuration()
        try:
            loader = await config.load_kube_config(
                context=context, client_configuration=configuration, persist_config=False
            )
            own = (loader.current_context.get("context") or {}).get("namespace")
        except (config.ConfigException, yaml.YAMLError, OSError, ValueError, TypeError) as error:
            own = _inside(configuration)
            if own is None or context:
                raise Failure(Exit.CLUSTER, f"no cluster: {error}") from error
        found = cls(configuration)
        found.namespace = namespace or own or cls.namespace
        return found

    async def find(self, name: str) -> Json | None:
        """An ExposedApp; None when there is none. Raises Failure where there can be none."""
        found = await self.get("ExposedApp", self.namespace, name)
        if found is None and not await self.serves_exposedapps():
            raise Failure(Exit.CLUSTER, f"the cluster knows no {GROUP}: install the operator in it")
        return found

    async def app(self, name: str) -> Json:
        """The same; raises Failure when there is none."""
        found = await self.find(name)
        if found is None:
            raise no_such_app(self.namespace, name)
        return found

    async def create(self, app: Json) -> Json:
        """Creates an ExposedApp; the answer is the object as it is now."""
        path = PATHS["ExposedApp"].format(namespace=self.namespace)
        query = f"?fieldManager={CREATOR}&fieldValidation=Strict"
        return await self.request("POST", path + query, app, "application/json")

    async def endpoint_slices(self, service: str) -> list[Json]:
        """The EndpointSlices of a Service."""
        path = f"/apis/discovery.k8s.io/v1/namespaces/{self.namespace}/endpointslices"
        return await self._items(f"{path}?labelSelector=kubernetes.io/service-name={service}")

    async def nodes(self) -> list[Json]:
        """The nodes; none when one may not list them."""
        with contextlib.suppress(ApiError):
            return await self._items("/api/v1/nodes?resourceVersion=0")
        return []

    async def warning(self, pod: str) -> str:
        """The last warning in the Events about a pod."""
        fields = quote(f"involvedObject.name={pod},type=Warning")
        path = PATHS["Event"].format(namespace=self.namespace)
        with contextlib.suppress(ApiError):
            found = await self._items(f"{path}?fieldSelector={fields}")
            found.sort(key=lambda it: str(it.get("lastTimestamp") or it.get("eventTime") or ""))
            return str(found[-1].get("message", "")) if found else ""
        return ""

    async def listens(self, pod: str, port: int) -> bool | None:
        """Whether something in a pod listens on a TCP port; None when that cannot be told.

        The API server's proxy tries it. Only its own errors are read, never what the app answers.
        """
        path = f"{PATHS['Pod'].format(namespace=self.namespace)}/{pod}:{port}/proxy/"
        headers = {"Accept": "*/*"}
        await self._client.update_params_for_auth(headers, [], ["BearerToken"], path, "GET", None)
        session = self._client.rest_client.pool_manager
        if session is None:  # it is made by the first request
            return None
        try:
            async with session.get(
                self._configuration.host + path,
                headers=headers,
                allow_redirects=False,
                proxy=self._configuration.proxy,
                server_hostname=self._configuration.tls_server_name,
                timeout=aiohttp.ClientTimeout(total=PROXY_SECONDS),
            ) as answer:
                if answer.status not in (403, 502, 503):
                    return True
                data = await answer.content.read(MOST_ERROR_BYTES)
        except (aiohttp.ClientError, TimeoutError):
            return None
        return heard(answer.status, data.decode(errors="replace"))

    async def _items(self, path: str) -> list[Json]:
        return cast("list[Json]", (await self.request("GET", path))["items"])


def heard(status: int, body: str) -> bool | None:
    """What an error from the API server's proxy says of the pod's port."""
    if UNREACHED in body:
        if "connection refused" in body:
            return False
        # Without a connection there would be no answer to complain about.
        spoke = any(it in body for it in ("malformed HTTP", "EOF", "connection reset"))
        return True if spoke else None
    return None if status == 403 and "pods/proxy" in body else True


def _inside(configuration: client.Configuration) -> str | None:
    """The namespace that this pod runs in; None outside of a cluster."""
    try:
        config.load_incluster_config(client_configuration=configuration)
        return OWN_NAMESPACE.read_text().strip()
    except (config.ConfigException, OSError):
        return None
