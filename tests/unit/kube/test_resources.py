# SPDX-License-Identifier: Apache-2.0
"""The paths of resources."""

from exposedapp.kube.resources import DEPLOYMENTS, EXPOSED_APPS, NODES, SERVICES


def test_paths() -> None:
    assert NODES.list_path(limit="5") == "/api/v1/nodes?limit=5"
    assert SERVICES.list_path() == "/api/v1/services?labelSelector=exposedapp.dev/name"
    assert DEPLOYMENTS.path("shop", "web") == "/apis/apps/v1/namespaces/shop/deployments/web"
    assert EXPOSED_APPS.path("shop") == (
        "/apis/exposedapp.dev/v1alpha1/namespaces/shop/exposedapps"
    )
