# SPDX-License-Identifier: Apache-2.0
"""The CustomResourceDefinition, generated from the types in app.py.

`python -m exposedapp.api.crd` prints it. A test compares the copy in the Helm chart with it.
"""

import sys
from typing import Any

import yaml

from exposedapp.api.app import ExposedApp
from exposedapp.api.meta import GROUP, KIND, PLURAL, VERSION, Json

# metadata.name becomes the Service's name, and through it a DNS label (RFC 1035).
NAME_RULE = {
    "rule": "self.metadata.name.size() <= 63 "
    "&& self.metadata.name.matches('^[a-z]([-a-z0-9]*[a-z0-9])?$')",
    "message": "metadata.name becomes the name of a Service: at most 63 of a-z, 0-9 and '-', "
    "starting with a letter and ending with a letter or digit",
}

PRINTER_COLUMNS: list[Json] = [
    {
        "name": "URL",
        "type": "string",
        "jsonPath": ".status.url",
        "description": "The address to click.",
    },
    {
        "name": "Ready",
        "type": "string",
        "jsonPath": '.status.conditions[?(@.type=="Ready")].status',
        "description": "Whether the app can be reached as its spec says.",
    },
    {
        "name": "Reason",
        "type": "string",
        "jsonPath": '.status.conditions[?(@.type=="Ready")].reason',
        "description": "Why it is ready or not.",
    },
    {
        "name": "Replicas",
        "type": "integer",
        "jsonPath": ".status.replicas",
        "description": "Pods that exist now.",
    },
    {
        "name": "Nodes",
        "type": "integer",
        "priority": 1,
        "jsonPath": ".status.nodes.listed",
        "description": "Nodes whose addresses are in status.urls.",
    },
    {"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"},
]


def structural(node: Any, defs: Json, *, in_list: bool = False) -> Any:
    """Pydantic's JSON schema in Kubernetes' structural form.

    References are resolved, `X or null` becomes X (an absent field means the same), and keywords
    that the API server does not know are dropped. So are defaults within the items of a list, which
    only the operator fills in: docs/decisions/0019-no-defaults-in-list-items.md.

    Source: https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#specifying-a-structural-schema
    """
    if isinstance(node, list):
        return [structural(item, defs, in_list=in_list) for item in node]
    if not isinstance(node, dict):
        return node
    node = dict(node)
    if "$ref" in node:
        node = {**defs[node.pop("$ref").removeprefix("#/$defs/")], **node}
    if "x-kubernetes-int-or-string" not in node and "anyOf" in node:
        (only,) = (option for option in node.pop("anyOf") if option != {"type": "null"})
        return structural({**only, **node}, defs, in_list=in_list)
    if "const" in node:
        node["enum"] = [node.pop("const")]
    if in_list or node.get("default", ...) is None:
        node.pop("default", None)
    elif isinstance(node.get("default"), dict):
        node["default"] = {
            key: value for key, value in node["default"].items() if value is not None
        }
    properties = node.pop("properties", None)
    result = {
        key: value
        if key.startswith("x-") or key == "default"
        else structural(value, defs, in_list=in_list or key == "items")
        for key, value in node.items()
        if key != "title"
    }
    if properties is not None:
        result["properties"] = {
            name: structural(sub, defs, in_list=in_list) for name, sub in properties.items()
        }
    return result


def schema() -> Json:
    """The openAPIV3Schema of an ExposedApp."""
    generated = ExposedApp.model_json_schema(by_alias=True)
    root: Json = structural(
        {key: value for key, value in generated.items() if key != "$defs"},
        generated.get("$defs", {}),
    )
    root["properties"] = {
        "apiVersion": {"type": "string", "description": "Version of this schema."},
        "kind": {"type": "string", "description": "Kind of the object: ExposedApp."},
        "metadata": {"type": "object"},
        **root["properties"],
    }
    root["x-kubernetes-validations"] = [NAME_RULE]
    return root


def definition() -> Json:
    """The whole CustomResourceDefinition."""
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{PLURAL}.{GROUP}"},
        "spec": {
            "group": GROUP,
            "scope": "Namespaced",
            "names": {
                "kind": KIND,
                "listKind": f"{KIND}List",
                "plural": PLURAL,
                "singular": KIND.lower(),
                "shortNames": ["xapp"],
                "categories": ["all"],
            },
            "versions": [
                {
                    "name": VERSION,
                    "served": True,
                    "storage": True,
                    "additionalPrinterColumns": PRINTER_COLUMNS,
                    "subresources": {
                        "status": {},
                        "scale": {
                            "specReplicasPath": ".spec.replicas",
                            "statusReplicasPath": ".status.replicas",
                            "labelSelectorPath": ".status.selector",
                        },
                    },
                    "schema": {"openAPIV3Schema": schema()},
                }
            ],
        },
    }


def render() -> str:
    """The definition as YAML, as it is in the Helm chart."""
    header = "# Generated from operator/exposedapp/api by `make generate`; do not edit.\n"
    return header + yaml.safe_dump(definition(), sort_keys=False, width=100)


if __name__ == "__main__":
    sys.stdout.write(render())
