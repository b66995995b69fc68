# SPDX-License-Identifier: Apache-2.0
"""Types of the resource that mirror a Service: the fields have Kubernetes' names and shapes.

Pure.

Source: https://kubernetes.io/docs/reference/kubernetes-api/service-resources/service-v1/
"""

from typing import Annotated, Literal

from pydantic import Field

from exposedapp.api.meta import Json
from exposedapp.api.schema import Model, TargetPort, label_keys_rule, rules

NODE_PORT_TYPES = ("NodePort", "LoadBalancer")
"""Service types that have node ports."""

Protocol = Literal["TCP", "UDP", "SCTP"]

PortKey = tuple[int, str]
"""(number, protocol): what identifies a port among those of a Service, or among node ports."""

ServiceType = Literal["NodePort", "ClusterIP", "LoadBalancer", "ExternalName"]

IPFamily = Literal["IPv4", "IPv6"]

PORT_NAME = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"

EXTERNAL_NAME = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*\.?$"

URL_SCHEME = r"^[a-z][a-z0-9+.-]*$"

URL_PATH = r"^/[!-~]*$"

IP_ADDRESS = r"^[0-9A-Fa-f:.]+$"

IP_RANGE = r"^[0-9A-Fa-f:.]+/[0-9]{1,3}$"

LOAD_BALANCER_CLASS = (
    r"^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*/)?"
    r"[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$"
)

LABEL_VALUE = r"^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$"

LabelValue = Annotated[str, Field(pattern=LABEL_VALUE, max_length=63)]

IPAddress = Annotated[str, Field(pattern=IP_ADDRESS, max_length=45)]

IPRange = Annotated[str, Field(pattern=IP_RANGE, max_length=49)]


class Port(Model):
    """One port under which the app can be reached, inside the cluster and on every node."""

    name: str | None = Field(
        default=None,
        description="Name of the port, unique in the app; required when there are several ports.",
        pattern=PORT_NAME,
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
        "is the cluster's own: the condition Ready reports a port outside of it. Write here a "
        "port that must survive a restore of the cluster.",
        ge=1,
        le=65535,
    )
    protocol: Protocol = Field(
        default="TCP", description="TCP (default), UDP or SCTP. One number can serve two protocols."
    )
    app_protocol: str | None = Field(
        default=None,
        description="Application protocol of the port, for meshes and ingresses, such as https, "
        "grpc or kubernetes.io/h2c; the URLs' scheme follows from it.",
        min_length=1,
        max_length=317,
    )
    scheme: str | None = Field(
        default=None,
        description="Scheme of the port's URLs. Default: by appProtocol (https, http, ws, wss, "
        "grpc), else http for TCP; udp and sctp for those protocols.",
        pattern=URL_SCHEME,
        max_length=32,
    )
    path: str | None = Field(
        default=None,
        description="Path at the end of the port's URLs, such as /login; it starts with a slash.",
        pattern=URL_PATH,
        max_length=1024,
    )


class ClientIPConfig(Model):
    """Settings of session affinity by the client's IP address."""

    timeout_seconds: int | None = Field(
        default=None,
        description="Seconds without a request after which a client may get another pod; default "
        "10800 (three hours).",
        ge=1,
        le=86400,
    )


class SessionAffinityConfig(Model):
    """Settings of session affinity."""

    client_ip: ClientIPConfig | None = Field(
        default=None, alias="clientIP", description="Settings of sessionAffinity ClientIP."
    )


