# SPDX-License-Identifier: Apache-2.0
"""Quantities, as a Deployment takes them."""

from typing import Any

import pytest
from pydantic import ValidationError

from exposedapp.api.container import ResourceRequirements
from exposedapp.desired.diff import drift


@pytest.mark.parametrize(
    ("written", "applied"),
    [
        (0.5, "0.5"),
        (0.1, "0.1"),
        (1.0, "1.0"),
        (1e-7, "1e-07"),
        (2, 2),
        ("500m", "500m"),
        (".25Gi", ".25Gi"),
    ],
)
def test_a_quantity_is_a_number_or_a_text(written: Any, applied: int | str) -> None:
    """cloudnative-pg#1572: `cpu: 0.5` is what people write."""
    resources = ResourceRequirements.model_validate({"requests": {"cpu": written}})
    assert resources.as_json() == {"requests": {"cpu": applied}}


def test_a_number_is_no_drift_from_what_the_api_server_makes_of_it() -> None:
    resources = ResourceRequirements.model_validate({"requests": {"cpu": 0.1}}).as_json()
    assert list(drift(resources, {"requests": {"cpu": "100m"}})) == []


@pytest.mark.parametrize("written", [True, [], {"a": "b"}])
def test_anything_else_is_refused(written: Any) -> None:
    with pytest.raises(ValidationError, match="must be a number, or a text such as 500m or 64Mi"):
        ResourceRequirements.model_validate({"limits": {"cpu": written}})
