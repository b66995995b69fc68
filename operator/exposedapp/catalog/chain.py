# SPDX-License-Identifier: Apache-2.0
"""The way from outside to an app's pods, link by link, as far as its status tells. Pure.

Each port has one chain: node port, Service, targetPort, pods. A link works, fails, or the status
does not tell: nothing is asked of the cluster for this.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from exposedapp.api.conditions import (
    ConditionType,
    ReachableReason,
    Reason,
    find_condition,
)
from exposedapp.api.meta import Json
from exposedapp.api.readiness import NOT_OBSERVED, readiness_of
from exposedapp.api.service import NODE_PORT_TYPES, service_type_of

MAX_CHAINS = 16
"""Ports that are drawn; a spec may have 64."""


class Health(StrEnum):
    """What is known of a link."""

    WORKS = "works"
    FAILS = "fails"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Link:
    """What leads from one station to the next."""

    health: Health
    note: str


@dataclass(frozen=True, slots=True)
class Station:
    """One stop of the way."""

    kind: str
    name: str
    link: Link | None = None
    """What leads here from the station before; None for the first."""


@dataclass(frozen=True, slots=True)
class Chain:
    """The way to the pods by one port."""

    title: str
    stations: tuple[Station, ...]


NOT_OBSERVED_LINK = Link(Health.UNKNOWN, NOT_OBSERVED.message)


def chains(app: Json) -> tuple[Chain, ...]:
    """The ways to an app, one for each port."""
    if service_type_of(app) == "ExternalName":
        return (_external_name(app, str(app["spec"]["service"].get("externalName"))),)
    ports = (app.get("status") or {}).get("ports") or app["spec"].get("ports") or ()
    return tuple(_chain(app, port) for port in ports[:MAX_CHAINS])


def _chain(app: Json, port: Json) -> Chain:
    facts = _Facts(app)
    target = port.get("targetPort") or port["port"]
    protocol = port.get("protocol", "TCP")
    stations = [
        *_entry(facts, port, protocol),
        Station("Service", f"{app['metadata']['name']}:{port['port']}", facts.service()),
        Station("targetPort", str(target), facts.target_port(target, protocol)),
        Station("pods", facts.pods_text, facts.pods()),
    ]
    name = f"{port['name']}: " if port.get("name") else ""
    return Chain(f"{name}{port['port']}/{protocol}", tuple(stations))


def _entry(facts: "_Facts", port: Json, protocol: str) -> Iterator[Station]:
    if node_port := port.get("nodePort"):
        yield Station("outside", "a client")
        yield Station("node port", str(node_port), facts.node_port(node_port, protocol))
    elif facts.has_node_ports:
        yield Station("outside", "a client")
        yield Station("node port", "none yet", Link(Health.UNKNOWN, "None is allocated yet."))
    else:
        yield Station("inside the cluster", "a pod")


def _external_name(app: Json, target: str) -> Chain:
    facts = _Facts(app)
    stations = (
        Station("inside the cluster", "a pod"),
        Station("Service", str(app["metadata"]["name"]), facts.service()),
        Station("external name", target, Link(Health.UNKNOWN, "The operator does not try it.")),
    )
    return Chain("ExternalName", stations)


class _Facts:
    """What an app's status has about the links."""

    def __init__(self, app: Json) -> None:
        self._is_current = readiness_of(app) is not NOT_OBSERVED
        self._status = status = app.get("status") or {}
        self._conditions = status.get("conditions") or ()
        self._endpoints = status.get("endpoints") or {}
        self.has_node_ports = service_type_of(app) in NODE_PORT_TYPES

    @property
    def pods_text(self) -> str:
        """The pods that get traffic, of those there are."""
        total = max(self._endpoints.get("total", 0), self._status.get("replicas") or 0)
        return f"{self._endpoints.get('ready', 0)} of {total} ready"

    def node_port(self, node_port: int, protocol: str) -> Link:
        """Of the link from outside to the nodes."""
        reachable = self._condition(ConditionType.REACHABLE)
        if not self._is_current or reachable is None:
            return NOT_OBSERVED_LINK
        if protocol != "TCP":
            return Link(Health.UNKNOWN, f"{protocol} is not probed.")
        if reachable["status"] == "True":
            return Link(Health.WORKS, "Its URLs answer the operator.")
        if reachable["status"] == "Unknown":
            return Link(Health.UNKNOWN, reachable["message"])
        is_partial = reachable["reason"] == ReachableReason.SOME_UNREACHABLE
        if is_partial and f":{node_port}" not in reachable["message"]:
            return Link(Health.UNKNOWN, "Some URLs do not answer; none of this port is named.")
        return Link(Health.FAILS, reachable["message"])

    def service(self) -> Link:
        """Of the link to the Service."""
        condition = self._condition(ConditionType.SERVICE_READY)
        if not self._is_current or condition is None or condition["status"] == "Unknown":
            return NOT_OBSERVED_LINK
        if condition["status"] == "True":
            return Link(Health.WORKS, "The Service is there, with this port.")
        return Link(Health.FAILS, condition["message"])

    def target_port(self, target: int | str, protocol: str) -> Link:
        """Of the link from the Service to the port in the pods."""
        reachable = self._condition(ConditionType.REACHABLE)
        if not self._is_current or reachable is None:
            return NOT_OBSERVED_LINK
        if protocol == "TCP" and reachable["status"] == "True":
            return Link(Health.WORKS, "Requests come through.")
        if reachable["reason"] == ReachableReason.UNREACHABLE and self._endpoints.get("ready"):
            note = f"No request has come through: check that the app listens on port {target}."
            return Link(Health.UNKNOWN, note)
        return Link(Health.UNKNOWN, "No request has come through that would show it.")

    def pods(self) -> Link:
        """Of the link to the pods."""
        workload = self._condition(ConditionType.WORKLOAD_AVAILABLE)
        if not self._is_current or workload is None:
            return NOT_OBSERVED_LINK
        if self._endpoints.get("ready"):
            return Link(Health.WORKS, "Pods that are ready get the traffic.")
        if workload["reason"] == Reason.SCALED_TO_ZERO:
            return Link(Health.UNKNOWN, "No pods are asked for.")
        return Link(Health.FAILS, workload["message"])

    def _condition(self, condition_type: ConditionType) -> Json | None:
        return find_condition(self._conditions, condition_type)