class ServiceSpec(Model):
    """Settings of the app's Service."""

    type: ServiceType = Field(
        default="NodePort",
        description="NodePort: every node answers at the same port, and a cluster IP with a DNS "
        "name comes with it. ClusterIP: inside the cluster only. LoadBalancer: the provider's "
        "load balancer as well; the nodes answer too. ExternalName: no pods, a DNS name that "
        "stands for externalName.",
    )
    external_name: str | None = Field(
        default=None,
        description="DNS name elsewhere that the app's own name stands for, such as "
        "db.example.com; only with type ExternalName.",
        pattern=EXTERNAL_NAME,
        max_length=253,
    )
    external_traffic_policy: Literal["Cluster", "Local"] | None = Field(
        default=None,
        description="Cluster (default): a node forwards to pods on any node. Local: only to its "
        "own pods, which then see the client's address; only nodes that run a ready pod are listed "
        "in status.urls.",
    )
    internal_traffic_policy: Literal["Cluster", "Local"] | None = Field(
        default=None,
        description="The same for traffic from inside the cluster; default Cluster.",
    )
    session_affinity: Literal["None", "ClientIP"] | None = Field(
        default=None,
        description="ClientIP: a client's requests go to the same pod. None (default): to any.",
    )
    session_affinity_config: SessionAffinityConfig | None = Field(
        default=None, description="How long sessionAffinity ClientIP lasts."
    )
    traffic_distribution: Literal["PreferClose", "PreferSameZone", "PreferSameNode"] | None = Field(
        default=None,
        description="Which pods are preferred inside the cluster: those of the client's zone "
        "(PreferClose from Kubernetes 1.31 on, PreferSameZone from 1.34 on) or of its node "
        "(PreferSameNode from 1.34 on). What an older API server does not know is InvalidSpec; "
        "1.30 ignores it.",
    )
    publish_not_ready_addresses: bool | None = Field(
        default=None,
        description="true: pods get traffic from their start on, before they are ready, and until "
        "they have ended. The app is Ready only when its pods are, all the same.",
    )
    ip_family_policy: Literal["SingleStack", "PreferDualStack", "RequireDualStack"] | None = Field(
        default=None,
        description="Whether the app gets an IPv4 and an IPv6 address; default SingleStack. A "
        "Service keeps both when this field is removed: write SingleStack to go back.",
    )
    ip_families: list[IPFamily] | None = Field(
        default=None,
        description="Which IP families, the first one preferred; default: the cluster's. The "
        "first one cannot be changed later.",
        min_length=1,
        max_length=2,
        json_schema_extra={
            "x-kubernetes-list-type": "atomic",
            **rules(
                (
                    "self.all(f, self.exists_one(g, g == f))",
                    "ipFamilies names a family twice: write each of IPv4 and IPv6 at most once",
                )
            ),
        },
    )
    load_balancer_class: str | None = Field(
        default=None,
        description="Which of several implementations provides the load balancer; default: the "
        "cluster's. Kubernetes lets it be set, changed or removed only while the type is another "
        "one.",
        pattern=LOAD_BALANCER_CLASS,
        max_length=317,
    )
    load_balancer_source_ranges: list[IPRange] | None = Field(
        default=None,
        description="From which addresses the load balancer accepts connections, such as "
        "192.0.2.0/24, where the provider supports that; default: from all.",
        min_length=1,
        json_schema_extra={"x-kubernetes-list-type": "atomic"},
    )
    allocate_load_balancer_node_ports: bool | None = Field(
        default=None,
        description="false: no node ports but those that ports[] asks for, because the load "
        "balancer needs none. Then the nodes do not answer, and until the load balancer has an "
        "address the app is not Ready.",
    )
    health_check_node_port: int | None = Field(
        default=None,
        description="Port on every node where the load balancer asks whether the node has a ready "
        "pod; with externalTrafficPolicy Local. Default: one that the cluster picks. Kubernetes "
        "lets it be changed only while the type or the policy is another one.",
        ge=1,
        le=65535,
    )
    external_ips: list[IPAddress] | None = Field(
        default=None,
        alias="externalIPs",
        description="Addresses outside the cluster that something else routes to its nodes: the "
        "nodes accept connections to them at the Service's ports. They are listed in status.urls, "
        "and not probed. Many clusters forbid them: see docs/security.md.",
        min_length=1,
        max_length=64,
        json_schema_extra={"x-kubernetes-list-type": "atomic"},
    )
    labels: dict[str, LabelValue] | None = Field(
        default=None,
        description="Labels of the Service, besides the operator's own.",
        max_length=64,
        json_schema_extra=label_keys_rule("labels"),
    )
    annotations: dict[str, str] | None = Field(
        default=None,
        description="Annotations of the Service, for example those that configure a provider's "
        "load balancer.",
        max_length=64,
        json_schema_extra=label_keys_rule("annotations"),
    )


class LoadBalancerIngress(Model):
    """One address of a load balancer."""

    ip: str | None = Field(default=None, description="Its IP address.")
    hostname: str | None = Field(default=None, description="Its DNS name.")


class LoadBalancerStatus(Model):
    """The addresses of a provider's load balancer."""

    ingress: list[LoadBalancerIngress] = Field(
        description="Its addresses.", json_schema_extra={"x-kubernetes-list-type": "atomic"}
    )


def service_type_of(app: Json) -> str:
    """The type of the Service that an app asks for."""
    return str((app["spec"].get("service") or {}).get("type") or "NodePort")
