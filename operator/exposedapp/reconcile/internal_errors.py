# SPDX-License-Identifier: Apache-2.0
"""Turns an unforeseen exception in the reconcile of one app into that app's status and a result.

Called by reconciler.py. Other apps are reconciled as before; the app itself is tried again with
back-off.
"""

import logging
import traceback

from exposedapp.api.app import ExposedAppStatus
from exposedapp.api.meta import NamespacedName
from exposedapp.reconcile.app import App
from exposedapp.reconcile.clock import timestamp
from exposedapp.reconcile.results import StatusResult
from exposedapp.status.internal_error import internal_error_status
from exposedapp.workqueue.result import Result

log = logging.getLogger(__name__)


class InternalErrors:
    """The apps whose last reconcile failed so."""

    def __init__(self) -> None:
        self._logged: dict[NamespacedName, str] = {}
        """The error of each app that was logged last."""

    def forget(self, key: NamespacedName) -> None:
        """Log the app's next error, even if it is the same: it was deleted, or reconciled."""
        self._logged.pop(key, None)

    def report(self, app: App, error: Exception) -> ExposedAppStatus:
        """The app's status; log the error with its traceback unless that was done before."""
        description = _describe(error)
        if self._logged.get(app.key) != description:
            self._logged[app.key] = description
            log.error("%s: internal error; tried again with back-off", app.key, exc_info=error)
        return internal_error_status(app.previous, app.generation, error, timestamp())


def internal_error_result(error: Exception, written: StatusResult) -> Result:
    """What the queue does next."""
    return Result(
        requeue_after=written.requeue_after,
        backoff=True,
        message=f"internal error: {_describe(error)}",
        error=error,
        is_bug=True,
    )


def _describe(error: Exception) -> str:
    """The error's type and the place where it was raised: its text may differ at each attempt."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f" in {frames[-1].filename}:{frames[-1].lineno}" if frames else ""
    return f"{type(error).__name__}{place}"
