"""The resource: exposedapp.dev/v1alpha1, kind ExposedApp, as types.

These models are the one source of the CustomResourceDefinition (see crd.py): a field's
description here is what `kubectl explain` prints, and its limits are what the API server enforces.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema
from pydantic.alias_generators import to_camel

GROUP = "exposedapp.dev"
VERSION = "v1alpha1"
API_VERSION = f"{GROUP}/{VERSION}"
KIND = "ExposedApp"
PLURAL = "exposedapps"

Json = dict[str, Any]
"""A Kubernetes object, or a part of one, as the API server sends it."""

Protocol = Literal["TCP", "UDP", "SCTP"]

DNS_LABEL = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"
ENV_NAME = r"^[^=]+$"
QUANTITY = (
    r"^(\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))"
    r"(([KMGTPE]i)|[numkMGTPE]|([eE](\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))))?$"
)


def int_or_string(**extra: Any) -> WithJsonSchema:
    """The schema of Kubernetes' IntOrString."""
    return WithJsonSchema(
        {
            "anyOf": [{"type": "integer"}, {"type": "string"}],
            "x-kubernetes-int-or-string": True,
            **extra,
        }
    )


def rules(*pairs: tuple[str, str]) -> Json:
    """CEL rules for a schema, from pairs of (rule, message)."""
    return {"x-kubernetes-validations": [{"rule": rule, "message": msg} for rule, msg in pairs]}


def map_list(*keys: str) -> Json:
    """Marks a list as one that server-side apply merges by these keys; duplicates are refused."""
    return {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": list(keys)}


Quantity = Annotated[int | str, int_or_string(pattern=QUANTITY, maxLength=64)]

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


class Model(BaseModel):
    """What all parts of the resource share: camelCase outside, immutable inside.

    Unknown fields are ignored: the API server prunes them, and `kubectl apply` names them.
    """

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, frozen=True)

    def as_json(self) -> Json:
        """The object as it was written: only the fields that were given, in camelCase."""
        return self.model_dump(mode="json", by_alias=True, exclude_unset=True)


class ObjectKeySelector(Model):
    """One key of a ConfigMap or a Secret."""

    name: str = Field(description="Name of the object, in the app's own namespace.", min_length=1)
    key: str = Field(description="The key whose value is taken.", min_length=1)
    optional: bool | None = Field(
        default=None,
        description="Whether the pod may start when the object or the key does not exist.",
    )


class ObjectFieldSelector(Model):
    """One field of the pod itself."""

    api_version: str | None = Field(
        default=None, description="Version of the API that fieldPath is read in; default v1."
    )
    field_path: str = Field(
        description="The field: metadata.name, metadata.namespace, metadata.labels['KEY'], "
        "metadata.annotations['KEY'], spec.nodeName, spec.serviceAccountName, status.hostIP, "
        "status.podIP or status.podIPs.",
        min_length=1,
    )


class ResourceFieldSelector(Model):
    """One resource limit or request of a container."""

    container_name: str | None = Field(
        default=None, description="The container; default: the app's own."
    )
    resource: str = Field(description="The resource, for example limits.memory.", min_length=1)
    divisor: Quantity | None = Field(
        default=None, description="The unit the value is told in, for example 1Mi; default 1."
    )


class EnvVarSource(Model):
    """Where the value of an environment variable comes from: exactly one of these."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            (
                "[has(self.configMapKeyRef), has(self.secretKeyRef), has(self.fieldRef), "
                "has(self.resourceFieldRef)].filter(x, x).size() == 1",
                "valueFrom needs exactly one of configMapKeyRef, secretKeyRef, fieldRef "
                "and resourceFieldRef",
            )
        )
    )

    config_map_key_ref: ObjectKeySelector | None = Field(
        default=None, description="A key of a ConfigMap."
    )
    secret_key_ref: ObjectKeySelector | None = Field(default=None, description="A key of a Secret.")
    field_ref: ObjectFieldSelector | None = Field(
        default=None, description="A field of the pod, such as spec.nodeName."
    )
    resource_field_ref: ResourceFieldSelector | None = Field(
        default=None, description="A limit or request of a container."
    )


class EnvVar(Model):
    """One environment variable of the container."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            (
                "!(has(self.value) && self.value != '' && has(self.valueFrom))",
                "an environment variable has a value or a valueFrom, not both",
            )
        )
    )

    name: str = Field(
        description="Name of the variable.",
        min_length=1,
        max_length=256,
        pattern=ENV_NAME,
    )
    value: str | None = Field(
        default=None,
        description="Its value. $(NAME) is replaced by the variable NAME; $$(NAME) stands for "
        "the text $(NAME).",
    )
    value_from: EnvVarSource | None = Field(
        default=None, description="Takes the value from another object, instead of value."
    )


