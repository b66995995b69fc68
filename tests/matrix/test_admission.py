# SPDX-License-Identifier: Apache-2.0
"""The admission webhook on every version, called by a real API server."""

import json
from functools import partial

import pytest

from e2e.admission import (
    ADMISSION_NAME,
    CHILD_REFUSED_SPECS,
    client_config,
    is_refused,
    is_replaced,
    refusal,
    warnings_of,
)
from e2e.support import Json, Namespace, app, eventually
from matrix.conftest import OPERATOR_NAMESPACE, REVIEWED, Operator

BROKEN = app("broken", resources={"requests": {"cpu": "2"}, "limits": {"cpu": "1"}})


SETTINGS = {"configMapRef": {"name": "settings"}}


@pytest.fixture
def shop(operator: Operator, namespace: Namespace) -> Namespace:
    """A namespace whose apps are reviewed."""
    labels = [f"{key}={value}" for key, value in REVIEWED.items()]
    namespace.kubectl("label", "namespace", namespace.name, *labels)
    try:
        eventually(partial(is_refused, namespace, BROKEN, "cpu limit of 1"))
    except AssertionError:
        raise AssertionError(operator.log.read_text()) from None
    return namespace


@pytest.mark.parametrize(("spec", "words"), CHILD_REFUSED_SPECS)
def test_what_cannot_work_is_refused(shop: Namespace, spec: Json, words: str) -> None:
    is_refused(shop, app("web", **spec), words)


def test_nothing_is_stored(shop: Namespace) -> None:
    """Neither of an app that is refused, nor by the dry run of one that is accepted."""
    assert refusal(shop, app("web")) == ""
    for kind in ("xapp", "deployment", "service"):
        assert shop.names(kind) == []


def test_an_app_that_works_is_accepted_and_so_is_its_change(shop: Namespace) -> None:
    ports = [{"name": "a", "port": 80, "nodePort": 30180}, {"name": "b", "port": 81}]
    shop.apply(app("web", ports=ports))
    eventually(lambda: shop.status("web")["ports"][1]["nodePort"])
    other = shop.status("web")["ports"][1]["nodePort"]
    swapped = [{**ports[0], "nodePort": other}, {**ports[1], "nodePort": 30180}]
    assert refusal(shop, app("web", ports=swapped)) == ""
    assert refusal(shop, app("web", service={"type": "ClusterIP"})) == ""
    is_refused(shop, {**BROKEN, "metadata": {"name": "web"}}, "cpu limit of 1")
    shop.kubectl("delete", "xapp/web", "service/web", "deployment/web")


def test_a_warning_is_printed(shop: Namespace) -> None:
    shop.kubectl("create", "service", "nodeport", "other", "--tcp=80:80", "--node-port=30190")
    nowhere = {"selector": {"zone": "nowhere"}}
    ports = [{"port": 80, "nodePort": 30190}]
    body = app("web", ports=ports, envFrom=[SETTINGS], nodes=nowhere)
    text = warnings_of(shop, body)
    assert "Warning: NodePortConflict: " in text
    assert "provided port is already allocated" in text
    assert "Node port 30190 belongs to Service other" in text
    assert 'configmaps "settings" not found' in text
    shop.kubectl("delete", "service", "other")
    shop.kubectl("create", "configmap", "settings")
    text = warnings_of(shop, body)
    assert text.startswith("Warning: NoEligibleNode: ")
    assert text.count("Warning: ") == 1


def test_a_full_quota_is_a_warning(shop: Namespace) -> None:
    quota = {"hard": {"count/services": "0"}}
    metadata = {"name": "none"}
    shop.apply({"apiVersion": "v1", "kind": "ResourceQuota", "metadata": metadata, "spec": quota})
    # The controller's part.
    status = json.dumps({"status": {**quota, "used": {"count/services": "0"}}})
    shop.kubectl("patch", "quota/none", "--subresource=status", "--type=merge", "-p", status)

    def is_warned() -> None:
        assert "Warning: QuotaExceeded: " in warnings_of(shop, app("web"))

    eventually(is_warned)


def test_what_is_to_be_adopted_is_accepted_and_what_is_not_is_a_warning(shop: Namespace) -> None:
    shop.kubectl("create", "deployment", "web", "--image=example.com/old:1")
    shop.kubectl("create", "service", "nodeport", "web", "--tcp=80:8080")
    assert "Warning: NotOwned: Deployment web already exists" in warnings_of(shop, app("web"))
    for kind in ("deployment", "service"):
        shop.kubectl("annotate", f"{kind}/web", "exposedapp.dev/adopt=true")
    assert "NotOwned" not in warnings_of(shop, app("web"))
    is_refused(shop, {**BROKEN, "metadata": {"name": "web"}}, "cpu limit of 1")
    assert "ownerReferences" not in shop.get("deployment", "web")["metadata"]


def test_a_lost_certificate_is_made_again(operator: Operator, shop: Namespace) -> None:
    before = client_config(operator.api_server)
    secret = Namespace(operator.api_server, OPERATOR_NAMESPACE)
    secret.kubectl("patch", f"secret/{ADMISSION_NAME}", "--type=merge", "-p", '{"data":null}')

    eventually(partial(is_replaced, operator.api_server, before))
    eventually(partial(is_refused, shop, BROKEN, "cpu limit of 1"))


def test_apps_of_other_namespaces_are_not_reviewed(shop: Namespace, namespace: Namespace) -> None:
    namespace.kubectl("label", "namespace", namespace.name, *(f"{key}-" for key in REVIEWED))

    def is_accepted() -> None:
        assert refusal(namespace, BROKEN) == ""

    eventually(is_accepted)
