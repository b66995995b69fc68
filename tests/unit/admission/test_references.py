# SPDX-License-Identifier: Apache-2.0
"""The objects that pods need, from every field that names one."""

import pytest

from exposedapp.admission.references import references
from exposedapp.api.meta import Json


def container(**fields: object) -> Json:
    return {"containers": [{"name": "app", **fields}]}


@pytest.mark.parametrize(
    ("pod_spec", "expected"),
    [
        ({"serviceAccountName": "robot"}, [("ServiceAccount", "robot")]),
        ({"serviceAccountName": "default"}, []),
        ({"imagePullSecrets": [{"name": "pull"}]}, [("Secret", "pull")]),
        ({"volumes": [{"name": "v", "configMap": {"name": "a"}}]}, [("ConfigMap", "a")]),
        ({"volumes": [{"name": "v", "secret": {"secretName": "b"}}]}, [("Secret", "b")]),
        ({"volumes": [{"name": "v", "secret": {"secretName": "b", "optional": True}}]}, []),
        ({"volumes": [{"name": "v", "emptyDir": {}}]}, []),
        (
            {
                "volumes": [
                    {
                        "name": "v",
                        "projected": {
                            "sources": [
                                {"configMap": {"name": "a"}},
                                {"secret": {"name": "b"}},
                                {"serviceAccountToken": {"path": "token"}},
                            ]
                        },
                    }
                ]
            },
            [("ConfigMap", "a"), ("Secret", "b")],
        ),
        (
            container(envFrom=[{"configMapRef": {"name": "a"}}, {"secretRef": {"name": "b"}}]),
            [("ConfigMap", "a"), ("Secret", "b")],
        ),
        (
            container(
                env=[
                    {"name": "A", "value": "x"},
                    {"name": "B", "valueFrom": {"configMapKeyRef": {"name": "a", "key": "k"}}},
                    {"name": "C", "valueFrom": {"secretKeyRef": {"name": "b", "key": "k"}}},
                    {"name": "D", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}},
                ]
            ),
            [("ConfigMap", "a"), ("Secret", "b")],
        ),
        (
            {"initContainers": [{"name": "i", "envFrom": [{"secretRef": {"name": "b"}}]}]},
            [("Secret", "b")],
        ),
        (
            container(envFrom=[{"configMapRef": {"name": "a"}}, {"configMapRef": {"name": "a"}}]),
            [("ConfigMap", "a")],
        ),
    ],
)
def test_references(pod_spec: Json, expected: list[tuple[str, str]]) -> None:
    assert references(pod_spec) == expected
