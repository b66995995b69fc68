"""Pure: from an app's spec to its Deployment and its Service.

Both children have the app's own name.
"""

import hashlib
import re
from collections.abc import Mapping
from typing import Any

import orjson

from exposedapp.adoption import adopted, container_of, identity_of
from exposedapp.api import API_VERSION, KIND, ExposedAppSpec
from exposedapp.labels import (
    CONTAINER_ANNOTATION,
    HASH_ANNOTATION,
    NAME_LABEL,
    Identity,
    labels,
)
from exposedapp.overlay import OverlayError, lay_over
from exposedapp.schema import Json
from exposedapp.service import Port

CONTAINER_NAME = "app"
CONTAINER_FIELDS = (
    "command",
    "args",
    "env",
    "envFrom",
    "resources",
    "readinessProbe",
    "livenessProbe",
)
"""Fields of the spec that are the container's own, word for word."""

SERVICE_FIELDS = (
    "externalName",
    "externalTrafficPolicy",
    "internalTrafficPolicy",
    "sessionAffinity",
    "ipFamilyPolicy",
    "ipFamilies",
)
"""Fields of spec.service that are the Service's own, word for word."""

NODE_PORT_TYPES = ("NodePort", "LoadBalancer")

CONTAINER_PORT_NAME = re.compile(r"(?=.*[a-z])(?!.*--)[a-z0-9](?:[-a-z0-9]{0,13}[a-z0-9])?$")
"""A container port's name is narrower than a Service port's (IANA_SVC_NAME, RFC 6335)."""

PortKey = tuple[int, str]
"""What identifies a port of a Service: (port, protocol)."""


class SpecError(Exception):
    """A spec that no cluster can run. The message names the field and what to write."""


def pod_labels(app: Identity, spec: ExposedAppSpec, deployment: Json | None) -> dict[str, str]:
    """The labels by which the app's pods are found; empty when it has none.

    `deployment` is the live one. One that was adopted keeps its selector, which is immutable.
    """
    if spec.selector is not None:
        return spec.selector
    if spec.image is None:
        return {}
    taken = adopted(app, deployment)
    return identity_of(taken) if taken else {NAME_LABEL: app.name}


def make_deployment(app: Identity, spec: ExposedAppSpec, live: Json | None = None) -> Json | None:
    """The Deployment that runs the app; None when the app runs no pods of its own.

    `live` is the one that is there. One that somebody else made keeps its selector, its pods'
    labels and its container's name, so that adopting it starts no pod anew; what it was made of
    is in nobody's way, since server-side apply leaves fields alone that are not sent.

    Raises SpecError when the podTemplate cannot be understood, or a targetPort names no container
    port.
    """
    if spec.image is None:
        return None
    taken = adopted(app, live)
    selector = taken["spec"]["selector"] if taken else {"matchLabels": {NAME_LABEL: app.name}}
    container = container_of(taken, spec.image) if taken else CONTAINER_NAME
    template = _pod_template(app, spec, container, taken)
    _check_target_ports(spec.ports or [], _port_names(template, taken))
    return _with_hash(
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": _metadata(
                app, labels(app.name), {CONTAINER_ANNOTATION: container} if taken else {}
            ),
            "spec": {"replicas": spec.replicas, "selector": selector, "template": template},
        }
    )


def make_service(app: Identity, spec: ExposedAppSpec, pods: Mapping[str, str]) -> Json:
    """The Service in front of these pods, with only those node ports that the spec asks for."""
    given = spec.service.as_json()
    wanted = {key: given[key] for key in SERVICE_FIELDS if given.get(key)}
    if pods:
        wanted["selector"] = dict(pods)
    if spec.ports:
        wanted["ports"] = [_service_port(port) for port in spec.ports]
    return _with_hash(
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": _metadata(
                app,
                {**(spec.service.labels or {}), **labels(app.name)},
                spec.service.annotations or {},
            ),
            "spec": {"type": spec.service.type, **wanted},
        }
    )


def keep_node_ports(service: Json, known: Mapping[PortKey, int]) -> Json:
    """The Service with the node ports it already had, where the spec leaves them open.

    Without this an allocated port would change whenever the Service is made anew. The hash stays:
    a port that the cluster picked is not something that was wanted.
    """
    if service["spec"]["type"] not in NODE_PORT_TYPES or "ports" not in service["spec"]:
        return service
    chosen = {(port.get("nodePort"), port["protocol"]) for port in service["spec"]["ports"]}

    def kept(port: Json) -> Json:
        number = known.get((port["port"], port["protocol"]))
        if "nodePort" in port or number is None or (number, port["protocol"]) in chosen:
            return port
        return {**port, "nodePort": number}

    ports = [kept(port) for port in service["spec"]["ports"]]
    return {**service, "spec": {**service["spec"], "ports": ports}}


