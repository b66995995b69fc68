"""The resource: exposedapp.dev/v1alpha1, kind ExposedApp, as types.

These models are the one source of the CustomResourceDefinition (see crd.py): a field's
description here is what `kubectl explain` prints, and its limits are what the API server enforces.
"""

from typing import Annotated, Literal

from pydantic import Field, WithJsonSchema

from exposedapp.container import EnvFromSource, EnvVar, Probe, ResourceRequirements
from exposedapp.schema import Model, int_or_string, map_list, rules

GROUP = "exposedapp.dev"
VERSION = "v1alpha1"
API_VERSION = f"{GROUP}/{VERSION}"
KIND = "ExposedApp"
PLURAL = "exposedapps"

Protocol = Literal["TCP", "UDP", "SCTP"]

DNS_LABEL = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"

TargetPort = Annotated[
    int | str,
    int_or_string(
        maxLength=15,
        **rules(
            (
                "type(self) == int ? self >= 1 && self <= 65535 : "
                "self.matches('^[a-z0-9]([a-z0-9-]*[a-z0-9])?$') && self.matches('[a-z]')",
                "targetPort must be a number from 1 to 65535, or a container port's name "
                "(at most 15 of a-z, 0-9 and '-', with at least one letter)",
            )
        ),
    ),
]


class Port(Model):
    """One port under which the app can be reached, inside the cluster and on every node."""

    name: str | None = Field(
        default=None,
        description="Name of the port, unique in the app; needed when there is more than one port.",
        pattern=DNS_LABEL,
        max_length=63,
    )
    port: int = Field(
        description="Port of the app inside the cluster: at its cluster IP and its DNS name.",
        ge=1,
        le=65535,
    )
    target_port: TargetPort | None = Field(
        default=None,
        description="Port that the container listens on, as a number or as the name of a "
        "container port. Default: the same as port.",
    )
    node_port: int | None = Field(
        default=None,
        description="Port of the app on every node, control plane included. Default: one that "
        "the cluster picks from its range (usually 30000-32767) and that then stays. The range "
        "is the cluster's own: a port outside it is told in the condition Ready.",
        ge=1,
        le=65535,
    )
    protocol: Protocol = Field(
        default="TCP", description="TCP, UDP or SCTP. One number can serve two protocols."
    )


class ServiceSpec(Model):
    """How the app's Service is made."""

    type: Literal["NodePort"] = Field(
        default="NodePort",
        description="NodePort: every node answers at the same port, and a cluster IP with a DNS "
        "name comes with it.",
    )


class ExposedAppSpec(Model):
    """What the app is and where it should be reachable."""

    image: str = Field(
        description="Container image to run, for example docker.io/library/nginx:1.29. The "
        "container is named 'app'.",
        min_length=1,
    )
    replicas: int = Field(
        default=1,
        description="How many pods run. 0 keeps the address and stops the app. `kubectl scale` "
        "and `kubectl autoscale` set it: point them at the ExposedApp, not at its Deployment.",
        ge=0,
        le=2**31 - 1,
        json_schema_extra={"format": "int32"},
    )
    ports: list[Port] = Field(
        description="The ports under which the app can be reached. The first TCP port is the one "
        "of status.url.",
        min_length=1,
        max_length=64,
        json_schema_extra={
            **map_list("port", "protocol"),
            **rules(
                (
                    "self.size() <= 1 || self.all(p, has(p.name))",
                    "every port needs a name when there is more than one: give each of ports[] "
                    "a name",
                ),
                (
                    "self.all(p, !has(p.name) || "
                    "self.exists_one(q, has(q.name) && q.name == p.name))",
                    "two of ports[] have the same name: give each a name of its own",
                ),
                (
                    "self.all(p, !has(p.nodePort) || self.exists_one(q, has(q.nodePort) "
                    "&& q.nodePort == p.nodePort && q.protocol == p.protocol))",
                    "two of ports[] have the same nodePort and protocol: give each a nodePort "
                    "of its own",
                ),
            ),
        },
    )
    env: list[EnvVar] | None = Field(
        default=None,
        description="Environment variables of the container.",
        max_length=512,
        json_schema_extra=map_list("name"),
    )
    env_from: list[EnvFromSource] | None = Field(
        default=None,
        description="ConfigMaps and Secrets whose keys all become environment variables; a later "
        "one wins, and env wins over all.",
        max_length=64,
        json_schema_extra={"x-kubernetes-list-type": "atomic"},
    )
    command: list[str] | None = Field(
        default=None,
        description="What is run instead of the image's ENTRYPOINT; no shell is started.",
        json_schema_extra={"x-kubernetes-list-type": "atomic"},
    )
    args: list[str] | None = Field(
        default=None,
        description="Arguments instead of the image's CMD.",
        json_schema_extra={"x-kubernetes-list-type": "atomic"},
    )
    resources: ResourceRequirements | None = Field(
        default=None, description="CPU, memory and devices of each pod."
    )
    readiness_probe: Probe | None = Field(
        default=None,
        description="Whether a pod may get traffic. Without one it gets traffic as soon as its "
        "container has started, which loses requests at every rollout.",
    )
    liveness_probe: Probe | None = Field(
        default=None, description="Whether a container must be restarted."
    )
    service: ServiceSpec = Field(
        default=ServiceSpec(), description="How the Service in front of the pods is made."
    )


