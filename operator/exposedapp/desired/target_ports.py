"""Check of named target ports against the pod template. Called by deployment.py; pure."""

from collections.abc import Iterator
from typing import Any

from exposedapp.api.meta import Json
from exposedapp.api.service import Port
from exposedapp.desired.errors import SpecError


def check_target_ports(ports: list[Port], template: Json, adopted: Json | None) -> None:
    """Raise SpecError when a targetPort names no container port.

    The names are those of the template and, of an adopted Deployment, of its live pods.
    """
    names = set(_container_port_names(template))
    if adopted:
        names.update(_container_port_names(adopted["spec"]["template"]))
    for index, port in enumerate(ports):
        if isinstance(port.target_port, str) and port.target_port not in names:
            raise SpecError(
                f"spec.ports[{index}].targetPort: no container port is named "
                f"'{port.target_port}'; write its number, or name a port in spec.podTemplate"
            )


def _container_port_names(template: Json) -> Iterator[str]:
    """The names of all container ports; spec.podTemplate may have given any part a wrong shape."""
    pod_spec = _as_dict(template.get("spec"))
    containers = [_as_dict(container) for container in _as_list(pod_spec.get("containers"))]
    # Of the init containers, only a sidecar (KEP-753) still runs when the Service sends traffic.
    init_containers = map(_as_dict, _as_list(pod_spec.get("initContainers")))
    containers += [each for each in init_containers if each.get("restartPolicy") == "Always"]
    for container in containers:
        for port in _as_list(container.get("ports")):
            yield str(_as_dict(port).get("name"))


def _as_dict(value: Any) -> Json:
    return value if isinstance(value, dict) else {}


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
