"""Pure: what the API server would refuse of an ExposedApp, as far as that is known offline.

The schema is the one in the CustomResourceDefinition. Of its CEL rules those are here that people
run into; the API server has the last word.
"""

import re
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

from exposedapp.api import API_VERSION
from exposedapp.crd import NAME_RULE, schema
from exposedapp.schema import Json

NAME = re.compile(r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?")
PORT_NAME = re.compile(r"(?=.*[a-z])[a-z0-9]+(-[a-z0-9]+)*")
NODE_PORT_TYPES = (None, "NodePort", "LoadBalancer")
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
    found = list(_walk(app["spec"], _schema()["properties"]["spec"], "spec"))
    return found or [message for broken, message in SPEC_RULES if broken(app["spec"])]


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
    elif (rules := known.get("x-kubernetes-validations")) and not _is_port(value):
        yield f"{path}: {rules[0]['message']}"
    elif isinstance(value, str):
        yield from _scalar(value, known, path)


def _is_port(value: int | str) -> bool:
    """What the rule on a container's port says, the only one that a number or text has."""
    if isinstance(value, int):
        return 1 <= value <= 65535
    return len(value) <= 15 and PORT_NAME.fullmatch(value) is not None


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


# --- rules between fields -----------------------------------------------------------------------
# The messages are those of the CustomResourceDefinition; a test compares them.


def _service(spec: Json) -> Json:
    return spec.get("service") or {}


def _ports(spec: Json) -> list[Json]:
    return spec.get("ports") or []


def _repeated(values: list[Any]) -> bool:
    given = [it for it in values if it is not None]
    return any(given.count(it) > 1 for it in given)


SPEC_RULES: list[tuple[Callable[[Json], bool], str]] = [
    (
        lambda spec: (
            sum(
                it is not None
                for it in (
                    spec.get("image"),
                    spec.get("selector"),
                    _service(spec).get("externalName"),
                )
            )
            != 1
        ),
        "write exactly one of image (run it), selector (expose pods that already run) and "
        "service.externalName (a DNS name elsewhere)",
    ),
    (
        lambda spec: (
            (_service(spec).get("externalName") is not None)
            != (_service(spec).get("type") == "ExternalName")
        ),
        "service.externalName and service.type ExternalName go together: write both or neither",
    ),
    (
        lambda spec: not _ports(spec) and _service(spec).get("type") != "ExternalName",
        "ports is missing: write at least one, such as [{port: 80}]",
    ),
    (
        lambda spec: (
            _service(spec).get("type") not in NODE_PORT_TYPES
            and any(it.get("nodePort") for it in _ports(spec))
        ),
        "ports[].nodePort needs service.type NodePort or LoadBalancer: remove it, or change the "
        "type",
    ),
    (
        lambda spec: (
            _service(spec).get("type") not in NODE_PORT_TYPES
            and _service(spec).get("externalTrafficPolicy") is not None
        ),
        "service.externalTrafficPolicy needs service.type NodePort or LoadBalancer: remove it, or "
        "change the type",
    ),
    (
        lambda spec: len(_ports(spec)) > 1 and not all(it.get("name") for it in _ports(spec)),
        "every port needs a name when there is more than one: give each of ports[] a name",
    ),
    (
        lambda spec: _repeated([it.get("name") for it in _ports(spec)]),
        "two of ports[] have the same name: give each a name of its own",
    ),
]
