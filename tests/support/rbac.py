"""What the chart's ClusterRole allows the operator, and what its requests need."""

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


def allowed() -> set[Right]:
    """Read from the template itself: in its rules there is nothing for Helm to fill in."""
    text = ROLE.read_text()
    rules = yaml.safe_load(text[text.index("\nrules:") :])["rules"]
    return {
        (verb, resource)
        for rule in rules
        for verb in rule["verbs"]
        for resource in rule["resources"]
    }


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
