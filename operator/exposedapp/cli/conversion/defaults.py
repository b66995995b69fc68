# SPDX-License-Identifier: Apache-2.0
"""What the API server fills in, so that a manifest can be shown without it. Pure.

Source: SetDefaults_* in kubernetes/kubernetes, pkg/apis/{core,apps}/v1/defaults.go.
"""

from typing import Any

from exposedapp.api.meta import Json

_PROBE = {
    "timeoutSeconds": 1,
    "periodSeconds": 10,
    "successThreshold": 1,
    "failureThreshold": 3,
    "httpGet": {"scheme": "HTTP"},
    "grpc": {"service": ""},
}
_ITEMS_OF_FILES = {"defaultMode": 420}
_CONTAINER = {
    "terminationMessagePath": "/dev/termination-log",
    "terminationMessagePolicy": "File",
    "resources": {},
    "ports": [{"protocol": "TCP"}],
    "env": [{"valueFrom": {"fieldRef": {"apiVersion": "v1"}}}],
    "readinessProbe": _PROBE,
    "livenessProbe": _PROBE,
    "startupProbe": _PROBE,
}
_POD_SPEC = {
    "restartPolicy": "Always",
    "terminationGracePeriodSeconds": 30,
    "dnsPolicy": "ClusterFirst",
    "schedulerName": "default-scheduler",
    "securityContext": {},
    "containers": [_CONTAINER],
    "initContainers": [_CONTAINER],
    "volumes": [
        {
            "configMap": _ITEMS_OF_FILES,
            "secret": _ITEMS_OF_FILES,
            "projected": _ITEMS_OF_FILES,
            "downwardAPI": _ITEMS_OF_FILES,
            "hostPath": {"type": ""},
        }
    ],
}
_TEMPLATE = {"spec": _POD_SPEC, "metadata": {"creationTimestamp": None}}
_ROLLING_UPDATE = {"maxSurge": "25%", "maxUnavailable": "25%"}
_DEPLOYMENT = {
    "template": _TEMPLATE,
    "progressDeadlineSeconds": 600,
    "revisionHistoryLimit": 10,
    "strategy": {"type": "RollingUpdate", "rollingUpdate": _ROLLING_UPDATE},
}
_SERVICE = {
    "type": "ClusterIP",
    "sessionAffinity": "None",
    "internalTrafficPolicy": "Cluster",
    "externalTrafficPolicy": "Cluster",
    "allocateLoadBalancerNodePorts": True,
    "ipFamilyPolicy": "SingleStack",
    "ports": [{"protocol": "TCP"}],
}


def deployment_without_defaults(spec: Json) -> Json:
    """A Deployment's spec as its author wrote it, as far as that can be known."""
    stripped: Json = _strip(spec, _DEPLOYMENT)
    return {**stripped, "template": template_without_defaults(stripped["template"])}


def template_without_defaults(template: Json) -> Json:
    """A pod template without what the API server fills in."""
    stripped: Json = _strip(template, _TEMPLATE)
    pod_spec = dict(stripped["spec"])
    if pod_spec.get("serviceAccount") == pod_spec.get("serviceAccountName"):
        pod_spec.pop("serviceAccount", None)  # its deprecated name
    for field in ("containers", "initContainers"):
        if field in pod_spec:
            pod_spec[field] = [_without_pull_policy(item) for item in pod_spec[field]]
    metadata = stripped.get("metadata") or {}
    return {**({"metadata": metadata} if metadata else {}), "spec": pod_spec}


def service_without_defaults(spec: Json) -> Json:
    """A Service's spec without what the API server fills in; what it allocates stays."""
    stripped: Json = _strip(spec, _SERVICE)
    if "ipFamilyPolicy" not in stripped:
        stripped.pop("ipFamilies", None)
    stripped["ports"] = [
        {key: value for key, value in port.items() if key != "targetPort" or value != port["port"]}
        for port in stripped.get("ports") or ()
    ]
    return stripped


def _without_pull_policy(container: Json) -> Json:
    """The container without the pull policy that follows from its image."""
    image = str(container.get("image", "")).rpartition("/")[2]
    is_latest = image.endswith(":latest") or not {":", "@"} & set(image)
    if container.get("imagePullPolicy") != ("Always" if is_latest else "IfNotPresent"):
        return container
    return {key: value for key, value in container.items() if key != "imagePullPolicy"}


def _strip(value: Any, defaults: Any) -> Any:
    if isinstance(value, list) and isinstance(defaults, list):
        return [_strip(item, defaults[0]) for item in value]
    if not isinstance(value, dict) or not isinstance(defaults, dict):
        return value
    return {
        key: _strip(field, defaults.get(key))
        for key, field in value.items()
        if key not in defaults or field != defaults[key]
    }
