# SPDX-License-Identifier: Apache-2.0
"""`exposedapp release` and `export`: the way out."""

import copy
from typing import Any

import pytest
import yaml

from exposedapp.api.meta import Json
from exposedapp.kube.errors import ApiError
from support.cli import APPS, HELLO, FakeKube, Run

DEPLOYMENT_PATH = "/apis/apps/v1/namespaces/shop/deployments/hello"
SERVICE_PATH = "/api/v1/namespaces/shop/services/hello"

APP = {**HELLO, "metadata": {**HELLO["metadata"], "uid": "u"}}

METADATA: Json = {
    "name": "hello",
    "namespace": "shop",
    "uid": "x",
    "resourceVersion": "7",
    "generation": 2,
    "creationTimestamp": "2026-01-01T00:00:00Z",
    "labels": {
        "exposedapp.dev/name": "hello",
        "app.kubernetes.io/name": "hello",
        "app.kubernetes.io/managed-by": "exposedapp",
        "team": "a",
    },
    "annotations": {
        "exposedapp.dev/desired-hash": "h",
        "exposedapp.dev/adopt": "true",
        "note": "mine",
    },
    "ownerReferences": [
        {
            "apiVersion": "exposedapp.dev/v1alpha1",
            "kind": "ExposedApp",
            "name": "hello",
            "uid": "u",
            "controller": True,
        }
    ],
    "managedFields": [
        {"manager": "exposedapp", "operation": "Apply", "fieldsV1": {"f:spec": {}}},
        {"manager": "kubectl", "operation": "Apply", "fieldsV1": {"f:metadata": {}}},
    ],
}

DEPLOYMENT: Json = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {
        **METADATA,
        "annotations": {**METADATA["annotations"], "deployment.kubernetes.io/revision": "3"},
    },
    "spec": {
        "replicas": 2,
        "progressDeadlineSeconds": 600,
        "revisionHistoryLimit": 10,
        "strategy": {
            "type": "RollingUpdate",
            "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"},
        },
        "selector": {"matchLabels": {"app": "hello"}},
        "template": {
            "metadata": {"labels": {"app": "hello"}, "creationTimestamp": None},
            "spec": {
                "containers": [
                    {
                        "name": "web",
                        "image": "demo:1",
                        "imagePullPolicy": "IfNotPresent",
                        "terminationMessagePath": "/dev/termination-log",
                        "terminationMessagePolicy": "File",
                        "resources": {},
                    }
                ],
                "restartPolicy": "Always",
                "dnsPolicy": "ClusterFirst",
                "securityContext": {},
                "schedulerName": "default-scheduler",
                "terminationGracePeriodSeconds": 30,
            },
        },
    },
    "status": {"replicas": 2},
}

SERVICE: Json = {
    "apiVersion": "v1",
    "kind": "Service",
    "metadata": METADATA,
    "spec": {
        "type": "NodePort",
        "selector": {"app": "hello"},
        "clusterIP": "10.96.0.9",
        "clusterIPs": ["10.96.0.9"],
        "ipFamilies": ["IPv4"],
        "ipFamilyPolicy": "SingleStack",
        "sessionAffinity": "None",
        "externalTrafficPolicy": "Cluster",
        "internalTrafficPolicy": "Cluster",
        "ports": [{"port": 80, "targetPort": 80, "nodePort": 30008, "protocol": "TCP"}],
    },
}


@pytest.fixture
def shop(kube: FakeKube) -> FakeKube:
    kube.set_app(APP, APP, None)  # read, deleted, no longer there
    kube.responses |= {DEPLOYMENT_PATH: DEPLOYMENT, SERVICE_PATH: SERVICE}
    return kube


def changes(kube: FakeKube) -> list[tuple[str, str, Any]]:
    return [
        (method, path.partition("?")[0], body)
        for method, path, body in kube.requests
        if method != "GET"
    ]


def test_the_app_is_deleted_without_its_children_and_these_are_cleaned(
    run: Run, shop: FakeKube
) -> None:
    result = run("release", "hello")
    assert result.exit_code == 0, result.stderr
    assert result.stdout == (
        "deployment/hello released\nservice/hello released\nexposedapp/hello deleted\n"
    )
    (_, deleted, options), deployment, service = changes(shop)
    assert deleted == f"{APPS}/hello"
    assert options == {"preconditions": {"uid": "u"}, "propagationPolicy": "Orphan"}
    for (_, path, body), expected in ((deployment, DEPLOYMENT_PATH), (service, SERVICE_PATH)):
        assert path == expected
        assert body.keys() == {"metadata"}
        metadata = body["metadata"]
        assert metadata["ownerReferences"] == []
        assert metadata["labels"] == dict.fromkeys(
            ["exposedapp.dev/name", "app.kubernetes.io/name", "app.kubernetes.io/managed-by"]
        )
        assert metadata["annotations"] == dict.fromkeys(
            ["exposedapp.dev/desired-hash", "exposedapp.dev/adopt"]
        )
        assert [entry["manager"] for entry in metadata["managedFields"]] == ["kubectl"]
        assert metadata["resourceVersion"] == "7"


def test_children_are_cleaned_only_once_the_app_is_gone(run: Run, shop: FakeKube) -> None:
    """The operator would take them back."""
    shop.set_app(APP, APP, APP, None)
    assert run("release", "hello").exit_code == 0
    paths = [path for method, path, _ in shop.requests]
    first_child = next(index for index, path in enumerate(paths) if "deployments" in path)
    assert (
        sum(path == f"{APPS}/hello" for path in paths[:first_child]) == 4
    )  # read, deleted, polled twice


