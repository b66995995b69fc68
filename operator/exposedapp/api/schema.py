"""Building blocks of the resource's types: the common base class and pieces of schema. Pure."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, WithJsonSchema
from pydantic.alias_generators import to_camel

from exposedapp.api.meta import Json


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


def label_keys_rule(field: str) -> Json:
    """A rule that the keys of this map are label keys: a pattern cannot apply to keys, CEL can."""
    return rules(
        (
            "self.all(key, key.matches('^([A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?/)?"
            "[A-Za-z0-9]([A-Za-z0-9_.-]*[A-Za-z0-9])?$') "
            "&& key.size() - key.lastIndexOf('/') <= 64)",
            f"{field} has a key that no label can have: write [PREFIX/]NAME, NAME at most 63 "
            "of letters, digits, '-', '_' and '.'",
        )
    )


def any_object(**extra: Any) -> WithJsonSchema:
    """The schema of an object that only Kubernetes itself can check."""
    return WithJsonSchema({"type": "object", "x-kubernetes-preserve-unknown-fields": True, **extra})


TargetPort = Annotated[
    int | str,
    int_or_string(
        maxLength=15,
        **rules(
            (
                "type(self) == int ? self >= 1 && self <= 65535 : "
                "self.matches('^[a-z0-9]+(-[a-z0-9]+)*$') && self.matches('[a-z]')",
                "a container's port must be a number from 1 to 65535, or a container port's name "
                "(at most 15 of a-z, 0-9 and single '-', with at least one letter)",
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
