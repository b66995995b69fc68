# SPDX-License-Identifier: Apache-2.0
"""Field ownership: what patches and the end of management leave in managedFields.

The results that matter were compared with the field manager of k8s.io/apimachinery 0.36.
"""

from typing import Any

import pytest

from exposedapp.api.meta import Json
from exposedapp.desired.managed_fields import (
    NO_ENTRIES,
    others_have_app_name_label,
    with_patches_as_applied,
    without_desired_fields,
    without_own_entries,
)

PORTS: Json = {"f:spec": {"f:ports": {'k:{"port":80,"protocol":"TCP"}': {".": {}, "f:port": {}}}}}
AFFINITY: Json = {"f:spec": {"f:sessionAffinity": {}, "f:ports": {".": {}}}}
KUBECTL = {"manager": "kubectl", "operation": "Update", "fieldsV1": AFFINITY}
LABEL: Json = {"f:metadata": {"f:labels": {".": {}, "f:app.kubernetes.io/name": {}}}}


def entry(operation: str, fields: Json, **more: Any) -> Json:
    return {
        "manager": "exposedapp",
        "operation": operation,
        "apiVersion": "v1",
        "fieldsType": "FieldsV1",
        "fieldsV1": fields,
        **more,
    }


def live(*entries: Json) -> Json:
    return {"metadata": {"managedFields": [*entries]}}


def test_what_was_patched_counts_as_applied() -> None:
    (own, others) = with_patches_as_applied(
        live(entry("Update", AFFINITY), KUBECTL, entry("Apply", PORTS))
    ) or ({}, {})
    ports = {**PORTS["f:spec"]["f:ports"], ".": {}}
    assert own == entry("Apply", {"f:spec": {"f:ports": ports, "f:sessionAffinity": {}}})
    assert others == KUBECTL


def test_what_was_posted_counts_as_applied() -> None:
    assert with_patches_as_applied(live(entry("Update", PORTS))) == [entry("Apply", PORTS)]


@pytest.mark.parametrize(
    "entries",
    [
        [],
        [entry("Apply", PORTS), KUBECTL],
        [entry("Update", {"f:status": {}}, subresource="status"), entry("Apply", PORTS)],
    ],
    ids=["no managedFields", "nothing patched", "a status"],
)
def test_there_is_nothing_to_count(entries: list[Json]) -> None:
    assert with_patches_as_applied(live(*entries)) is None
    assert with_patches_as_applied({"metadata": {}}) is None


def test_a_released_object_has_the_entries_of_others() -> None:
    assert without_own_entries(live(entry("Apply", PORTS), KUBECTL)) == [KUBECTL]
    assert without_own_entries(live(entry("Apply", PORTS))) == NO_ENTRIES


def test_whose_a_label_is() -> None:
    theirs = {"manager": "helm", "operation": "Update", "fieldsV1": LABEL}
    assert others_have_app_name_label(live(theirs))
    assert not others_have_app_name_label(live(entry("Apply", LABEL), KUBECTL))


DESIRED: Json = {
    "metadata": {
        "name": "web",
        "labels": {"app.kubernetes.io/name": "web", "exposedapp.dev/name": "web"},
        "annotations": {"exposedapp.dev/desired-hash": "1"},
    },
    "spec": {
        "replicas": 2,
        "selector": {"matchLabels": {"app": "old"}},
        "template": {
            "spec": {
                "containers": [
                    {
                        "name": "server",
                        "image": "registry.example/web:1",
                        "args": ["a"],
                        "env": [{"name": "DEBUG", "value": "1"}],
                        "ports": [{"containerPort": 8080}],
                        "resources": {"limits": {"cpu": "1"}},
                        "readinessProbe": {"httpGet": {"port": 8080}},
                    }
                ]
            }
        },
    },
}


def in_container(fields: Json) -> Json:
    containers = {'k:{"name":"server"}': {".": {}, **fields}}
    return {"f:spec": {"f:template": {"f:spec": {"f:containers": containers}}}}


@pytest.mark.parametrize(
    ("theirs", "remaining"),
    [
        ({"f:image": {}, "f:tty": {}}, {"f:tty": {}}),
        ({"f:args": {}, "f:command": {}}, {"f:command": {}}),
        (
            {"f:env": {".": {}, 'k:{"name":"DEBUG"}': {".": {}, "f:name": {}, "f:valueFrom": {}}}},
            {},
        ),
        (
            {"f:env": {".": {}, 'k:{"name":"DEBUG"}': {".": {}}, 'k:{"name":"NODE"}': {".": {}}}},
            {"f:env": {".": {}, 'k:{"name":"NODE"}': {".": {}}}},
        ),
        (
            {"f:ports": {'k:{"containerPort":8080,"protocol":"TCP"}': {"f:protocol": {}}}},
            {},
        ),
        (
            {"f:ports": {'k:{"containerPort":8080,"protocol":"UDP"}': {"f:protocol": {}}}},
            {"f:ports": {'k:{"containerPort":8080,"protocol":"UDP"}': {"f:protocol": {}}}},
        ),
        (
            {"f:resources": {".": {}, "f:limits": {".": {}, "f:cpu": {}, "f:memory": {}}}},
            {"f:resources": {".": {}, "f:limits": {".": {}, "f:memory": {}}}},
        ),
        ({"f:readinessProbe": {".": {}, "f:failureThreshold": {}, "f:httpGet": {}}}, {}),
    ],
    ids=[
        "a scalar",
        "an atomic list",
        "an item",
        "one of two items",
        "a default key",
        "another key",
        "a part of a struct",
        "a probe with its defaults",
    ],
)
def test_what_an_app_sets_is_taken_from_its_former_manager(theirs: Json, remaining: Json) -> None:
    former = {"manager": "kubectl", "operation": "Update", "fieldsV1": in_container(theirs)}
    # The container itself stays theirs as long as they have any field of it.
    (left,) = without_desired_fields(live(former), DESIRED) or [former]
    assert left == ({**former, "fieldsV1": in_container(remaining)} if remaining else {})


def test_what_is_taken_from_metadata_and_spec() -> None:
    fields: Json = {
        "f:metadata": {
            "f:labels": {".": {}, "f:app.kubernetes.io/name": {}, "f:exposedapp.dev/name": {}},
            "f:annotations": {".": {}, "f:exposedapp.dev/desired-hash": {}},
        },
        "f:spec": {"f:replicas": {}, "f:selector": {}, "f:strategy": {"f:type": {}}},
    }
    velero = {"manager": "velero", "operation": "Update", "fieldsV1": fields}
    assert without_desired_fields(live(velero), DESIRED) == [
        {
            **velero,
            "fieldsV1": {
                "f:metadata": {"f:labels": {".": {}, "f:app.kubernetes.io/name": {}}},
                "f:spec": {"f:strategy": {"f:type": {}}},
            },
        }
    ]


@pytest.mark.parametrize(
    "kept",
    [
        entry("Apply", in_container({"f:image": {}})),
        {
            "manager": "kubectl",
            "operation": "Update",
            "subresource": "scale",
            "fieldsV1": {"f:spec": {"f:replicas": {}}},
        },
        {
            "manager": "kubectl",
            "operation": "Update",
            "fieldsV1": {"f:spec": {"f:paused": {}, "f:finalizers": {'v:"a"': {}}}},
        },
    ],
    ids=["own", "a subresource", "fields that the app does not set"],
)
def test_what_is_not_taken(kept: Json) -> None:
    assert without_desired_fields(live(kept), DESIRED) is None
