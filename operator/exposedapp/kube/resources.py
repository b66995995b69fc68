# SPDX-License-Identifier: Apache-2.0
"""The resources that the operator uses: the one table of their groups, kinds and paths. Pure."""

from dataclasses import dataclass, replace
from urllib.parse import quote

from exposedapp.api.meta import GROUP, KIND, NAME_LABEL, PLURAL, VERSION


@dataclass(frozen=True, slots=True)
class Resource:
    """A kind of object, by the names that it has in objects and in the API's paths."""

    kind: str
    group: str
    version: str
    plural: str
    label: str | None = None
    """Only objects with this label are listed and watched; None: all."""
    is_namespaced: bool = True
    namespace: str | None = None
    """Only objects in this namespace are listed and watched; None: all."""

    @property
    def title(self) -> str:
        """The objects that are listed and watched, for messages."""
        return f"{self.plural} in namespace {self.namespace}" if self.namespace else self.plural

    def list_path(self, **query: str) -> str:
        """The path of a list or a watch."""
        if self.label:
            query["labelSelector"] = self.label
        parameters = "&".join(f"{name}={quote(value)}" for name, value in query.items())
        collection = self.path(self.namespace) if self.namespace else f"{self._root}/{self.plural}"
        return collection + (f"?{parameters}" if parameters else "")

    def path(self, namespace: str, name: str | None = None) -> str:
        """The path of an object, or of all objects in its namespace."""
        collection = f"{self._root}/namespaces/{namespace}/{self.plural}"
        return f"{collection}/{name}" if name else collection

    @property
    def _root(self) -> str:
        return f"/apis/{self.group}/{self.version}" if self.group else f"/api/{self.version}"


EXPOSED_APPS = Resource(KIND, GROUP, VERSION, PLURAL)
DEPLOYMENTS = Resource("Deployment", "apps", "v1", "deployments", NAME_LABEL)
SERVICES = Resource("Service", "", "v1", "services", NAME_LABEL)
ALL_SERVICES = replace(SERVICES, label=None)
# The EndpointSlice controller copies the label from the Service.
ENDPOINT_SLICES = Resource("EndpointSlice", "discovery.k8s.io", "v1", "endpointslices", NAME_LABEL)
NODES = Resource("Node", "", "v1", "nodes", is_namespaced=False)
PODS = Resource("Pod", "", "v1", "pods")
EVENTS = Resource("Event", "", "v1", "events")

REFERENCED = {
    "ConfigMap": Resource("ConfigMap", "", "v1", "configmaps"),
    "Secret": Resource("Secret", "", "v1", "secrets"),
    "ServiceAccount": Resource("ServiceAccount", "", "v1", "serviceaccounts"),
}
"""What pods refer to, by kind. Only whether such an object exists is read."""

RESOURCES = {
    resource.kind: resource
    for resource in (EXPOSED_APPS, DEPLOYMENTS, SERVICES, ENDPOINT_SLICES, NODES, PODS, EVENTS)
}
"""By kind, as objects name it."""