class ObjectReference(Model):
    """A ConfigMap or a Secret as a whole."""

    name: str = Field(description="Name of the object, in the app's own namespace.", min_length=1)
    optional: bool | None = Field(
        default=None, description="Whether the pod may start when the object does not exist."
    )


class EnvFromSource(Model):
    """All keys of a ConfigMap or a Secret as environment variables: exactly one of the two."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            (
                "has(self.configMapRef) != has(self.secretRef)",
                "an item of envFrom needs exactly one of configMapRef and secretRef",
            )
        )
    )

    prefix: str | None = Field(
        default=None, description="Put before each key to make the variable's name."
    )
    config_map_ref: ObjectReference | None = Field(default=None, description="A ConfigMap.")
    secret_ref: ObjectReference | None = Field(default=None, description="A Secret.")


ProbePort = Annotated[int | str, int_or_string(maxLength=15)]


class HTTPHeader(Model):
    """One header of a probe's request."""

    name: str = Field(description="Name of the header.", min_length=1)
    value: str = Field(description="Value of the header.")


class HTTPGetAction(Model):
    """An HTTP request; 200 to 399 is a success."""

    path: str | None = Field(default=None, description="Path of the request; default /.")
    port: ProbePort = Field(description="Port of the container, a number or a name.")
    host: str | None = Field(default=None, description="Host to ask; default: the pod.")
    scheme: Literal["HTTP", "HTTPS"] | None = Field(
        default=None, description="HTTP (default) or HTTPS; a certificate is not checked."
    )
    http_headers: list[HTTPHeader] | None = Field(
        default=None,
        description="Headers of the request.",
        json_schema_extra={"x-kubernetes-list-type": "atomic"},
    )


class TCPSocketAction(Model):
    """A TCP connection; being accepted is a success."""

    port: ProbePort = Field(description="Port of the container, a number or a name.")
    host: str | None = Field(default=None, description="Host to connect to; default: the pod.")


class GRPCAction(Model):
    """A request to the gRPC health service."""

    port: int = Field(description="Port of the container.", ge=1, le=65535)
    service: str | None = Field(default=None, description="Name of the service to ask about.")


class ExecAction(Model):
    """A command in the container; exit code 0 is a success."""

    command: list[str] | None = Field(
        default=None,
        description="The command and its arguments; no shell is started.",
        json_schema_extra={"x-kubernetes-list-type": "atomic"},
    )


class Probe(Model):
    """How the kubelet asks a container: exactly one of httpGet, tcpSocket, grpc and exec."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            (
                "[has(self.httpGet), has(self.tcpSocket), has(self.grpc), has(self.exec)]"
                ".filter(x, x).size() == 1",
                "a probe needs exactly one of httpGet, tcpSocket, grpc and exec",
            )
        )
    )

    http_get: HTTPGetAction | None = Field(default=None, description="Ask by HTTP.")
    tcp_socket: TCPSocketAction | None = Field(default=None, description="Ask by connecting.")
    grpc: GRPCAction | None = Field(default=None, description="Ask gRPC's health service.")
    exec: ExecAction | None = Field(default=None, description="Ask by running a command.")
    initial_delay_seconds: int | None = Field(
        default=None, description="Seconds from the container's start to the first try.", ge=0
    )
    timeout_seconds: int | None = Field(
        default=None, description="Seconds after which a try has failed; default 1.", ge=1
    )
    period_seconds: int | None = Field(
        default=None, description="Seconds between two tries; default 10.", ge=1
    )
    success_threshold: int | None = Field(
        default=None, description="Successes in a row that count as well again; default 1.", ge=1
    )
    failure_threshold: int | None = Field(
        default=None, description="Failures in a row that count as failed; default 3.", ge=1
    )
    termination_grace_period_seconds: int | None = Field(
        default=None,
        description="Seconds that a container gets to end after its liveness probe failed.",
        ge=1,
    )


class ResourceClaim(Model):
    """A claim for a device, made in the pod."""

    name: str = Field(description="Name of the claim in the pod.", min_length=1)
    request: str | None = Field(
        default=None, description="Name of one request in the claim; default: all of them."
    )


class ResourceRequirements(Model):
    """What the container gets of the node's CPU, memory and devices."""

    requests: dict[str, Quantity] | None = Field(
        default=None,
        description="What is set aside for each pod, for example {cpu: 100m, memory: 64Mi}.",
    )
    limits: dict[str, Quantity] | None = Field(
        default=None,
        description="What a pod can use at most. Over the memory limit it is killed, over the "
        "CPU limit it is slowed down.",
    )
    claims: list[ResourceClaim] | None = Field(
        default=None,
        description="Devices, by claims that the pod makes.",
        json_schema_extra=map_list("name"),
    )


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
