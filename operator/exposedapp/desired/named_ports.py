# SPDX-License-Identifier: Apache-2.0
"""Checks that the ports exist that targetPort and probes name. Called by deployment.py; pure.

What only the cluster can know is left to the status: labels and annotations of spec.podTemplate may
have a webhook inject containers or ports.
"""

from collections.abc import Iterator
from typing import Any

from exposedapp.api.app import ExposedAppSpec
from exposedapp.api.meta import Json
from exposedapp.api.service import Port
from exposedapp.desired.errors import SpecError

PROBES = ("readinessProbe", "livenessProbe", "startupProbe")

PROBE_ACTIONS = ("httpGet", "tcpSocket")
"""Those whose port may be a name; grpc has a number."""


def check_named_ports(spec: ExposedAppSpec, template: Json, adopted: Json | None) -> None:
    """Raise SpecError when a targetPort or a probe names no container port.

    The names are those of the template and, of an adopted Deployment, of its live pods.
    """
    if _may_be_injected(spec):
        return
    templates = [template, adopted["spec"]["template"]] if adopted else [template]
    _check_target_ports(spec.ports or [], templates)
    for container in _containers(template):
        _check_probes(container, templates)


def _may_be_injected(spec: ExposedAppSpec) -> bool:
    """Whether something may add containers or ports: injectors go by labels and annotations."""
    metadata = _as_dict(_as_dict(spec.as_json().get("podTemplate")).get("metadata"))
    return bool(metadata.get("labels") or metadata.get("annotations"))


def _check_target_ports(ports: list[Port], templates: list[Json]) -> None:
    # Of the init containers, only a sidecar (KEP-753) still runs when the Service sends traffic.
    names = {
        name
        for template in templates
        for container in _containers(template)
        for name in _port_names(container)
    }
    for index, port in enumerate(ports):
        if isinstance(port.target_port, str) and port.target_port not in names:
            raise SpecError(
                f"spec.ports[{index}].targetPort: no container port is named "
                f"'{port.target_port}'; write its number, or name a port in spec.podTemplate"
            )


def _check_probes(container: Json, templates: list[Json]) -> None:
    """Raise SpecError when a probe names a port that its own container does not have.

    The kubelet searches no other container (ResolveContainerPort, pkg/probe/util.go).
    """
    names = {
        name
        for template in templates
        for each in _containers(template)
        if each.get("name") == container.get("name")
        for name in _port_names(each)
    }
    for probe in PROBES:
        for action in PROBE_ACTIONS:
            port = _as_dict(_as_dict(container.get(probe)).get(action)).get("port")
            if isinstance(port, str) and port not in names:
                raise SpecError(
                    f"{probe}.{action}.port: container {container.get('name')} has no port named "
                    f"'{port}'; write its number, or name a port in spec.podTemplate"
                )


def _containers(template: Json) -> Iterator[Json]:
    """The containers and sidecars; spec.podTemplate may have given any part a wrong shape."""
    pod_spec = _as_dict(template.get("spec"))
    yield from map(_as_dict, _as_list(pod_spec.get("containers")))
    for container in map(_as_dict, _as_list(pod_spec.get("initContainers"))):
        if container.get("restartPolicy") == "Always":
            yield container


def _port_names(container: Json) -> Iterator[str]:
    for port in _as_list(container.get("ports")):
        yield str(_as_dict(port).get("name"))


def _as_dict(value: Any) -> Json:
    return value if isinstance(value, dict) else {}


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