def test_an_app_with_another_finalizer_is_reported(run: Run, shop: FakeKube) -> None:
    metadata = {**APP["metadata"], "finalizers": ["keep.example/it"]}
    shop.set_app({**APP, "metadata": metadata})
    result = run("release", "hello", "--timeout", "0")
    assert result.exit_code == 4
    assert "its finalizers are keep.example/it" in result.stderr


def with_metadata(body: Json, **metadata: Any) -> Json:
    return {**body, "metadata": {**body["metadata"], **metadata}}


def test_an_app_of_the_name_may_never_adopt_what_its_owner_withholds(
    run: Run, shop: FakeKube
) -> None:
    """The annotation is the object's owner's, not the app's: docs/ownership.md."""
    annotations = {**METADATA["annotations"], "exposedapp.dev/adopt": "false"}
    shop.responses[DEPLOYMENT_PATH] = with_metadata(DEPLOYMENT, annotations=annotations)
    assert run("release", "hello").exit_code == 0
    removed = {path: set(body["metadata"]["annotations"]) for _, path, body in changes(shop)[1:]}
    assert removed == {
        DEPLOYMENT_PATH: {"exposedapp.dev/desired-hash"},
        SERVICE_PATH: {"exposedapp.dev/desired-hash", "exposedapp.dev/adopt"},
    }


@pytest.mark.parametrize("is_left", [False, True])
def test_what_an_app_of_the_name_has_adopted_meanwhile_is_its_own(
    run: Run, shop: FakeKube, is_left: bool
) -> None:
    """Without its label and hash, the new app's child would be nobody's."""
    (former,) = SERVICE["metadata"]["ownerReferences"]
    owner = {**former, "uid": "new"}
    shop.responses[SERVICE_PATH] = with_metadata(SERVICE, ownerReferences=[owner])
    if is_left:  # by an earlier call
        shop.set_app(None)
        shop.responses[DEPLOYMENT_PATH] = with_metadata(DEPLOYMENT, ownerReferences=[])
    result = run("release", "hello")
    assert result.exit_code == 1
    assert "Service hello belongs to another ExposedApp of this name" in result.stderr
    assert SERVICE_PATH not in [path for _, path, _ in changes(shop)]


def test_it_goes_on_after_an_interruption(run: Run, shop: FakeKube) -> None:
    shop.set_app(None)
    for path, body in ((DEPLOYMENT_PATH, DEPLOYMENT), (SERVICE_PATH, SERVICE)):
        # The garbage collector has done its part before the app is gone.
        shop.responses[path] = with_metadata(body, ownerReferences=[])
    result = run("release", "hello")
    assert result.exit_code == 0
    assert [path for _, path, _ in changes(shop)] == [DEPLOYMENT_PATH, SERVICE_PATH]


def test_what_is_no_child_stays_as_it_is(run: Run, shop: FakeKube) -> None:
    shop.responses[DEPLOYMENT_PATH] = {**DEPLOYMENT, "metadata": {"name": "hello"}}
    assert run("release", "hello").exit_code == 0
    assert DEPLOYMENT_PATH not in [path for _, path, _ in changes(shop)]


def test_no_such_app(run: Run, shop: FakeKube) -> None:
    shop.set_app(None)
    del shop.responses[DEPLOYMENT_PATH], shop.responses[SERVICE_PATH]
    assert run("release", "hello").exit_code == 3


def test_a_conflict_is_tried_again(run: Run, shop: FakeKube) -> None:
    conflict = ApiError(409, "Conflict", "changed meanwhile")
    shop.responses[SERVICE_PATH] = [SERVICE, conflict, SERVICE, SERVICE]
    assert run("release", "hello").exit_code == 0


def test_export_prints_what_a_person_would_write(run: Run, shop: FakeKube) -> None:
    shop.set_app(APP)
    result = run("export", "hello")
    assert result.exit_code == 0, result.stderr
    labels = {"app.kubernetes.io/name": "hello", "team": "a"}
    metadata = {
        "name": "hello",
        "namespace": "shop",
        "labels": labels,
        "annotations": {"note": "mine"},
    }
    assert list(yaml.safe_load_all(result.stdout)) == [
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": metadata,
            "spec": {
                "replicas": 2,
                "selector": {"matchLabels": {"app": "hello"}},
                "template": {
                    "metadata": {"labels": {"app": "hello"}},
                    "spec": {"containers": [{"name": "web", "image": "demo:1"}]},
                },
            },
        },
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": metadata,
            "spec": {
                "type": "NodePort",
                "selector": {"app": "hello"},
                "ports": [{"port": 80, "nodePort": 30008}],
            },
        },
    ]
    assert changes(shop) == []


def test_export_leaves_out_what_is_not_the_apps(run: Run, shop: FakeKube) -> None:
    shop.set_app(APP)
    foreign = copy.deepcopy(DEPLOYMENT)
    foreign["metadata"]["ownerReferences"] = []
    shop.responses[DEPLOYMENT_PATH] = foreign
    kinds = [body["kind"] for body in yaml.safe_load_all(run("export", "hello").stdout)]
    assert kinds == ["Service"]


def test_nothing_to_export(run: Run, shop: FakeKube) -> None:
    shop.set_app(APP)
    del shop.responses[DEPLOYMENT_PATH], shop.responses[SERVICE_PATH]
    result = run("export", "hello")
    assert (result.exit_code, result.stdout) == (1, "")
