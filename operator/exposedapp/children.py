"""Making one child of an app as it is wanted: look, compare, apply."""

import logging
from dataclasses import dataclass, replace

from exposedapp.api import KIND, Json
from exposedapp.cache import Cache, Key, key_of
from exposedapp.cluster import ApiError, Cluster
from exposedapp.drift import drift
from exposedapp.queue import Retry
from exposedapp.refusals import problem
from exposedapp.resources import Identity, PortKey, keep_node_ports, node_ports
from exposedapp.status import ChildKind, Problem, Reason

log = logging.getLogger(__name__)

Futile = dict[ChildKind, tuple[str, ...]]
"""Per child, the differences that an apply did not remove. Remembering them turns a comparison
that is wrong for ever into one request instead of a loop; forgetting them costs that request."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of it. With a problem or a wait, `live` is the child as it still is."""

    live: Json | None = None
    problem: Problem | None = None
    waiting: str | None = None


class Children:
    """Makes children, one at a time; several at once do not hinder each other."""

    def __init__(self, cluster: Cluster, cache: Cache) -> None:
        self._cluster = cluster
        self._cache = cache

    def known(self, app: Identity, kind: ChildKind) -> Json | None:
        """The child as it was last seen, when it is this app's."""
        live = self._cache.children[kind].get(Key(app.namespace, app.name))
        return live if live and _owner(live).get("uid") == app.uid else None

    async def ensure_deployment(self, app: Identity, wanted: Json, futile: Futile) -> Outcome:
        """Makes the Deployment as wanted. Raises Retry when it is better to come back soon."""
        return await self._ensure(app, "Deployment", wanted, futile)

    async def ensure_service(
        self, app: Identity, wanted: Json, before: list[Json], futile: Futile
    ) -> Outcome:
        """Makes the Service as wanted, on the node ports that it had.

        `before` are the ports of the app's status: the memory of a Service that was deleted.
        Raises Retry when it is better to come back soon.
        """
        live = self.known(app, "Service")
        had = node_ports(live["spec"]["ports"] if live else before)
        sticky = keep_node_ports(wanted, had)
        outcome = await self._ensure(app, "Service", sticky, futile)
        reason = outcome.problem.reason if outcome.problem else None
        if outcome.problem and reason == Reason.NODE_PORT_CONFLICT:
            holders = await self._holders(sticky)
            if not holders:
                # Deleting a Service is told before its ports are free again.
                return Outcome(live, waiting="A node port of this app is still being released.")
            if holders.keys() & node_ports(wanted["spec"]["ports"]).keys():
                message = f"{outcome.problem.message}. {'; '.join(sorted(holders.values()))}."
                return replace(outcome, problem=replace(outcome.problem, message=message))
            had = {key: number for key, number in had.items() if key not in holders}
        elif reason == Reason.INVALID_SPEC and sticky != wanted:
            had = {}  # such as a port out of a range that has been changed
        else:
            return outcome
        # Nobody asked for a remembered number by name: when it cannot be had, a new one will do.
        return await self._ensure(app, "Service", keep_node_ports(wanted, had), futile)

    async def _holders(self, service: Json) -> dict[PortKey, str]:
        """Which of this Service's node ports other Services have, and in words, which ones.

        Between Services a number is taken for all protocols.
        """
        ours = {number: key for key, number in node_ports(service["spec"]["ports"]).items()}
        try:
            services = await self._cluster.services()
        except ApiError as error:
            raise Retry(str(error), error.retry_after) from error
        found = {}
        for other in services:
            if key_of(other) == key_of(service):
                continue
            for number in node_ports(other["spec"].get("ports") or []).values():
                if number in ours:
                    holder = "/".join(key_of(other))
                    found[ours[number]] = f"Node port {number} belongs to Service {holder}"
        return found

    async def _ensure(
        self, app: Identity, kind: ChildKind, wanted: Json, futile: Futile
    ) -> Outcome:
        key, store = Key(app.namespace, app.name), self._cache.children[kind]
        live = store.get(key)
        try:
            # Apply takes over whatever has the name, so look before the first time.
            live = live or await self._cluster.get(kind, *key)
            if live is not None and (hindrance := _hindrance(app, kind, live)):
                return hindrance
            differences = tuple(
                drift({part: wanted[part] for part in ("metadata", "spec")}, live) if live else ()
            )
            if live is not None and (not differences or differences == futile.get(kind)):
                return Outcome(live)
            answer = await self._cluster.apply(wanted, live["metadata"]["uid"] if live else None)
        except ApiError as error:
            return self._refused(key, kind, live, error)
        store.put(answer)
        if live and answer["metadata"]["resourceVersion"] == live["metadata"]["resourceVersion"]:
            futile[kind] = differences
        else:
            futile.pop(kind, None)
            log.info("%s/%s: %s applied%s", *key, kind, _told(differences))
        return Outcome(answer)

    def _refused(self, key: Key, kind: ChildKind, live: Json | None, error: ApiError) -> Outcome:
        if found := problem(error, kind):
            return Outcome(live, problem=found)
        if error.status == 0 or error.status >= 500:
            return Outcome(live, waiting=f"The API server cannot take the {kind} now: {error}")
        if error.status == 409 and live is not None:
            # Replaced or deleted since it was last seen.
            self._cache.children[kind].forget(key, live["metadata"]["uid"])
            raise Retry(str(error), after=0.2) from error
        raise Retry(str(error), error.retry_after) from error


def _owner(live: Json) -> Json:
    """The owner reference of the controller of an object; empty when it has none."""
    references = live["metadata"].get("ownerReferences") or ()
    return next((it for it in references if it.get("controller")), {})


def _hindrance(app: Identity, kind: ChildKind, live: Json) -> Outcome | None:
    """Why the object that has the child's name must not be touched."""
    owner = _owner(live)
    if owner.get("uid") == app.uid:
        if "deletionTimestamp" in live["metadata"]:
            return Outcome(waiting=f"The old {kind} is being deleted.")
        return None
    if owner.get("kind") == KIND and owner.get("name") == app.name:
        return Outcome(waiting=f"The {kind} of an earlier app of this name is still being deleted.")
    holder = f", it belongs to {owner['kind']} {owner['name']}" if owner else ""
    return Outcome(
        problem=Problem(
            Reason.NOT_OWNED,
            f"There is a {kind} named {app.name} that this app did not make{holder}. "
            f"Delete it, or give the app another name.",
            kind,
        )
    )


def _told(differences: tuple[str, ...]) -> str:
    return f" ({', '.join(differences)})" if differences else ""
