# SPDX-License-Identifier: Apache-2.0
"""The scope of an operator: all namespaces, or some."""

from exposedapp.kube.resources import NODES, SERVICES
from exposedapp.kube.scope import WHOLE_CLUSTER, Scope

SCOPE = Scope(("shop", "staging"))


def test_a_kind_is_listed_once_in_the_whole_cluster() -> None:
    assert WHOLE_CLUSTER.limit(SERVICES) == [SERVICES]
    assert not WHOLE_CLUSTER.is_limited


def test_a_kind_is_listed_in_each_namespace_of_a_limited_scope() -> None:
    assert [resource.list_path(limit="1") for resource in SCOPE.limit(SERVICES)] == [
        "/api/v1/namespaces/shop/services?limit=1&labelSelector=exposedapp.dev/name",
        "/api/v1/namespaces/staging/services?limit=1&labelSelector=exposedapp.dev/name",
    ]
    assert [resource.title for resource in SCOPE.limit(SERVICES)] == [
        "services in namespace shop",
        "services in namespace staging",
    ]
    assert SCOPE.is_limited


def test_what_has_no_namespace_is_listed_once_in_any_scope() -> None:
    assert SCOPE.limit(NODES) == [NODES]
