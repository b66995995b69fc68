# SPDX-License-Identifier: Apache-2.0
"""Writes the ExposedApp for a Deployment, or for pods that something else runs. Pure.

Called by `expose` and `import`. Raises ValueError where an app cannot stand for the objects.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from exposedapp.api.meta import API_VERSION, KIND, NAME_LABEL, Json
from exposedapp.api.service import ServiceSpec
from exposedapp.cli.conversion.defaults import (
    deployment_without_defaults,
    service_without_defaults,
    template_without_defaults,
)
from exposedapp.desired.adoption import DEFAULT_REPLICAS, adopted_pod_labels
from exposedapp.desired.deployment import DEPLOYMENT_FIELDS
from exposedapp.desired.pod_template import CONTAINER_FIELDS, CONTAINER_NAME

NOT_OF_THE_TEMPLATE = frozenset(
    {"kubectl.kubernetes.io/restartedAt", "kubectl.kubernetes.io/last-applied-configuration"}
)
"""Annotations that commands leave behind."""

PORT_FIELDS = ("name", "port", "targetPort", "nodePort", "protocol", "appProtocol")

SERVICE_FIELDS = frozenset(
    field.alias or name for name, field in ServiceSpec.model_fields.items()
) - {"type", "labels", "annotations", "externalName"}


@dataclass(frozen=True, slots=True)
class Exposure:
    """How the app's Service is to be."""

    ports: Sequence[Json] = ()
    """Those that the user has written; without any, those of the Service or of the containers."""
    type: str | None = None
    """None: a NodePort, unless the existing Service is a LoadBalancer."""


def app_from_deployment(
    deployment: Json,
    service: Json | None,
    exposure: Exposure,
    *,
    adopt: bool,
    keep_replicas: bool = False,
) -> Json:
    """The app that runs what the Deployment runs.

    `adopt`: the Deployment exists and is to be adopted; else the operator creates one whose
    container has its own name. `keep_replicas`: an autoscaler sets them, so the app does not.
    """
    template = template_without_defaults(deployment["spec"]["template"])
    containers: list[Json] = template["spec"]["containers"]
    ports = list(exposure.ports) or _ports_of_service(service) or _container_ports(containers)
    main = _main_container(containers, ports)
    spec: Json = {"image": main["image"]}
    replicas = deployment["spec"].get("replicas", DEFAULT_REPLICAS)
    if replicas != DEFAULT_REPLICAS and not keep_replicas:
        spec["replicas"] = replicas
    spec["ports"] = _checked(ports)
    if not adopt and (fields := _deployment_fields(deployment)):
        spec["deployment"] = fields
    spec |= {field: main[field] for field in CONTAINER_FIELDS if main.get(field)}
    name = main["name"] if adopt else CONTAINER_NAME
    kept = workload_pod_labels(deployment) if adopt else {}
    # Server-side apply puts containers into the order in which they are applied, the app's own
    # first: a main container behind others would move, and every pod restart.
    others = [] if adopt and main is not containers[0] else _without(containers, main)
    if pod_template := _remaining_template(template, main, name, others, kept):
        spec["podTemplate"] = pod_template
    return _app(deployment, spec, service, exposure)


def _deployment_fields(deployment: Json) -> Json:
    """What spec.deployment says of a Deployment that the operator creates."""
    written = deployment_without_defaults(deployment["spec"])
    names = ("strategy", *DEPLOYMENT_FIELDS)
    return {name: written[name] for name in names if written.get(name) is not None}


def app_from_selector(
    named: Json, labels: Mapping[str, str], service: Json | None, exposure: Exposure
) -> Json:
    """The app that exposes pods with these labels; it gets the name of an object."""
    if not labels:
        raise ValueError("there are no labels by which a Service could select the pods")
    ports = list(exposure.ports) or _ports_of_service(service)
    if not ports:
        template = (named.get("spec") or {}).get("template") or {}
        ports = _container_ports((template.get("spec") or {}).get("containers") or [])
    spec = {"selector": dict(labels), "ports": _checked(ports)}
    return _app(named, spec, service, exposure)


