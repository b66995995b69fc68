# SPDX-License-Identifier: Apache-2.0
"""The chart's admission webhook: objects, rights, and what the operator is told of them."""

from typing import Any

import pytest

from exposedapp.admission.certificate_keeper import TLS_SUFFIX, WebhookNames
from exposedapp.admission.reviewer import DEADLINE_SECONDS
from exposedapp.settings import Settings
from support.helm import one, plain_environment, pod_spec, render, template, with_image

ON = "admission.enabled=true"
NAME = "exposedapp-admission"
CERT_MANAGER = (ON, "admission.certManager.enabled=true")
ROLES = {"Role", "ClusterRole"}


def environment(*sets: str) -> dict[str, Any]:
    [container] = pod_spec(*sets)["containers"]
    return plain_environment(container)


def webhook(*sets: str) -> dict[str, Any]:
    [only] = one(render(ON, *sets), "ValidatingWebhookConfiguration")["webhooks"]
    parsed: dict[str, Any] = only
    return parsed


def rights(*sets: str) -> list[tuple[str, list[str], list[str], list[str]]]:
    """(kind, resources, names, verbs) of the webhook's own roles."""
    return [
        (document["kind"], rule["resources"], rule.get("resourceNames", []), rule["verbs"])
        for document in render(ON, *sets)
        if document["kind"] in ROLES and document["metadata"]["name"] == NAME
        for rule in document["rules"]
    ]


def test_it_is_off_by_default() -> None:
    assert not [document for document in render() if "admission" in document["metadata"]["name"]]
    assert not [name for name in environment() if "ADMISSION" in name]


def test_only_what_changes_a_spec_is_sent_and_what_is_not_answered_is_accepted() -> None:
    hook = webhook()
    [rule] = hook["rules"]
    assert rule["operations"] == ["CREATE", "UPDATE"]
    assert rule["resources"] == ["exposedapps"]  # and neither status nor scale
    [condition] = hook["matchConditions"]
    assert condition["expression"] == "oldObject == null || object.spec != oldObject.spec"
    assert hook["failurePolicy"] == "Ignore"
    assert hook["sideEffects"] == "None"
    assert DEADLINE_SECONDS < hook["timeoutSeconds"] == 3
    assert "namespaceSelector" not in hook


def test_a_namespace_selector() -> None:
    selector = '{"matchLabels":{"team":"a"}}'
    hook = webhook(f"admission.namespaceSelector={selector}")
    assert hook["namespaceSelector"] == {"matchLabels": {"team": "a"}}


def test_the_service_leads_to_the_port_that_the_operator_opens() -> None:
    documents = render(ON, "admission.port=10250")
    service = one(documents, "Service", NAME)["spec"]
    assert service["ports"] == [{"name": "admission", "port": 443, "targetPort": "admission"}]
    pod = one(documents, "Deployment")["spec"]["template"]
    assert service["selector"].items() <= pod["metadata"]["labels"].items()
    [container] = pod["spec"]["containers"]
    assert {"name": "admission", "containerPort": 10250} in container["ports"]
    assert environment(ON, "admission.port=10250")["EXPOSEDAPP_ADMISSION_PORT"] == "10250"
    assert webhook()["clientConfig"]["service"] == {
        "name": NAME,
        "namespace": "somewhere",
        "port": 443,
    }


def test_the_operator_knows_its_objects() -> None:
    documents = render(ON, release="mine")
    name = "mine-exposedapp-admission"
    for kind in ("Service", "Secret", "ValidatingWebhookConfiguration"):
        assert one(documents, kind, name)
    [container] = one(documents, "Deployment")["spec"]["template"]["spec"]["containers"]
    assert {"name": "EXPOSEDAPP_ADMISSION_NAME", "value": name} in container["env"]
    # What the operator has written there must stay when the chart is upgraded.
    assert "data" not in one(documents, "Secret")


