# SPDX-License-Identifier: Apache-2.0
"""Every field of a Deployment's and a Service's spec is supported, or left out with a reason."""

import re

import kubernetes
import pytest

from exposedapp.api.crd import schema
from support.kubernetes_fields import documented_fields

DOCUMENTED = documented_fields()
SPEC_SCHEMA = schema()["properties"]["spec"]
ROWS = [(kind, field) for kind, fields in DOCUMENTED.items() for field in fields]


@pytest.mark.parametrize("kind", DOCUMENTED)
def test_the_table_has_the_fields_of_the_newest_api(kind: str) -> None:
    """The client's models are generated from the OpenAPI of the newest API."""
    model = getattr(kubernetes.client, f"V1{kind}")
    assert DOCUMENTED[kind].keys() == set(model.attribute_map.values())


@pytest.mark.parametrize(("kind", "field"), ROWS)
def test_a_field_is_supported_or_left_out_with_a_reason(kind: str, field: str) -> None:
    words = DOCUMENTED[kind][field]
    path = re.match(r"`([\w.]+)`", words)
    if path is None:
        assert re.match(r"left out: \S+ \S+", words), words
        return
    node = SPEC_SCHEMA
    for part in path[1].split("."):
        assert part in node["properties"], words
        node = node["properties"][part]
        node = node.get("items") or node
