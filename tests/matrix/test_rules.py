# SPDX-License-Identifier: Apache-2.0
"""Every version refuses and accepts the same specs, with the same words."""

import pytest

from e2e.support import Json, Namespace, Refused, app
from matrix.api_server import ApiServer
from matrix.conftest import new_namespace
from support.refused_specs import (
    CONTAINER_PORTS,
    REFUSED_CONTAINER_PORTS,
    REFUSED_NAMES,
    REFUSED_SPECS,
)


@pytest.fixture(scope="module")
def namespace(definition: ApiServer) -> Namespace:
    """One for all tests here, of which most store nothing."""
    return new_namespace(definition)


@pytest.mark.parametrize(("spec", "words"), REFUSED_SPECS.values(), ids=REFUSED_SPECS.keys())
def test_a_spec_is_refused(namespace: Namespace, spec: Json, words: str) -> None:
    with pytest.raises(Refused) as refusal:
        namespace.apply(app("wrong", **spec))
    assert words in str(refusal.value)


@pytest.mark.parametrize("name", REFUSED_NAMES)
def test_a_name_is_refused(namespace: Namespace, name: str) -> None:
    with pytest.raises(Refused, match=r"metadata\.name becomes the name of a Service"):
        namespace.apply(app(name))


def with_container_port(port: int | str) -> Json:
    return app("web", ports=[{"port": 80, "targetPort": port}])


@pytest.mark.parametrize("port", CONTAINER_PORTS)
def test_a_container_port_is_accepted(namespace: Namespace, port: int | str) -> None:
    namespace.apply(with_container_port(port))
    assert namespace.get("xapp", "web")["spec"]["ports"][0]["targetPort"] == port


@pytest.mark.parametrize("port", REFUSED_CONTAINER_PORTS)
def test_a_container_port_is_refused(namespace: Namespace, port: int | str) -> None:
    with pytest.raises(Refused, match="a container's port must be a number from 1 to 65535"):
        namespace.apply(with_container_port(port))
