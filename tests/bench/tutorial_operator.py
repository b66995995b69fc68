# SPDX-License-Identifier: Apache-2.0
"""The operator that a user would write, after kopf's tutorial: the baseline.

Change handlers, the official client with its typed models, kopf.adopt, patch.status. It is what it
is on purpose: do not make it better.
"""

from typing import Any

import kopf
from kubernetes import client, config

GROUP, VERSION, PLURAL = "exposedapp.dev", "v1alpha1", "exposedapps"


@kopf.on.startup()
def configure(**_: Any) -> None:
    config.load_kube_config()


@kopf.on.resume(GROUP, VERSION, PLURAL)
@kopf.on.create(GROUP, VERSION, PLURAL)
@kopf.on.update(GROUP, VERSION, PLURAL)
def expose(
    spec: kopf.Spec,
    name: str,
    namespace: str | None,
    patch: kopf.Patch,
    logger: kopf.Logger,
    **_: Any,
) -> None:
    deployment = make_deployment(name, spec)
    kopf.adopt(deployment)
    apps = client.AppsV1Api()
    try:
        apps.create_namespaced_deployment(namespace, deployment)
    except client.ApiException as error:
        if error.status != 409:
            raise
        apps.patch_namespaced_deployment(name, namespace, deployment)

    service = make_service(name, spec)
    kopf.adopt(service)
    core = client.CoreV1Api()
    try:
        created = core.create_namespaced_service(namespace, service)
    except client.ApiException as error:
        if error.status != 409:
            raise
        created = core.patch_namespaced_service(name, namespace, service)

    node_port = created.spec.ports[0].node_port
    urls = sorted(
        f"http://{address.address}:{node_port}"
        for node in core.list_node().items
        for address in node.status.addresses
        if address.type == "InternalIP"
    )
    urls = urls[: spec.get("nodes", {}).get("limit", 16)]
    patch.status["urls"] = urls
    patch.status["url"] = urls[0]
    logger.info("Exposed at %s", urls[0])


def make_deployment(name: str, spec: kopf.Spec) -> client.V1Deployment:
    return client.V1Deployment(
        metadata=client.V1ObjectMeta(name=name),
        spec=client.V1DeploymentSpec(
            replicas=spec.get("replicas", 1),
            selector=client.V1LabelSelector(match_labels={"app": name}),
            template=client.V1PodTemplateSpec(
                metadata=client.V1ObjectMeta(labels={"app": name}),
                spec=client.V1PodSpec(
                    containers=[
                        client.V1Container(
                            name="app",
                            image=spec["image"],
                            ports=[
                                client.V1ContainerPort(container_port=port["targetPort"])
                                for port in spec["ports"]
                            ],
                        )
                    ]
                ),
            ),
        ),
    )


def make_service(name: str, spec: kopf.Spec) -> client.V1Service:
    return client.V1Service(
        metadata=client.V1ObjectMeta(name=name),
        spec=client.V1ServiceSpec(
            type="NodePort",
            selector={"app": name},
            ports=[
                client.V1ServicePort(port=port["port"], target_port=port["targetPort"])
                for port in spec["ports"]
            ],
        ),
    )
