"""Making one child of an app as it is wanted: look, compare, apply."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, replace

import orjson

from exposedapp.api.conditions import Reason
from exposedapp.api.meta import (
    ADOPT_ANNOTATION,
    HASH_ANNOTATION,
    KIND,
    AppRef,
    ChildKind,
    Json,
    NamespacedName,
    key_of,
)
from exposedapp.cache.cache import Cache
from exposedapp.desired.adoption import is_adoptable
from exposedapp.desired.diff import drift, surplus_ports
from exposedapp.desired.metadata import is_upgrade
from exposedapp.desired.node_ports import keep_node_ports, node_ports
from exposedapp.kube.client import KubeClient
from exposedapp.kube.errors import ApiError
from exposedapp.reconcile.api_errors import is_out_of_range, is_terminating, problem_from_api_error
from exposedapp.reconcile.errors import AppDeleted, Retry
from exposedapp.status.events import ChildChange
from exposedapp.status.observation import Problem

log = logging.getLogger(__name__)

MAX_CONFLICTING_APPLIES = 3

CONFLICT_PERIOD_SECONDS = 60.0
"""Somebody who undoes every apply gets so many answers in a row, then one in so many seconds."""

CONFLICT_RESET_SECONDS = 600.0
"""Who has not done it for so long may be answered at once again."""

HOLDERS_TTL_SECONDS = 2.0
"""For how long it is believed who has which node port: hundreds of apps may want taken ones."""


@dataclass(slots=True)
class LastApply:
    """What the last apply of a child was for. Losing it costs requests, never the truth."""

    differences: tuple[str, ...]
    futile_for: int | None
    """The live object (its digest) in which the apply changed nothing. Remembering it turns a
    comparison that is wrong for ever into one request instead of a loop."""
    times: int
    at: float


Applied = dict[ChildKind, LastApply]


@dataclass(frozen=True, slots=True)
class ChildResult:
    """What came of it. With a problem or a wait, `live` is the child as it still is."""

    live: Json | None = None
    problem: Problem | None = None
    waiting: str | None = None
    did: ChildChange | None = None
    taken: ApiError | None = None
    """Why nothing was done: most likely, something that was not known of has the child's name."""
    again: float | None = None
    """After how many seconds to try again, when nobody else needs to know."""

    def after(self, first: "ChildResult") -> "ChildResult":
        """This second try's outcome, with what the first one did."""
        return replace(self, did=first.did or self.did)


