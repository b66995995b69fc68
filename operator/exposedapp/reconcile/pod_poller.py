"""Polls the pods of an app for why they do not start, while they are not as desired.

The fifth phase of a reconcile; called by reconciler.py. Pods are not watched: there are too many,
and of most nothing is needed. But a pod that cannot start says why only in its own status. However
many pods users create, the operator holds a few pages of them.
"""

import logging
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass

from exposedapp.api.meta import Json, NamespacedName, selector_string
from exposedapp.kube.errors import ApiError
from exposedapp.reconcile.app import App
from exposedapp.reconcile.app_states import AppStates
from exposedapp.reconcile.interfaces import ApiClient
from exposedapp.status.observation import Observation, PodFailure
from exposedapp.status.pods import deciding_pods, is_lasting, pod_failure
from exposedapp.status.queries import reports_pod_failure
from exposedapp.status.rollout import all_updated, workload_settled
from exposedapp.workqueue.backoff import Backoff, random_delay

log = logging.getLogger(__name__)

INITIAL_POLL_SECONDS = 1.0

MAX_POLL_SECONDS = 30.0

POLL_BACKOFF = Backoff(initial=INITIAL_POLL_SECONDS, maximum=MAX_POLL_SECONDS, factor=1.5)
"""Between two polls of one app."""


MAX_PAGES = 10
"""Pages of one poll. Among more pods than that, some show the failure that the others have."""

MAX_CONCURRENT_POLLS = 4
"""Of all apps. A further poll does not wait, which would keep a worker from other apps: its app is
reconciled again."""

BUSY_SECONDS = (1.0, 3.0)
"""After how long that is, at random between the two."""


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
        self._polling = 0
        """How many polls are in flight."""

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
            if self._polling >= MAX_CONCURRENT_POLLS:
                return PodPoll(state.failure, random_delay(*BUSY_SECONDS))
            await self._poll(observation, state)
            state.polls += 1
            state.schedule(now)
        return PodPoll(state.failure, (state.due_at or now) - now)

    async def _poll(self, observation: Observation, state: _PollState) -> None:
        self._polling += 1
        try:
            failure = await self._find_failure(observation)
        except ApiError as error:
            # The rest of the status is true without them.
            log.warning("%s: cannot list the pods: %s", observation.app.key, error)
            return
        finally:
            self._polling -= 1
        if failure is None or not failure.same_as(state.failure):
            state.failure = failure

    async def _find_failure(self, observation: Observation) -> PodFailure | None:
        """The pods' failure, from as few pages as possible. Raises ApiError."""
        selector = selector_string(observation.pod_selector)
        # Else a later page may have a pod of a newer template, which alone counts.
        is_decided_by_one = observation.deployment and all_updated(observation.deployment)
        deciding: list[Json] = []
        count, failure = 0, None
        async with aclosing(self._client.pods(observation.app.namespace, selector)) as pages:
            async for page in pages:
                deciding = deciding_pods([*deciding, *page])
                count, failure = count + 1, pod_failure(deciding)
                is_decided = is_decided_by_one and failure and is_lasting(failure)
                if is_decided or count == MAX_PAGES:
                    break
        return failure
