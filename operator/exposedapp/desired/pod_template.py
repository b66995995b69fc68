# SPDX-License-Identifier: Apache-2.0
"""The pod template of an app's Deployment: generated, then spec.podTemplate merged over it.

Called by deployment.py; pod_labels() also by everything that selects the app's pods. Pure.
"""

import re

from exposedapp.api.app import ExposedAppSpec
from exposedapp.api.meta import NAME_LABEL, AppRef, Json, common_labels
from exposedapp.api.service import Port, PortKey
from exposedapp.desired.adoption import adopted_deployment, adopted_pod_labels
from exposedapp.desired.strategic_merge import strategic_merge

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
"""Fields of the spec that are copied into the container unchanged."""

CONTAINER_PORT_NAME = re.compile(r"(?=.*[a-z])(?!.*--)[a-z0-9](?:[-a-z0-9]{0,13}[a-z0-9])?$")
"""A container port's name is narrower than a Service port's (IANA_SVC_NAME, RFC 6335)."""


def make_pod_template(
    app: AppRef, spec: ExposedAppSpec, container_name: str, adopted: Json | None
) -> Json:
    """The pod template, with the labels that the Deployment's selector needs.

    `adopted` is the live Deployment if it was adopted. Raises SpecError.
    """
    fields = spec.as_json()
    container: Json = {"name": container_name, "image": spec.image}
    if not adopted:
        # For information only, and one more port would restart the pods of an adopted Deployment.
        container["ports"] = _container_ports(spec.ports or [])
    container |= {field: fields[field] for field in CONTAINER_FIELDS if fields.get(field)}
    identity = pod_labels(app, spec, adopted)
    generated = {
        "metadata": {"labels": identity if adopted else common_labels(app.name)},
        "spec": {"containers": [container]},
    }
    template = strategic_merge(generated, fields.get("podTemplate") or {}, "spec.podTemplate")
    _mirror_service_account(template)
    _restore_labels(template, identity)
    return template


def pod_labels(app: AppRef, spec: ExposedAppSpec, deployment: Json | None) -> dict[str, str]:
    """The labels that select the app's pods; empty when it has none.

    `deployment` is the live one: an adopted one keeps its selector, which is immutable.
    """
    if spec.selector is not None:
        return spec.selector
    if spec.image is None:
        return {}
    adopted = adopted_deployment(app, deployment)
    return adopted_pod_labels(adopted) if adopted else {NAME_LABEL: app.name}


def _container_ports(ports: list[Port]) -> list[Json]:
    """One container port for each target port that is a number."""
    container_ports: dict[PortKey, Json] = {}
    for port in ports:
        number = port.port if port.target_port is None else port.target_port
        if isinstance(number, int):
            container_port = container_ports.setdefault(
                (number, port.protocol), {"containerPort": number, "protocol": port.protocol}
            )
            if port.name and CONTAINER_PORT_NAME.match(port.name):
                container_port.setdefault("name", port.name)
    return list(container_ports.values())


def _mirror_service_account(template: Json) -> None:
    """Set the deprecated field serviceAccount to the same name as serviceAccountName.

    The API server copies the name there, where it would outlive serviceAccountName
    (kubernetes/kubernetes#108208). What apply has set, apply can remove.
    """
    pod_spec = template.get("spec")
    if isinstance(pod_spec, dict) and (account := pod_spec.get("serviceAccountName")):
        pod_spec.setdefault("serviceAccount", account)


def _restore_labels(template: Json, identity: dict[str, str]) -> None:
    """Set the labels of the selector again, whatever spec.podTemplate did to them.

    Labels that are no map stay as they are: the API server refuses them in its own words.
    """
    metadata = template.setdefault("metadata", {})
    if isinstance(metadata.setdefault("labels", {}), dict):
        metadata["labels"] = {**metadata["labels"], **identity}
