"""Field ownership: what patches and the end of management leave in managedFields.

The results that matter were compared with the field manager of k8s.io/apimachinery 0.36.
"""

from typing import Any

import pytest

from exposedapp.api.meta import Json
from exposedapp.desired.managed_fields import (
    NO_ENTRIES,
    is_label_of_others,
    with_patches_as_applied,
    without_own_entries,
)

PORTS: Json = {"f:spec": {"f:ports": {'k:{"port":80,"protocol":"TCP"}': {".": {}, "f:port": {}}}}}
AFFINITY: Json = {"f:spec": {"f:sessionAffinity": {}, "f:ports": {".": {}}}}
KUBECTL = {"manager": "kubectl", "operation": "Update", "fieldsV1": AFFINITY}
LABEL: Json = {"f:metadata": {"f:labels": {".": {}, "f:app": {}}}}


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
    assert is_label_of_others(live(theirs), "app")
    assert not is_label_of_others(live(theirs), "tier")
    assert not is_label_of_others(live(entry("Apply", LABEL), KUBECTL), "app")
