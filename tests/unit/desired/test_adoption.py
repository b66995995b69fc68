# SPDX-License-Identifier: Apache-2.0
"""Adoption of an existing Deployment or Service, without a restart of its pods."""

import copy
from typing import Any

import pytest

from exposedapp.api.meta import Json
from exposedapp.desired.adoption import (
    adopted_container,
    adopted_deployment,
    adopted_pod_labels,
    is_adoptable,
)
from exposedapp.desired.deployment import make_deployment
from exposedapp.desired.errors import SpecError
from exposedapp.desired.pod_template import pod_labels
from support.objects import APP, FOREIGN, spec_of


def deployment(**annotations: str) -> Json:
    """An adopted Deployment, with the app's image in its second container."""
    meta: Json = {"name": APP.name, "annotations": annotations} if annotations else {}
    return {"metadata": meta, "spec": copy.deepcopy(FOREIGN["Deployment"])}


def desired_of(live: Json, **fields: Any) -> Json:
    desired = make_deployment(APP, spec_of(**fields), live)
    assert desired is not None
    return desired


@pytest.mark.parametrize(
    ("annotations", "expected"),
    [
        (None, False),
        ({}, False),
        ({"exposedapp.dev/adopt": "true"}, True),
        ({"exposedapp.dev/adopt": "false"}, False),
        ({"exposedapp.dev/adopt": ""}, False),
        ({"other.example/adopt": "true"}, False),
    ],
)
def test_is_adoptable(annotations: Json | None, expected: bool) -> None:
    assert is_adoptable(APP, {"metadata": {"annotations": annotations}}) is expected


def test_a_deployment_with_another_selector_was_adopted() -> None:
    adopted, own = deployment(), deployment()
    own["spec"]["selector"] = {"matchLabels": {"exposedapp.dev/name": "web"}}
    assert adopted_deployment(APP, adopted) is adopted
    assert adopted_deployment(APP, own) is None
    assert adopted_deployment(APP, None) is None


@pytest.mark.parametrize(
    ("annotations", "image", "expected"),
    [
        ({}, "registry.example/web:1", "server"),
        ({}, "registry.example/web:2", "proxy"),
        ({"exposedapp.dev/container": "server"}, "registry.example/web:2", "server"),
        ({"exposedapp.dev/container": "proxy"}, "registry.example/web:1", "proxy"),
    ],
    ids=["by image", "else the first", "as chosen", "as chosen, whatever the image"],
)
def test_adopted_container(annotations: dict[str, str], image: str, expected: str) -> None:
    assert adopted_container(deployment(**annotations), image) == expected


def test_the_selector_the_labels_and_the_container_stay() -> None:
    desired = desired_of(deployment(), image="registry.example/web:1")
    assert desired["spec"]["selector"] == {"matchLabels": {"app": "old"}}
    assert desired["spec"]["template"]["metadata"]["labels"] == {"app": "old"}
    containers = desired["spec"]["template"]["spec"]["containers"]
    assert [container["name"] for container in containers] == ["server"]
    assert desired["metadata"]["annotations"]["exposedapp.dev/container"] == "server"


def test_nothing_is_sent_that_restarts_the_pods() -> None:
    (container,) = desired_of(deployment())["spec"]["template"]["spec"]["containers"]
    assert container == {"name": "server", "image": "registry.example/web:1"}


def test_desired_fields_are_sent() -> None:
    desired = desired_of(
        deployment(),
        replicas=3,
        env=[{"name": "A", "value": "b"}],
        podTemplate={"spec": {"containers": [{"name": "server", "tty": True}]}},
    )
    (container,) = desired["spec"]["template"]["spec"]["containers"]
    assert (desired["spec"]["replicas"], container["tty"]) == (3, True)
    assert container["env"] == [{"name": "A", "value": "b"}]


def test_no_pod_template_removes_the_identity() -> None:
    desired = desired_of(
        deployment(), podTemplate={"metadata": {"labels": {"app": "x", "team": "y"}}}
    )
    assert desired["spec"]["template"]["metadata"]["labels"] == {"app": "old", "team": "y"}


def test_a_target_port_that_the_live_pods_name() -> None:
    assert desired_of(deployment(), ports=[{"port": 80, "targetPort": "http"}])
    with pytest.raises(SpecError, match="'htpp'"):
        desired_of(deployment(), ports=[{"port": 80, "targetPort": "htpp"}])


def test_the_name_of_an_own_port_is_no_target_in_adopted_pods() -> None:
    # The operator adds no container port to an adopted Deployment.
    ports = [{"name": "web", "port": 80}, {"name": "b", "port": 81, "targetPort": "web"}]
    with pytest.raises(SpecError, match="'web'"):
        desired_of(deployment(), ports=ports)


def test_the_service_selects_the_adopted_pods() -> None:
    assert pod_labels(APP, spec_of(), deployment()) == {"app": "old"}


def test_a_selector_of_expressions_is_replaced_by_the_pods_labels() -> None:
    live = deployment()
    live["spec"]["selector"] = {"matchExpressions": [{"key": "app", "operator": "Exists"}]}
    assert adopted_pod_labels(live) == {"app": "old", "tier": "web"}


def test_a_selector_of_labels_and_expressions_is_replaced_by_the_pods_labels() -> None:
    live = deployment()
    expression = {"key": "tier", "operator": "In", "values": ["web"]}
    live["spec"]["selector"]["matchExpressions"] = [expression]
    assert adopted_pod_labels(live) == {"app": "old", "tier": "web"}
