"""The one reconcile, for whatever happened.

read the app -> what should be -> compare with what is -> write the difference -> write the status
"""

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from pydantic import ValidationError

from exposedapp.api import ExposedAppSpec, ExposedAppStatus
from exposedapp.cache import Cache, Key
from exposedapp.children import Applied, Children, Outcome
from exposedapp.cluster import ApiError, Cluster
from exposedapp.pods import pod_trouble
from exposedapp.queue import Retry
from exposedapp.reasons import CHILD_KINDS, ChildKind, Problem, Reason, Trouble
from exposedapp.resources import (
    Identity,
    SpecError,
    make_deployment,
    make_service,
    selector_string,
)
from exposedapp.schema import Json
from exposedapp.status import (
    Observed,
    changes,
    compute,
    is_reconciling,
    is_urgent,
    rollout_complete,
    summary,
    tells_pod_trouble,
)

log = logging.getLogger(__name__)

SETTLED_PACE = (1.0, 5.0)
"""A status whose news can wait is written when nothing more has come for so long, but not later
than this; both in seconds."""
ROLLOUT_PACE = (10.0, 30.0)
"""The same while pods are on their way: their last step is urgent, and takes the others along."""
FIRST_LOOK_SECONDS = 1.0
LAST_LOOK_SECONDS = 30.0
"""How soon and how rarely the pods are looked at while they are not as wanted: a pod that cannot
start says so in its own status, which nothing of what is watched repeats."""


@dataclass(slots=True)
class _Memory:
    """What is kept of an app between two reconciles. Losing it costs requests, never the truth."""

    uid: str
    generation: int
    applied: Applied = field(default_factory=dict)
    trouble: Trouble | None = None
    look_at: float | None = None
    look_every: float = FIRST_LOOK_SECONDS
    held_back: ExposedAppStatus | None = None
    held_since: float = 0.0
    held_changed: float = 0.0


