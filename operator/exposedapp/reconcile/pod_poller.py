# SPDX-License-Identifier: Apache-2.0
"""Polls the pods of an app for why they are not ready, while they are not as desired.

The fifth phase of a reconcile; called by reconciler.py. Pods are not watched: there are too many,
and of most nothing is needed. But a pod that cannot start says why only in its own status, or only
in its Events: those of one pod are read when it has been silent for a while. However many pods
users create, the operator holds a few pages of them.
"""

import logging
from collections.abc import Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass

from exposedapp.api.conditions import Reason
from exposedapp.api.meta import Json, NamespacedName, selector_string
from exposedapp.kube.errors import ApiError
from exposedapp.reconcile.app import App
from exposedapp.reconcile.app_states import AppStates
from exposedapp.reconcile.interfaces import ApiClient
from exposedapp.status.observation import Observation, PodFailure
from exposedapp.status.pod_events import event_query, explain_pod
from exposedapp.status.pods import (
    deciding_pods,
    is_lasting,
    no_selected_pod,
    pod_failure,
    unexplained_pod,
)
from exposedapp.status.queries import reports_pod_failure
from exposedapp.status.rollout import all_updated, workload_settled
from exposedapp.workqueue.backoff import Backoff, random_delay

log = logging.getLogger(__name__)

INITIAL_POLL_SECONDS = 1.0

MAX_POLL_SECONDS = 30.0

POLL_BACKOFF = Backoff(initial=INITIAL_POLL_SECONDS, maximum=MAX_POLL_SECONDS, factor=1.5)
"""Between two polls of one app."""

MIN_SILENT_SECONDS = 25.0
"""For how long a pod's status must leave open why it is not ready, before its Events are read: so
that the cause is in the app's status after 30 seconds. Most pods are ready until then."""

MAX_REWORDINGS = 5
"""How often the cause of one failure may change, until the pods are as desired or the spec changes:
a probe that fails in two ways in turn must not cause a write at every poll."""

MAX_PAGES = 10
"""Pages of one poll. Among more pods than that, some show the failure that the others have."""

MAX_CONCURRENT_POLLS = 4
"""Of all apps. A further poll does not wait, which would keep a worker from other apps: its app is
reconciled again."""

BUSY_SECONDS = (1.0, 3.0)
"""After how long that is, at random between the two; longer the more apps are polled."""

APPS_PER_BUSY_DELAY = 100
"""With more apps than this whose pods are not as desired, the delay grows with their number:
thousands of apps with one bad image must not become thousands of reconciles a second."""


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
    rewordings: int = 0
    """How often the cause of one reason and pod has changed."""
    unexplained: str | None = None
    """The pod whose Events may say why it is not ready; empty if there is none, None if no poll has
    shown."""
    explain_at: float = 0.0
    """When its Events are read."""

    def start(self, now: float, *, was_reported: bool) -> None:
        """Begin to poll; at once, and with Events, if the failure was reported before."""
        # After a restart: the pods that failed most likely still do.
        self.explain_at = now + (0.0 if was_reported else MIN_SILENT_SECONDS)
        self.schedule(now)
        if was_reported:
            self.due_at = now

    def schedule(self, now: float) -> None:
        """Set when the next poll is due."""
        self.due_at = now + POLL_BACKOFF.delay(self.polls + 1)
        if self.unexplained and self.explain_at > now:
            self.due_at = min(self.due_at, self.explain_at)

    def observe_unexplained(self, pod: Json | None, now: float) -> None:
        """Note which pod is unexplained; one that follows another is given time of its own."""
        name = pod["metadata"]["name"] if pod else ""
        if self.unexplained is not None and name != self.unexplained:
            self.explain_at = now + MIN_SILENT_SECONDS
        self.unexplained = name

    def observe_failure(self, failure: PodFailure | None) -> None:
        """Keep the failure, or the former one if it is the same or has changed too often."""
        former = self.failure
        if failure and failure.same_as(former):
            return
        if failure and former and (failure.reason, failure.pod) == (former.reason, former.pod):
            if self.rewordings >= MAX_REWORDINGS:
                return
            self.rewordings += 1
        self.failure = failure


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
            was_reported = reports_pod_failure(app.previous, app.generation)
            state.start(now, was_reported=was_reported)
        if state.due_at is not None and now >= state.due_at:
            if self._polling >= MAX_CONCURRENT_POLLS:
                return PodPoll(state.failure, self._busy_delay())
            await self._poll(observation, state)
            state.polls += 1
            state.schedule(now)
        return PodPoll(state.failure, (state.due_at or now) - now)

    def _busy_delay(self) -> float:
        shortest, longest = BUSY_SECONDS
        factor = max(1.0, len(self._states) / APPS_PER_BUSY_DELAY)
        return random_delay(shortest * factor, longest * factor)

    async def _poll(self, observation: Observation, state: _PollState) -> None:
        self._polling += 1
        try:
            pods = await self._deciding_pods(observation)
            failure, pod = pod_failure(pods), unexplained_pod(pods)
            if not (pods or observation.runs_pods):
                failure = _no_pod_failure(observation)
            state.observe_unexplained(pod, self._clock())
            if pod and self._clock() >= state.explain_at:
                failure = await self._explain(observation.app.namespace, pod, failure)
        except ApiError as error:
            # The rest of the status is true without them.
            log.warning("%s: cannot list the pods: %s", observation.app.key, error)
            return
        finally:
            self._polling -= 1
        state.observe_failure(failure)

    async def _explain(
        self, namespace: str, pod: Json, failure: PodFailure | None
    ) -> PodFailure | None:
        """The failure, with what the pod's Events say."""
        events: Sequence[Json] = ()
        if query := event_query(pod):
            try:
                events = await self._client.events(namespace, query.field_selector)
            except ApiError as error:
                # The pod's state still says what it waits for.
                log.warning("%s: cannot list the Events: %s", namespace, error)
        return explain_pod(pod, failure, events)

    async def _deciding_pods(self, observation: Observation) -> list[Json]:
        """The pods that decide, from as few pages as possible. Raises ApiError."""
        selector = selector_string(observation.pod_selector)
        # Else a later page may have a pod of a newer template, which alone counts.
        is_decided_by_one = observation.deployment and all_updated(observation.deployment)
        deciding: list[Json] = []
        count = 0
        async with aclosing(self._client.pods(observation.app.namespace, selector)) as pages:
            async for page in pages:
                deciding = deciding_pods([*deciding, *page])
                count, failure = count + 1, pod_failure(deciding)
                is_decided = is_decided_by_one and failure and is_lasting(failure)
                if is_decided or count == MAX_PAGES:
                    break
        return deciding


def _no_pod_failure(observation: Observation) -> PodFailure:
    selector = selector_string(observation.pod_selector)
    message = no_selected_pod(observation.app.namespace, selector)
    return PodFailure(Reason.PROGRESSING, message)
