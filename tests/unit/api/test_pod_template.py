# SPDX-License-Identifier: Apache-2.0
"""The type of spec.podTemplate."""

import pytest
from pydantic import ValidationError

from exposedapp.api.meta import Json
from support.objects import spec_of


def test_a_pod_template_that_is_nested_too_deep_is_refused() -> None:
    def deep(levels: int) -> Json:
        nested: Json = {}
        for _ in range(levels):
            nested = {"a": nested}
        return spec_of(podTemplate={"spec": nested}).as_json()

    assert deep(90)
    with pytest.raises(ValidationError, match="nested deeper than 100 levels"):
        deep(10_000)
