# SPDX-License-Identifier: Apache-2.0
"""The cluster of a kubeconfig's context, and the namespace that a command is about.

Used by the commands; what only the doctor reads is in doctor/cluster_objects.py.
"""

from typing import Self, cast

from kubernetes.aio import client

from exposedapp.api.meta import GROUP, KIND, Json
from exposedapp.cli.connection import ConnectionOptions
from exposedapp.cli.exit_codes import CommandError, ExitCode, no_such_app_error
from exposedapp.cli.kubeconfig import load_kubeconfig
from exposedapp.kube.client import KubeClient
from exposedapp.kube.errors import ApiError
from exposedapp.kube.proxy import proxy_for
from exposedapp.kube.resources import EXPOSED_APPS

FIELD_MANAGER = "exposedapp-cli"

DEFAULT_NAMESPACE = "default"


class CliClient:
    """Reads and creates ExposedApps in one namespace."""

    def __init__(
        self, kube: KubeClient, configuration: client.Configuration, namespace: str
    ) -> None:
        self.kube = kube
        self.configuration = configuration
        self.namespace = namespace

    @classmethod
    async def connect(cls, connection: ConnectionOptions) -> Self:
        """The client for the kubeconfig's context, or inside a pod for its own cluster.

        Raises CommandError when neither is there.
        """
        configuration = client.Configuration()
        context_namespace = await load_kubeconfig(configuration, connection)
        configuration.proxy = configuration.proxy or proxy_for(configuration.host)
        kube = KubeClient(configuration)
        kube.transport.request_seconds = connection.request_seconds
        namespace = connection.namespace or context_namespace or DEFAULT_NAMESPACE
        return cls(kube, configuration, namespace)

    async def close(self) -> None:
        """Close the connections."""
        await self.kube.close()

    def in_namespace(self, namespace: str) -> Self:
        """The same client for another namespace."""
        return type(self)(self.kube, self.configuration, namespace)

    async def find_app(self, name: str) -> Json | None:
        """The ExposedApp; None when it does not exist.

        Raises CommandError when the cluster does not know the resource.
        """
        app = await self.kube.get(KIND, self.namespace, name)
        if app is None and not await self.kube.serves_exposedapps():
            raise _not_installed()
        return app

    async def get_app(self, name: str) -> Json:
        """The ExposedApp; raises CommandError when it does not exist."""
        app = await self.find_app(name)
        if app is None:
            raise no_such_app_error(self.namespace, name)
        return app

    async def create_app(self, app: Json, *, dry_run: bool = False) -> Json:
        """Create an ExposedApp; the result is the object as the API server has stored it.

        `dry_run`: only as it would be stored.
        """
        path = EXPOSED_APPS.path(self.namespace)
        query = f"?fieldManager={FIELD_MANAGER}&fieldValidation=Strict"
        return await self.kube.request("POST", path + query + "&dryRun=All" * dry_run, app)

    async def list_apps(self, all_namespaces: bool) -> list[Json]:
        """The ExposedApps of the namespace, or of all namespaces.

        Raises CommandError when the cluster does not know the resource.
        """
        path = EXPOSED_APPS.list_path() if all_namespaces else EXPOSED_APPS.path(self.namespace)
        try:
            return await self.list_items(path)
        except ApiError as error:
            raise _not_installed() if error.status == 404 else error from error

    async def list_items(self, path: str) -> list[Json]:
        """The items of a list at an API path with its query."""
        return cast("list[Json]", (await self.kube.request("GET", path))["items"])


def _not_installed() -> CommandError:
    message = f"the cluster does not know {GROUP}: install the operator in it"
    return CommandError(ExitCode.CLUSTER, message)
