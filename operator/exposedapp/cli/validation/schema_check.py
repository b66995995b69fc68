"""Pure: what the API server would refuse of an ExposedApp, as far as that is known offline.

The schema and the rules are those in the CustomResourceDefinition; the API server has the last
word.
"""

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

from exposedapp.api.crd import NAME_RULE, schema
from exposedapp.api.meta import API_VERSION, Json
from exposedapp.cli.validation.cel_rules import broken, stored

NAME = re.compile(r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?")

TYPES: dict[str, tuple[type, str]] = {
    "object": (dict, "an object"),
    "array": (list, "a list"),
    "string": (str, "a text (in quotes)"),
    "integer": (int, "a whole number"),
    "boolean": (bool, "true or false"),
}


def problems(app: Json) -> list[str]:
    """All that is wrong, each as `field: what`."""
    if app.get("apiVersion") != API_VERSION:
        return [f"apiVersion: must be {API_VERSION}"]
    metadata = app.get("metadata")
    name = metadata.get("name") if isinstance(metadata, dict) else None
    if not isinstance(name, str) or not NAME.fullmatch(name):
        return [str(NAME_RULE["message"])]
    if app.get("spec") is None:
        return ["spec: is missing"]
    known = _schema()["properties"]["spec"]
    found = [*_walk(app["spec"], known, "spec"), *_image(app["spec"])]
    return found or list(broken(stored(app["spec"], known), known, "spec"))


def _image(spec: Any) -> Iterator[str]:
    """A blank in the image is refused later, by the pods: it is mostly one too many."""
    image = spec.get("image") if isinstance(spec, dict) else None
    if isinstance(image, str) and any(it.isspace() for it in image):
        yield f"spec.image: {image!r} has a blank in it, and no image's name has"


@cache
def _schema() -> Json:
    return schema()


def _walk(value: Any, known: Json, path: str) -> Iterator[str]:
    if value is None:
        return  # the API server drops it
    if known.get("x-kubernetes-int-or-string"):
        yield from _int_or_string(value, known, path)
        return
    kind, words = TYPES[known["type"]]
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        yield f"{path}: must be {words}"
    elif isinstance(value, dict):
        yield from _object(value, known, path)
    elif isinstance(value, list):
        yield from _list(value, known, path)
    else:
        yield from _scalar(value, known, path)


def _int_or_string(value: Any, known: Json, path: str) -> Iterator[str]:
    if isinstance(value, bool) or not isinstance(value, (int, str)):
        yield f"{path}: must be a whole number or a text"
    elif isinstance(value, str):
        yield from _scalar(value, known, path)


def _object(value: Json, known: Json, path: str) -> Iterator[str]:
    if known.get("x-kubernetes-preserve-unknown-fields"):
        return
    fields, others = known.get("properties", {}), known.get("additionalProperties")
    for key in known.get("required", ()):
        if value.get(key) is None:
            yield f"{path}.{key}: is missing"
    for key, inner in value.items():
        if key in fields:
            yield from _walk(inner, fields[key], f"{path}.{key}")
        elif others:
            yield from _walk(inner, others, f"{path}[{key}]")
        else:
            yield f"{path}.{key}: there is no such field; there are {', '.join(sorted(fields))}"


def _list(value: list[Any], known: Json, path: str) -> Iterator[str]:
    if len(value) < known.get("minItems", 0):
        yield f"{path}: must not be empty"
    if len(value) > known.get("maxItems", len(value)):
        yield f"{path}: has more than {known['maxItems']} items"
    seen: list[tuple[Any, ...]] = []
    for index, item in enumerate(value):
        if item is None:
            yield f"{path}[{index}]: is null"
        yield from _walk(item, known["items"], f"{path}[{index}]")
        keys = known.get("x-kubernetes-list-map-keys")
        if keys and isinstance(item, dict):
            fields = known["items"]["properties"]
            key = tuple(item.get(it, fields[it].get("default")) for it in keys)
            if key in seen:
                yield f"{path}[{index}]: has the same {' and '.join(keys)} as an earlier one"
            seen.append(key)


def _scalar(value: Any, known: Json, path: str) -> Iterator[str]:
    if "enum" in known and value not in known["enum"]:
        yield f"{path}: must be one of {', '.join(map(str, known['enum']))}, and is {value!r}"
    elif isinstance(value, str):
        if not known.get("minLength", 0) <= len(value) <= known.get("maxLength", len(value)):
            limits = f"{known.get('minLength', 0)} to {known.get('maxLength', 'any')}"
            yield f"{path}: must have {limits} characters"
        elif "pattern" in known and not re.search(known["pattern"], value):
            yield f"{path}: {value!r} does not match {known['pattern']}"
    elif not known.get("minimum", value) <= value <= known.get("maximum", value):
        yield f"{path}: must be from {known.get('minimum')} to {known.get('maximum')}"
