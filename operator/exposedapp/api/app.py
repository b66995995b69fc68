# SPDX-License-Identifier: Apache-2.0
"""The types of the resource: exposedapp.dev/v1alpha1, kind ExposedApp.

They are the single source of the CustomResourceDefinition (see crd.py): a field's description is
what `kubectl explain` prints, and its limits are what the API server enforces. Pure.
"""

from typing import Annotated, Literal

from pydantic import ConfigDict, Field, WithJsonSchema

from exposedapp.api.conditions import ConditionType
from exposedapp.api.container import EnvFromSource, EnvVar, ResourceRequirements
from exposedapp.api.container_probe import Probe
from exposedapp.api.deployment import DeploymentSpec
from exposedapp.api.pod_template import PodTemplate
from exposedapp.api.schema import (
    Model,
    int_or_string,
    label_keys_rule,
    map_list,
    rules,
)
from exposedapp.api.service import LabelValue, LoadBalancerStatus, Port, Protocol, ServiceSpec
from exposedapp.api.spec_rules import PORTS_RULES, SPEC_RULES
from exposedapp.api.url_settings import NodesSpec, ProbeSpec


class ExposedAppSpec(Model):
    """What the app is and where it should be reachable."""

    model_config = ConfigDict(json_schema_extra=rules(*SPEC_RULES))

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
        "or of another chart's Deployment. No Deployment is created then, and one that the app "
        "had is deleted.",
        min_length=1,
        max_length=64,
        json_schema_extra=label_keys_rule("selector"),
    )
    replicas: int = Field(
        default=1,
        description="Number of pods. 0 stops the app and keeps its address. `kubectl scale` "
        "and `kubectl autoscale` set it: point them at the ExposedApp, not at its Deployment.",
        ge=0,
        le=2**31 - 1,
        json_schema_extra={"format": "int32"},
    )
    ports: list[Port] | None = Field(
        default=None,
        description="The ports under which the app can be reached. The first TCP port is the one "
        "of status.url. Required, except with service.type ExternalName.",
        min_length=1,
        max_length=64,
        json_schema_extra={"x-kubernetes-list-type": "atomic", **rules(*PORTS_RULES)},
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
        description="Command that replaces the image's ENTRYPOINT; no shell is started.",
        json_schema_extra={"x-kubernetes-list-type": "atomic"},
    )
    args: list[str] | None = Field(
        default=None,
        description="Arguments that replace the image's CMD.",
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
        description="A partial pod template that is merged over the generated one, for everything "
        "that has no field here. Lists merge by the API's own keys (containers, env and volumes "
        "by name), `$patch: delete` removes and `$patch: replace` replaces; its values win. The "
        "label exposedapp.dev/name stays as it is.",
    )
    deployment: DeploymentSpec | None = Field(
        default=None,
        description="Settings of the Deployment that runs the pods, in its own words; what is "
        "absent has Kubernetes' default.",
    )
    service: ServiceSpec = Field(
        default=ServiceSpec(), description="Settings of the Service in front of the pods."
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
        "spec says; the status is still kept up to date.",
    )


class NodesStatus(Model):
    """How many nodes the URLs come from."""

    eligible: int = Field(
        description="Nodes that forward to the app, as of the last write: a change of this count "
        "alone is not written."
    )
    listed: int = Field(
        description="Nodes whose addresses are in urls, or that nodes.host stands for."
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
    """One aspect of the app's current state, as metav1.Condition."""

    type: str = Field(
        description="Ready, WorkloadAvailable, ServiceReady, Reachable; Reconciling and Stalled "
        "only while they are true."
    )
    status: ConditionStatus = Field(description="True, False or Unknown.")
    reason: str = Field(description="Why, as one word for programs.")
    message: str = Field(description="Why, in a sentence for people.")
    observed_generation: int = Field(
        description="The metadata.generation that the condition is about."
    )
    last_transition_time: Annotated[
        str, WithJsonSchema({"type": "string", "format": "date-time"})
    ] = Field(description="When the status last changed.")


class ExposedAppStatus(Model):
    """The current state of the app, written by the operator."""

    observed_generation: int = Field(
        description="The metadata.generation that this status is about; -1 before the first "
        "reconcile."
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
        default=None, description="The addresses of the provider's load balancer."
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
        description="Ready is the summary; the others report on one part each.",
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

    The operator creates a Deployment and a Service of the same name, and writes the addresses
    that work into the status.
    """

    spec: ExposedAppSpec = Field(description="What the app is and where it should be reachable.")
    status: ExposedAppStatus = Field(
        default=ExposedAppStatus(observed_generation=-1),
        description="The current state of the app, written by the operator.",
    )
