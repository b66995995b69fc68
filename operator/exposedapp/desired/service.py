# SPDX-License-Identifier: Apache-2.0
"""The Service of an app. Called by the reconciler and by `exposedapp render`; pure."""

from collections.abc import Mapping

from exposedapp.api.app import ExposedAppSpec
from exposedapp.api.meta import AppRef, Json, common_labels
from exposedapp.api.service import Port
from exposedapp.desired.metadata import child_metadata, foreign_keys, with_hash

SERVICE_FIELDS = (
    "externalName",
    "externalTrafficPolicy",
    "internalTrafficPolicy",
    "sessionAffinity",
    "sessionAffinityConfig",
    "trafficDistribution",
    "publishNotReadyAddresses",
    "ipFamilyPolicy",
    "ipFamilies",
    "loadBalancerClass",
    "loadBalancerSourceRanges",
    "allocateLoadBalancerNodePorts",
    "healthCheckNodePort",
    "externalIPs",
)
"""Fields of spec.service that are copied into the Service unchanged."""


def make_service(app: AppRef, spec: ExposedAppSpec, pod_labels: Mapping[str, str]) -> Json:
    """The Service that selects these pods, with only those node ports that the spec asks for."""
    fields = spec.service.as_json()
    service_spec = {
        field: fields[field] for field in SERVICE_FIELDS if fields.get(field) is not None
    }
    if pod_labels:
        service_spec["selector"] = dict(pod_labels)
    if spec.ports:
        service_spec["ports"] = [_service_port(port) for port in spec.ports]
    labels = {**(spec.service.labels or {}), **common_labels(app.name)}
    return with_hash(
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": child_metadata(app, labels, foreign_keys(spec.service.annotations or {})),
            "spec": {"type": spec.service.type, **service_spec},
        }
    )


def _service_port(port: Port) -> Json:
    service_port: Json = {
        "port": port.port,
        "protocol": port.protocol,
        "targetPort": port.port if port.target_port is None else port.target_port,
    }
    if port.name is not None:
        service_port["name"] = port.name
    if port.app_protocol is not None:
        service_port["appProtocol"] = port.app_protocol
    if port.node_port is not None:
        service_port["nodePort"] = port.node_port
    return service_port
