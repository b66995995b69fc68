"""The resources that the operator uses, as the API's paths name them."""

from dataclasses import dataclass
from urllib.parse import quote

from exposedapp.api.meta import GROUP, NAME_LABEL, PLURAL, VERSION

PATHS = {
    "Deployment": "/apis/apps/v1/namespaces/{namespace}/deployments",
    "Service": "/api/v1/namespaces/{namespace}/services",
    "Pod": "/api/v1/namespaces/{namespace}/pods",
    "Event": "/api/v1/namespaces/{namespace}/events",
    "ExposedApp": f"/apis/{GROUP}/{VERSION}/namespaces/{{namespace}}/{PLURAL}",
}


@dataclass(frozen=True, slots=True)
class Resource:
    """A kind of object, by the names that it has in the API's paths."""

    group: str
    version: str
    plural: str
    labels: str | None = None
    """Only objects with this label are asked for."""

    def path(self, **query: str) -> str:
        """The path of all objects of the kind, in all namespaces."""
        if self.labels:
            query["labelSelector"] = self.labels
        root = f"/apis/{self.group}" if self.group else "/api"
        said = "&".join(f"{name}={quote(value)}" for name, value in query.items())
        return f"{root}/{self.version}/{self.plural}?{said}"


def object_path(kind: str, namespace: str, name: str | None = None) -> str:
    """The path of an object, or of all objects of the kind in a namespace."""
    path = PATHS[kind].format(namespace=namespace)
    return f"{path}/{name}" if name else path


EXPOSED_APPS = Resource(GROUP, VERSION, PLURAL)

DEPLOYMENTS = Resource("apps", "v1", "deployments", NAME_LABEL)

SERVICES = Resource("", "v1", "services", NAME_LABEL)

# The EndpointSlice controller copies the label from the Service.
ENDPOINT_SLICES = Resource("discovery.k8s.io", "v1", "endpointslices", NAME_LABEL)

NODES = Resource("", "v1", "nodes")
