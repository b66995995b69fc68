# SPDX-License-Identifier: Apache-2.0
"""What kubectl says while the admission webhook reviews an app, and how the webhook is called.

For the tests on a cluster (test_admission.py) and on API servers alone (matrix/test_admission.py).
"""

import json

import yaml

from e2e.support import Cluster, Json, Namespace, Refused

ADMISSION_NAME = "exposedapp-admission"
"""Of the webhook's configuration, Service and Secret."""
CHILD_REFUSED_SPECS: list[tuple[Json, str]] = [
    ({"podTemplate": {"spec": {"containrs": []}}}, "field not declared in schema"),
    ({"podTemplate": {"spec": {"restartPolicy": "Never"}}}, "spec.template.spec.restartPolicy"),
    ({"ports": [{"port": 80, "targetPort": "web"}]}, "no container port is named 'web'"),
]
"""Specs whose children the API server refuses, each with words of the refusal."""


def apply(namespace: Namespace, body: Json, *flags: str) -> str:
    """What `kubectl apply` warns of. Raises Refused."""
    words = ["apply", "-f", "-", *flags]
    return namespace.run_kubectl(*words, stdin=yaml.safe_dump(body)).stderr


def warnings_of(namespace: Namespace, body: Json) -> str:
    """What kubectl prints about an app that would be accepted. Raises Refused."""
    return apply(namespace, body, "--dry-run=server")


def refusal(namespace: Namespace, body: Json) -> str:
    """Why the app would be refused; empty when it would be accepted."""
    try:
        warnings_of(namespace, body)
    except Refused as refused:
        return str(refused)
    return ""


def is_refused(namespace: Namespace, body: Json, words: str) -> None:
    """Assert that the webhook refuses the app with these words."""
    text = refusal(namespace, body)
    assert 'admission webhook "review.exposedapp.dev" denied the request' in text
    assert words in text


def client_config(cluster: Cluster) -> Json:
    """How the API server calls the webhook."""
    text = cluster.kubectl("get", "validatingwebhookconfiguration", ADMISSION_NAME, "-o", "json")
    config: Json = json.loads(text)["webhooks"][0]["clientConfig"]
    return config


def is_replaced(cluster: Cluster, before: Json) -> None:
    """Assert that the webhook has another certificate and path than before."""
    now = client_config(cluster)
    assert now["caBundle"] != before["caBundle"]
    assert now["service"]["path"] != before["service"]["path"]
