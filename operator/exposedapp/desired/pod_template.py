"""The pod template of an app's Deployment."""

import re
from typing import Any

from exposedapp.api.app import ExposedAppSpec
from exposedapp.api.meta import NAME_LABEL, AppRef, Json, common_labels
from exposedapp.api.service import Port
from exposedapp.desired.adoption import adopted_deployment, adopted_pod_labels
from exposedapp.desired.errors import SpecError
from exposedapp.desired.node_ports import PortKey
from exposedapp.desired.strategic_merge import MergeError, strategic_merge

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


def pod_labels(app: AppRef, spec: ExposedAppSpec, deployment: Json | None) -> dict[str, str]:
    """The labels by which the app's pods are found; empty when it has none.

    `deployment` is the live one. One that was adopted keeps its selector, which is immutable.
    """
    if spec.selector is not None:
        return spec.selector
    if spec.image is None:
        return {}
    taken = adopted_deployment(app, deployment)
    return adopted_pod_labels(taken) if taken else {NAME_LABEL: app.name}


def make_pod_template(
    app: AppRef, spec: ExposedAppSpec, container_name: str, taken: Json | None
) -> Json:
    """The generated template with spec.podTemplate merged over it. Raises SpecError."""
    given = spec.as_json()
    container: Json = {"name": container_name, "image": spec.image}
    if not taken:
        # Only for people to read; and a port more would start an adopted Deployment's pods anew.
        container["ports"] = _container_ports(spec.ports or [])
    container |= {key: given[key] for key in CONTAINER_FIELDS if given.get(key)}
    identity = pod_labels(app, spec, taken)
    base = {
        "metadata": {"labels": identity if taken else common_labels(app.name)},
        "spec": {"containers": [container]},
    }
    try:
        template = strategic_merge(base, given.get("podTemplate") or {}, "spec.podTemplate")
    except MergeError as error:
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


def container_port_names(template: Json, taken: Json | None) -> set[str]:
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


def check_target_ports(ports: list[Port], names: set[str]) -> None:
    """Raises SpecError when a targetPort names no container port."""
    for index, port in enumerate(ports):
        if isinstance(port.target_port, str) and port.target_port not in names:
            raise SpecError(
                f"spec.ports[{index}].targetPort: no container port is named "
                f"'{port.target_port}'; write its number, or name a port in spec.podTemplate"
            )
