# SPDX-License-Identifier: Apache-2.0
"""The admission webhook, installed by the chart: what kubectl says at once, and what without it."""

import base64
import json
import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from pytest_kind import KindCluster

from e2e.admission import (
    ADMISSION_NAME,
    CHILD_REFUSED_SPECS,
    apply,
    client_config,
    is_refused,
    is_replaced,
    warnings_of,
)
from e2e.conftest import OPERATOR_NAMESPACE, PODS, Operator, namespace_of
from e2e.releases import CHART, helm
from e2e.support import Json, Namespace, Refused, app, eventually
from exposedapp.admission.certificate import LIFETIME, RENEW_BEFORE_END, make_certificate

NAMESPACE_LABEL = "kubernetes.io/metadata.name"
DELAY_SECONDS = 3
"""timeoutSeconds of the webhook."""
OVER_LIMIT = {"requests": {"cpu": "2"}, "limits": {"cpu": "1"}}
WORDS = 'Deployment.apps "broken" is invalid'
BROKEN = app("broken", replicas=0, resources=OVER_LIMIT)


def install(cluster: KindCluster, *values: str) -> None:
    """Upgrade the release; its other values stay as they are."""
    sets = [f"--set-json={value}" for value in ("admission.enabled=true", *values)]
    waiting = ["--wait", "--timeout", "120s"]
    helm(cluster, "upgrade", "exposedapp", CHART, "--reset-then-reuse-values", *sets, *waiting)


@pytest.fixture(scope="module")
def admitting(cluster: KindCluster, operator: Operator) -> Iterator[Operator]:
    """The operator with its webhook; at the end without it, as other tests expect it."""
    install(cluster, 'admission.missingObjects=["ConfigMap","Secret","ServiceAccount"]')
    yield operator
    assert "forbidden: User" not in operator.logs()
    operator.install()


@pytest.fixture
def shop(cluster: KindCluster, admitting: Operator) -> Iterator[Namespace]:
    """A namespace whose apps are reviewed."""
    with namespace_of(cluster) as namespace:
        try:
            eventually(partial(is_refused, namespace, BROKEN, WORDS))
        except AssertionError:
            raise AssertionError(admitting.logs()) from None
        yield namespace


def reviews(cluster: KindCluster) -> int:
    """How many requests the replicas have answered."""
    operator = Namespace(cluster, OPERATOR_NAMESPACE)
    total = 0.0
    for name in operator.names("pods", PODS[1]):
        path = f"/api/v1/namespaces/{OPERATOR_NAMESPACE}/pods/{name}:8081/proxy/metrics"
        text = operator.kubectl("get", "--raw", path)
        counts = re.findall(r"^exposedapp_admission_requests_total\{.*\} (.+)$", text, re.MULTILINE)
        total += sum(map(float, counts))
    return round(total)


# --- refused --------------------------------------------------------------------------------------


def test_an_app_that_cannot_work_is_refused_in_the_api_server_s_words(shop: Namespace) -> None:
    with pytest.raises(Refused, match=r"must be less than or equal to cpu limit of 1") as refused:
        apply(shop, BROKEN)
    assert WORDS in str(refused.value)
    assert shop.names("xapp") == shop.names("deployment") == []
    assert apply(shop, app("broken", replicas=0)) == ""
    # And a change of one that works.
    with pytest.raises(Refused, match="must be less than or equal to cpu limit of 1"):
        apply(shop, BROKEN)
    assert shop.get("xapp", "broken")["spec"].get("resources") is None


@pytest.mark.parametrize(("spec", "words"), CHILD_REFUSED_SPECS)
def test_each_child_is_tried(shop: Namespace, spec: Json, words: str) -> None:
    with pytest.raises(Refused) as refused:
        apply(shop, app("web", replicas=0, **spec))
    assert words in str(refused.value)
    assert shop.names("xapp") == []


def test_what_a_policy_refuses_in_a_child_is_refused_in_the_app(shop: Namespace) -> None:
    metadata = {"name": f"test-admission-{shop.name}"}
    api = {"apiVersion": "admissionregistration.k8s.io/v1", "metadata": metadata}
    rule = {
        "apiGroups": ["apps"],
        "apiVersions": ["v1"],
        "operations": ["CREATE", "UPDATE"],
        "resources": ["deployments"],
    }
    selector = {"matchLabels": {NAMESPACE_LABEL: shop.name}}
    policy = {
        "matchConstraints": {"resourceRules": [rule], "namespaceSelector": selector},
        "validations": [{"expression": "object.spec.replicas < 3", "message": "too many"}],
    }
    binding = {"policyName": metadata["name"], "validationActions": ["Deny"]}
    shop.apply(
        {**api, "kind": "ValidatingAdmissionPolicy", "spec": policy},
        {**api, "kind": "ValidatingAdmissionPolicyBinding", "spec": binding},
    )
    try:
        eventually(partial(is_refused, shop, app("web", replicas=3), "too many"))
        assert apply(shop, app("web", replicas=0)) == ""
    finally:
        for kind in ("validatingadmissionpolicybinding", "validatingadmissionpolicy"):
            shop.kubectl("delete", kind, metadata["name"])


# --- warned ---------------------------------------------------------------------------------------


def test_a_node_port_that_is_taken_is_a_warning(shop: Namespace) -> None:
    apply(shop, app("first", replicas=0))
    eventually(lambda: shop.status("first")["ports"])
    port = shop.status("first")["ports"][0]["nodePort"]
    warned = apply(shop, app("second", replicas=0, ports=[{"port": 80, "nodePort": port}]))
    assert warned.startswith("Warning: NodePortConflict: ")
    assert "provided port is already allocated" in warned
    assert "Service first" in warned
    eventually(lambda: has_reason(shop, "second", "NodePortConflict"))