def node_ports(ports: list[Json]) -> dict[PortKey, int]:
    """The node ports in a list of ports, as a Service's spec or an app's status has them."""
    return {
        (port["port"], port.get("protocol", "TCP")): port["nodePort"]
        for port in ports
        if port.get("nodePort")
    }


def _metadata(app: Identity, labels: Json, annotations: Mapping[str, str]) -> Json:
    return {
        "name": app.name,
        "namespace": app.namespace,
        "labels": labels,
        "annotations": dict(annotations),
        "ownerReferences": [
            {
                "apiVersion": API_VERSION,
                "kind": KIND,
                "name": app.name,
                "uid": app.uid,
                "controller": True,
                "blockOwnerDeletion": True,
            }
        ],
    }


def _pod_template(
    app: Identity, spec: ExposedAppSpec, container_name: str, taken: Json | None
) -> Json:
    given = spec.as_json()
    container: Json = {"name": container_name, "image": spec.image}
    if not taken:
        # Only for people to read; and a port more would start an adopted Deployment's pods anew.
        container["ports"] = _container_ports(spec.ports or [])
    container |= {key: given[key] for key in CONTAINER_FIELDS if given.get(key)}
    identity = pod_labels(app, spec, taken)
    base = {
        "metadata": {"labels": identity if taken else labels(app.name)},
        "spec": {"containers": [container]},
    }
    try:
        template = lay_over(base, given.get("podTemplate") or {}, "spec.podTemplate")
    except OverlayError as error:
        raise SpecError(str(error)) from error
    spec_part = _dict(template.get("spec"))
    if account := spec_part.get("serviceAccountName"):
        # The API server copies the name into the field's old name, where it would outlive this one
        # (kubernetes/kubernetes#108208); what apply has given, it can take away.
        spec_part.setdefault("serviceAccount", account)
    metadata = template.setdefault("metadata", {})
    if isinstance(metadata.setdefault("labels", {}), dict):
        metadata["labels"] = {**metadata["labels"], **identity}
    return template


def _container_ports(ports: list[Port]) -> list[Json]:
    found: dict[PortKey, Json] = {}
    for port in ports:
        number = port.port if port.target_port is None else port.target_port
        if isinstance(number, int):
            entry = found.setdefault(
                (number, port.protocol), {"containerPort": number, "protocol": port.protocol}
            )
            if port.name and CONTAINER_PORT_NAME.match(port.name):
                entry.setdefault("name", port.name)
    return list(found.values())


def _port_names(template: Json, taken: Json | None) -> set[str]:
    """The container ports' names, of whatever shape somebody's podTemplate made the template."""
    names = set()
    templates = [template, taken["spec"]["template"]] if taken else [template]
    for spec in (_dict(it.get("spec")) for it in templates):
        for field in ("containers", "initContainers"):
            containers = spec.get(field)
            for container in containers if isinstance(containers, list) else ():
                if field == "initContainers" and _dict(container).get("restartPolicy") != "Always":
                    continue  # it has ended by the time that somebody connects
                ports = _dict(container).get("ports")
                for port in ports if isinstance(ports, list) else ():
                    names.add(str(_dict(port).get("name")))
    return names


def _dict(value: Any) -> Json:
    return value if isinstance(value, dict) else {}


def _check_target_ports(ports: list[Port], names: set[str]) -> None:
    for index, port in enumerate(ports):
        if isinstance(port.target_port, str) and port.target_port not in names:
            raise SpecError(
                f"spec.ports[{index}].targetPort: no container port is named "
                f"'{port.target_port}'; write its number, or name a port in spec.podTemplate"
            )


def _service_port(port: Port) -> Json:
    result: Json = {
        "port": port.port,
        "protocol": port.protocol,
        "targetPort": port.port if port.target_port is None else port.target_port,
    }
    if port.name is not None:
        result["name"] = port.name
    if port.app_protocol is not None:
        result["appProtocol"] = port.app_protocol
    if port.node_port is not None:
        result["nodePort"] = port.node_port
    return result


def _with_hash(child: Json) -> Json:
    digest = hashlib.sha256(orjson.dumps(child, option=orjson.OPT_SORT_KEYS)).hexdigest()[:16]
    child["metadata"]["annotations"][HASH_ANNOTATION] = digest
    return child