def workload_pod_labels(workload: Json) -> dict[str, str]:
    """The labels by which a Service selects the pods of a Deployment or a StatefulSet."""
    return adopted_pod_labels(workload)


def _app(named: Json, spec: Json, service: Json | None, exposure: Exposure) -> Json:
    if fields := _service_fields(service, exposure.type):
        spec["service"] = fields
    metadata = {
        key: named["metadata"][key] for key in ("name", "namespace") if key in named["metadata"]
    }
    return {"apiVersion": API_VERSION, "kind": KIND, "metadata": metadata, "spec": spec}


def _service_fields(service: Json | None, service_type: str | None) -> Json:
    body = service_without_defaults(service["spec"]) if service else {}
    chosen = service_type or ("LoadBalancer" if body.get("type") == "LoadBalancer" else None)
    fields = {key: value for key, value in body.items() if key in SERVICE_FIELDS and value}
    if chosen == "ClusterIP":
        fields.pop("externalTrafficPolicy", None)
    return {**({"type": chosen} if chosen and chosen != "NodePort" else {}), **fields}


def _ports_of_service(service: Json | None) -> list[Json]:
    ports = service_without_defaults(service["spec"])["ports"] if service else []
    return [
        {field: port[field] for field in PORT_FIELDS if port.get(field) is not None}
        for port in ports
    ]


def _container_ports(containers: Sequence[Json]) -> list[Json]:
    """One port for each that a container names, with the same number."""
    ports = [port for container in containers for port in container.get("ports") or ()]
    fields = [
        {
            "port": port["containerPort"],
            **({"protocol": port["protocol"]} if port.get("protocol", "TCP") != "TCP" else {}),
        }
        for port in ports
    ]
    if len(ports) < 2:
        return fields
    return [
        {
            "name": port.get("name")
            or f"{port.get('protocol', 'TCP').lower()}-{port['containerPort']}",
            **field,
        }
        for port, field in zip(ports, fields, strict=True)
    ]


def _checked(ports: list[Json]) -> list[Json]:
    if not ports:
        raise ValueError("no port is known: use --port, such as --port 80:8080")
    return ports


def _main_container(containers: Sequence[Json], ports: Sequence[Json]) -> Json:
    """The container that the first port leads to, as far as containers name ports; else the first.

    The operator finds it by its image: of several with the same image, it is the first.
    """
    target = ports[0].get("targetPort", ports[0]["port"]) if ports else None
    chosen = next((item for item in containers if _has_port(item, target)), containers[0])
    return next(item for item in containers if item["image"] == chosen["image"])


def _has_port(container: Json, target: object) -> bool:
    return any(
        target in (port["containerPort"], port.get("name")) for port in container.get("ports") or ()
    )


def _without(containers: Sequence[Json], main: Json) -> list[Json]:
    return [container for container in containers if container is not main]


def _remaining_template(
    template: Json, main: Json, name: str, others: Sequence[Json], kept_labels: Mapping[str, str]
) -> Json:
    """What of a pod template has no field in the spec; an adoption keeps these labels by itself."""
    remaining: Json = {}
    if metadata := _remaining_metadata(template.get("metadata") or {}, kept_labels):
        remaining["metadata"] = metadata
    other_fields = {
        key: value
        for key, value in main.items()
        if key not in CONTAINER_FIELDS and key not in ("name", "image")
    }
    containers = [*([{"name": name, **other_fields}] if other_fields else []), *others]
    pod_spec = {key: value for key, value in template["spec"].items() if key != "containers"}
    if containers:
        pod_spec["containers"] = containers
    return {**remaining, **({"spec": pod_spec} if pod_spec else {})}


def _remaining_metadata(metadata: Json, kept_labels: Mapping[str, str]) -> Json:
    labels = {
        key: value
        for key, value in (metadata.get("labels") or {}).items()
        if key not in kept_labels and key != NAME_LABEL
    }
    annotations = {
        key: value
        for key, value in (metadata.get("annotations") or {}).items()
        if key not in NOT_OF_THE_TEMPLATE
    }
    return {
        **({"labels": labels} if labels else {}),
        **({"annotations": annotations} if annotations else {}),
    }
