"""Pure: from an app's spec to its Deployment and its Service.

Both children have the app's own name.
"""

from exposedapp.api.app import ExposedAppSpec
from exposedapp.api.meta import CONTAINER_ANNOTATION, NAME_LABEL, AppRef, Json, common_labels
from exposedapp.desired.adoption import adopted_container, adopted_deployment
from exposedapp.desired.metadata import child_metadata, with_hash
from exposedapp.desired.pod_template import (
    CONTAINER_NAME,
    check_target_ports,
    container_port_names,
    make_pod_template,
)


def make_deployment(app: AppRef, spec: ExposedAppSpec, live: Json | None = None) -> Json | None:
    """The Deployment that runs the app; None when the app runs no pods of its own.

    `live` is the one that is there. One that somebody else made keeps its selector, its pods'
    labels and its container's name, so that adopting it starts no pod anew; what it was made of
    is in nobody's way, since server-side apply leaves fields alone that are not sent.

    Raises SpecError when the podTemplate cannot be understood, or a targetPort names no container
    port.
    """
    if spec.image is None:
        return None
    taken = adopted_deployment(app, live)
    selector = taken["spec"]["selector"] if taken else {"matchLabels": {NAME_LABEL: app.name}}
    container = adopted_container(taken, spec.image) if taken else CONTAINER_NAME
    template = make_pod_template(app, spec, container, taken)
    check_target_ports(spec.ports or [], container_port_names(template, taken))
    return with_hash(
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": child_metadata(
                app, common_labels(app.name), {CONTAINER_ANNOTATION: container} if taken else {}
            ),
            "spec": {"replicas": spec.replicas, "selector": selector, "template": template},
        }
    )
