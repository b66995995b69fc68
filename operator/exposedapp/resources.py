"""Pure: from an app's spec to its Deployment and its Service.

Names and labels are defined here and nowhere else. Both children have the app's own name.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass

import orjson

from exposedapp.api import API_VERSION, KIND, ExposedAppSpec, Port
from exposedapp.schema import Json

NAME_LABEL = "exposedapp.dev/name"
"""The identity of an app's pods. The selector is made of this alone: it is immutable."""

HASH_ANNOTATION = "exposedapp.dev/desired-hash"
"""What was last wanted of a child, so that a field dropped from the spec is noticed."""

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

CONTAINER_PORT_NAME = re.compile(r"(?=.*[a-z])(?!.*--)[a-z0-9](?:[-a-z0-9]{0,13}[a-z0-9])?$")
"""A container port's name is narrower than a Service port's (IANA_SVC_NAME, RFC 6335)."""

PortKey = tuple[int, str]
"""What identifies a port of a Service: (port, protocol)."""


class SpecError(Exception):
    """A spec that no cluster can run. The message names the field and what to write."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Who an app is, apart from what it wants."""

    namespace: str
    name: str
    uid: str


def labels(name: str) -> dict[str, str]:
    """Labels of everything that belongs to the app."""
    return {
        NAME_LABEL: name,
        "app.kubernetes.io/name": name,
        "app.kubernetes.io/managed-by": "exposedapp",
    }


def selector(name: str) -> dict[str, str]:
    """The labels by which the app's pods are found."""
    return {NAME_LABEL: name}


def selector_string(name: str) -> str:
    """The same selector as text, for list requests and the scale subresource."""
    return ",".join(f"{key}={value}" for key, value in selector(name).items())


def make_deployment(app: Identity, spec: ExposedAppSpec) -> Json:
    """The Deployment that runs the app.

    Raises SpecError when a targetPort names no container port.
    """
    given = spec.as_json()
    container: Json = {
        "name": CONTAINER_NAME,
        "image": spec.image,
        "ports": _container_ports(spec.ports),
        **{key: given[key] for key in CONTAINER_FIELDS if given.get(key)},
    }
    return _with_hash(
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": _metadata(app),
            "spec": {
                "replicas": spec.replicas,
                "selector": {"matchLabels": selector(app.name)},
                "template": {
                    "metadata": {"labels": labels(app.name)},
                    "spec": {"containers": [container]},
                },
            },
        }
    )


def make_service(app: Identity, spec: ExposedAppSpec) -> Json:
    """The Service in front of the pods, with only those node ports that the spec asks for."""
    return _with_hash(
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": _metadata(app),
            "spec": {
                "type": spec.service.type,
                "selector": selector(app.name),
                "ports": [_service_port(port) for port in spec.ports],
            },
        }
    )


def keep_node_ports(service: Json, known: Mapping[PortKey, int]) -> Json:
    """The Service with the node ports it already had, where the spec leaves them open.

    Without this an allocated port would change whenever the Service is made anew. The hash stays:
    a port that the cluster picked is not something that was wanted.
    """
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


def _metadata(app: Identity) -> Json:
    return {
        "name": app.name,
        "namespace": app.namespace,
        "labels": labels(app.name),
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
    names = {entry["name"] for entry in found.values() if "name" in entry}
    for index, port in enumerate(ports):
        if isinstance(port.target_port, str) and port.target_port not in names:
            raise SpecError(
                f"spec.ports[{index}].targetPort: no container port is named "
                f"'{port.target_port}'; write its number"
            )
    return list(found.values())


def _service_port(port: Port) -> Json:
    result: Json = {
        "port": port.port,
        "protocol": port.protocol,
        "targetPort": port.port if port.target_port is None else port.target_port,
    }
    if port.name is not None:
        result["name"] = port.name
    if port.node_port is not None:
        result["nodePort"] = port.node_port
    return result


def _with_hash(child: Json) -> Json:
    digest = hashlib.sha256(orjson.dumps(child, option=orjson.OPT_SORT_KEYS)).hexdigest()[:16]
    child["metadata"]["annotations"] = {HASH_ANNOTATION: digest}
    return child
