"""Writing a status: what changed of it, at once or together with what else changes soon."""

import logging
from collections.abc import Callable
from dataclasses import dataclass

from exposedapp.api.app import ExposedAppStatus
from exposedapp.api.meta import AppRef, NamespacedName
from exposedapp.cache.cache import Cache
from exposedapp.kube.client import KubeClient
from exposedapp.kube.errors import ApiError
from exposedapp.reconcile.errors import AppDeleted, Retry
from exposedapp.status.events import EventMessage, status_events
from exposedapp.status.queries import awaits_first_probe, is_reconciling, ready_condition
from exposedapp.status.write_policy import is_urgent, status_patch

log = logging.getLogger(__name__)

STATUS_DEBOUNCE = (1.0, 5.0)
"""A status whose news can wait is written when nothing more has come for so long, but not later
than this; both in seconds."""

FIRST_STATUS_DELAY_SECONDS = 1.0
"""Delay before the first status after a change of the spec, so that one write can include the first
probe result."""

ROLLOUT_DEBOUNCE = (10.0, 30.0)
"""The same while pods are on their way: their last step is urgent, and takes the others along."""


@dataclass(slots=True)
class PendingStatus:
    """A status that waits to be written, and since when; losing it costs a write."""

    status: ExposedAppStatus | None = None
    since: float = 0.0
    changed: float = 0.0

    def due_in(self, previous: ExposedAppStatus, status: ExposedAppStatus, now: float) -> float:
        """After how many seconds a status is to be written: 0 when it is now."""
        if is_urgent(previous, status):
            return 0.0
        if self.status is None:
            self.since = now
        if self.status != status:
            self.status, self.changed = status, now
        under_way = is_reconciling(status) and not awaits_first_probe(status)
        quiet, longest = ROLLOUT_DEBOUNCE if under_way else STATUS_DEBOUNCE
        return max(0.0, min(self.changed + quiet, self.since + longest) - now)


class StatusWriter:
    """Writes statuses, and tells what they are about: in the log, and by Events."""

    def __init__(
        self,
        cluster: KubeClient,
        cache: Cache,
        record: Callable[[AppRef, EventMessage], None],
        clock: Callable[[], float],
    ) -> None:
        self._cluster = cluster
        self._cache = cache
        self._record = record
        self._clock = clock

    async def publish(
        self,
        app: AppRef,
        version: str,
        previous: ExposedAppStatus,
        status: ExposedAppStatus,
        held: PendingStatus,
    ) -> float | None:
        """Writes what is different from the app at this resourceVersion, if anything.

        Returns after how many seconds a status that was held back is due. Raises AppDeleted,
        and Retry when it could not be written.
        """
        key, different = app.key, status_patch(previous, status)
        if not different:
            held.status = None
            return None
        if due := held.due_in(previous, status, self._clock()):
            return due
        try:
            answer = await self._cluster.patch_status(*key, version, different)
        except ApiError as error:
            if error.status == 404:
                self._cache.apps.delete_if(key, app.uid)
                raise AppDeleted from error
            raise Retry(str(error), error.retry_after) from error
        held.status = None
        self._cache.apps.upsert(answer)
        _log_transition(key, previous, status)
        for happened in status_events(previous, status):
            self._record(app, happened)
        return None


def _log_transition(
    key: NamespacedName, previous: ExposedAppStatus, status: ExposedAppStatus
) -> None:
    before, after = ready_condition(previous), ready_condition(status)
    if after and (before is None or (before.status, before.reason) != (after.status, after.reason)):
        log.info("%s/%s: Ready=%s %s: %s", *key, after.status, after.reason, after.message)
