# SPDX-License-Identifier: Apache-2.0
"""Writes docs/fields.md: every field of an ExposedApp, from the CustomResourceDefinition."""

import json
from collections.abc import Iterator

from exposedapp.api import crd as crd
from exposedapp.api.meta import Json
from generated_page import ROOT, update

HEADER = """\
<!-- Generated from operator/exposedapp/api by `make generate`; do not edit. -->

# The fields of an ExposedApp

What `kubectl explain exposedapp --recursive` lists, on one page. `[]` stands for each item of a
list. The API server refuses what breaks a type, a limit or a rule, and says why."""
COLUMNS = {
    "spec": ["Field", "Type", "Default", "Meaning"],
    "status": ["Field", "Type", "Meaning"],
}
LIMITS = [
    ("minimum", "maximum", ""),
    ("minLength", "maxLength", " characters"),
    ("minItems", "maxItems", " items"),
    ("minProperties", "maxProperties", " entries"),
]
MAX_PATTERN_LENGTH = 40  # a longer one does not help a reader
ESCAPED_BAR = r"\|"  # | within a table's cell


def inner(node: Json) -> Json:
    """The schema of a list's items or a map's values; the node itself when it is neither."""
    schema: Json = node.get("items") or node.get("additionalProperties") or node
    return schema


def type_name(node: Json, s: str = "") -> str:
    """The type as text; `s` makes it a plural."""
    if "enum" in node:
        return " or ".join(f"`{value}`" for value in node["enum"])
    if node.get("x-kubernetes-int-or-string"):
        return f"integer{s} or string{s}"
    if inner(node) is not node:
        collection = "list" if "items" in node else "map"
        return f"{collection}{s} of {type_name(inner(node), 's')}"
    # Only a quantity has no type: none stands for a number or a text.
    return f"{node['type']}{s}" if "type" in node else f"number{s} or string{s}"


def limits(node: Json) -> Iterator[str]:
    """The limits of a value as text, such as `1 to 65535`."""
    for minimum, maximum, unit in LIMITS:
        match node.get(minimum), node.get(maximum):
            case None, None:
                pass
            case None, high:
                yield f"up to {high}{unit}"
            case low, None:
                yield f"{low} or more{unit}"
            case low, high:
                yield f"{low} to {high}{unit}"
    if 0 < len(node.get("pattern", "")) <= MAX_PATTERN_LENGTH:
        yield f"matching `{node['pattern']}`"
    if inner(node) is not node:
        yield from (f"each {limit}" for limit in limits(inner(node)))


def rules(node: Json) -> Iterator[str]:
    """The messages of the rules of a field and of its items."""
    for rule in node.get("x-kubernetes-validations", ()):
        yield f"Rule: {rule['message']}."
    if inner(node) is not node:
        yield from rules(inner(node))


def default(node: Json) -> str:
    """The default as YAML; empty when there is none."""
    if "default" not in node:
        return ""
    value = node["default"]
    return f"`{value if isinstance(value, str) else json.dumps(value)}`"


def rows(node: Json, path: str, described: dict[str, str]) -> Iterator[dict[str, str]]:
    """A row for each field of an object, at any depth.

    `described` has the path of each object so far by its shape: one that comes again is not
    described again.
    """
    for name, field in node["properties"].items():
        field_path, schema = path + name, inner(field)
        shape = json.dumps([schema.get("properties"), schema.get("required")])
        first = described.setdefault(shape, field_path) if "properties" in schema else field_path
        same = f" The fields are those of `{first}`." if first != field_path else ""
        yield {
            "Field": f"`{field_path}`",
            "Type": ", ".join([type_name(field), *limits(field)]),
            "Default": "required" if name in node.get("required", ()) else default(field),
            "Meaning": "<br>".join([field["description"] + same, *rules(field)]),
        }
        if "properties" in schema and first == field_path:
            prefix = f"{field_path}[]." if "items" in field else f"{field_path}."
            yield from rows(schema, prefix, described)


def table(node: Json, columns: list[str]) -> Iterator[str]:
    """The lines of a table of all fields of an object."""
    yield f"| {' | '.join(columns)} |"
    yield "|---" * len(columns) + "|"
    for row in rows(node, "", {}):
        yield f"| {' | '.join(row[column].replace('|', ESCAPED_BAR) for column in columns)} |"


def document() -> str:
    """The whole page."""
    (version,) = crd.definition()["spec"]["versions"]
    root = version["schema"]["openAPIV3Schema"]
    blocks = [HEADER, *rules(root)]
    for name, columns in COLUMNS.items():
        node = root["properties"][name]
        listed = "\n".join(f"- {rule}" for rule in rules(node))
        blocks += [f"## {name}", node["description"], listed, "\n".join(table(node, columns))]
    return "\n\n".join(filter(None, blocks)) + "\n"


if __name__ == "__main__":
    update(ROOT / "docs" / "fields.md", lambda _: document())
