"""Polls the pods of an app for why they do not start, while they are not as desired.

The fifth phase of a reconcile; called by reconciler.py. Pods are not watched: there are too many,
and of most nothing is needed. But a pod that cannot start says why only in its own status.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass

from exposedapp.api.meta import NamespacedName, selector_string
from exposedapp.kube.errors import ApiError
from exposedapp.reconcile.app import App
from exposedapp.reconcile.app_states import AppStates
from exposedapp.reconcile.interfaces import ApiClient
from exposedapp.status.observation import Observation, PodFailure
from exposedapp.status.pods import pod_failure
from exposedapp.status.queries import reports_pod_failure
from exposedapp.status.rollout import workload_settled
from exposedapp.workqueue.backoff import Backoff

log = logging.getLogger(__name__)

INITIAL_POLL_SECONDS = 1.0

MAX_POLL_SECONDS = 30.0

POLL_BACKOFF = Backoff(initial=INITIAL_POLL_SECONDS, maximum=MAX_POLL_SECONDS, factor=1.5)
"""Between two polls of one app."""


@dataclass(frozen=True, slots=True)
class PodPoll:
    """What the pods report."""

    failure: PodFailure | None = None
    requeue_after: float | None = None
    """Seconds until the next poll; None when none is needed."""


@dataclass(slots=True)
class _PollState:
    """The polls since the pods were last as desired."""

    due_at: float | None = None
    """None until the pods are first seen not to be as desired."""
    polls: int = 0
    failure: PodFailure | None = None

    def schedule(self, now: float) -> None:
        """Set when the next poll is due."""
        self.due_at = now + POLL_BACKOFF.delay(self.polls + 1)


class PodPoller:
    """Polls pods."""

    def __init__(self, client: ApiClient, clock: Callable[[], float]) -> None:
        self._client = client
        self._clock = clock
        self._states = AppStates(_PollState)

    def forget(self, key: NamespacedName) -> None:
        """Drop what is remembered of an app that is deleted."""
        self._states.forget(key)

    async def poll(self, app: App, observation: Observation) -> PodPoll:
        """Why the pods do not start, as of the last poll; poll now if that is due."""
        if workload_settled(observation):
            self._states.forget(app.key)
            return PodPoll()
        state, now = self._states.get(app), self._clock()
        if state.due_at is None:
            state.schedule(now)
            if reports_pod_failure(app.previous, app.generation):
                # After a restart: the pods that failed most likely still do.
                state.due_at = now
        if state.due_at is not None and now >= state.due_at:
            await self._poll(observation, state)
            state.polls += 1
            state.schedule(now)
        return PodPoll(state.failure, (state.due_at or now) - now)

    async def _poll(self, observation: Observation, state: _PollState) -> None:
        app = observation.app
        try:
            pods = await self._client.pods(app.namespace, selector_string(observation.pod_selector))
        except ApiError as error:
            # The rest of the status is true without them.
            log.warning("%s: cannot list the pods: %s", app.key, error)
            return
        failure = pod_failure(pods)
        if failure is None or not failure.same_as(state.failure):
            state.failure = failure
