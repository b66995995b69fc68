# SPDX-License-Identifier: Apache-2.0
"""Creates, applies and deletes one child: compare with the live object, apply what differs.

Called by children.py and node_ports.py; creates and applies through child_writer.py. Responses
update the cache, so that the next reconcile does not depend on the watch.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace

import orjson

from exposedapp.api.meta import (
    CHILD_KINDS,
    HASH_ANNOTATION,
    KEEP_REPLICAS_ANNOTATION,
    ChildKind,
    Json,
    NamespacedName,
    key_of,
    version_of,
)
from exposedapp.cache.cache import Cache
from exposedapp.desired.adoption import DEFAULT_REPLICAS, release_changes
from exposedapp.desired.diff import drift, surplus_ports
from exposedapp.desired.metadata import is_upgrade
from exposedapp.kube.errors import ApiError
from exposedapp.reconcile.api_errors import (
    is_replaced,
    is_terminating,
    is_webhook_failure,
    problem_from_api_error,
)
from exposedapp.reconcile.app import App
from exposedapp.reconcile.app_states import AppStates
from exposedapp.reconcile.child_writer import ChildWriter
from exposedapp.reconcile.conflict_budget import CONFLICT_PERIOD_SECONDS, ConflictBudget
from exposedapp.reconcile.errors import AppDeleted
from exposedapp.reconcile.interfaces import ChildClient
from exposedapp.reconcile.ownership import (
    controller_of,
    is_owned,
    is_to_be_released,
    not_owned,
    ownership_result,
)
from exposedapp.reconcile.results import NO_CHILD, ChildResult, Failure
from exposedapp.status.events import ChildChange

log = logging.getLogger(__name__)


@dataclass(slots=True)
class _ApplyHistory:
    """What the applies of one child, for one generation of the spec, have led to."""

    conflicts: ConflictBudget
    noop_digest: int | None = None
    """The state of the child in which an apply changed nothing. Remembering it turns a comparison
    that is wrong for ever into one request instead of a loop."""


class Applier:
    """Applies children; safe to call for several children at once."""

    def __init__(self, client: ChildClient, cache: Cache, clock: Callable[[], float]) -> None:
        self._client = client
        self._cache = cache
        self._writer = ChildWriter(client)
        self._histories = AppStates[dict[ChildKind, _ApplyHistory]](
            lambda: {kind: _ApplyHistory(ConflictBudget(clock)) for kind in CHILD_KINDS}
        )

    def forget(self, key: NamespacedName) -> None:
        """Drop the history of an app that is deleted."""
        self._histories.forget(key)

    async def apply(
        self, app: App, kind: ChildKind, live: Json | None, desired: Json
    ) -> ChildResult:
        """Bring a child to its desired state; `live` is the object that has its name.

        Raises AppDeleted when the namespace is being deleted.
        """
        try:
            if live is None:
                created = await self._writer.create(kind, desired)
                self._cache.children[kind].upsert(created)
                return ChildResult(created, ChildChange(kind, "Created"))
            return await self._apply_to_live(app, kind, live, desired)
        except ApiError as error:
            return self._handle_api_error(app, kind, live, error, desired)

    async def delete(self, app: App, kind: ChildKind, live: Json) -> ChildResult:
        """Delete a child. Raises AppDeleted as above."""
        try:
            await self._client.delete(live, kind)
        except ApiError as error:
            return self._handle_api_error(app, kind, live, error)
        self._cache.children[kind].delete_if(app.key, live["metadata"]["uid"])
        return ChildResult(None, ChildChange(kind, "Removed"))

    async def release(self, app: App, kind: ChildKind, live: Json) -> ChildResult:
        """Make a child no longer the app's, and otherwise leave it as it is.

        Raises AppDeleted as above.
        """
        try:
            # The cache keeps no managedFields.
            current = await self._client.get(kind, *app.key)
            if current is None or not is_owned(app.ref, current):
                return NO_CHILD
            changes = release_changes(app.ref, current)
            released = await self._client.patch_metadata(current, kind, changes)
        except ApiError as error:
            return self._handle_api_error(app, kind, live, error)
        # Without the label it is not watched any more; an older state must not bring it back.
        self._cache.children[kind].delete(released)
        return ChildResult(None, ChildChange(kind, "Released"))

    async def _apply_to_live(
        self, app: App, kind: ChildKind, live: Json, desired: Json
    ) -> ChildResult:
        if is_to_be_released(app.ref, live):
            released = await self.release(app, kind, live)
            return replace(released, problem=not_owned(app.ref, kind, live))
        if obstacle := ownership_result(app.ref, kind, live):
            return obstacle
        history = self._histories.get(app)[kind]
        differences = _differences(desired, live)
        if not differences or history.noop_digest == _digest(desired, live):
            return ChildResult(live)
        if delay := history.conflicts.delay():
            _report_conflict(app, kind, differences, history.conflicts)
            return ChildResult(live, requeue_after=delay)
        change = _classify_change(kind, desired, live, differences)
        is_adoption = change.action == "Adopted"
        if is_adoption:
            live = await self._writer.take_over_fields(kind, live, desired)
        patch_first = change.action not in ("Updated", "Upgraded")
        applied = await self._writer.apply(kind, live, desired, patch_first=patch_first)
        if is_adoption:
            # The first apply to an object without managers makes one that has all of its fields.
            applied = await self._writer.take_over_fields(kind, applied, desired)
        history.conflicts.spend()
        self._cache.children[kind].upsert(applied)
        if applied["metadata"]["resourceVersion"] == live["metadata"]["resourceVersion"]:
            history.noop_digest = _digest(desired, live)
            return ChildResult(applied)
        return ChildResult(applied, change)

    def _handle_api_error(
        self,
        app: App,
        kind: ChildKind,
        live: Json | None,
        error: ApiError,
        desired: Json | None = None,
    ) -> ChildResult:
        """The result of a request that was refused or not answered.

        A child keeps the last state that is known of it, so that the rest of the status stays true.
        `desired` is given for an apply: until it has succeeded, the child is pending.
        """
        if live is None and error.status == 409:
            return ChildResult(name_conflict=error)
        if is_terminating(error):
            raise AppDeleted from error
        owned = live if live is not None and is_owned(app.ref, live) else None
        is_due = desired is not None and not _is_applied(desired, live)
        pending = f"The {kind} is not applied yet: {error}" if is_due else None
        if live is not None and is_replaced(error):
            self._cache.children[kind].delete_if(
                key_of(live), live["metadata"]["uid"], version_of(live)
            )
            return ChildResult(owned, pending=pending, failure=Failure(str(error)))
        if problem := problem_from_api_error(error, kind):
            return ChildResult(owned, problem=problem)
        if is_webhook_failure(error):
            message = f"An admission webhook failed for the {kind}: {error}"
            return ChildResult(owned, pending=message)
        return ChildResult(owned, pending=pending, failure=Failure.from_error(error))


def _report_conflict(
    app: App, kind: ChildKind, differences: tuple[str, ...], budget: ConflictBudget
) -> None:
    if not budget.is_reported:
        budget.is_reported = True
        log.warning(
            "%s: another client keeps reverting %s of the %s; applying once per %.0f s",
            app.key,
            ", ".join(differences),
            kind,
            CONFLICT_PERIOD_SECONDS,
        )


def _differences(desired: Json, live: Json) -> tuple[str, ...]:
    """The desired fields that the live object does not have."""
    parts = {part: desired[part] for part in ("metadata", "spec")}
    surplus = ("spec.ports",) if surplus_ports(desired, live) else ()
    return (*drift(parts, live), *surplus)


def _classify_change(
    kind: ChildKind, desired: Json, live: Json, differences: tuple[str, ...]
) -> ChildChange:
    """What an apply to a live object is for."""
    if not controller_of(live):
        return ChildChange(kind, "Adopted", note=_kept_replicas(desired, live))
    if is_upgrade(desired, live):
        return ChildChange(kind, "Upgraded")
    if _hash_of(live) != _hash_of(desired):
        return ChildChange(kind, "Updated")
    return ChildChange(kind, "Repaired", differences)


def _kept_replicas(desired: Json, live: Json) -> str:
    """The sentence about the replicas of a Deployment that keeps them; else empty."""
    if KEEP_REPLICAS_ANNOTATION not in desired["metadata"]["annotations"]:
        return ""
    return (
        f"It keeps its {live['spec']['replicas']} replicas until spec.replicas is another number "
        f"than {DEFAULT_REPLICAS}, the default."
    )


def _is_applied(desired: Json, live: Json | None) -> bool:
    """Whether the live object comes from the present spec, whatever was changed since."""
    return live is not None and _hash_of(live) == _hash_of(desired)


def _hash_of(child: Json) -> str | None:
    value: str | None = (child["metadata"].get("annotations") or {}).get(HASH_ANNOTATION)
    return value


def _digest(desired: Json, live: Json) -> int:
    """The desired state, and what of the live object an apply can change."""
    metadata = live["metadata"]
    parts = [metadata.get(field) for field in ("labels", "annotations", "ownerReferences")]
    return hash(orjson.dumps([desired, live["spec"], *parts], option=orjson.OPT_SORT_KEYS))