class NodesStatus(Model):
    """How many nodes the URLs come from."""

    eligible: int = Field(description="Nodes that forward to the app.")
    listed: int = Field(description="Nodes whose addresses are in urls.")


class PortStatus(Model):
    """A port as the cluster has it."""

    name: str | None = Field(default=None, description="Name of the port.")
    port: int = Field(description="Port inside the cluster.")
    target_port: Annotated[int | str, int_or_string()] = Field(
        description="Port of the container, a number or a name."
    )
    node_port: int | None = Field(default=None, description="Port on every node.")
    protocol: Protocol = Field(description="TCP, UDP or SCTP.")


class EndpointsStatus(Model):
    """The pods behind the Service."""

    ready: int = Field(description="Pods that get traffic.")
    total: int = Field(description="Pods behind the Service, those not ready included.")


ConditionStatus = Literal["True", "False", "Unknown"]


class Condition(Model):
    """One thing that can be said of the app now, as metav1.Condition."""

    type: str = Field(
        description="Ready, WorkloadAvailable, ServiceReady; Reconciling and Stalled only while "
        "they are true."
    )
    status: ConditionStatus = Field(description="True, False or Unknown.")
    reason: str = Field(description="Why, as one word for programs.")
    message: str = Field(description="Why, in a sentence for people.")
    observed_generation: int = Field(description="The metadata.generation this was said of.")
    last_transition_time: Annotated[
        str, WithJsonSchema({"type": "string", "format": "date-time"})
    ] = Field(description="When the status last changed.")


class ExposedAppStatus(Model):
    """What is true of the app now, written by the operator."""

    observed_generation: int = Field(
        description="The metadata.generation that this status answers; -1 before the first time."
    )
    url: str | None = Field(default=None, description="The address to click.")
    urls: list[str] | None = Field(
        default=None,
        description="Every node's address, scheme://address:nodePort, sorted.",
        json_schema_extra={"x-kubernetes-list-type": "atomic"},
    )
    nodes: NodesStatus | None = Field(
        default=None, description="How many nodes the URLs come from."
    )
    ports: list[PortStatus] | None = Field(
        default=None,
        description="The ports as the cluster has them.",
        json_schema_extra={"x-kubernetes-list-type": "atomic"},
    )
    cluster_ips: list[str] | None = Field(
        default=None,
        alias="clusterIPs",
        description="The app's addresses inside the cluster.",
        json_schema_extra={"x-kubernetes-list-type": "atomic"},
    )
    cluster_url: str | None = Field(
        default=None,
        alias="clusterURL",
        description="The app's address for other pods, by its DNS name.",
    )
    proxy_path: str | None = Field(
        default=None,
        description="Path of the app at the API server, for `kubectl get --raw` and "
        "`kubectl proxy`.",
    )
    replicas: int | None = Field(default=None, description="Pods that exist now.")
    ready_replicas: int | None = Field(default=None, description="Pods that are ready now.")
    selector: str | None = Field(
        default=None, description="Label selector of the pods, for autoscalers and `kubectl -l`."
    )
    endpoints: EndpointsStatus | None = Field(
        default=None, description="The pods behind the Service."
    )
    conditions: list[Condition] | None = Field(
        default=None,
        description="Ready sums up; the others say which part is or is not as it should be.",
        json_schema_extra=map_list("type"),
    )


class ExposedApp(Model):
    """ExposedApp runs a container image and makes it reachable at every node's address.

    The operator makes a Deployment and a Service of the same name, and writes the addresses
    that work into the status.
    """

    spec: ExposedAppSpec = Field(description="What the app is and where it should be reachable.")
    status: ExposedAppStatus = Field(
        default=ExposedAppStatus(observed_generation=-1),
        description="What is true of the app now, written by the operator.",
    )
