"""Pure: the rules of the CustomResourceDefinition that are written in CEL, once more in Python.

Where a rule stands and what it says is read out of the definition; here is only what it asks, found
by words of its message. A test sees to it that each rule of the definition has exactly one here.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from exposedapp.api.hosts import parse_host
from exposedapp.api.meta import Json
from exposedapp.api.service import NODE_PORT_TYPES
from exposedapp.desired.pod_template import CONTAINER_FIELDS

PORT_NAME = re.compile(r"(?=.*[a-z])[a-z0-9]+(-[a-z0-9]+)*")

LABEL_KEY = re.compile(
    r"([A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?/)?"
    r"[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?"
)

IMAGE_ONLY = (*CONTAINER_FIELDS, "podTemplate")

TRAFFIC = ("internalTrafficPolicy", "sessionAffinity", "ipFamilyPolicy", "ipFamilies")


def stored(value: Any, known: Json) -> Any:
    """A value as the API server stores it: without nulls, with the defaults."""
    if known.get("x-kubernetes-preserve-unknown-fields"):
        return value
    if isinstance(value, list):
        return [stored(it, known["items"]) for it in value]
    if not isinstance(value, dict):
        return value
    fields = known.get("properties", {})
    given = {key: it for key, it in value.items() if it is not None}
    missing = {key: it["default"] for key, it in fields.items() if "default" in it}
    return {
        key: stored(it, fields[key]) if key in fields else it
        for key, it in {**missing, **given}.items()
    }


def broken(value: Any, known: Json, path: str) -> Iterator[str]:
    """What the rules say of a value that is as it is stored; its types must be right."""
    if known.get("x-kubernetes-preserve-unknown-fields"):
        return
    # Of the first two levels the messages name the field themselves.
    prefix = f"{path}: " if path.count(".") > 1 or "[" in path else ""
    for rule in known.get("x-kubernetes-validations", ()):
        if not holds(rule["message"], value):
            yield prefix + rule["message"]
    if isinstance(value, list):
        for index, it in enumerate(value):
            yield from broken(it, known["items"], f"{path}[{index}]")
    elif isinstance(value, dict):
        fields = known.get("properties", {})
        for key in (it for it in fields if it in value):
            yield from broken(value[key], fields[key], f"{path}.{key}")


def holds(message: str, value: Any) -> bool:
    """Whether the rule with this message is kept."""
    return all(rule(value) for words, rule in RULES.items() if words in message)


def _service(spec: Json) -> Json:
    found: Json = spec["service"]
    return found


def _given(value: Json, *fields: str) -> int:
    return sum(it in value for it in fields)


def _has_node_ports(spec: Json) -> bool:
    return _service(spec)["type"] in NODE_PORT_TYPES


def _one_source(spec: Json) -> bool:
    return _given(spec, "image", "selector") + _given(_service(spec), "externalName") == 1


def _external_name(spec: Json) -> bool:
    service = _service(spec)
    return _given(service, "externalName") == int(service["type"] == "ExternalName")


def _families_with_policy(spec: Json) -> bool:
    service = _service(spec)
    policy = service.get("ipFamilyPolicy", "SingleStack")
    return len(service.get("ipFamilies", ())) < 2 or policy != "SingleStack"


def _no_traffic_fields(spec: Json) -> bool:
    service = _service(spec)
    return service["type"] != "ExternalName" or not _given(service, *TRAFFIC)


def _no_node_ports(spec: Json) -> bool:
    return _has_node_ports(spec) or not any("nodePort" in it for it in spec.get("ports", ()))


def _unique(values: Sequence[Any]) -> bool:
    return len(values) == len(set(values))


def _one_port_each(ports: Sequence[Json]) -> bool:
    """No node port has two different ports behind it."""
    pairs = {(it["nodePort"], it["port"]) for it in ports if "nodePort" in it}
    return _unique([number for number, _ in pairs])


def _container_port(value: int | str) -> bool:
    if isinstance(value, int):
        return 1 <= value <= 65535
    return PORT_NAME.fullmatch(value) is not None


def _label_keys(value: Json) -> bool:
    return all(isinstance(it, str) and LABEL_KEY.fullmatch(it) for it in value)


RULES: dict[str, Callable[[Any], bool]] = {
    "write exactly one of image": _one_source,
    "service.externalName and service.type ExternalName go together": _external_name,
    "ports is missing": lambda it: "ports" in it or _service(it)["type"] == "ExternalName",
    "ports[].nodePort needs service.type": _no_node_ports,
    "service.externalTrafficPolicy needs service.type": lambda it: (
        _has_node_ports(it) or "externalTrafficPolicy" not in _service(it)
    ),
    "with service.type ExternalName no traffic": _no_traffic_fields,
    "two service.ipFamilies need": _families_with_policy,
    "a readinessProbe ends no container": lambda it: (
        "terminationGracePeriodSeconds" not in it.get("readinessProbe", {})
    ),
    "livenessProbe.successThreshold can be 1 only": lambda it: (
        it.get("livenessProbe", {}).get("successThreshold", 1) == 1
    ),
    "are for the pods that image runs": lambda it: "image" in it or not _given(it, *IMAGE_ONLY),
    "has a key that no label can have": _label_keys,
    "every port needs a name": lambda it: len(it) < 2 or all("name" in port for port in it),
    "two of ports[] have the same name": lambda it: _unique(
        [port["name"] for port in it if "name" in port]
    ),
    "the same nodePort for different ports": _one_port_each,
    "the same nodePort and protocol": lambda it: _unique(
        [(port["nodePort"], port["protocol"]) for port in it if "nodePort" in port]
    ),
    "a container's port must be": _container_port,
    "has a value or a valueFrom": lambda it: not (it.get("value") and "valueFrom" in it),
    "valueFrom needs exactly one of": lambda it: len(it) == 1,
    "an item of envFrom needs exactly one of": lambda it: (
        _given(it, "configMapRef", "secretRef") == 1
    ),
    "a probe needs exactly one of": lambda it: (
        _given(it, "httpGet", "tcpSocket", "grpc", "exec") == 1
    ),
    "ipFamilies names a family twice": _unique,
    "addressTypes names a type twice": _unique,
    "nodes.host must be": lambda it: parse_host(it) is not None,
}
"""By words of the message: whether the rule is kept."""
