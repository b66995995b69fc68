# SPDX-License-Identifier: Apache-2.0
"""Decides which Events a reconcile has: what was done to children, and what became of the app.

What was done to children is also logged.

Called by reconciler.py. The words of Events are in status/events.py; event_recorder.py writes them.
"""

import logging
from collections.abc import Callable, Sequence

from exposedapp.api.app import ExposedAppStatus
from exposedapp.api.meta import AppRef, NamespacedName
from exposedapp.reconcile.app import App
from exposedapp.reconcile.results import StatusResult
from exposedapp.status.events import (
    ChildChange,
    EventMessage,
    ReachableStatus,
    child_events,
    last_reachable,
    reachability_events,
    status_events,
)

log = logging.getLogger(__name__)

Record = Callable[[AppRef, EventMessage], None]
"""Has an Event written soon; never waits."""


class EventReporter:
    """Records the Events of reconciles."""

    def __init__(self, record: Record) -> None:
        self._record = record
        self._last_reachable: dict[NamespacedName, tuple[str, ReachableStatus]] = {}
        """Each app's UID, and its last status of Reachable that was True or False: between two such
        statuses it may be Unknown, of whichever spec."""

    def forget(self, key: NamespacedName) -> None:
        """Drop what is remembered of an app that is deleted."""
        self._last_reachable.pop(key, None)

    def report_changes(self, app: App, changes: Sequence[ChildChange]) -> None:
        """Record and log what was done to the children."""
        for change in changes:
            log.info("%s: %s", app.key, change)
        for event in child_events(changes):
            self._record(app.ref, event)

    def report_status(self, app: App, status: ExposedAppStatus, result: StatusResult) -> None:
        """Record what a status changes; nothing while the status is held back."""
        last = self._update_last_reachable(app)
        if result.was_written:
            for event in status_events(app.previous, status):
                self._record(app.ref, event)
        if result.is_current:
            for event in reachability_events(last, status):
                self._record(app.ref, event)

    def _update_last_reachable(self, app: App) -> ReachableStatus | None:
        uid, last = self._last_reachable.get(app.key, (app.ref.uid, None))
        current = last_reachable(app.previous) or (last if uid == app.ref.uid else None)
        if current:
            self._last_reachable[app.key] = (app.ref.uid, current)
        return current
