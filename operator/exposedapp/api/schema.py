# SPDX-License-Identifier: Apache-2.0
"""Building blocks of the resource's types: the common base class and pieces of schema. Pure."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, WithJsonSchema
from pydantic.alias_generators import to_camel

from exposedapp.api.meta import Json

MAX_PORT_NAME_LENGTH = 15
"""Of a container's port; a Service's port can have a DNS label."""


def int_or_string(**extra: Any) -> WithJsonSchema:
    """The schema of Kubernetes' IntOrString."""
    return WithJsonSchema(
        {
            "anyOf": [{"type": "integer"}, {"type": "string"}],
            "x-kubernetes-int-or-string": True,
            **extra,
        }
    )


def rules(*pairs: tuple[str, str]) -> Json:
    """CEL rules for a schema, from pairs of (rule, message)."""
    return {"x-kubernetes-validations": [{"rule": rule, "message": msg} for rule, msg in pairs]}


def map_list(*keys: str) -> Json:
    """Mark a list as merged by these keys in server-side apply, which refuses duplicates."""
    return {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": list(keys)}


def label_keys_rule(field: str, *more: tuple[str, str]) -> Json:
    """A rule that the keys of this map are label keys: a pattern cannot apply to keys, CEL can."""
    return rules(
        (
            "self.all(key, key.matches('^([A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?/)?"
            "[A-Za-z0-9]([A-Za-z0-9_.-]*[A-Za-z0-9])?$') "
            "&& key.size() - key.lastIndexOf('/') <= 64)",
            f"{field} has a key that no label can have: write [PREFIX/]NAME, NAME at most 63 "
            "of letters, digits, '-', '_' and '.'",
        ),
        *more,
    )


def any_object(**extra: Any) -> WithJsonSchema:
    """The schema of an object that only Kubernetes itself can check."""
    return WithJsonSchema({"type": "object", "x-kubernetes-preserve-unknown-fields": True, **extra})


# Up to Kubernetes 1.33 the cost of a rule is estimated without the maxLength of an int-or-string.
# A function whose cost grows with the text, such as matches() or the == of types, is then counted
# for 3 MiB, and the definition is refused. The cost of size(), charAt(), in and of comparisons with
# a constant is independent of the text. charAt(size()) is ''.
# Source: pkg/cel/schemas.go and pkg/cel/library/cost.go of k8s.io/apiserver v0.29 to v0.33
_POSITIONS = [*range(MAX_PORT_NAME_LENGTH)]
_HAS_NO_OTHER_CHARACTER = (
    f"{_POSITIONS}.all(i, i >= self.size() "
    "|| (self.charAt(i) >= 'a' && self.charAt(i) <= 'z') "
    "|| (self.charAt(i) >= '0' && self.charAt(i) <= '9') "
    "|| (self.charAt(i) == '-' && i > 0 && !(self.charAt(i + 1) in ['', '-'])))"
)
_HAS_A_LETTER = f"{_POSITIONS}.exists(i, i < self.size() && self.charAt(i) >= 'a')"

TargetPort = Annotated[
    int | str,
    int_or_string(
        maxLength=MAX_PORT_NAME_LENGTH,
        **rules(
            (
                "type(self) in [int] ? self >= 1 && self <= 65535 "
                f": {_HAS_NO_OTHER_CHARACTER} && {_HAS_A_LETTER}",
                "a container's port must be a number from 1 to 65535, or a container port's name "
                f"(at most {MAX_PORT_NAME_LENGTH} of a-z, 0-9 and single '-', with at least one "
                "letter)",
            )
        ),
    ),
]
"""A container's port: Kubernetes' IntOrString, with the limits of ports and port names."""


class Model(BaseModel):
    """Base of all types of the resource: camelCase in JSON, immutable in Python.

    Unknown fields are ignored: the API server prunes them, and `kubectl apply` names them.
    """

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, frozen=True)

    def as_json(self) -> Json:
        """The object as the user wrote it: the fields that were set, in camelCase."""
        return self.model_dump(mode="json", by_alias=True, exclude_unset=True)
