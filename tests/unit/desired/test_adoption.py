"""A Deployment or Service that somebody else made, taken over without starting a pod anew."""

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
    """One that somebody else made, with the app's image in its second container."""
    meta: Json = {"name": APP.name, "annotations": annotations} if annotations else {}
    return {"metadata": meta, "spec": copy.deepcopy(FOREIGN["Deployment"])}


def made_of(live: Json, **fields: Any) -> Json:
    made = make_deployment(APP, spec_of(**fields), live)
    assert made is not None
    return made


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
    assert is_adoptable({"metadata": {"annotations": annotations}}) is expected


def test_what_has_another_selector_was_adopted() -> None:
    theirs, own = deployment(), deployment()
    own["spec"]["selector"] = {"matchLabels": {"exposedapp.dev/name": "web"}}
    assert adopted_deployment(APP, theirs) is theirs
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
    ids=["by image", "else the first", "as before", "as before, whatever the image"],
)
def test_container_of(annotations: dict[str, str], image: str, expected: str) -> None:
    assert adopted_container(deployment(**annotations), image) == expected


def test_the_selector_the_labels_and_the_container_stay() -> None:
    made = made_of(deployment(), image="registry.example/web:1")
    assert made["spec"]["selector"] == {"matchLabels": {"app": "old"}}
    assert made["spec"]["template"]["metadata"]["labels"] == {"app": "old"}
    assert [it["name"] for it in made["spec"]["template"]["spec"]["containers"]] == ["server"]
    assert made["metadata"]["annotations"]["exposedapp.dev/container"] == "server"


def test_nothing_is_sent_that_starts_the_pods_anew() -> None:
    (container,) = made_of(deployment())["spec"]["template"]["spec"]["containers"]
    assert container == {"name": "server", "image": "registry.example/web:1"}


def test_what_the_spec_asks_for_is_sent() -> None:
    made = made_of(
        deployment(),
        replicas=3,
        env=[{"name": "A", "value": "b"}],
        podTemplate={"spec": {"containers": [{"name": "server", "tty": True}]}},
    )
    (container,) = made["spec"]["template"]["spec"]["containers"]
    assert (made["spec"]["replicas"], container["tty"]) == (3, True)
    assert container["env"] == [{"name": "A", "value": "b"}]


def test_no_pod_template_takes_the_identity_away() -> None:
    made = made_of(deployment(), podTemplate={"metadata": {"labels": {"app": "x", "team": "y"}}})
    assert made["spec"]["template"]["metadata"]["labels"] == {"app": "old", "team": "y"}


def test_a_target_port_that_the_live_pods_name() -> None:
    assert made_of(deployment(), ports=[{"port": 80, "targetPort": "http"}])
    with pytest.raises(SpecError, match="'htpp'"):
        made_of(deployment(), ports=[{"port": 80, "targetPort": "htpp"}])


def test_the_name_of_an_own_port_is_no_target_in_adopted_pods() -> None:
    # It is not sent to them.
    ports = [{"name": "web", "port": 80}, {"name": "b", "port": 81, "targetPort": "web"}]
    with pytest.raises(SpecError, match="'web'"):
        made_of(deployment(), ports=ports)


def test_the_service_finds_the_adopted_pods() -> None:
    assert pod_labels(APP, spec_of(), deployment()) == {"app": "old"}


def test_a_deployment_that_selects_by_expressions_is_known_by_its_pods() -> None:
    live = deployment()
    live["spec"]["selector"] = {"matchExpressions": [{"key": "app", "operator": "Exists"}]}
    assert adopted_pod_labels(live) == {"app": "old", "tier": "web"}


def test_labels_and_expressions_together_are_known_by_the_pods() -> None:
    live = deployment()
    expression = {"key": "tier", "operator": "In", "values": ["web"]}
    live["spec"]["selector"]["matchExpressions"] = [expression]
    assert adopted_pod_labels(live) == {"app": "old", "tier": "web"}
