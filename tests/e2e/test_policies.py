# SPDX-License-Identifier: Apache-2.0
"""What the API server refuses in an ExposedApp, by the chart's ValidatingAdmissionPolicies."""

import json
import re
import subprocess
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
import yaml
from pytest_kind import KindCluster

from e2e.conftest import Operator, namespace_of
from e2e.support import ROOT, Json, Namespace, Refused, app, eventually

CHART = ROOT / "deploy" / "chart" / "exposedapp"
EXPOSEDAPPS = {
    "apiGroups": ["exposedapp.dev"],
    "resources": ["exposedapps", "exposedapps/scale"],
    "verbs": ["*"],
}
VERBS = ["create", "update", "delete"]
SERVICES = {"apiGroups": [""], "resources": ["services"], "verbs": VERBS}
DEPLOYMENTS = {"apiGroups": ["apps"], "resources": ["deployments"], "verbs": VERBS}
UPDATES = {"apiGroups": ["", "apps"], "resources": ["services", "deployments"], "verbs": ["update"]}
SCALE = {"apiGroups": ["apps"], "resources": ["deployments/scale"], "verbs": ["update"]}
NO_OWNER = {"apiVersion": "v1", "kind": "ConfigMap", "name": "gone", "uid": "gone"}
IMAGE: Json = app("web", replicas=0)
SELECTOR: Json = {**app("web"), "spec": {"selector": {"app": "web"}, "ports": [{"port": 80}]}}

# --- the rights of authors ------------------------------------------------------------------------


def user_of(namespace: Namespace) -> str:
    return f"user-of-{namespace.name}"


def user_with(namespace: Namespace, *rules: Json) -> str:
    """The name of a user who has these rights in the namespace."""
    user = user_of(namespace)
    metadata = {"name": "user", "namespace": namespace.name}
    group = "rbac.authorization.k8s.io"
    api = {"apiVersion": f"{group}/v1", "metadata": metadata}
    namespace.apply(
        {**api, "kind": "Role", "rules": list(rules)},
        {
            **api,
            "kind": "RoleBinding",
            "roleRef": {"apiGroup": group, "kind": "Role", "name": "user"},
            "subjects": [{"kind": "User", "name": user, "apiGroup": group}],
        },
    )
    return user


def apply_as(namespace: Namespace, user: str, body: Json) -> None:
    command = ["apply", "--dry-run=server", f"--as={user}", "-f", "-"]
    namespace.kubectl(*command, stdin=yaml.safe_dump(body))


def is_refused(namespace: Namespace, user: str, body: Json, words: str) -> None:
    assert words in refusal(namespace, user, body)


def refusal(namespace: Namespace, user: str, body: Json) -> str:
    """Why the API server refuses an app; empty when it accepts it."""
    try:
        apply_as(namespace, user, body)
    except Refused as refused:
        return str(refused)
    return ""


@pytest.mark.parametrize(
    ("rules", "body", "words"),
    [
        ([], IMAGE, "has no right to create services"),
        ([DEPLOYMENTS], IMAGE, "has no right to create services"),
        ([SERVICES], IMAGE, "has no right to create deployments.apps"),
        ([], SELECTOR, "has no right to create services"),
        ([{**SERVICES, "verbs": ["create"]}], SELECTOR, "has no right to update services"),
        (
            [SERVICES, {**DEPLOYMENTS, "verbs": ["create"]}],
            IMAGE,
            "has no right to update deployments.apps",
        ),
        ([SERVICES], SELECTOR, ""),
        ([SERVICES, DEPLOYMENTS], IMAGE, ""),
    ],
)
def test_authors_need_the_rights_that_the_app_uses(
    namespace: Namespace, rules: list[Json], body: Json, words: str
) -> None:
    user = user_with(namespace, EXPOSEDAPPS, *rules)
    if words:
        eventually(partial(is_refused, namespace, user, body, words))
    else:
        eventually(partial(apply_as, namespace, user, body))


def test_a_change_needs_them_too_but_not_one_of_metadata(namespace: Namespace) -> None:
    namespace.apply(SELECTOR)
    user = user_with(namespace, EXPOSEDAPPS, {**SERVICES, "verbs": ["create"]})
    eventually(partial(is_refused, namespace, user, IMAGE, "has no right to update services"))
    labelled = ["label", "xapp/web", "team=blue", f"--as={user}"]
    eventually(lambda: namespace.kubectl(*labelled))
    user_with(namespace, EXPOSEDAPPS, SERVICES)
    eventually(
        partial(is_refused, namespace, user, IMAGE, "has no right to create deployments.apps")
    )


