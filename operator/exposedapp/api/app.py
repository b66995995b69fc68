"""The resource: exposedapp.dev/v1alpha1, kind ExposedApp, as types.

These models are the one source of the CustomResourceDefinition (see crd.py): a field's
description here is what `kubectl explain` prints, and its limits are what the API server enforces.
"""

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, WithJsonSchema, model_validator

from exposedapp.api.conditions import ConditionType
from exposedapp.api.container import EnvFromSource, EnvVar, Probe, ResourceRequirements
from exposedapp.api.hosts import HOST_RULE, HOST_WORDS, MAX_NAME_LENGTH, HostText
from exposedapp.api.meta import Json
from exposedapp.api.schema import (
    Model,
    any_object,
    int_or_string,
    is_deeper,
    labels_rule,
    map_list,
    rules,
)
from exposedapp.api.service import LabelValue, LoadBalancerStatus, Port, Protocol, ServiceSpec

MAX_DEPTH = 100
"""How deep a podTemplate may be nested; the API server takes ten thousand levels."""


class PodTemplate(Model):
    """A partial pod template."""

    @model_validator(mode="before")
    @classmethod
    def _not_too_deep(cls, given: Any) -> Any:
        # No schema can say it, and what is deeper ends a JSON library or two.
        if is_deeper(given, MAX_DEPTH):
            raise ValueError(f"nested deeper than {MAX_DEPTH} levels; no pod is")
        return given

    metadata: Annotated[Json, any_object()] | None = Field(
        default=None, description="Labels and annotations of the pods."
    )
    spec: Annotated[Json, any_object()] | None = Field(
        default=None,
        description="Anything that a pod's spec can have: volumes, more containers, pull secrets, "
        "service account, security context, node selector, spread.",
    )


AddressType = Literal["ExternalIP", "InternalIP", "Hostname", "ExternalDNS", "InternalDNS"]


class NodesSpec(Model):
    """Which nodes' addresses become URLs."""

    selector: dict[str, LabelValue] | None = Field(
        default=None,
        description="Labels of the nodes to list; default: all nodes that forward.",
        max_length=64,
        json_schema_extra=labels_rule("nodes.selector"),
    )
    address_types: list[AddressType] = Field(
        default=["ExternalIP", "InternalIP"],
        description="Types of a node's addresses, the preferred one first; each node is listed "
        "with the first type that it has.",
        min_length=1,
        max_length=5,
        json_schema_extra={
            "x-kubernetes-list-type": "atomic",
            **rules(
                (
                    "self.all(t, self.exists_one(u, u == t))",
                    "addressTypes names a type twice: write each at most once",
                )
            ),
        },
    )
    host: HostText | None = Field(
        default=None,
        description="A DNS name in lower case or an IP address, without scheme and port, to write "
        "into the URLs instead of the nodes' addresses: that of a load balancer or a NAT in front "
        "of them.",
        max_length=MAX_NAME_LENGTH,
        json_schema_extra=rules((HOST_RULE, f"nodes.host must be {HOST_WORDS}")),
    )
    limit: int = Field(
        default=16,
        description="At most so many nodes are listed; status.nodes tells how many there are.",
        ge=1,
        le=64,
    )


class ProbeSpec(Model):
    """How the operator finds out whether the URLs answer."""

    enabled: bool = Field(default=True, description="false: the URLs are not tried.")
    type: Literal["tcp", "http"] = Field(
        default="tcp",
        description="tcp: a connection is enough. http: a GET of the URL must be answered with "
        "less than 400; of URLs that are http or https.",
    )
    period_seconds: int = Field(
        default=60, description="Seconds between two tries of a URL that answers.", ge=1, le=3600
    )
    timeout_seconds: int = Field(
        default=2, description="Seconds after which a try has failed.", ge=1, le=10
    )
    failure_threshold: int = Field(
        default=2,
        description="Tries in a row that must fail until a URL that has answered counts as "
        "failing; they follow each other quickly.",
        ge=1,
        le=10,
    )


