# SPDX-License-Identifier: Apache-2.0
"""Type of spec.podTemplate, whose fields only Kubernetes itself can check. Pure."""

from collections.abc import Iterable
from typing import Annotated, Any

from pydantic import Field, model_validator

from exposedapp.api.meta import Json
from exposedapp.api.schema import Model, any_object

MAX_DEPTH = 100
"""Levels of nesting in a podTemplate; the API server accepts ten thousand."""


class PodTemplate(Model):
    """A partial pod template."""

    @model_validator(mode="before")
    @classmethod
    def _limit_depth(cls, value: Any) -> Any:
        # Deeper nesting crashes some JSON libraries, and no schema can limit it.
        if _exceeds_depth(value, MAX_DEPTH):
            raise ValueError(f"nested deeper than {MAX_DEPTH} levels; no pod needs that")
        return value

    metadata: Annotated[Json, any_object()] | None = Field(
        default=None, description="Labels and annotations of the pods."
    )
    spec: Annotated[Json, any_object()] | None = Field(
        default=None,
        description="Anything that a pod's spec can have: volumes, more containers, pull secrets, "
        "service account, security context, node selector, spread.",
    )


def _exceeds_depth(value: Any, max_depth: int) -> bool:
    """Whether objects and lists are nested in more than `max_depth` levels below the value.

    Not recursive: the value may be nested deeper than Python's stack.
    """
    level = [value]
    for _ in range(max_depth + 1):
        level = [child for parent in level for child in _children(parent)]
    return any(isinstance(child, dict | list) for child in level)


def _children(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()
