"""Writing a status: what changed of it, at once or together with what else changes soon."""

import logging
from collections.abc import Callable
from dataclasses import dataclass

from exposedapp.api.app import ExposedAppStatus
from exposedapp.api.meta import Identity, Key
from exposedapp.cache.cache import Cache
from exposedapp.kube.client import Cluster
from exposedapp.kube.errors import ApiError
from exposedapp.reconcile.errors import Gone
from exposedapp.status.events import Happening, of_status
from exposedapp.status.queries import is_reconciling, summary, waits
from exposedapp.status.write_policy import changes, is_urgent
from exposedapp.workqueue.errors import Retry

log = logging.getLogger(__name__)

SETTLED_PACE = (1.0, 5.0)
"""A status whose news can wait is written when nothing more has come for so long, but not later
than this; both in seconds."""

ROLLOUT_PACE = (10.0, 30.0)
"""The same while pods are on their way: their last step is urgent, and takes the others along."""


@dataclass(slots=True)
class Held:
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
        under_way = is_reconciling(status) and not waits(status)
        quiet, longest = ROLLOUT_PACE if under_way else SETTLED_PACE
        return max(0.0, min(self.changed + quiet, self.since + longest) - now)


class Publisher:
    """Writes statuses, and tells what they are about: in the log, and by Events."""

    def __init__(
        self,
        cluster: Cluster,
        cache: Cache,
        record: Callable[[Identity, Happening], None],
        clock: Callable[[], float],
    ) -> None:
        self._cluster = cluster
        self._cache = cache
        self._record = record
        self._clock = clock

    async def publish(
        self,
        app: Identity,
        version: str,
        previous: ExposedAppStatus,
        status: ExposedAppStatus,
        held: Held,
    ) -> float | None:
        """Writes what is different from the app at this resourceVersion, if anything.

        Returns after how many seconds a status that was held back is due. Raises Gone, and Retry
        when it could not be written.
        """
        key, different = Key(app.namespace, app.name), changes(previous, status)
        if not different:
            held.status = None
            return None
        if due := held.due_in(previous, status, self._clock()):
            return due
        try:
            answer = await self._cluster.patch_status(*key, version, different)
        except ApiError as error:
            if error.status == 404:
                self._cache.apps.forget(key, app.uid)
                raise Gone from error
            raise Retry(str(error), error.retry_after) from error
        held.status = None
        self._cache.apps.put(answer)
        _log_transition(key, previous, status)
        for happened in of_status(previous, status):
            self._record(app, happened)
        return None


def _log_transition(key: Key, previous: ExposedAppStatus, status: ExposedAppStatus) -> None:
    before, after = summary(previous), summary(status)
    if after and (before is None or (before.status, before.reason) != (after.status, after.reason)):
        log.info("%s/%s: Ready=%s %s: %s", *key, after.status, after.reason, after.message)