class Children:
    """Makes children, one at a time; several at once do not hinder each other."""

    def __init__(self, cluster: KubeClient, cache: Cache, clock: Callable[[], float]) -> None:
        self._cluster = cluster
        self._cache = cache
        self._clock = clock
        self._services: tuple[float, list[Json]] | None = None
        self._listing = asyncio.Lock()

    def known(self, app: AppRef, kind: ChildKind) -> Json | None:
        """The child as it was last seen, when it is this app's."""
        live = self._cache.children[kind].get(app.key)
        return live if live and _owner(live).get("uid") == app.uid else None

    def own(self, app: AppRef, live: Json | None) -> Json | None:
        """The object that has a child's name, when this app may change it."""
        return live if live and _may_change(app, live) else None

    async def look(self, app: AppRef, kind: ChildKind, *, ask: bool) -> Json | None:
        """What has the child's name, whosever it is.

        Foreign objects are not watched: those are only seen when the API server is asked. Raises
        Retry when there is no answer.
        """
        key = app.key
        seen = self._cache.children[kind].get(key)
        if seen or not ask:
            return seen
        try:
            return await self._cluster.get(kind, *key)
        except ApiError as error:
            raise Retry(str(error), error.retry_after) from error

    async def ensure_deployment(
        self, app: AppRef, live: Json | None, wanted: Json, applied: Applied
    ) -> ChildResult:
        """Makes the Deployment as wanted; `live` is what has its name.

        Raises Retry when it is better to come back soon.
        """
        return await self._ensure(app, "Deployment", live, wanted, applied)

    async def remove_deployment(self, app: AppRef) -> ChildResult:
        """Removes the Deployment that the app had, if any. Raises Retry as above."""
        key, live = app.key, self.known(app, "Deployment")
        if live is None or "deletionTimestamp" in live["metadata"]:
            return ChildResult()
        try:
            await self._cluster.delete(live, "Deployment")
        except ApiError as error:
            return self._refused(key, "Deployment", live, error)
        self._cache.children["Deployment"].delete_if(key, live["metadata"]["uid"])
        did = ChildChange("Deployment", "Removed")
        log.info("%s/%s: %s", *key, did)
        return ChildResult(did=did)

    async def ensure_service(
        self, app: AppRef, live: Json | None, wanted: Json, before: list[Json], applied: Applied
    ) -> ChildResult:
        """Makes the Service as wanted, on the node ports that it had.

        `live` is what has its name; `before` are the ports of the app's status: the memory of a
        Service that was deleted. Raises Retry when it is better to come back soon.
        """
        # A live port without a number had one, if somebody changed the type of the Service.
        had = node_ports(before) | node_ports((live["spec"].get("ports") or []) if live else [])
        sticky = keep_node_ports(wanted, had)
        outcome = await self._ensure(app, "Service", live, sticky, applied)
        problem = outcome.problem
        if problem is None:
            return outcome
        if problem.reason == Reason.NODE_PORT_CONFLICT:
            numbers = set(node_ports(sticky["spec"]["ports"]).values())
            pinned = set(node_ports(wanted["spec"]["ports"]).values())
            holders = await self._holders(app.key, numbers)
            if pinned & holders.keys():
                message = f"{problem.message}. {'; '.join(sorted(holders.values()))}."
                return replace(outcome, problem=replace(problem, message=message))
            if not holders and numbers > pinned:
                # Deleting a Service is told before its ports are free again.
                return ChildResult(live, waiting="A node port of this app is still being released.")
            had = {key: number for key, number in had.items() if number not in holders}
        elif is_out_of_range(problem):
            had = {}
        again = keep_node_ports(wanted, had)
        if again == sticky:
            return outcome
        # Nobody asked for a remembered number by name: when it cannot be had, a new one will do.
        return await self._ensure(app, "Service", live, again, applied)

    async def _holders(self, key: NamespacedName, numbers: set[int]) -> dict[int, str]:
        """Which of these node ports other Services have, and in words, which ones.

        Between Services a number is taken for all protocols, and for health checks too.
        """
        found = {}
        for other in await self._all_services():
            theirs = {*node_ports(other["spec"].get("ports") or []).values()}
            theirs.add(other["spec"].get("healthCheckNodePort", 0))
            if key_of(other) != key:
                holder = "/".join(key_of(other))
                for number in theirs & numbers:
                    found[number] = f"Node port {number} belongs to Service {holder}"
        return found

    async def _all_services(self) -> list[Json]:
        """All Services of the cluster, as they were just now; one list for all who ask at once."""
        async with self._listing:
            if self._services is None or self._clock() - self._services[0] > HOLDERS_TTL_SECONDS:
                try:
                    self._services = self._clock(), await self._cluster.services()
                except ApiError as error:
                    raise Retry(str(error), error.retry_after) from error
            return self._services[1]

    async def _ensure(
        self,
        app: AppRef,
        kind: ChildKind,
        live: Json | None,
        wanted: Json,
        applied: Applied,
    ) -> ChildResult:
        key = app.key
        did = ChildChange(kind, "Created")
        try:
            if live is None:
                answer = await self._cluster.create(wanted)
            else:
                if hindrance := _hindrance(app, kind, live):
                    return hindrance
                if not self._differs(kind, wanted, live, applied):
                    return ChildResult(live)
                if rest := self._rest(key, kind, applied[kind]):
                    return ChildResult(live, again=rest)
                did = _difference(kind, wanted, live, applied)
                answer = await self._change(kind, wanted, live, did)
        except ApiError as error:
            return self._refused(key, kind, live, error)
        self._cache.children[kind].upsert(answer)
        if live and answer["metadata"]["resourceVersion"] == live["metadata"]["resourceVersion"]:
            applied[kind].futile_for = _digest(live)
            return ChildResult(answer)
        log.info("%s/%s: %s", *key, did)
        return ChildResult(answer, did=did)

    async def _change(self, kind: ChildKind, wanted: Json, live: Json, did: ChildChange) -> Json:
        """Applies to a live object.

        Apply takes away only what it has given: where ports of others are in the way, the spec is
        first set as a whole.
        """
        uid, whole = live["metadata"]["uid"], {"ports": None, **wanted["spec"]}
        surplus = surplus_ports(wanted, live)
        if surplus and did.action not in ("Updated", "Upgraded"):
            await self._cluster.patch_spec(live, kind, whole)
            return await self._cluster.apply(wanted, uid)
        try:
            answer = await self._cluster.apply(wanted, uid)
        except ApiError as error:
            # The numbers of two ports that change places are both in use at that moment.
            swapped = "duplicate nodePort" in error.message
            if not swapped and not (surplus and error.status == 422):
                raise
            await self._cluster.patch_spec(live, kind, whole)
            return await self._cluster.apply(wanted, uid)
        if surplus_ports(wanted, answer):
            answer = await self._cluster.patch_spec(answer, kind, {"ports": whole["ports"]})
        return answer

    def _differs(self, kind: ChildKind, wanted: Json, live: Json, applied: Applied) -> bool:
        """Whether an apply would do anything; if so, it is noted what it would be for."""
        parts = {part: wanted[part] for part in ("metadata", "spec")}
        differences = (
            *drift(parts, live),
            *(("spec.ports",) if surplus_ports(wanted, live) else ()),
        )
        if not differences:
            return False
        last = applied.get(kind)
        if last is not None and last.futile_for == _digest(live):
            return False
        quiet = self._clock() - last.at if last else 0.0
        if last is None or last.differences != differences or quiet > CONFLICT_RESET_SECONDS:
            applied[kind] = LastApply(differences, None, 0, self._clock())
        return True

    def _rest(self, key: NamespacedName, kind: ChildKind, last: LastApply) -> float | None:
        """For how many seconds a fight is not answered; None: it is, and that is noted."""
        left = last.at + CONFLICT_PERIOD_SECONDS - self._clock()
        if last.times >= MAX_CONFLICTING_APPLIES and left > 0:
            return left
        if last.times == MAX_CONFLICTING_APPLIES:
            what = ", ".join(last.differences)
            log.warning("%s/%s: something keeps changing %s of the %s back", *key, what, kind)
        last.times, last.at = last.times + 1, self._clock()
        return None

    def _refused(
        self, key: NamespacedName, kind: ChildKind, live: Json | None, error: ApiError
    ) -> ChildResult:
        if live is None and error.status == 409:
            return ChildResult(taken=error)
        if live is not None and (error.status == 409 or "metadata.uid" in error.message):
            # Deleted (409) or replaced (422) since it was last seen.
            self._cache.children[kind].delete_if(key, live["metadata"]["uid"])
            raise Retry(str(error)) from error
        if is_terminating(error):
            raise AppDeleted from error
        if found := problem_from_api_error(error, kind):
            return ChildResult(live, problem=found)
        if error.status >= 500 and "webhook" in error.message:
            return ChildResult(live, waiting=f"The API server cannot take the {kind} now: {error}")
        raise Retry(str(error), error.retry_after) from error


