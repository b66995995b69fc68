"""What the chart's roles allow the operator, and what its requests need."""

from fnmatch import fnmatchcase
from pathlib import Path

import yaml

TEMPLATES = Path(__file__).parents[2] / "deploy" / "chart" / "exposedapp" / "templates"
ROLES = ("clusterrole.yaml", "role.yaml")

PLURALS = {
    "Deployment": "deployments",
    "Service": "services",
    "ExposedApp": "exposedapps",
    "Event": "events",
}

Right = tuple[str, str]
"""(verb, resource)"""


def rules() -> list[dict[str, list[str]]]:
    """Read from the templates themselves: in their rules there is nothing for Helm to fill in."""
    texts = [(TEMPLATES / role).read_text() for role in ROLES]
    lists = [text[text.index("\nrules:") :].partition("\n{{-")[0] for text in texts]
    return [rule for text in lists for rule in yaml.safe_load(text)["rules"]]


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
    if verb in ("pods", "services", "events"):
        return {("list", verb)}
    resource = PLURALS[about]
    if verb == "apply":
        return {("create", resource), ("patch", resource)}
    return {(verb, resource)}
