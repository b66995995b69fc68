"""What the chart's ClusterRole allows the operator, and what its requests need."""

from fnmatch import fnmatchcase
from pathlib import Path

import yaml

ROLE = (
    Path(__file__).parents[2] / "deploy" / "chart" / "exposedapp" / "templates" / "clusterrole.yaml"
)

PLURALS = {
    "Deployment": "deployments",
    "Service": "services",
    "ExposedApp": "exposedapps",
    "Event": "events",
}

Right = tuple[str, str]
"""(verb, resource)"""


def rules() -> list[dict[str, list[str]]]:
    """Read from the template itself: in its rules there is nothing for Helm to fill in."""
    text = ROLE.read_text()
    parsed: list[dict[str, list[str]]] = yaml.safe_load(text[text.index("\nrules:") :])["rules"]
    return parsed


def allowed() -> set[Right]:
    """The rights on resources."""
    return {
        (verb, resource)
        for rule in rules()
        for verb in rule["verbs"]
        for resource in rule.get("resources", ())
    }


def may_get(path: str) -> bool:
    """Whether a path that is none of a resource may be read; a `*` stands for any end."""
    patterns = [url for rule in rules() for url in rule.get("nonResourceURLs", ())]
    return any(fnmatchcase(path, pattern) for pattern in patterns)


def needed(request: str) -> set[Right]:
    """What a request of this name (fake_cluster.py) needs."""
    verb, _, about = request.partition(" ")
    if request == "patch status":
        return {("patch", "exposedapps/status")}
    if verb in ("pods", "services"):
        return {("list", verb)}
    resource = PLURALS[about]
    if verb == "apply":
        return {("create", resource), ("patch", resource)}
    return {(verb, resource)}