def _owner(live: Json) -> Json:
    """The owner reference of the controller of an object; empty when it has none."""
    references = live["metadata"].get("ownerReferences") or ()
    return next((it for it in references if it.get("controller")), {})


def _may_change(app: AppRef, live: Json) -> bool:
    owner = _owner(live)
    return owner.get("uid") == app.uid or (not owner and is_adoptable(live))


def _hindrance(app: AppRef, kind: ChildKind, live: Json) -> ChildResult | None:
    """Why the object that has the child's name must not be touched."""
    owner = _owner(live)
    if _may_change(app, live):
        if "deletionTimestamp" in live["metadata"]:
            return ChildResult(waiting=f"The old {kind} is being deleted.")
        return None
    if owner.get("kind") == KIND and owner.get("name") == app.name:
        return ChildResult(
            waiting=f"The {kind} of an earlier app of this name is still being deleted."
        )
    if owner:
        holder = f", it belongs to {owner['kind']} {owner['name']}"
        way_out = "Delete it, or give the app another name."
    else:
        holder = ""
        hand_over = f"kubectl annotate {kind.lower()} {app.name} {ADOPT_ANNOTATION}=true"
        way_out = f"Hand it over ({hand_over}), delete it, or give the app another name."
    said = f"There is a {kind} named {app.name} that this app did not make{holder}. {way_out}"
    return ChildResult(problem=Problem(Reason.NOT_OWNED, said, kind))


def _difference(kind: ChildKind, wanted: Json, live: Json, applied: Applied) -> ChildChange:
    """What an apply to a live object is for."""
    before = (live["metadata"].get("annotations") or {}).get(HASH_ANNOTATION)
    if before is None and not _owner(live):
        return ChildChange(kind, "Adopted")
    if is_upgrade(wanted, live):
        return ChildChange(kind, "Upgraded")
    if before != wanted["metadata"]["annotations"][HASH_ANNOTATION]:
        return ChildChange(kind, "Updated")
    return ChildChange(kind, "Repaired", applied[kind].differences)


def _digest(live: Json) -> int:
    """What of an object an apply can change."""
    meta = live["metadata"]
    parts = [live["spec"], *(meta.get(key) for key in ("labels", "annotations"))]
    parts.append(meta.get("ownerReferences"))
    return hash(orjson.dumps(parts, option=orjson.OPT_SORT_KEYS))
