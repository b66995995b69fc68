"""Writes fields.md, every field of an ExposedApp on one page, from the CustomResourceDefinition.

python docs/generate_fields.py > docs/fields.md
"""

import json
import sys
from collections.abc import Iterator

from exposedapp.api import crd as crd
from exposedapp.api.meta import Json

HEADER = """\
<!-- Generated from operator/exposedapp/api/app.py by `make generate`; do not edit. -->

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
LONGEST_PATTERN = 40  # a longer one is no help to a reader
BAR = r"\|"  # what a table's cell has for |


def inner(node: Json) -> Json:
    """The schema of a list's items or a map's values; the node itself when it is neither."""
    found: Json = node.get("items") or node.get("additionalProperties") or node
    return found


def kind(node: Json, s: str = "") -> str:
    """The type in words; `s` makes it a plural."""
    if "enum" in node:
        return " or ".join(f"`{value}`" for value in node["enum"])
    if node.get("x-kubernetes-int-or-string"):
        return f"integer{s} or string{s}"
    if inner(node) is not node:
        collection = "list" if "items" in node else "map"
        return f"{collection}{s} of {kind(inner(node), 's')}"
    return f"{node['type']}{s}"


def limits(node: Json) -> Iterator[str]:
    """What a value must keep to, in words."""
    for least, most, unit in LIMITS:
        match node.get(least), node.get(most):
            case None, None:
                pass
            case None, high:
                yield f"up to {high}{unit}"
            case low, None:
                yield f"{low} or more{unit}"
            case low, high:
                yield f"{low} to {high}{unit}"
    if 0 < len(node.get("pattern", "")) <= LONGEST_PATTERN:
        yield f"matching `{node['pattern']}`"
    if inner(node) is not node:
        yield from (f"each {limit}" for limit in limits(inner(node)))


def rules(node: Json) -> Iterator[str]:
    """What the rules of a field, and of its items, say to those who break them."""
    for rule in node.get("x-kubernetes-validations", ()):
        yield f"Rule: {rule['message']}."
    if inner(node) is not node:
        yield from rules(inner(node))


def default(node: Json) -> str:
    """The default as it is written in YAML."""
    if "default" not in node:
        return ""
    value = node["default"]
    return f"`{value if isinstance(value, str) else json.dumps(value)}`"


def rows(node: Json, path: str, told: dict[str, str]) -> Iterator[dict[str, str]]:
    """A row for each field within an object. `told` has the objects so far, each told once."""
    for name, field in node["properties"].items():
        here, below = path + name, inner(field)
        shape = json.dumps([below.get("properties"), below.get("required")])
        first = told.setdefault(shape, here) if "properties" in below else here
        same = f" The fields are those of `{first}`." if first != here else ""
        yield {
            "Field": f"`{here}`",
            "Type": ", ".join([kind(field), *limits(field)]),
            "Default": "required" if name in node.get("required", ()) else default(field),
            "Meaning": "<br>".join([field["description"] + same, *rules(field)]),
        }
        if "properties" in below and first == here:
            yield from rows(below, f"{here}[]." if "items" in field else f"{here}.", told)


def table(node: Json, columns: list[str]) -> Iterator[str]:
    """The lines of a table of all fields within an object."""
    yield f"| {' | '.join(columns)} |"
    yield "|---" * len(columns) + "|"
    for row in rows(node, "", {}):
        yield f"| {' | '.join(row[column].replace('|', BAR) for column in columns)} |"


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
    sys.stdout.write(document())