class Reconciler:
    """Makes one app at a time true; several at once do not hinder each other."""

    def __init__(
        self, cluster: Cluster, cache: Cache, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._cluster = cluster
        self._cache = cache
        self._children = Children(cluster, cache, clock)
        self._clock = clock
        self._memory: dict[Key, _Memory] = {}

    async def reconcile(self, key: Key) -> float | None:
        """Brings an app's children and status to what its spec says.

        Returns after how many seconds to look again (None: when something happens). Raises Retry
        when something failed that may go better later; what people should know of it is in the
        status by then.
        """
        body = self._cache.apps.get(key)
        if body is None or "deletionTimestamp" in body["metadata"]:
            # The owner references remove the children; making them again would be a fight.
            self._memory.pop(key, None)
            return None
        app = Identity(key.namespace, key.name, body["metadata"]["uid"])
        memory = self._remember(key, app.uid, body["metadata"]["generation"])
        spec, outcomes = await self._make_children(app, body, memory.applied)
        deployment = outcomes["Deployment"].live
        previous = _status_of(body)
        look = await self._look_at_pods(app, deployment, previous, memory)
        problems = [it.problem for it in outcomes.values() if it.problem]
        waiting = {kind: it.waiting for kind, it in outcomes.items() if it.waiting}
        status = compute(
            Observed(
                app=app,
                generation=memory.generation,
                spec=spec,
                previous=previous,
                deployment=deployment,
                service=outcomes["Service"].live,
                endpoints=self._cache.endpoints(key),
                nodes=list(self._cache.nodes.values()),
                trouble=memory.trouble,
                problems=problems,
                waiting=waiting,
                now=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            )
        )
        version = body["metadata"]["resourceVersion"]
        due = await self._write_status(key, version, previous, status, memory)
        again = min((it for it in (look, due) if it is not None), default=None)
        if problems or waiting:
            message = problems[0].message if problems else next(iter(waiting.values()))
            raise Retry(message, at_most=again)
        return again

    def _remember(self, key: Key, uid: str, generation: int) -> _Memory:
        memory = self._memory.get(key)
        if memory is None or (memory.uid, memory.generation) != (uid, generation):
            memory = self._memory[key] = _Memory(uid, generation)
        return memory

    async def _make_children(
        self, app: Identity, body: Json, applied: Applied
    ) -> tuple[ExposedAppSpec | None, dict[ChildKind, Outcome]]:
        spec = None
        try:
            spec = ExposedAppSpec.model_validate(body["spec"])
            deployment, service = make_deployment(app, spec), make_service(app, spec)
        except (ValidationError, SpecError) as error:
            # The children stay as they are: the last spec that worked is better than none.
            found = Problem(Reason.INVALID_SPEC, _told(error))
            return spec, {
                "Deployment": Outcome(self._children.known(app, "Deployment"), found),
                "Service": Outcome(self._children.known(app, "Service")),
            }
        ports = (body.get("status") or {}).get("ports") or []
        # Both are awaited also when one fails: the next reconcile must find none under way.
        results = await asyncio.gather(
            self._children.ensure_deployment(app, deployment, applied),
            self._children.ensure_service(app, service, ports, applied),
            return_exceptions=True,
        )
        outcomes: dict[ChildKind, Outcome] = {}
        for kind, result in zip(CHILD_KINDS, results, strict=True):
            if isinstance(result, BaseException):
                raise result
            outcomes[kind] = result
        return spec, outcomes

    async def _look_at_pods(
        self,
        app: Identity,
        deployment: Json | None,
        previous: ExposedAppStatus,
        memory: _Memory,
    ) -> float | None:
        """Asks the pods what holds them up, now and then while they are not as wanted.

        Returns after how many seconds to ask again.
        """
        if deployment is None or rollout_complete(deployment):
            memory.trouble, memory.look_at, memory.look_every = None, None, FIRST_LOOK_SECONDS
            return None
        now = self._clock()
        if memory.look_at is None:
            # After a restart the pods that were in trouble most likely still are.
            known = tells_pod_trouble(previous, memory.generation)
            memory.look_at = now if known else now + memory.look_every
        if now >= memory.look_at:
            try:
                pods = await self._cluster.pods(app.namespace, selector_string(app.name))
                found = pod_trouble(pods)
                if found is None or not found.same_as(memory.trouble):
                    memory.trouble = found
            except ApiError as error:
                # The rest of the status is true without them.
                log.warning("%s/%s: cannot list the pods: %s", app.namespace, app.name, error)
            memory.look_every = min(memory.look_every * 1.5, LAST_LOOK_SECONDS)
            memory.look_at = now + memory.look_every
        return memory.look_at - now

    async def _write_status(
        self,
        key: Key,
        version: str,
        previous: ExposedAppStatus,
        status: ExposedAppStatus,
        memory: _Memory,
    ) -> float | None:
        """Writes what changed, if anything, now or together with what else changes soon.

        Returns after how many seconds a status that was held back is due.
        """
        different = changes(previous, status)
        if not different:
            memory.held_back = None
            return None
        now = self._clock()
        if not is_urgent(previous, status):
            if memory.held_back is None:
                memory.held_since = now
            if memory.held_back != status:
                memory.held_back, memory.held_changed = status, now
            quiet, longest = ROLLOUT_PACE if is_reconciling(status) else SETTLED_PACE
            due = min(memory.held_changed + quiet, memory.held_since + longest)
            if now < due:
                return due - now
        try:
            answer = await self._cluster.patch_status(*key, version, different)
        except ApiError as error:
            if error.status == 404:
                self._cache.apps.forget(key, memory.uid)
                self._memory.pop(key, None)
                return None
            raise Retry(str(error), error.retry_after) from error
        memory.held_back = None
        self._cache.apps.put(answer)
        _log_transition(key, previous, status)
        return None


def _status_of(body: Json) -> ExposedAppStatus:
    try:
        return ExposedAppStatus.model_validate(body.get("status") or {"observedGeneration": -1})
    except ValidationError:
        # Somebody else wrote it, or an older operator; it will be written anew.
        return ExposedAppStatus(observed_generation=-1)


def _told(error: ValidationError | SpecError) -> str:
    if isinstance(error, SpecError):
        return str(error)
    return "; ".join(
        f"spec.{'.'.join(str(part) for part in it['loc'])}: {it['msg']}" for it in error.errors()
    )


def _log_transition(key: Key, previous: ExposedAppStatus, status: ExposedAppStatus) -> None:
    before, after = summary(previous), summary(status)
    if after and (before is None or (before.status, before.reason) != (after.status, after.reason)):
        log.info("%s/%s: Ready=%s %s: %s", *key, after.status, after.reason, after.message)