def test_a_long_release_name_fits() -> None:
    names = [document["metadata"]["name"] for document in render(ON, release="x" * 53)]
    assert {len(name) for name in names if name.endswith("-admission")} == {63}


def test_the_rights_are_for_exactly_its_objects() -> None:
    assert rights('admission.missingObjects=["ConfigMap","Secret"]') == [
        ("ClusterRole", ["validatingwebhookconfigurations"], [NAME], ["get", "update"]),
        ("ClusterRole", ["configmaps", "secrets"], [], ["get"]),
        ("Role", ["secrets"], [NAME], ["get", "update"]),
    ]
    assert rights("admission.missingObjects=[]") == [
        ("ClusterRole", ["validatingwebhookconfigurations"], [NAME], ["get", "update"]),
        ("Role", ["secrets"], [NAME], ["get", "update"]),
    ]


def test_secrets_are_read_only_where_that_was_asked_for() -> None:
    assert [right for right in rights() if right[0] == "ClusterRole"][1:] == [
        ("ClusterRole", ["configmaps", "serviceaccounts"], [], ["get"])
    ]
    assert environment(ON)["EXPOSEDAPP_ADMISSION_REFERENCES"] == "ConfigMap,ServiceAccount"


def test_the_environment_is_understood() -> None:
    given = environment(*CERT_MANAGER)
    assert given["EXPOSEDAPP_ADMISSION_CERTIFICATE"] == "given"
    assert environment(ON)["EXPOSEDAPP_ADMISSION_CERTIFICATE"] == "own"
    settings = Settings.model_validate(
        {
            name.removeprefix("EXPOSEDAPP_").lower(): value
            for name, value in given.items()
            if "ADMISSION" in name
        }
    )
    assert settings.admission_references == {"ConfigMap", "ServiceAccount"}


@pytest.mark.parametrize(
    ("sets", "issuer"),
    [
        ((), {"name": NAME}),
        (
            ('admission.certManager.issuerRef={"name":"corp","kind":"ClusterIssuer"}',),
            {"name": "corp", "kind": "ClusterIssuer"},
        ),
    ],
)
def test_cert_manager_makes_the_certificate(sets: tuple[str, ...], issuer: dict[str, str]) -> None:
    documents = render(*CERT_MANAGER, *sets)
    names = WebhookNames("somewhere", NAME, has_own_certificate=False)
    certificate = one(documents, "Certificate")["spec"]
    assert certificate["dnsNames"] == [names.dns_name]
    assert certificate["secretName"] == f"{NAME}{TLS_SUFFIX}"
    assert certificate["issuerRef"] == issuer
    assert len([each for each in documents if each["kind"] == "Issuer"]) == (not sets)
    annotations = one(documents, "ValidatingWebhookConfiguration")["metadata"]["annotations"]
    assert annotations == {"cert-manager.io/inject-ca-from": f"somewhere/{NAME}"}
    assert ("Role", ["secrets"], [f"{NAME}{TLS_SUFFIX}"], ["get"]) in rights(CERT_MANAGER[1])


def test_without_rbac_there_are_no_roles() -> None:
    documents = render(ON, "rbac.create=false")
    assert not [document for document in documents if document["kind"] in ROLES]


def test_the_network_policy_lets_the_api_server_in() -> None:
    policy = one(render(ON, "networkPolicy.enabled=true", "metrics.enabled=false"), "NetworkPolicy")
    assert policy["spec"]["ingress"] == [{"ports": [{"port": "admission"}]}]


@pytest.mark.parametrize(
    "value", ['admission.missingObjects=["Pod"]', "admission.port=0", "admission.on=true"]
)
def test_wrong_values_are_refused(value: str) -> None:
    assert template(*with_image(value)).returncode != 0


def test_an_operator_of_some_namespaces_has_no_webhook() -> None:
    done = template(*with_image(ON, 'watchNamespaces=["shop"]'))
    assert done.returncode != 0
    assert "leave watchNamespaces empty" in done.stderr
