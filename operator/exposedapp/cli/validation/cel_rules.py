# SPDX-License-Identifier: Apache-2.0
"""The CEL rules of the CustomResourceDefinition, written a second time in Python. Pure.

Called by schema_check.py. Where a rule applies and its message are read from the definition; only
its condition is repeated here, and found by words of the message. A test ensures that each rule of
the definition has exactly one counterpart. api/hosts.py has both halves of the rule on hosts.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from exposedapp.api.deployment import DEFAULT_PROGRESS_DEADLINE_SECONDS, FOREIGN_ANNOTATIONS
from exposedapp.api.hosts import parse_host
from exposedapp.api.meta import Json
from exposedapp.api.service import NODE_PORT_TYPES
from exposedapp.desired.pod_template import CONTAINER_FIELDS

PORT_NAME = re.compile(r"(?=.*[a-z])[a-z0-9]+(-[a-z0-9]+)*")

LABEL_KEY = re.compile(
    r"([A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?/)?"
    r"[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?"
)

IMAGE_ONLY = (*CONTAINER_FIELDS, "podTemplate", "deployment")

LOAD_BALANCER_ONLY = (
    "loadBalancerClass",
    "loadBalancerSourceRanges",
    "allocateLoadBalancerNodePorts",
)

TRAFFIC = (
    "internalTrafficPolicy",
    "sessionAffinity",
    "ipFamilyPolicy",
    "ipFamilies",
    "externalIPs",
    "trafficDistribution",
    "publishNotReadyAddresses",
)

NO_PODS = (0, "0%")


def with_defaults(value: Any, known: Json) -> Any:
    """A value as the API server stores it: without nulls, with the defaults of its schema."""
    if known.get("x-kubernetes-preserve-unknown-fields"):
        return value
    if isinstance(value, list):
        return [with_defaults(item, known["items"]) for item in value]
    if not isinstance(value, dict):
        return value
    schemas = known.get("properties", {})
    fields = {key: schema["default"] for key, schema in schemas.items() if "default" in schema}
    fields.update({key: field for key, field in value.items() if field is not None})
    return {
        key: with_defaults(field, schemas[key]) if key in schemas else field
        for key, field in fields.items()
    }


def broken_rules(value: Any, known: Json, path: str) -> Iterator[str]:
    """The messages of the rules that a value breaks, with the path where they do not name it.

    The value must be as it is stored, and have the types of its schema.
    """
    if known.get("x-kubernetes-preserve-unknown-fields"):
        return
    # The messages of the first two levels name the field themselves.
    prefix = f"{path}: " if path.count(".") > 1 or "[" in path else ""
    for rule in known.get("x-kubernetes-validations", ()):
        if not _holds(rule["message"], value):
            yield prefix + rule["message"]
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from broken_rules(item, known["items"], f"{path}[{index}]")
    elif isinstance(value, dict):
        for key, schema in known.get("properties", {}).items():
            if key in value:
                yield from broken_rules(value[key], schema, f"{path}.{key}")


def _holds(message: str, value: Any) -> bool:
    return all(condition(value) for words, condition in RULES.items() if words in message)


def _service(spec: Json) -> Json:
    service: Json = spec["service"]
    return service


def _count_given(value: Json, *fields: str) -> int:
    return sum(field in value for field in fields)


def _has_node_ports(spec: Json) -> bool:
    return _service(spec)["type"] in NODE_PORT_TYPES


def _one_source(spec: Json) -> bool:
    return (
        _count_given(spec, "image", "selector") + _count_given(_service(spec), "externalName") == 1
    )


def _external_name(spec: Json) -> bool:
    service = _service(spec)
    return _count_given(service, "externalName") == int(service["type"] == "ExternalName")


def _families_with_policy(spec: Json) -> bool:
    service = _service(spec)
    policy = service.get("ipFamilyPolicy", "SingleStack")
    return len(service.get("ipFamilies", ())) < 2 or policy != "SingleStack"


def _no_traffic_fields(spec: Json) -> bool:
    service = _service(spec)
    return service["type"] != "ExternalName" or not _count_given(service, *TRAFFIC)


def _no_node_ports(spec: Json) -> bool:
    return _has_node_ports(spec) or not any("nodePort" in port for port in spec.get("ports", ()))


def _load_balancer_fields(spec: Json) -> bool:
    service = _service(spec)
    return service["type"] == "LoadBalancer" or not _count_given(service, *LOAD_BALANCER_ONLY)


def _health_check_port(spec: Json) -> bool:
    service = _service(spec)
    is_local = service.get("externalTrafficPolicy") == "Local"
    return "healthCheckNodePort" not in service or (service["type"] == "LoadBalancer" and is_local)


def _affinity_config(spec: Json) -> bool:
    service = _service(spec)
    return "sessionAffinityConfig" not in service or service.get("sessionAffinity") == "ClientIP"


def _progress_deadline(deployment: Json) -> bool:
    deadline: int = deployment.get("progressDeadlineSeconds", DEFAULT_PROGRESS_DEADLINE_SECONDS)
    return deadline > int(deployment.get("minReadySeconds", 0))


def _unique(values: Sequence[Any]) -> bool:
    return len(values) == len(set(values))


def _one_port_each(ports: Sequence[Json]) -> bool:
    """Whether every node port leads to one port only."""
    pairs = {(port["nodePort"], port["port"]) for port in ports if "nodePort" in port}
    return _unique([number for number, _ in pairs])


def _container_port(value: int | str) -> bool:
    if isinstance(value, int):
        return 1 <= value <= 65535
    return PORT_NAME.fullmatch(value) is not None


def _label_keys(value: Json) -> bool:
    return all(isinstance(key, str) and LABEL_KEY.fullmatch(key) for key in value)


RULES: dict[str, Callable[[Any], bool]] = {
    "write exactly one of image": _one_source,
    "service.externalName and service.type ExternalName go together": _external_name,
    "ports is missing": lambda spec: "ports" in spec or _service(spec)["type"] == "ExternalName",
    "ports[].nodePort needs service.type": _no_node_ports,
    "service.externalTrafficPolicy needs service.type": lambda spec: (
        _has_node_ports(spec)
        or "externalIPs" in _service(spec)
        or "externalTrafficPolicy" not in _service(spec)
    ),
    "service.loadBalancerClass, loadBalancerSourceRanges and": _load_balancer_fields,
    "service.healthCheckNodePort needs": _health_check_port,
    "service.sessionAffinityConfig needs": _affinity_config,
    "with service.type ExternalName no traffic": _no_traffic_fields,
    "two service.ipFamilies need": _families_with_policy,
    "a readinessProbe ends no container": lambda spec: (
        "terminationGracePeriodSeconds" not in spec.get("readinessProbe", {})
    ),
    "livenessProbe.successThreshold can be 1 only": lambda spec: (
        spec.get("livenessProbe", {}).get("successThreshold", 1) == 1
    ),
    "are for the pods that image runs": lambda spec: (
        "image" in spec or not _count_given(spec, *IMAGE_ONLY)
    ),
    "has a key that no label can have": _label_keys,
    "annotations must not have": lambda annotations: (
        not any(key in annotations for key in FOREIGN_ANNOTATIONS)
    ),
    "deployment.progressDeadlineSeconds (default": _progress_deadline,
    "rollingUpdate is for type RollingUpdate": lambda strategy: (
        "rollingUpdate" not in strategy or strategy.get("type") != "Recreate"
    ),
    "maxUnavailable and maxSurge cannot both be 0": lambda update: (
        update.get("maxUnavailable") not in NO_PODS or update.get("maxSurge") not in NO_PODS
    ),
    "every port needs a name": lambda ports: (
        len(ports) < 2 or all("name" in port for port in ports)
    ),
    "two of ports[] have the same name": lambda ports: _unique(
        [port["name"] for port in ports if "name" in port]
    ),
    "the same port and protocol": lambda ports: _unique(
        [(port["port"], port.get("protocol", "TCP")) for port in ports]
    ),
    "the same nodePort for different ports": _one_port_each,
    "the same nodePort and protocol": lambda ports: _unique(
        [(port["nodePort"], port.get("protocol", "TCP")) for port in ports if "nodePort" in port]
    ),
    "a container's port must be": _container_port,
    "has a value or a valueFrom": lambda variable: (
        not (variable.get("value") and "valueFrom" in variable)
    ),
    "valueFrom needs exactly one of": lambda source: len(source) == 1,
    "an item of envFrom needs exactly one of": lambda source: (
        _count_given(source, "configMapRef", "secretRef") == 1
    ),
    "a probe needs exactly one of": lambda probe: (
        _count_given(probe, "httpGet", "tcpSocket", "grpc", "exec") == 1
    ),
    "ipFamilies names a family twice": _unique,
    "addressTypes names a type twice": _unique,
    "nodes.host must be": lambda host: parse_host(host) is not None,
}
"""By words of the message: the condition of the rule."""
