# SPDX-License-Identifier: Apache-2.0
"""Apps that wait for a node port are reconciled when a Service gives it up."""

import copy
from collections.abc import Callable

import pytest

from exposedapp.api.meta import Json, NamespacedName
from exposedapp.cache.cache import Cache
from exposedapp.cache.node_port_waiters import NodePortWaiters
from exposedapp.cache.versions import ListSnapshot
from exposedapp.cache.watches import ServiceHandler
from exposedapp.workqueue.priority import Priority

HOLDER = NamespacedName("other", "holder")
WAITING = NamespacedName("shop", "web")


def service(version: int, *numbers: int, health_check: int | None = None) -> Json:
    ports = [
        {"port": index, "protocol": "TCP", "nodePort": number}
        for index, number in enumerate(numbers, start=1)
    ]
    spec: Json = {"ports": ports}
    if health_check:
        spec["healthCheckNodePort"] = health_check
    metadata = {**HOLDER._asdict(), "uid": "1", "resourceVersion": str(version)}
    return {"metadata": metadata, "spec": spec}


@pytest.fixture
def cache() -> Cache:
    """A Service has two node ports, and an app waits for one of them."""
    filled = Cache()
    filled.children["Service"].upsert(service(5, 30080, 30081, health_check=30082))
    filled.node_port_waiters.wait(WAITING, {30080, 30082})
    return filled


def keys(requests: object) -> list[NamespacedName]:
    assert isinstance(requests, list)
    assert all(priority == Priority.NORMAL for key, priority in requests if key == WAITING)
    return [key for key, _ in requests]


def changed(*numbers: int, health_check: int | None = 30082) -> Callable[[ServiceHandler], object]:
    body = service(6, *numbers, health_check=health_check)
    return lambda handler: handler.upsert(body)


@pytest.mark.parametrize(
    "event",
    [
        lambda handler: handler.delete(service(6, 30080)),
        lambda handler: handler.delete_missing(ListSnapshot(6, {})),
        changed(30081),
        changed(30080, 30081, health_check=None),
    ],
    ids=["deleted", "missing in a list", "other ports", "no health check"],
)
def test_a_port_becomes_free(cache: Cache, event: Callable[[ServiceHandler], object]) -> None:
    handler = ServiceHandler(cache)
    assert keys(event(handler)) == [HOLDER, WAITING]
    assert cache.node_port_waiters.releases == 1
    # Once: it waits in the queue from now on.
    assert keys(handler.upsert(service(5))) == []


@pytest.mark.parametrize(
    "event", [changed(30080), changed(30080, 30081, 30084)], ids=["another port", "one port more"]
)
def test_other_changes_concern_nobody_who_waits(
    cache: Cache, event: Callable[[ServiceHandler], object]
) -> None:
    assert keys(event(ServiceHandler(cache))) == [HOLDER]
    assert cache.node_port_waiters.releases == 0


def test_a_port_that_an_own_write_has_freed(cache: Cache) -> None:
    """The response updates the store; the event of the write is no change any more."""
    body = service(6, 30081)
    cache.children["Service"].upsert(copy.deepcopy(body))
    assert keys(ServiceHandler(cache).upsert(body)) == [WAITING]


def test_a_service_that_proved_not_to_exist(cache: Cache) -> None:
    cache.children["Service"].delete_if(HOLDER, "another")
    assert cache.node_port_waiters.releases == 0
    cache.children["Service"].delete_if(HOLDER, "1")
    assert cache.node_port_waiters.take_due() == [WAITING]


def test_who_waits_no_more_is_left_alone(cache: Cache) -> None:
    cache.node_port_waiters.forget(WAITING)
    assert keys(ServiceHandler(cache).delete(service(6, 30080))) == [HOLDER]


def test_an_app_without_chosen_ports_does_not_wait() -> None:
    waiters = NodePortWaiters()
    waiters.wait(NamespacedName("shop", "web"), {30080})
    assert waiters
    waiters.wait(NamespacedName("shop", "web"), set())
    assert not waiters
