"""The cluster of a kubeconfig's context, and the namespace that a command is about.

Used by the commands; what only the doctor reads is in doctor/cluster_objects.py.
"""

from pathlib import Path
from typing import Self, cast

import yaml
from kubernetes.aio import client, config

from exposedapp.api.meta import GROUP, KIND, Json
from exposedapp.cli.exit_codes import CommandError, ExitCode, no_such_app_error
from exposedapp.kube.client import KubeClient
from exposedapp.kube.proxy import proxy_for
from exposedapp.kube.resources import EXPOSED_APPS

FIELD_MANAGER = "exposedapp-cli"

DEFAULT_NAMESPACE = "default"

SERVICE_ACCOUNT_NAMESPACE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")


class CliClient:
    """Reads and creates ExposedApps in one namespace."""

    def __init__(
        self, kube: KubeClient, configuration: client.Configuration, namespace: str
    ) -> None:
        self.kube = kube
        self.configuration = configuration
        self.namespace = namespace

    @classmethod
    async def connect(cls, context: str | None, namespace: str | None) -> Self:
        """The client for the kubeconfig's context, or inside a pod for its own cluster.

        Raises CommandError when neither is there.
        """
        configuration = client.Configuration()
        try:
            loader = await config.load_kube_config(
                context=context, client_configuration=configuration, persist_config=False
            )
            context_namespace = (loader.current_context.get("context") or {}).get("namespace")
        except (config.ConfigException, yaml.YAMLError, OSError, ValueError, TypeError) as error:
            context_namespace = _load_in_cluster_config(configuration)
            if context_namespace is None or context:
                raise CommandError(ExitCode.CLUSTER, f"no cluster: {error}") from error
        configuration.proxy = configuration.proxy or proxy_for(configuration.host)
        kube = KubeClient(configuration)
        return cls(kube, configuration, namespace or context_namespace or DEFAULT_NAMESPACE)

    async def close(self) -> None:
        """Close the connections."""
        await self.kube.close()

    async def find_app(self, name: str) -> Json | None:
        """The ExposedApp; None when it does not exist.

        Raises CommandError when the cluster does not know the resource.
        """
        app = await self.kube.get(KIND, self.namespace, name)
        if app is None and not await self.kube.serves_exposedapps():
            raise CommandError(
                ExitCode.CLUSTER, f"the cluster does not know {GROUP}: install the operator in it"
            )
        return app

    async def get_app(self, name: str) -> Json:
        """The ExposedApp; raises CommandError when it does not exist."""
        app = await self.find_app(name)
        if app is None:
            raise no_such_app_error(self.namespace, name)
        return app

    async def create_app(self, app: Json) -> Json:
        """Create an ExposedApp; the result is the object as the API server has stored it."""
        path = EXPOSED_APPS.path(self.namespace)
        query = f"?fieldManager={FIELD_MANAGER}&fieldValidation=Strict"
        return await self.kube.request("POST", path + query, app)

    async def list_items(self, path: str) -> list[Json]:
        """The items of a list at an API path with its query."""
        return cast("list[Json]", (await self.kube.request("GET", path))["items"])


def _load_in_cluster_config(configuration: client.Configuration) -> str | None:
    """Configure the cluster of this pod; its namespace, or None outside of a cluster."""
    try:
        config.load_incluster_config(client_configuration=configuration)
        return SERVICE_ACCOUNT_NAMESPACE.read_text().strip()
    except (config.ConfigException, OSError):
        return None