def own(namespace: Namespace, user: str) -> None:
    """Give an app an owner that does not exist: with it the garbage collector deletes the app."""
    patch = json.dumps({"metadata": {"ownerReferences": [NO_OWNER]}})
    options = ["--type=merge", "--dry-run=server", f"--as={user}"]
    namespace.kubectl("patch", "xapp/web", *options, "-p", patch)


def test_who_takes_the_image_away_deletes_a_deployment(namespace: Namespace) -> None:
    namespace.apply(IMAGE)
    user = user_with(namespace, EXPOSEDAPPS, SERVICES, {**DEPLOYMENTS, "verbs": ["update"]})
    eventually(partial(apply_as, namespace, user, app("web", replicas=0, ports=[{"port": 81}])))
    is_refused(namespace, user, SELECTOR, "has no right to delete deployments.apps")
    user_with(namespace, EXPOSEDAPPS, SERVICES, {**DEPLOYMENTS, "verbs": ["delete"]})
    eventually(partial(apply_as, namespace, user, SELECTOR))


def delete_as(namespace: Namespace, user: str) -> None:
    namespace.kubectl("delete", "xapp/web", "--dry-run=server", f"--as={user}")


def scale_as(namespace: Namespace, user: str) -> None:
    namespace.kubectl("scale", "xapp/web", "--replicas=1", f"--as={user}")


@pytest.mark.parametrize(
    ("body", "rights", "action", "words"),
    [
        (IMAGE, [DEPLOYMENTS], delete_as, "has no right to delete services"),
        (IMAGE, [SERVICES], delete_as, "has no right to delete deployments.apps"),
        (SELECTOR, [SERVICES], delete_as, ""),
        (IMAGE, [SERVICES, DEPLOYMENTS], delete_as, ""),
        (IMAGE, [SERVICES, DEPLOYMENTS], scale_as, "has no right to update deployments.apps/scale"),
        (IMAGE, [SCALE], scale_as, ""),
        (IMAGE, [UPDATES, DEPLOYMENTS], own, "has no right to delete that: services"),
        (IMAGE, [SERVICES, UPDATES], own, "has no right to delete that: services, and"),
        (SELECTOR, [SERVICES], own, ""),
        (IMAGE, [SERVICES, DEPLOYMENTS], own, ""),
    ],
)
def test_who_deletes_or_scales_needs_the_rights_too(
    namespace: Namespace,
    body: Json,
    rights: list[Json],
    action: Callable[[Namespace, str], None],
    words: str,
) -> None:
    namespace.apply(body)
    user = user_with(namespace, EXPOSEDAPPS, *rights)
    if not words:
        eventually(partial(action, namespace, user))
        return

    def is_refused() -> None:
        with pytest.raises(Refused, match=re.escape(words)):
            action(namespace, user)

    eventually(is_refused)


def test_an_app_that_is_created_with_an_owner_is_deleted_with_it(namespace: Namespace) -> None:
    owned = {**IMAGE, "metadata": {"name": "web", "ownerReferences": [NO_OWNER]}}
    writes = ["create", "update"]
    rules = [{**SERVICES, "verbs": writes}, {**DEPLOYMENTS, "verbs": writes}]
    user = user_with(namespace, EXPOSEDAPPS, *rules)
    eventually(partial(apply_as, namespace, user, IMAGE))
    is_refused(namespace, user, owned, "has no right to delete that: services, and")
    user_with(namespace, EXPOSEDAPPS, SERVICES, DEPLOYMENTS)
    eventually(partial(apply_as, namespace, user, owned))


def test_edit_of_the_namespace_is_enough(namespace: Namespace) -> None:
    binding = ["rolebinding", "edit", "--clusterrole=edit", "--user=edith"]
    namespace.kubectl("create", *binding)
    eventually(partial(apply_as, namespace, "edith", IMAGE))
    namespace.apply(IMAGE)
    eventually(partial(scale_as, namespace, "edith"))
    delete_as(namespace, "edith")


# --- what the owner of the cluster allows ---------------------------------------------------------

