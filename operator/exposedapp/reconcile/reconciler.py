"""The one reconcile, for whatever happened.

read the app -> what should be -> compare with what is -> write the difference -> write the status
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TypeVar

from pydantic import ValidationError

from exposedapp.api.app import ExposedAppSpec, ExposedAppStatus
from exposedapp.api.conditions import Reason
from exposedapp.api.meta import (
    CHILD_KINDS,
    AppRef,
    ChildKind,
    Json,
    NamespacedName,
    selector_string,
)
from exposedapp.cache.cache import Cache
from exposedapp.cache.encoding import UNREADABLE
from exposedapp.desired.deployment import make_deployment
from exposedapp.desired.errors import SpecError
from exposedapp.desired.metadata import is_upgrade
from exposedapp.desired.pod_template import pod_labels
from exposedapp.desired.service import make_service
from exposedapp.exposure.backend import backend_fingerprint
from exposedapp.exposure.endpoints import Endpoint
from exposedapp.exposure.exposure import Exposure
from exposedapp.exposure.not_probed import no_probe_reason, not_probed_note
from exposedapp.exposure.probes import ProbeResults, probe_targets
from exposedapp.exposure.reachability import grace_left
from exposedapp.exposure.urls import compute_exposure
from exposedapp.kube.client import KubeClient
from exposedapp.kube.errors import ApiError
from exposedapp.probing.prober import Prober
from exposedapp.reconcile.children import Applied, Children, ChildResult
from exposedapp.reconcile.errors import AppDeleted, Retry
from exposedapp.reconcile.metrics import ConditionMetrics, NoopConditionMetrics
from exposedapp.reconcile.status_writer import (
    FIRST_STATUS_DELAY_SECONDS,
    PendingStatus,
    StatusWriter,
)
from exposedapp.reconcile.upgrades import Upgrades
from exposedapp.settings import Settings
from exposedapp.status.compute import compute_status
from exposedapp.status.events import (
    EventMessage,
    ReachableStatus,
    child_events,
    last_reachable,
    reachability_events,
)
from exposedapp.status.observation import Observation, PodFailure, Problem
from exposedapp.status.pods import pod_failure
from exposedapp.status.queries import awaits_first_probe, ready_condition, reports_pod_failure
from exposedapp.status.rollout import workload_settled
from exposedapp.workqueue.result import Result

log = logging.getLogger(__name__)
T = TypeVar("T")

STALE_ENDPOINTS_SECONDS = 5.0
"""How long endpoints that have not changed since the Service's selector did count as the old ones:
much longer than the EndpointSlice controller takes."""

INITIAL_POLL_SECONDS = 1.0

MAX_POLL_SECONDS = 30.0
"""How soon and how rarely the pods are looked at while they are not as wanted: a pod that cannot
start says so in its own status, which nothing of what is watched repeats."""


@dataclass(slots=True)
class _Memory:
    """What is kept of an app between two reconciles. Losing it costs requests, never the truth."""

    uid: str
    generation: int
    applied: Applied = field(default_factory=dict)
    outdated: tuple[list[Endpoint], float] | None = None
    """The endpoints of the selector that the Service had, and until when they are not believed."""
    trouble: PodFailure | None = None
    looks: bool = False
    """Whether something that is not watched had the name of a child: then look before it is made,
    instead of being refused at each try."""
    look_at: float | None = None
    look_every: float = INITIAL_POLL_SECONDS
    held: PendingStatus = field(default_factory=PendingStatus)
    began: float = 0.0
    judged: bool = False
    """Whether it has been found out if this spec's URLs answer; then answers are believed that are
    older than the newest pods, until there are others."""
    reached: ReachableStatus | None = None
    """What was last told of that, of whichever spec."""


class Reconciler:
    """Makes one app at a time true; several at once do not hinder each other."""

    def __init__(
        self,
        cluster: KubeClient,
        cache: Cache,
        settings: Settings,
        prober: Prober,
        record: Callable[[AppRef, EventMessage], None],
        apps: ConditionMetrics | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._cluster = cluster
        self._cache = cache
        self._children = Children(cluster, cache, clock)
        self._publisher = StatusWriter(cluster, cache, record, clock)
        self._settings = settings
        self._prober = prober
        self._apps = apps or NoopConditionMetrics()
        self._record = record
        self._clock = clock
        self._upgrades = Upgrades()
        self._memory: dict[NamespacedName, _Memory] = {}

    async def reconcile(self, key: NamespacedName) -> Result:
        """Brings an app's children and status to what its spec says.

        What people should know of a failure that may go better later is in the status by then.
        """
        try:
            again = await self._reconcile_unless_deleted(key)
        except Retry as retry:
            return Result(
                requeue_after=retry.at_most,
                backoff=True,
                message=str(retry),
                min_delay=retry.after,
                error=retry.__cause__,
            )
        return Result(requeue_after=again)

    async def _reconcile_unless_deleted(self, key: NamespacedName) -> float | None:
        body = self._cache.apps.get(key)
        if body is None or "deletionTimestamp" in body["metadata"]:
            # The owner references remove the children; making them again would be a fight.
            self._forget(key)
            return None
        try:
            return await self._reconcile(key, body)
        except AppDeleted:
            self._forget(key)
            return None

    async def _reconcile(self, key: NamespacedName, body: Json) -> float | None:
        app = AppRef(key.namespace, key.name, body["metadata"]["uid"])
        memory = self._remember(key, app.uid, body["metadata"]["generation"])
        spec, outcomes = await self._make_children(app, body, memory)
        for happened in child_events([it.did for it in outcomes.values() if it.did]):
            self._record(app, happened)
        deployment, service = (outcomes[kind].live for kind in CHILD_KINDS)
        if spec is None or spec.suspend:
            # The spec is not followed now, so what is there tells.
            pods = _selector(service)
        else:
            pods = pod_labels(app, spec, deployment)
        self._upgrades.finish(key, None if outcomes["Deployment"].problem else deployment)
        previous = _status_of(body)
        problems = [it.problem for it in outcomes.values() if it.problem]
        waiting = {kind: it.waiting for kind, it in outcomes.items() if it.waiting}
        endpoints = self._endpoints(key, memory)
        at = self._addresses(app, spec, service, endpoints, previous)
        observation = Observation(
            app=app,
            generation=memory.generation,
            spec=spec,
            previous=previous,
            pod_selector=pods,
            deployment=deployment,
            service=service,
            endpoints=endpoints,
            exposure=at,
            problems=problems,
            pending=waiting,
            now=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        )
        probes, probing_seconds = self._ask(observation, memory)
        look = await self._look_at_pods(observation, memory)
        status = compute_status(observation, probes, memory.trouble, probing_seconds)
        memory.judged = memory.judged or _is_judged(status, memory.generation)
        self._apps.observe(key, status.conditions or ())
        due = self._moment(memory, previous, status)
        if due is None:
            version = body["metadata"]["resourceVersion"]
            due = await self._publisher.publish(app, version, previous, status, memory.held)
        if due is None:
            for happened in reachability_events(memory.reached, status):
                self._record(app, happened)
        settled = memory.outdated[1] - self._clock() if memory.outdated else None
        judged = grace_left(probes, probing_seconds)
        rests = (it.again for it in outcomes.values())
        times = (look, due, settled, judged, *rests)
        again = min((it for it in times if it is not None), default=None)
        if problems or waiting:
            message = problems[0].message if problems else next(iter(waiting.values()))
            raise Retry(message, at_most=again)
        return again

    def _forget(self, key: NamespacedName) -> None:
        self._memory.pop(key, None)
        self._upgrades.forget(key)
        self._prober.want(key, ())
        self._apps.forget(key)

    def _remember(self, key: NamespacedName, uid: str, generation: int) -> _Memory:
        memory = self._memory.get(key)
        if memory is None or (memory.uid, memory.generation) != (uid, generation):
            reached = memory.reached if memory and memory.uid == uid else None
            memory = _Memory(uid, generation, began=self._clock(), reached=reached)
            self._memory[key] = memory
        return memory

    async def _make_children(
        self, app: AppRef, body: Json, memory: _Memory
    ) -> tuple[ExposedAppSpec | None, dict[ChildKind, ChildResult]]:
        spec = None
        known = {kind: self._children.known(app, kind) for kind in CHILD_KINDS}
        as_it_is = {kind: ChildResult(live) for kind, live in known.items()}
        try:
            spec = _spec_of(body)
            if spec.suspend:
                return spec, as_it_is
            there = await self._look(app, spec, ask=False)
            if None in there.values() and _was_made(body):
                found = await self._confirm(app)
                if found:
                    return spec, {**as_it_is, "Deployment": ChildResult(known["Deployment"], found)}
            return spec, await self._make_unknown(app, spec, body, there, memory)
        except (ValidationError, SpecError) as error:
            # The children stay as they are: the last spec that worked is better than none.
            found = Problem(Reason.INVALID_SPEC, _told(error))
            return spec, {**as_it_is, "Deployment": ChildResult(known["Deployment"], found)}

    async def _make_unknown(
        self,
        app: AppRef,
        spec: ExposedAppSpec,
        body: Json,
        there: dict[ChildKind, Json | None],
        memory: _Memory,
    ) -> dict[ChildKind, ChildResult]:
        """Makes both children; asks what has their names only where there is a reason to.

        A new app has none, and is answered the sooner. Raises SpecError.
        """
        # Of an app that has one child already, the other may be another's, to be taken over.
        one_known = len({it is None for it in there.values()}) > 1
        if memory.looks or one_known:
            there = await self._look(app, spec, ask=True)
            outcomes = await self._make(app, spec, body, there, memory)
        else:
            try:
                first = await self._make(app, spec, body, there, memory)
            except SpecError:
                # Perhaps it can be followed with the Deployment that is to be taken over.
                first = None
            if first and not any(it.taken for it in first.values()):
                return first
            memory.looks = True
            there = await self._look(app, spec, ask=True)
            outcomes = await self._make(app, spec, body, there, memory)
            if first:
                outcomes = {kind: it.after(first[kind]) for kind, it in outcomes.items()}
        for outcome in outcomes.values():
            if outcome.taken:
                # It came since it was looked for, or the conflict is about something else.
                error = outcome.taken
                raise Retry(str(error), error.retry_after) from error
        return outcomes

    async def _make(
        self,
        app: AppRef,
        spec: ExposedAppSpec,
        body: Json,
        there: dict[ChildKind, Json | None],
        memory: _Memory,
    ) -> dict[ChildKind, ChildResult]:
        """Makes both children, given what has their names. Raises SpecError."""
        taken = self._children.own(app, there.get("Deployment"))
        deployment = make_deployment(app, spec, taken)
        service = make_service(app, spec, pod_labels(app, spec, taken))
        ports = (body.get("status") or {}).get("ports") or []
        before = there["Service"]
        service_made = self._children.ensure_service(app, before, service, ports, memory.applied)
        if deployment is not None:
            deployment_made = self._ensure_deployment(app, body, taken, there, deployment, memory)
            results = await _all(deployment_made, service_made)
        else:
            # First the Service leads elsewhere, then the pods may go.
            made = await service_made
            kept = made.problem or made.waiting or made.taken
            removed = ChildResult() if kept else await self._children.remove_deployment(app)
            results = [removed, made]
        if before and _selector(before) != _selector(results[1].live):
            until = self._clock() + STALE_ENDPOINTS_SECONDS
            memory.outdated = (
                self._cache.endpoint_slices.endpoints(app.key),
                until,
            )
        return dict(zip(CHILD_KINDS, results, strict=True))

    async def _ensure_deployment(
        self,
        app: AppRef,
        body: Json,
        own: Json | None,
        there: dict[ChildKind, Json | None],
        desired: Json,
        memory: _Memory,
    ) -> ChildResult:
        """Make the Deployment as desired, in its turn when only the operator is another one.

        What a user changes never waits for other apps' upgrades.
        """
        is_observed = _status_of(body).observed_generation == memory.generation
        if own and is_observed and is_upgrade(desired, own):
            retry_after = self._upgrades.admit(app.key)
            if retry_after is not None:
                return ChildResult(own, again=retry_after)
        live = there.get("Deployment")
        return await self._children.ensure_deployment(app, live, desired, memory.applied)

    async def _look(
        self, app: AppRef, spec: ExposedAppSpec, *, ask: bool
    ) -> dict[ChildKind, Json | None]:
        """What has the names of the children now."""
        kinds = CHILD_KINDS if spec.image else ("Service",)
        found = await _all(*(self._children.look(app, kind, ask=ask) for kind in kinds))
        return dict(zip(kinds, found, strict=True))

    async def _confirm(self, app: AppRef) -> Problem | None:
        """Raises AppDeleted when the app is gone; the problem is that it cannot be asked.

        A child that is not there was perhaps removed with its app, and nobody has said so yet.
        """
        key = app.key
        try:
            live = await self._cluster.get("ExposedApp", *key)
        except ApiError as error:
            if error.status == 403:
                return Problem(Reason.FORBIDDEN, error.message)
            raise Retry(str(error), error.retry_after) from error
        if live is None or live["metadata"]["uid"] != app.uid:
            self._cache.apps.delete_if(key, app.uid)
            raise AppDeleted
        if "deletionTimestamp" in live["metadata"]:
            raise AppDeleted
        return None

    def _addresses(
        self,
        app: AppRef,
        spec: ExposedAppSpec | None,
        service: Json | None,
        endpoints: list[Endpoint],
        previous: ExposedAppStatus,
    ) -> Exposure:
        if service is None:
            # Without a Service there is no address; the ports stay, so that it gets the same again.
            return Exposure(ports=previous.ports or ())
        return compute_exposure(
            app, spec, service, endpoints, self._cache.nodes.index(), self._settings
        )

    def _ask(self, observation: Observation, memory: _Memory) -> tuple[ProbeResults, float]:
        """Has the URLs tried.

        Returns what is known of them as far as it counts, and for how many seconds they have been
        tried.
        """
        spec, service, at = observation.spec, observation.service, observation.exposure
        well = workload_settled(observation)
        ready = {it.pod for it in observation.endpoints if it.ready}
        backend = backend_fingerprint(service, ready if well else None)
        probe = spec.probe if spec else None
        enabled = self._settings.probe and bool(ready)  # without a pod nothing could answer
        wanted = probe_targets(at.probe_urls, probe, enabled=enabled, backend=backend)
        answers = self._prober.want(observation.app.key, wanted)
        if service and wanted:
            not_probed = not_probed_note(service, at.urls, at.preferred, answers.by_url)
        else:
            not_probed = no_probe_reason(spec, service, self._settings, ready=bool(ready))
        answers = replace(answers, not_probed=not_probed)
        memory.judged = memory.judged or _is_judged(observation.previous, memory.generation)
        memory.reached = last_reachable(observation.previous) or memory.reached
        if well and not (memory.judged or observation.problems or observation.pending):
            answers = answers.only_fresh()
        waited = 0.0 if answers.started_at is None else self._clock() - answers.started_at
        return answers, waited

    def _moment(
        self, memory: _Memory, previous: ExposedAppStatus, status: ExposedAppStatus
    ) -> float | None:
        """How long the first status of a changed app is not written, if it is not.

        In a moment there is most likely an answer, and one write says it all. A new app does not
        wait: its URLs are told at once.
        """
        known = 0 < previous.observed_generation != memory.generation
        left = memory.began + FIRST_STATUS_DELAY_SECONDS - self._clock()
        return left if known and awaits_first_probe(status) and left > 0 else None

    def _endpoints(self, key: NamespacedName, memory: _Memory) -> list[Endpoint]:
        """The pods behind the Service; those of the selector that it had before do not count."""
        found = self._cache.endpoint_slices.endpoints(key)
        if memory.outdated:
            before, until = memory.outdated
            if found == before and self._clock() < until:
                return []
            memory.outdated = None
        return found

    async def _look_at_pods(self, observation: Observation, memory: _Memory) -> float | None:
        """Asks the pods what holds them up, now and then while they are not as wanted.

        Returns after how many seconds to ask again.
        """
        if workload_settled(observation):
            memory.trouble, memory.look_at, memory.look_every = None, None, INITIAL_POLL_SECONDS
            return None
        app, now = observation.app, self._clock()
        if memory.look_at is None:
            # After a restart the pods that were in trouble most likely still are.
            known = reports_pod_failure(observation.previous, memory.generation)
            memory.look_at = now if known else now + memory.look_every
        if now >= memory.look_at:
            try:
                pods = await self._cluster.pods(
                    app.namespace, selector_string(observation.pod_selector)
                )
                found = pod_failure(pods)
                if found is None or not found.same_as(memory.trouble):
                    memory.trouble = found
            except ApiError as error:
                # The rest of the status is true without them.
                log.warning("%s/%s: cannot list the pods: %s", app.namespace, app.name, error)
            memory.look_every = min(memory.look_every * 1.5, MAX_POLL_SECONDS)
            memory.look_at = now + memory.look_every
        return memory.look_at - now


def _was_made(body: Json) -> bool:
    """Whether an app has been answered before, and so had children."""
    return _status_of(body).observed_generation > 0


def _is_judged(status: ExposedAppStatus, generation: int) -> bool:
    """Whether the status says of this spec if its URLs answer."""
    ready = ready_condition(status)
    return (
        ready is not None
        and ready.observed_generation == generation
        and ready.reason in (Reason.AVAILABLE, Reason.UNREACHABLE)
    )


def _selector(service: Json | None) -> dict[str, str]:
    return (service["spec"].get("selector") or {}) if service else {}


async def _all(*under_way: Awaitable[T]) -> list[T]:
    """What all of these return; all are awaited also when one fails, and then its error is raised.

    The next reconcile must find none under way.
    """
    results = await asyncio.gather(*under_way, return_exceptions=True)
    found = []
    for result in results:
        if isinstance(result, BaseException):
            raise result
        found.append(result)
    return found


def _spec_of(body: Json) -> ExposedAppSpec:
    """The spec. Raises SpecError or ValidationError when it cannot be followed."""
    if UNREADABLE in body:
        raise SpecError(body[UNREADABLE])
    return ExposedAppSpec.model_validate(body["spec"])


def _status_of(body: Json) -> ExposedAppStatus:
    try:
        return ExposedAppStatus.model_validate(body.get("status") or {"observedGeneration": -1})
    except ValidationError:
        # Somebody else wrote it, or an older operator; it will be written anew.
        return ExposedAppStatus(observed_generation=-1)


def _told(error: ValidationError | SpecError) -> str:
    if isinstance(error, SpecError):
        return str(error)
    found = []
    for it in error.errors():
        field = ".".join(str(part) for part in it["loc"])
        found.append(f"spec.{field}: {it['msg'].removeprefix('Value error, ')}")
    return "; ".join(found)
