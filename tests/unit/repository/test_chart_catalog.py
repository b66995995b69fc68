# SPDX-License-Identifier: Apache-2.0
"""The catalog in the chart: off by default, rights of its own, apart from the operator."""

from typing import Any

from support.helm import one, render

NAME = "exposedapp-catalog"


def catalog(*sets: str) -> list[dict[str, Any]]:
    """Its objects."""
    objects = render("catalog.enabled=true", *sets)
    return [body for body in objects if body["metadata"]["name"] == NAME]


def test_it_is_off_by_default() -> None:
    assert [body for body in render() if "catalog" in body["metadata"]["name"]] == []


def test_its_account_reads_exposedapps_and_nothing_else() -> None:
    objects = catalog()
    assert one(objects, "ClusterRole")["rules"] == [
        {
            "apiGroups": ["exposedapp.dev"],
            "resources": ["exposedapps"],
            "verbs": ["get", "list", "watch"],
        }
    ]
    binding = one(objects, "ClusterRoleBinding")
    assert binding["roleRef"]["name"] == NAME
    [subject] = binding["subjects"]
    assert subject == {"kind": "ServiceAccount", "name": NAME, "namespace": "somewhere"}
    for body in render("catalog.enabled=true"):
        names = [each["name"] for each in body.get("subjects", [])]
        assert NAME not in names or body["metadata"]["name"] == NAME


def test_without_rbac_it_has_no_roles() -> None:
    kinds = {body["kind"] for body in catalog("rbac.create=false")}
    assert kinds == {"ServiceAccount", "Service", "Deployment"}


def test_its_pod_is_restricted_and_runs_the_catalog() -> None:
    pod = one(catalog(), "Deployment")["spec"]["template"]["spec"]
    operator = one(render(), "Deployment")["spec"]["template"]["spec"]
    [container] = pod["containers"]
    assert pod["serviceAccountName"] == NAME
    assert pod["securityContext"] == operator["securityContext"]
    assert container["securityContext"] == operator["containers"][0]["securityContext"]
    assert container["image"] == operator["containers"][0]["image"]
    assert container["command"] == ["python3", "-m", "exposedapp.catalog"]
    assert container["args"] == ["--address="]


def test_what_selects_the_operator_does_not_select_it() -> None:
    objects = render(
        "catalog.enabled=true",
        "networkPolicy.enabled=true",
        'podLabels={"app.kubernetes.io/name": "other"}',
    )
    labels = one(objects, "Deployment", NAME)["spec"]["template"]["metadata"]["labels"]
    selectors = {}
    for body in objects:
        spec = body.get("spec", {})
        selector = spec.get("selector") or spec.get("podSelector") or {}
        selectors[body["kind"], body["metadata"]["name"]] = selector.get("matchLabels", selector)
    matching = {
        key
        for key, selector in selectors.items()
        if selector and selector.items() <= labels.items()
    }
    assert matching == {("Deployment", NAME), ("Service", NAME), ("NetworkPolicy", NAME)}
    policy = one(objects, "NetworkPolicy", NAME)["spec"]
    assert policy["policyTypes"] == ["Egress"]
    assert policy["egress"] == one(objects, "NetworkPolicy", "exposedapp")["spec"]["egress"][:2]
    service = one(objects, "Service", NAME)
    assert service["spec"].get("type", "ClusterIP") == "ClusterIP"


def test_two_releases_do_not_meet() -> None:
    names = [
        {
            (body["kind"], body["metadata"]["name"])
            for body in render("catalog.enabled=true", release=release)
        }
        for release in ("one", "two")
    ]
    catalogs = [{key for key in each if "catalog" in key[1]} for each in names]
    assert len(catalogs[0]) == 5
    assert not catalogs[0] & catalogs[1]
