# SPDX-License-Identifier: Apache-2.0
"""What the chart's roles allow the operator, and what its requests need."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path

import yaml
from aiohttp import web

TEMPLATES = Path(__file__).parents[2] / "deploy" / "chart" / "exposedapp" / "templates"
CLUSTER_RULES, LEASE_RULES, APP_RULES = "clusterrole.yaml", "role.yaml", "_rules.tpl"
ROLES = (CLUSTER_RULES, LEASE_RULES, APP_RULES)
RULES = re.compile(r"^(?:rules:|\{\{- define .*)\n((?:(?! *\{\{).*\n)+)", re.MULTILINE)
"""A list of rules, up to the next line of Helm's."""

PLURALS = {
    "Deployment": "deployments",
    "Service": "services",
    "ExposedApp": "exposedapps",
    "Event": "events",
}

Right = tuple[str, str]
"""(verb, resource)"""


def rules(roles: Sequence[str] = ROLES) -> list[dict[str, list[str]]]:
    """Read from the templates themselves: in their rules Helm fills in the Lease's name only."""
    rules = []
    for role in roles:
        match = RULES.search((TEMPLATES / role).read_text())
        assert match, role
        rules += yaml.safe_load(match[1])
    return rules


def allowed(roles: Sequence[str] = ROLES) -> set[Right]:
    """The rights on resources."""
    return {
        (verb, resource)
        for rule in rules(roles)
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


def right_of(request: web.Request) -> tuple[Right, str]:
    """The right that a request needs, and in which namespace; "" for the cluster as a whole.

    The right is ("get", path) where there is no resource.
    """
    parts = request.path.strip("/").split("/")
    resource_parts = parts[2:] if parts[0] == "api" else parts[3:]
    if not resource_parts:
        return ("get", request.path), ""
    namespace = ""
    if resource_parts[0] == "namespaces":
        namespace, resource_parts = resource_parts[1], resource_parts[2:]
    plural, name, subresource = (*resource_parts, "", "")[:3]
    verb = {"POST": "create", "PUT": "update"}.get(request.method, request.method.lower())
    if verb == "get" and not name:
        verb = "watch" if "watch" in request.query else "list"
    return (verb, f"{plural}/{subresource}" if subresource else plural), namespace


@dataclass
class NamespacedRights:
    """The rights of a release with watchNamespaces, which a test may change while it runs."""

    namespaces: set[str]
    """Where it has the Role for apps."""
    withheld: set[tuple[str, str]] = field(default_factory=set)
    """What that lacks: (resource, namespace)."""
    has_cluster_role: bool = True
    lease_namespace: str = "default"

    def allow(self, request: web.Request) -> bool:
        """Whether the API server would let a request pass."""
        right, namespace = right_of(request)
        if (right[1], namespace) in self.withheld:
            return False
        if right[1].startswith("/"):
            return True  # by the role system:discovery, which every account has
        roles = [CLUSTER_RULES] if self.has_cluster_role else []
        roles += [APP_RULES] if namespace in self.namespaces else []
        roles += [LEASE_RULES] if namespace == self.lease_namespace else []
        return right in allowed(roles)
