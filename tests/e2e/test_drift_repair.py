# SPDX-License-Identifier: Apache-2.0
"""Whatever happens to the operator or to the children: all is as the spec says again."""

import pytest

from e2e.conftest import Operator
from e2e.support import Json, Namespace, Refused, app, eventually


def children(namespace: Namespace, name: str) -> tuple[Json, Json]:
    return namespace.get("deployment", name), namespace.get("service", name)


def test_repaired_after_the_operator_was_away(namespace: Namespace, operator: Operator) -> None:
    namespace.apply(app("solid", replicas=1))
    port = namespace.wait_ready("solid")["status"]["ports"][0]["nodePort"]
    operator.stop()
    try:
        namespace.kubectl("set", "image", "deployment/solid", "app=exposedapp/other:dev")
        namespace.kubectl("delete", "service", "solid")
    finally:
        operator.start()

    def repaired() -> None:
        deployment, service = children(namespace, "solid")
        template = deployment["spec"]["template"]["spec"]
        assert template["containers"][0]["image"] == "localhost/exposedapp/demo:dev"
        assert service["spec"]["ports"][0]["nodePort"] == port

    eventually(repaired)
    namespace.wait_ready("solid")


def test_repaired_at_once(namespace: Namespace) -> None:
    namespace.apply(app("quick"))
    port = namespace.wait_ready("quick")["status"]["ports"][0]["nodePort"]
    namespace.kubectl("delete", "service", "quick")
    namespace.kubectl("scale", "deployment/quick", "--replicas=3")
    namespace.kubectl("label", "deployment/quick", "exposedapp.dev/name-")

    def repaired() -> None:
        deployment, service = children(namespace, "quick")
        assert service["spec"]["ports"][0]["nodePort"] == port
        assert deployment["spec"]["replicas"] == 1
        assert deployment["metadata"]["labels"]["exposedapp.dev/name"] == "quick"

    eventually(repaired)
    namespace.kubectl("delete", "deployment", "quick")
    eventually(lambda: namespace.get("deployment", "quick"), deadline=30)
    namespace.wait_ready("quick")


def test_what_others_add_stays(namespace: Namespace) -> None:
    namespace.apply(app("shared"))
    namespace.wait_ready("shared")
    namespace.kubectl("label", "service/shared", "team=blue")
    namespace.kubectl("annotate", "deployment/shared", "note=kept")
    namespace.kubectl("scale", "xapp/shared", "--replicas=2")
    eventually(lambda: _has_replicas(namespace, "shared", 2))
    deployment, service = children(namespace, "shared")
    assert service["metadata"]["labels"]["team"] == "blue"
    assert deployment["metadata"]["annotations"]["note"] == "kept"


def _has_replicas(namespace: Namespace, name: str, count: int) -> None:
    assert namespace.get("deployment", name)["spec"]["replicas"] == count


@pytest.mark.parametrize("kind", ["deployment", "service"])
def test_foreign_objects_are_left_alone(namespace: Namespace, kind: str) -> None:
    if kind == "deployment":
        namespace.kubectl("create", "deployment", "taken", "--image=localhost/exposedapp/demo:dev")
    else:
        namespace.kubectl("create", "service", "clusterip", "taken", "--tcp=80:80")
    before = namespace.get(kind, "taken")
    namespace.apply(app("taken"))

    def is_reported() -> None:
        ready = namespace.ready("taken")
        assert ready["reason"] == "NotOwned"
        assert f"{kind.capitalize()} taken already exists" in ready["message"]

    eventually(is_reported)
    after = namespace.get(kind, "taken")
    assert after["spec"] == before["spec"]
    assert after["metadata"]["labels"] == before["metadata"]["labels"]
    namespace.kubectl("delete", kind, "taken")
    namespace.wait_ready("taken", seconds=120)


def test_a_new_app_of_an_old_name(namespace: Namespace) -> None:
    """Children of the deleted app are still there when the new one comes."""
    namespace.apply(app("again", replicas=2))
    old = namespace.wait_ready("again")["metadata"]["uid"]
    namespace.kubectl("delete", "xapp", "again")
    namespace.apply(app("again"))
    new = namespace.wait_ready("again")["metadata"]["uid"]
    for child in children(namespace, "again"):
        assert child["metadata"]["ownerReferences"][0]["uid"] == new != old


def test_nothing_is_made_for_a_deleted_app(namespace: Namespace) -> None:
    namespace.apply(app("going"))
    namespace.wait_ready("going")
    namespace.kubectl("delete", "xapp", "going", "--cascade=foreground", "--timeout=60s")
    for kind in ("deployment", "service"):
        with pytest.raises(Refused, match="not found"):
            namespace.get(kind, "going")
