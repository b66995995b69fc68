# SPDX-License-Identifier: Apache-2.0
"""Finds what the API server would refuse of an ExposedApp, as far as that is known offline. Pure.

The schema and the rules are those of the CustomResourceDefinition: jsonschema checks the one,
cel_rules.py the others. The API server has the last word.
"""

import re
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any

from jsonschema import Draft202012Validator, ValidationError
from jsonschema.validators import extend

from exposedapp.api.crd import NAME_RULE, schema
from exposedapp.api.meta import API_VERSION, Json
from exposedapp.cli.validation.cel_rules import broken_rules, with_defaults

NAME = re.compile(r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?")

TYPE_NAMES = {
    "object": "an object",
    "array": "a list",
    "string": "a text (in quotes)",
    "integer": "a whole number",
    "boolean": "true or false",
}


def find_problems(app: Json) -> list[str]:
    """All problems, each as `field: what is wrong`."""
    if app.get("apiVersion") != API_VERSION:
        return [f"apiVersion: must be {API_VERSION}"]
    metadata = app.get("metadata")
    name = metadata.get("name") if isinstance(metadata, dict) else None
    if not isinstance(name, str) or not NAME.fullmatch(name):
        return [str(NAME_RULE["message"])]
    if app.get("spec") is None:
        return ["spec: is missing"]
    problems = [*_schema_problems(app["spec"]), *_image_problems(app["spec"])]
    if problems:
        return problems  # the rules can only be applied to values of the right types
    stored = with_defaults(app["spec"], _spec_schema())
    return list(broken_rules(stored, _spec_schema(), "spec"))


def _schema_problems(spec: Any) -> list[str]:
    """One problem for each field: a text that is too long need not match the pattern, too."""
    problems: dict[str, str] = {}
    for error in _validator().iter_errors(spec):
        problems.setdefault(_format_path(error.absolute_path), _describe(error))
    return [f"{path}: {problem}" for path, problem in problems.items()]


def _image_problems(spec: Any) -> Iterator[str]:
    """The API server accepts an image with a blank, and the kubelet refuses it."""
    image = spec.get("image") if isinstance(spec, dict) else None
    if isinstance(image, str) and any(character.isspace() for character in image):
        yield f"spec.image: {image!r} contains a blank, which no image name may"


@cache
def _spec_schema() -> Json:
    spec_schema: Json = schema()["properties"]["spec"]
    return spec_schema


@cache
def _validator() -> Any:
    return _StructuralValidator(_spec_schema())


class _MapKey(str):
    """A key that the user chose, such as a label's, as a part of a path."""

    __slots__ = ()


def _format_path(parts: Iterable[int | str]) -> str:
    path = "spec"
    for part in parts:
        path += f"[{part}]" if isinstance(part, (int, _MapKey)) else f".{part}"
    return path


def _describe(error: ValidationError) -> str:
    """What is wrong, in words; the keywords below have written theirs themselves."""
    limit: Any = error.validator_value
    known = error.schema if isinstance(error.schema, dict) else {}
    match error.validator:
        case "type":
            return f"must be {TYPE_NAMES[limit]}" if error.instance is not None else "is null"
        case "anyOf":
            return "must be a whole number or a text"
        case "enum":
            return f"must be one of {', '.join(map(str, limit))}, and is {error.instance!r}"
        case "minLength" | "maxLength":
            lowest, highest = known.get("minLength", 0), known.get("maxLength", "any number of")
            return f"must have {lowest} to {highest} characters"
        case "minimum" | "maximum":
            return f"must be from {known.get('minimum')} to {known.get('maximum')}"
        case "minItems" | "minProperties":
            return "must not be empty"
        case "maxItems":
            return f"has more than {limit} items"
        case "maxProperties":
            return f"has more than {limit} entries"
        case "pattern":
            return f"{error.instance!r} does not match {limit}"
    return error.message


# --- Kubernetes' structural schemas ---------------------------------------------------------------
# They differ from JSON Schema: a field that is null counts as absent, a field that is not in the
# schema is unknown, and lists can have keys.
# Source: Kubernetes documentation, "Specifying a structural schema", "Defaulting and Nullable".


def _properties(
    validator: Any, properties: Json, instance: Any, known: Json
) -> Iterator[ValidationError]:
    if not isinstance(instance, dict):
        return
    accepts_others = (
        "additionalProperties" in known or "x-kubernetes-preserve-unknown-fields" in known
    )
    for name, value in instance.items():
        if name in properties:
            if value is not None:
                yield from validator.descend(value, properties[name], path=name, schema_path=name)
        elif not accepts_others:
            fields = ", ".join(sorted(properties))
            message = f"there is no such field; there are {fields}"
            yield ValidationError(message, path=(str(name),))


def _additional_properties(
    validator: Any, values: Json, instance: Any, known: Json
) -> Iterator[ValidationError]:
    if not isinstance(instance, dict):
        return
    for name, value in instance.items():
        if name not in known.get("properties", {}) and value is not None:
            yield from validator.descend(value, values, path=_MapKey(name))


def _required(_: Any, required: list[str], instance: Any, __: Json) -> Iterator[ValidationError]:
    if not isinstance(instance, dict):
        return
    for name in required:
        if instance.get(name) is None:
            yield ValidationError("is missing", path=(name,))


def _list_map_keys(
    _: Any, keys: list[str], instance: Any, known: Json
) -> Iterator[ValidationError]:
    if not isinstance(instance, list):
        return
    fields = known["items"]["properties"]
    seen: list[list[Any]] = []
    for index, item in enumerate(instance):
        if not isinstance(item, dict):
            continue
        values = [item.get(key, fields[key].get("default")) for key in keys]
        if values in seen:
            message = f"has the same {' and '.join(keys)} as an earlier one"
            yield ValidationError(message, path=(index,))
        seen.append(values)


def _is_integer(_: object, instance: object) -> bool:
    """JSON Schema counts 1.0 as an integer, the API server does not."""
    return isinstance(instance, int) and not isinstance(instance, bool)


_StructuralValidator = extend(
    Draft202012Validator,
    validators={
        "properties": _properties,
        "additionalProperties": _additional_properties,
        "required": _required,
        "x-kubernetes-list-map-keys": _list_map_keys,
    },
    type_checker=Draft202012Validator.TYPE_CHECKER.redefine("integer", _is_integer),
)
