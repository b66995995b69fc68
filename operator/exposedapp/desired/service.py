"""The Service of an app."""

from collections.abc import Mapping

from exposedapp.api.app import ExposedAppSpec
from exposedapp.api.meta import AppRef, Json, common_labels
from exposedapp.api.service import Port
from exposedapp.desired.metadata import child_metadata, with_hash

SERVICE_FIELDS = (
    "externalName",
    "externalTrafficPolicy",
    "internalTrafficPolicy",
    "sessionAffinity",
    "ipFamilyPolicy",
    "ipFamilies",
)
"""Fields of spec.service that are the Service's own, word for word."""


def make_service(app: AppRef, spec: ExposedAppSpec, pods: Mapping[str, str]) -> Json:
    """The Service in front of these pods, with only those node ports that the spec asks for."""
    given = spec.service.as_json()
    wanted = {key: given[key] for key in SERVICE_FIELDS if given.get(key)}
    if pods:
        wanted["selector"] = dict(pods)
    if spec.ports:
        wanted["ports"] = [_service_port(port) for port in spec.ports]
    return with_hash(
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": child_metadata(
                app,
                {**(spec.service.labels or {}), **common_labels(app.name)},
                spec.service.annotations or {},
            ),
            "spec": {"type": spec.service.type, **wanted},
        }
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
