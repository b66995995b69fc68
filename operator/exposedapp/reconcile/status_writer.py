"""Writes an app's status: at once, or together with what else changes soon.

The last phase of a reconcile; called by reconciler.py. Whether a difference is worth a write, and
whether it is urgent, is decided in status/write_policy.py.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass

from exposedapp.api.app import ExposedAppStatus
from exposedapp.api.meta import NamespacedName
from exposedapp.cache.cache import Cache
from exposedapp.kube.errors import ApiError
from exposedapp.reconcile.app import App
from exposedapp.reconcile.app_states import AppStates
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


class StatusWriter:
    """Writes statuses."""

    def __init__(self, client: ApiClient, cache: Cache, clock: Callable[[], float]) -> None:
        self._client = client
        self._cache = cache
        self._clock = clock
        self._pending = AppStates(lambda: _PendingStatus(seen_at=clock()))

    def forget(self, key: NamespacedName) -> None:
        """Drop the pending status of an app that is deleted."""
        self._pending.forget(key)

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
        if delay := pending.delay(app.previous, status, now):
            return StatusResult(requeue_after=delay)
        try:
            written = await self._client.patch_status(*app.key, app.resource_version, patch)
        except ApiError as error:
            if error.status == 404:
                self._cache.apps.delete_if(app.key, app.ref.uid)
                raise AppDeleted from error
            return StatusResult(failure=Failure.from_error(error))
        pending.status = None
        self._cache.apps.upsert(written)
        _log_transition(app, status)
        return StatusResult(is_current=True, was_written=True)


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