def has_reason(namespace: Namespace, name: str, reason: str) -> None:
    assert namespace.ready(name)["reason"] == reason


def test_objects_that_are_not_there_yet_are_warnings(shop: Namespace) -> None:
    spec: Json = {
        "replicas": 0,
        "envFrom": [{"configMapRef": {"name": "settings"}}, {"secretRef": {"name": "keys"}}],
        "podTemplate": {"spec": {"serviceAccountName": "robot"}},
    }
    warned = apply(shop, app("web", **spec))
    assert 'configmaps "settings" not found' in warned
    assert 'secrets "keys" not found' in warned
    assert 'serviceaccounts "robot" not found' in warned
    shop.kubectl("create", "configmap", "settings")
    shop.kubectl("create", "secret", "generic", "keys")
    shop.kubectl("create", "serviceaccount", "robot")
    assert apply(shop, app("other", **spec)) == ""


def test_a_full_quota_is_a_warning(shop: Namespace) -> None:
    shop.kubectl("create", "quota", "none", "--hard=count/services=0")

    def warns() -> None:
        assert "exceeded quota: none" in warnings_of(shop, app("web", replicas=0))

    eventually(warns)


def test_without_an_eligible_node_there_is_a_warning(shop: Namespace) -> None:
    nodes = {"selector": {"exposedapp.dev/no-such-label": "x"}}
    assert "NoEligibleNode: " in apply(shop, app("web", replicas=0, nodes=nodes))


def test_a_foreign_service_of_the_name_is_a_warning(shop: Namespace) -> None:
    shop.kubectl("create", "service", "clusterip", "web", "--tcp=80:80")
    assert "NotOwned: Service web already exists" in apply(shop, app("web", replicas=0))


# --- what is sent ---------------------------------------------------------------------------------


def test_only_changes_of_a_spec_are_reviewed(cluster: KindCluster, shop: Namespace) -> None:
    apply(shop, app("web", replicas=0))
    eventually(lambda: shop.status("web")["url"])
    before = reviews(cluster)
    shop.kubectl("label", "xapp/web", "team=blue")
    shop.kubectl("annotate", "xapp/web", "note=this")
    shop.kubectl("scale", "xapp/web", "--replicas=0")
    # A status is written, too.
    shop.kubectl("patch", "xapp/web", "--subresource=status", "--type=merge", "-p", '{"status":{}}')
    shop.kubectl("delete", "xapp/web", "--wait=false")
    assert reviews(cluster) == before
    apply(shop, app("other", replicas=0))
    assert reviews(cluster) == before + 1


def test_other_namespaces_than_the_selected_ones_are_not_reviewed(
    cluster: KindCluster, shop: Namespace
) -> None:
    with namespace_of(cluster) as other:
        names = json.dumps({"matchLabels": {NAMESPACE_LABEL: shop.name}})
        install(cluster, f"admission.namespaceSelector={names}")
        try:
            eventually(partial(is_refused, shop, BROKEN, WORDS))
            eventually(partial(warnings_of, other, BROKEN))
        finally:
            install(cluster, "admission.namespaceSelector=null")


# --- the webhook is away --------------------------------------------------------------------------


def test_without_the_operator_an_app_is_accepted_and_told_later(
    admitting: Operator, shop: Namespace
) -> None:
    admitting.stop()
    try:
        start = time.monotonic()
        assert apply(shop, BROKEN) == ""
        # The time of kubectl itself, and of a machine that is busy, comes on top.
        assert time.monotonic() - start < DELAY_SECONDS + 10
    finally:
        admitting.start()
    eventually(lambda: has_reason(shop, "broken", "InvalidSpec"))
    eventually(partial(is_refused, shop, {**BROKEN, "metadata": {"name": "next"}}, "is invalid"))


# --- the certificate ------------------------------------------------------------------------------


def put_secret(namespace: Namespace, **data: str | None) -> None:
    """Change the data of the operator's Secret; None removes a key."""
    changes = {
        key: None if text is None else base64.b64encode(text.encode()).decode()
        for key, text in data.items()
    }
    patch = json.dumps({"data": changes})
    namespace.kubectl("patch", "secret", ADMISSION_NAME, "--type=merge", "-p", patch)


def test_a_lost_certificate_is_made_again(cluster: KindCluster, shop: Namespace) -> None:
    operator = Namespace(cluster, OPERATOR_NAMESPACE)
    before = client_config(cluster)
    put_secret(operator, **dict.fromkeys(("tls.crt", "tls.key", "ca.crt", "token")))

    eventually(partial(is_replaced, cluster, before))
    eventually(partial(is_refused, shop, BROKEN, WORDS))


def test_a_certificate_is_renewed_before_its_end(cluster: KindCluster, shop: Namespace) -> None:
    operator = Namespace(cluster, OPERATOR_NAMESPACE)
    age = LIFETIME - RENEW_BEFORE_END + timedelta(hours=1)
    old, key = make_certificate(
        f"{ADMISSION_NAME}.{OPERATOR_NAMESPACE}.svc", datetime.now(UTC) - age
    )
    put_secret(operator, **{"tls.crt": old, "tls.key": key, "ca.crt": old})

    def is_renewed() -> None:
        secret = operator.get("secret", ADMISSION_NAME)["data"]
        trusted = base64.b64decode(secret["ca.crt"]).decode()
        assert base64.b64decode(secret["tls.crt"]).decode() != old
        assert old in trusted
        assert client_config(cluster)["caBundle"] == secret["ca.crt"]

    eventually(is_renewed)
    eventually(partial(is_refused, shop, BROKEN, WORDS))
    # Whichever replica answers.
    for _ in range(5):
        is_refused(shop, BROKEN, WORDS)
