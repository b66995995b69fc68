# SPDX-License-Identifier: Apache-2.0
"""Writes an app's status: at once, or together with what else changes soon.

The last phase of a reconcile; called by reconciler.py. Whether a difference is worth a write, and
whether it is urgent, is decided in status/write_policy.py.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass

from exposedapp.api.app import ExposedAppStatus
from exposedapp.api.meta import Json, NamespacedName
from exposedapp.cache.cache import Cache
from exposedapp.kube.errors import ApiError
from exposedapp.reconcile.app import App
from exposedapp.reconcile.app_states import AppStates
from exposedapp.reconcile.conflict_budget import CONFLICT_PERIOD_SECONDS, ConflictBudget
from exposedapp.reconcile.errors import AppDeleted
from exposedapp.reconcile.interfaces import ApiClient
from exposedapp.reconcile.results import Failure, StatusResult
from exposedapp.status.queries import awaits_first_probe, is_reconciling, ready_condition
from exposedapp.status.write_policy import is_urgent, status_patch

log = logging.getLogger(__name__)

FIRST_STATUS_DELAY_SECONDS = 1.0
"""Delay before the first status after a change of the spec, so that one write can include the first
probe result."""

STATUS_DEBOUNCE = (1.0, 5.0)
"""A status that is not urgent is written when it has not changed for the first, and at the latest
after the second; both in seconds."""

ROLLOUT_DEBOUNCE = (10.0, 30.0)
"""The same during a rollout: its last step is urgent, and includes the ones before."""


@dataclass(slots=True)
class _PendingStatus:
    """A status that is held back, for one generation of the spec."""

    seen_at: float
    """When the generation was first seen."""
    status: ExposedAppStatus | None = None
    """None when nothing is held back."""
    held_since: float = 0.0
    changed_at: float = 0.0

    def delay(self, previous: ExposedAppStatus, status: ExposedAppStatus, now: float) -> float:
        """Seconds until the status is to be written: 0 when it is now."""
        if is_urgent(previous, status):
            return 0.0
        if self.status is None:
            self.held_since = now
        if self.status != status:
            self.status, self.changed_at = status, now
        in_rollout = is_reconciling(status) and not awaits_first_probe(status)
        quiet, maximum = ROLLOUT_DEBOUNCE if in_rollout else STATUS_DEBOUNCE
        return max(0.0, min(self.changed_at + quiet, self.held_since + maximum) - now)


@dataclass(slots=True)
class _WriteHistory:
    """What was written for one generation of the spec, and what other clients made of it."""

    conflicts: ConflictBudget
    last_written: ExposedAppStatus | None = None
    """None until the operator has written a status since its start."""

    def is_reverted(self, previous: ExposedAppStatus) -> bool:
        """Whether another client has changed the status that the operator wrote."""
        return self.last_written is not None and self.last_written != previous


class StatusWriter:
    """Writes statuses."""

    def __init__(self, client: ApiClient, cache: Cache, clock: Callable[[], float]) -> None:
        self._client = client
        self._cache = cache
        self._clock = clock
        self._pending = AppStates(lambda: _PendingStatus(seen_at=clock()))
        self._histories = AppStates(lambda: _WriteHistory(ConflictBudget(clock)))

    def forget(self, key: NamespacedName) -> None:
        """Drop what is remembered of an app that is deleted."""
        self._pending.forget(key)
        self._histories.forget(key)

    async def write(self, app: App, status: ExposedAppStatus) -> StatusResult:
        """Write what differs from the status that was last written, now or later.

        Raises AppDeleted when there is no app any more.
        """
        pending, now = self._pending.get(app), self._clock()
        if delay := _first_status_delay(app, status, now - pending.seen_at):
            return StatusResult(requeue_after=delay)
        patch = status_patch(app.previous, status)
        if not patch:
            pending.status = None
            return StatusResult(is_current=True)
        delay = max(pending.delay(app.previous, status, now), self._conflict_delay(app))
        if delay:
            return StatusResult(requeue_after=delay)
        try:
            written = await self._client.patch_status(*app.key, app.resource_version, patch)
        except ApiError as error:
            return await self._handle_api_error(app, error)
        pending.status = None
        self._record(app, status)
        self._update_cache(app, patch, written["metadata"])
        _log_transition(app, status)
        return StatusResult(is_current=True, was_written=True)

    def _conflict_delay(self, app: App) -> float:
        """Seconds until a status that another client keeps changing is written again."""
        history = self._histories.get(app)
        delay = history.conflicts.delay() if history.is_reverted(app.previous) else 0.0
        if delay and not history.conflicts.is_reported:
            history.conflicts.is_reported = True
            log.warning(
                "%s: another client keeps changing the status; writing once per %.0f s",
                app.key,
                CONFLICT_PERIOD_SECONDS,
            )
        return delay

    def _record(self, app: App, written: ExposedAppStatus) -> None:
        history = self._histories.get(app)
        if history.is_reverted(app.previous):
            history.conflicts.spend()
        history.last_written = written

    def _update_cache(self, app: App, patch: Json, metadata: Json) -> None:
        """Take in what was written, before the watch delivers it.

        The write was conditional on the app's version, so everything else is as it was then.
        """
        body = self._cache.apps.get(app.key)
        if body and body["metadata"]["resourceVersion"] == app.resource_version:
            merged = {**(body.get("status") or {}), **patch}
            status = {field: value for field, value in merged.items() if value is not None}
            self._cache.apps.upsert({**body, "metadata": metadata, "status": status})

    async def _handle_api_error(self, app: App, error: ApiError) -> StatusResult:
        if error.status == 404:
            raise AppDeleted from error
        if error.status == 409 and await self._refresh(app):
            # The watch's event of that state changes nothing any more, so it requeues no key.
            return StatusResult(requeue_after=0.0)
        return StatusResult(failure=Failure.from_error(error))

    async def _refresh(self, app: App) -> bool:
        """Update the cache: a conflict shows that its app is old. Whether its spec is another.

        Otherwise each attempt would fail until the watch delivers the change.
        """
        try:
            live = await self._client.get("ExposedApp", *app.key)
        except ApiError as error:
            log.debug("%s: cannot be read: %s", app.key, error)
            return False
        if live is None:
            raise AppDeleted
        self._cache.apps.upsert(live)
        is_another_spec: bool = live["metadata"]["generation"] != app.generation
        return is_another_spec


def _first_status_delay(app: App, status: ExposedAppStatus, seconds: float) -> float | None:
    """Seconds for which the first status of a changed spec is not written; None when it is.

    After that time a first probe result is likely, and one write can include it. The status of a
    new app is written at once: its URLs are needed. `seconds` have passed since the change.
    """
    is_changed = app.has_been_reconciled and not app.is_observed
    left = FIRST_STATUS_DELAY_SECONDS - seconds
    return left if is_changed and awaits_first_probe(status) and left > 0 else None


def _log_transition(app: App, status: ExposedAppStatus) -> None:
    before, after = ready_condition(app.previous), ready_condition(status)
    if after and (before is None or (before.status, before.reason) != (after.status, after.reason)):
        log.info("%s: Ready=%s %s: %s", app.key, after.status, after.reason, after.message)