POD_FIELDS: dict[str, Json] = {
    "hostPath": {"volumes": [{"name": "root", "hostPath": {"path": "/"}}]},
    "hostPort": {"containers": [{"name": "app", "ports": [{"containerPort": 80, "hostPort": 80}]}]},
    "hostNetwork": {"hostNetwork": True},
    "hostPID": {"hostPID": True},
    "hostIPC": {"hostIPC": True},
    "privileged": {"initContainers": [{"name": "init", "securityContext": {"privileged": True}}]},
    "nodeName": {"nodeName": "somewhere"},
    "serviceAccountName": {"serviceAccountName": "admin"},
}
POLICIES: Json = {
    "serviceTypes": ["NodePort", "LoadBalancer"],
    "nodePorts": {"first": 30100, "last": 30199},
    "hosts": ["apps.example.com"],
    "serviceAnnotations": {"limited": True, "allowed": ["example.com/zone"]},
    "selectors": False,
    "externalIPs": False,
    "forbiddenPodFields": list(POD_FIELDS),
}


def in_pod(**spec: Any) -> Json:
    return app("web", replicas=0, podTemplate={"spec": spec})


def with_annotation(name: str) -> Json:
    return app("web", replicas=0, service={"annotations": {name: "a"}})


def with_node_port(number: int) -> Json:
    return app("web", replicas=0, ports=[{"port": 80, "nodePort": number}])


def with_health_check_port(number: int) -> Json:
    policy = {"externalTrafficPolicy": "Local", "healthCheckNodePort": number}
    return app("web", replicas=0, service={"type": "LoadBalancer", **policy})


FORBIDDEN: dict[str, tuple[Json, str]] = {
    "a type": (app("web", service={"type": "ClusterIP"}), "only NodePort, LoadBalancer"),
    "a node port": (with_node_port(30200), "only 30100 to 30199"),
    "a health check's port": (with_health_check_port(30200), "only 30100 to 30199"),
    "a host": (app("web", nodes={"host": "other.example.com"}), "only apps.example.com"),
    "an annotation": (with_annotation("example.com/other"), "only example.com/zone"),
    "a selector": (SELECTOR, "only apps that run an image"),
    "an external IP": (app("web", service={"externalIPs": ["192.0.2.1"]}), "forbids external IPs"),
    "an old name": (in_pod(serviceAccount="admin"), "forbids serviceAccountName"),
    **{name: (in_pod(**spec), f"forbids {name}") for name, spec in POD_FIELDS.items()},
}
ALLOWED: dict[str, Json] = {
    "nothing special": IMAGE,
    "a type": app("web", replicas=0, service={"type": "LoadBalancer"}),
    "a node port": with_node_port(30199),
    "a health check's port": with_health_check_port(30199),
    "a host": app("web", replicas=0, nodes={"host": "apps.example.com"}),
    "an annotation": with_annotation("example.com/zone"),
    "a pod": in_pod(containers=[{"name": "app", "securityContext": {"privileged": False}}]),
}


def test_without_the_policies_all_of_it_is_accepted(namespace: Namespace) -> None:
    """Else the tests below would show nothing. It comes before the policies."""
    command = ["apply", "--dry-run=server", "-f", "-"]
    for body, _ in FORBIDDEN.values():
        namespace.kubectl(*command, stdin=yaml.safe_dump(body))


@pytest.fixture(scope="module")
def restricted(cluster: KindCluster, operator: Operator) -> Iterator[Namespace]:
    """A namespace while the cluster has all of the policies."""
    with namespace_of(cluster) as namespace:
        version = json.loads(namespace.kubectl("version", "-o", "json"))["serverVersion"]
        template = [str(ROOT / "build" / "bin" / "helm"), "template", "strict", str(CHART)]
        values = ["--kube-version", version["gitVersion"], "--set", "image.repository=unused"]
        values += ["--set-json"]
        values += [f"policies={json.dumps(POLICIES)}"]
        shown = ["--show-only", "templates/spec-policy.yaml"]
        rendered = subprocess.run([*template, *values, *shown], check=True, capture_output=True)
        manifest = rendered.stdout.decode()
        namespace.kubectl("apply", "-f", "-", stdin=manifest)
        try:
            admin = user_with(namespace, EXPOSEDAPPS, SERVICES, DEPLOYMENTS)
            eventually(partial(is_refused, namespace, admin, *FORBIDDEN["a selector"]))
            yield namespace
        finally:
            namespace.kubectl("delete", "-f", "-", stdin=manifest)


@pytest.mark.parametrize("case", FORBIDDEN)
def test_what_the_owner_forbids_is_refused(restricted: Namespace, case: str) -> None:
    is_refused(restricted, user_of(restricted), *FORBIDDEN[case])


@pytest.mark.parametrize("case", ALLOWED)
def test_what_the_owner_allows(restricted: Namespace, case: str) -> None:
    apply_as(restricted, user_of(restricted), ALLOWED[case])