class ExposedAppSpec(Model):
    """What the app is and where it should be reachable."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            (
                "[has(self.image), has(self.selector), has(self.service.externalName)]"
                ".filter(given, given).size() == 1",
                "write exactly one of image (run it), selector (expose pods that already run) and "
                "service.externalName (a DNS name elsewhere)",
            ),
            (
                "has(self.service.externalName) == (self.service.type == 'ExternalName')",
                "service.externalName and service.type ExternalName go together: write both or "
                "neither",
            ),
            (
                "has(self.ports) || self.service.type == 'ExternalName'",
                "ports is missing: write at least one, such as [{port: 80}]",
            ),
            (
                "self.service.type in ['NodePort', 'LoadBalancer'] || !has(self.ports) "
                "|| self.ports.all(p, !has(p.nodePort))",
                "ports[].nodePort needs service.type NodePort or LoadBalancer: remove it, or "
                "change the type",
            ),
            (
                "self.service.type in ['NodePort', 'LoadBalancer'] "
                "|| !has(self.service.externalTrafficPolicy)",
                "service.externalTrafficPolicy needs service.type NodePort or LoadBalancer: "
                "remove it, or change the type",
            ),
            (
                "self.service.type != 'ExternalName' || ![has(self.service.internalTrafficPolicy), "
                "has(self.service.sessionAffinity), has(self.service.ipFamilyPolicy), "
                "has(self.service.ipFamilies)].exists(given, given)",
                "with service.type ExternalName no traffic passes the cluster: remove "
                "service.internalTrafficPolicy, sessionAffinity, ipFamilyPolicy and ipFamilies",
            ),
            (
                "!has(self.service.ipFamilies) || self.service.ipFamilies.size() < 2 "
                "|| (has(self.service.ipFamilyPolicy) "
                "&& self.service.ipFamilyPolicy != 'SingleStack')",
                "two service.ipFamilies need service.ipFamilyPolicy: write PreferDualStack or "
                "RequireDualStack",
            ),
            (
                "!has(self.readinessProbe) "
                "|| !has(self.readinessProbe.terminationGracePeriodSeconds)",
                "a readinessProbe ends no container: remove "
                "readinessProbe.terminationGracePeriodSeconds",
            ),
            (
                "!has(self.livenessProbe) || !has(self.livenessProbe.successThreshold) "
                "|| self.livenessProbe.successThreshold == 1",
                "livenessProbe.successThreshold can be 1 only: remove it",
            ),
            (
                "has(self.image) || ![has(self.command), has(self.args), has(self.env), "
                "has(self.envFrom), has(self.resources), has(self.readinessProbe), "
                "has(self.livenessProbe), has(self.podTemplate)].exists(given, given)",
                "command, args, env, envFrom, resources, readinessProbe, livenessProbe and "
                "podTemplate are for the pods that image runs: remove them, or write image",
            ),
        )
    )

    image: str | None = Field(
        default=None,
        description="Container image to run, for example docker.io/library/nginx:1.29. The "
        "container is named 'app'. Exactly one of image, selector and service.externalName is "
        "written.",
        min_length=1,
    )
    selector: dict[str, LabelValue] | None = Field(
        default=None,
        description="Labels of pods that already run, instead of image: those of a StatefulSet, "
        "or of another chart's Deployment. No Deployment is made then, and one that the app had "
        "is removed.",
        min_length=1,
        max_length=64,
        json_schema_extra=labels_rule("selector"),
    )
    replicas: int = Field(
        default=1,
        description="How many pods run. 0 keeps the address and stops the app. `kubectl scale` "
        "and `kubectl autoscale` set it: point them at the ExposedApp, not at its Deployment.",
        ge=0,
        le=2**31 - 1,
        json_schema_extra={"format": "int32"},
    )
    ports: list[Port] | None = Field(
        default=None,
        description="The ports under which the app can be reached. The first TCP port is the one "
        "of status.url. Needed, except with service.type ExternalName.",
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
                    "self.all(p, !has(p.nodePort) || self.all(q, !has(q.nodePort) "
                    "|| q.nodePort != p.nodePort || q.port == p.port))",
                    "two of ports[] have the same nodePort for different ports: give each a "
                    "nodePort of its own; TCP and UDP can share one when they share the port",
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
    pod_template: PodTemplate | None = Field(
        default=None,
        description="A partial pod template that is laid over the generated one, for everything "
        "that has no field here. Lists merge by the API's own keys (containers, env and volumes "
        "by name), `$patch: delete` removes and `$patch: replace` replaces; its values win. The "
        "label exposedapp.dev/name stays as it is.",
    )
    service: ServiceSpec = Field(
        default=ServiceSpec(), description="How the Service in front of the pods is made."
    )
    nodes: NodesSpec | None = Field(
        default=None, description="Which nodes' addresses become URLs, and how many."
    )
    probe: ProbeSpec | None = Field(
        default=None,
        description="How the operator finds out whether the URLs answer, from where it runs.",
    )
    suspend: bool = Field(
        default=False,
        description="While true, the Deployment and the Service are left as they are, whatever the "
        "spec says; the status goes on telling what is.",
    )


class NodesStatus(Model):
    """How many nodes the URLs come from."""

    eligible: int = Field(
        description="Nodes that forward to the app. Counts alone are no reason to write: they are "
        "those of the last time that anything else changed."
    )
    listed: int = Field(
        description="Nodes whose addresses are in urls, or for which nodes.host stands there."
    )


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
        description="Ready, WorkloadAvailable, ServiceReady, Reachable; Reconciling and Stalled "
        "only while they are true."
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
    url: str | None = Field(
        default=None,
        description="The address to click: the load balancer's, else a node's; for types without "
        "node ports the one inside the cluster.",
    )
    urls: list[str] | None = Field(
        default=None,
        description="Every address from outside: scheme://address:nodePort[path] of each listed "
        "node, and the load balancer's, sorted.",
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
    load_balancer: LoadBalancerStatus | None = Field(
        default=None, description="What the provider's load balancer has been given."
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

    def condition(self, condition_type: ConditionType) -> Condition | None:
        """The condition of this type; None when the status has none."""
        return next(
            (condition for condition in self.conditions or () if condition.type == condition_type),
            None,
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
