# SPDX-License-Identifier: Apache-2.0
"""The way to the pods: which link works, fails or is unknown, from the status alone."""

from typing import Any

import pytest

from exposedapp.catalog.chain import MAX_CHAINS, chains
from support.catalog import failing_app, ready_app, set_condition, unreachable_app

Json = dict[str, Any]

STATIONS = ["outside", "node port", "Service", "targetPort", "pods"]


def healths(app: Json, index: int = 0) -> list[str]:
    """Of the links of one chain."""
    return [str(station.link.health) for station in chains(app)[index].stations if station.link]


def notes(app: Json) -> list[str]:
    """What is written to the links of the first chain."""
    return [station.link.note for station in chains(app)[0].stations if station.link]


def test_a_ready_app() -> None:
    app = ready_app("web")
    [chain] = chains(app)
    assert chain.title == "80/TCP"
    assert [station.kind for station in chain.stations] == STATIONS
    names = ["a client", "30080", "web:80", "8080", "2 of 2 ready"]
    assert [station.name for station in chain.stations] == names
    assert healths(app) == ["works"] * 4


def test_pods_that_do_not_start() -> None:
    app = failing_app("web", "ImagePullBackOff", "The image cannot be pulled.")
    assert healths(app) == ["unknown", "works", "unknown", "fails"]
    assert notes(app)[-1] == "The image cannot be pulled."
    assert chains(app)[0].stations[-1].name == "0 of 2 ready"


def test_a_firewall_or_an_app_that_does_not_listen() -> None:
    """No request came through: which of the two the status cannot tell."""
    app = unreachable_app("web", "0 of 3 node URLs answer")
    assert healths(app) == ["fails", "works", "unknown", "works"]
    assert notes(app)[0] == "0 of 3 node URLs answer"
    assert "listens on port 8080" in notes(app)[2]


def test_a_service_that_cannot_be() -> None:
    app = failing_app("web", "NodePortConflict", "Another Service has the node port.")
    set_condition(app, "ServiceReady", "False", "NodePortConflict", "shop/other has port 30080.")
    assert healths(app) == ["unknown", "fails", "unknown", "fails"]
    assert notes(app)[1] == "shop/other has port 30080."


def test_only_the_port_that_is_named_fails() -> None:
    app = ready_app("web")
    app["status"]["ports"].append(
        {"name": "admin", "port": 81, "targetPort": "admin", "nodePort": 30081, "protocol": "TCP"}
    )
    message = "3 of 6 node URLs answer; http://172.18.0.2:30081: connection refused"
    set_condition(app, "Reachable", "False", "SomeUnreachable", message)
    assert healths(app, 0)[0] == "unknown"
    assert healths(app, 1)[0] == "fails"
    assert chains(app)[1].title == "admin: 81/TCP"


def test_udp_is_not_probed() -> None:
    app = ready_app("web")
    app["status"]["ports"][0]["protocol"] = "UDP"
    assert healths(app) == ["unknown", "works", "unknown", "works"]


def test_scaled_to_zero() -> None:
    app = failing_app("web", "ScaledToZero", "Scaled to zero.")
    app["status"].update(replicas=0, endpoints={"ready": 0, "total": 0})
    assert healths(app)[-1] == "unknown"


def test_a_spec_that_the_operator_has_not_seen() -> None:
    """The conditions are about an earlier one."""
    app = ready_app("web")
    app["metadata"]["generation"] = 2
    assert healths(app) == ["unknown"] * 4


def test_an_app_without_a_status() -> None:
    app = ready_app("web")
    app["status"] = {"observedGeneration": -1}
    assert healths(app) == ["unknown"] * 4
    assert chains(app)[0].stations[1].name == "none yet"


def test_cluster_ip() -> None:
    app = ready_app("web")
    app["spec"]["service"]["type"] = "ClusterIP"
    del app["status"]["ports"][0]["nodePort"]
    [chain] = chains(app)
    kinds = [station.kind for station in chain.stations]
    assert kinds == ["inside the cluster", "Service", "targetPort", "pods"]


def test_external_name() -> None:
    app = ready_app("web")
    app["spec"]["service"] = {"type": "ExternalName", "externalName": "db.example.com"}
    [chain] = chains(app)
    assert chain.stations[-1].name == "db.example.com"
    assert healths(app) == ["works", "unknown"]


@pytest.mark.parametrize("count", [1, MAX_CHAINS + 1])
def test_not_more_than_a_page_can_show(count: int) -> None:
    app = ready_app("web")
    app["status"]["ports"] *= count
    assert len(chains(app)) == min(count, MAX_CHAINS)
