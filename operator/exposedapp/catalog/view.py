# SPDX-License-Identifier: Apache-2.0
"""What the page shows of one app, from the object as the API server has it. Pure."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from exposedapp.api.conditions import Explanation, Reason, explanation_of
from exposedapp.api.meta import Json, NamespacedName, key_of
from exposedapp.api.readiness import NOT_OBSERVED, Readiness, readiness_of
from exposedapp.api.service import service_type_of
from exposedapp.catalog.chain import Chain, chains
from exposedapp.catalog.link import Address, addresses

IN_PROGRESS = (NOT_OBSERVED.reason, Reason.PROGRESSING, Reason.WAITING_FOR_ANSWER)

KEPT_METADATA = ("namespace", "name", "generation", "creationTimestamp", "deletionTimestamp")
KEPT_SPEC = ("image", "selector", "replicas", "ports", "service", "suspend")

UNKNOWN_REASON = Explanation("This version of the catalog does not know the reason.")


class State(StrEnum):
    """What an app is filtered by, in the order of the page."""

    NOT_READY = "not-ready"
    IN_PROGRESS = "in-progress"
    READY = "ready"
    SCALED_TO_ZERO = "scaled-to-zero"

    @property
    def label(self) -> str:
        """As people read it."""
        return self.value.replace("-", " ").capitalize()


@dataclass(frozen=True, slots=True)
class AppView:
    """One app, ready to be shown."""

    key: NamespacedName
    state: State
    readiness: Readiness
    explanation: Explanation
    addresses: tuple[Address, ...]
    chains: tuple[Chain, ...]
    conditions: tuple[Json, ...]
    ports: tuple[str, ...]
    pods: str
    created: str
    service_type: str
    source: str
    """The image, or what the app exposes instead."""
    is_suspended: bool
    is_deleting: bool

    @property
    def remedy(self) -> str:
        """What to do; empty when there is nothing to do."""
        return self.explanation.remedy.format(namespace=self.key.namespace, name=self.key.name)

    @property
    def order(self) -> str:
        """The page sorts by this text: what is not ready comes first."""
        return f"{list(State).index(self.state)} {self.key.namespace} {self.key.name}"


def strip(app: Json) -> Json:
    """The parts of an app that a view is made of. A spec may have a mebibyte of others."""
    return {
        "metadata": _only(app["metadata"], KEPT_METADATA),
        "spec": _only(app["spec"], KEPT_SPEC),
        "status": app.get("status") or {},
    }


def view_of(app: Json) -> AppView:
    """The view of an app. Raises KeyError or the like for what is none."""
    spec, status = app["spec"], app.get("status") or {}
    readiness = readiness_of(app)
    service_type = service_type_of(app)
    return AppView(
        key=key_of(app),
        state=_state(readiness),
        readiness=readiness,
        explanation=_explanation(readiness),
        addresses=tuple(addresses(status)),
        chains=chains(app),
        conditions=tuple(status.get("conditions") or ()),
        ports=tuple(_port(port) for port in status.get("ports") or spec.get("ports") or ()),
        pods=_pods(status, service_type),
        created=str(app["metadata"].get("creationTimestamp", "")),
        service_type=service_type,
        source=_source(spec),
        is_suspended=bool(spec.get("suspend")),
        is_deleting="deletionTimestamp" in app["metadata"],
    )


def _only(fields: Json, names: tuple[str, ...]) -> Json:
    return {name: fields[name] for name in names if name in fields}


def _state(readiness: Readiness) -> State:
    if readiness.reason == Reason.SCALED_TO_ZERO:
        return State.SCALED_TO_ZERO
    if readiness.ready:
        return State.READY
    return State.IN_PROGRESS if readiness.reason in IN_PROGRESS else State.NOT_READY


def _explanation(readiness: Readiness) -> Explanation:
    if readiness is NOT_OBSERVED:
        return Explanation("", "Wait; if it lasts, check that the operator runs.")
    return explanation_of(readiness.reason) or UNKNOWN_REASON


def _port(port: Json) -> str:
    number = f"{port['nodePort']} → {port['port']}" if port.get("nodePort") else f"{port['port']}"
    return f"{number}/{port.get('protocol', 'TCP')}"


def _pods(status: Json, service_type: str) -> str:
    if service_type == "ExternalName":
        return "none"
    return f"{status.get('readyReplicas') or 0}/{status.get('replicas') or 0}"


def _source(spec: dict[str, Any]) -> str:
    if image := spec.get("image"):
        return str(image)
    if selector := spec.get("selector"):
        return "pods with " + ", ".join(f"{key}={value}" for key, value in selector.items())
    return str((spec.get("service") or {}).get("externalName", ""))
