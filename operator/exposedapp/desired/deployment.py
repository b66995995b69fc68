# SPDX-License-Identifier: Apache-2.0
"""The Deployment of an app. Called by the reconciler and by `exposedapp render`; pure."""

from exposedapp.api.app import ExposedAppSpec
from exposedapp.api.meta import (
    CONTAINER_ANNOTATION,
    KEEP_REPLICAS_ANNOTATION,
    NAME_LABEL,
    AppRef,
    Json,
    common_labels,
)
from exposedapp.desired.adoption import adopted_container, adopted_deployment, keeps_replicas
from exposedapp.desired.metadata import child_metadata, foreign_keys, with_hash
from exposedapp.desired.named_ports import check_named_ports
from exposedapp.desired.pod_template import CONTAINER_NAME, make_pod_template

DEPLOYMENT_FIELDS = ("minReadySeconds", "progressDeadlineSeconds", "revisionHistoryLimit")
"""Fields of spec.deployment that are copied into the Deployment unchanged."""


def make_deployment(app: AppRef, spec: ExposedAppSpec, live: Json | None = None) -> Json | None:
    """The Deployment that runs the app's image; None when the spec has no image.

    `live` is the existing Deployment. An adopted one keeps its selector, its pods' labels and its
    container's name, so that adopting it restarts no pod, and its number of replicas, unless the
    spec asks for another. The fields of its own manifest stay as well: server-side apply changes
    only the fields that are sent.

    Raises SpecError when spec.podTemplate cannot be merged, or a targetPort or a probe
    names no container port.
    """
    if spec.image is None:
        return None
    adopted = adopted_deployment(app, live)
    replicas = {"replicas": spec.replicas}
    if adopted:
        selector = adopted["spec"]["selector"]
        container_name = adopted_container(adopted, spec.image)
        annotations = {CONTAINER_ANNOTATION: container_name}
        if keeps_replicas(app, adopted, spec.replicas):
            annotations[KEEP_REPLICAS_ANNOTATION] = "true"
            replicas = {}
    else:
        selector = {"matchLabels": {NAME_LABEL: app.name}}
        container_name = CONTAINER_NAME
        annotations = {}
    template = make_pod_template(app, spec, container_name, adopted)
    check_named_ports(spec, template, adopted)
    fields = spec.deployment.as_json() if spec.deployment else {}
    return with_hash(
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": child_metadata(
                app,
                {**(fields.get("labels") or {}), **common_labels(app.name)},
                {**foreign_keys(fields.get("annotations") or {}), **annotations},
            ),
            "spec": {
                **replicas,
                **_deployment_fields(fields),
                "selector": selector,
                "template": template,
            },
        }
    )


def _deployment_fields(fields: Json) -> Json:
    """What spec.deployment says of a Deployment's spec."""
    deployment_fields = {
        name: fields[name] for name in DEPLOYMENT_FIELDS if fields.get(name) is not None
    }
    if fields.get("strategy") is not None:
        deployment_fields["strategy"] = _strategy(fields["strategy"])
    return deployment_fields


def _strategy(strategy: Json) -> Json:
    """The strategy with its type: apply keeps one that a former manager has set."""
    return {"type": "RollingUpdate", **strategy}
