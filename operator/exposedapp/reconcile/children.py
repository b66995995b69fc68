# SPDX-License-Identifier: Apache-2.0
"""Brings both children of an app to their desired state: which ones, in which order.

The second phase of a reconcile; called by reconciler.py. Reads through child_reader.py; writes
through apply.py and, for the Service, node_ports.py. A child that is refused or fails is a result:
the phases after this one report what is known.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from exposedapp.api.app import ExposedAppSpec
from exposedapp.api.conditions import Reason
from exposedapp.api.meta import CHILD_KINDS, ChildKind, Json, NamespacedName
from exposedapp.cache.cache import Cache
from exposedapp.desired.adoption import is_adopted
from exposedapp.desired.deployment import make_deployment
from exposedapp.desired.errors import SpecError
from exposedapp.desired.metadata import is_upgrade
from exposedapp.desired.pod_template import pod_labels
from exposedapp.desired.service import make_service
from exposedapp.kube.scope import Scope
from exposedapp.reconcile.app import App, spec_problem
from exposedapp.reconcile.app_states import AppStates
from exposedapp.reconcile.apply import Applier
from exposedapp.reconcile.child_reader import ChildReader, Named, ReadError
from exposedapp.reconcile.gather import gather_all
from exposedapp.reconcile.interfaces import ChildClient
from exposedapp.reconcile.node_ports import ServiceApplier
from exposedapp.reconcile.ownership import is_being_deleted, is_manageable, is_to_be_released
from exposedapp.reconcile.results import NO_CHILD, ChildrenResult, ChildResult, Failure
from exposedapp.reconcile.upgrades import Upgrades
from exposedapp.status.observation import Problem


@dataclass(slots=True)
class _NameConflict:
    was_seen: bool = False
    """Whether an object that is not watched had the name of a child: then GET before applying, to
    avoid a 409 at every attempt."""


class Children:
    """Creates, adopts, applies and removes children; safe to call for several apps at once."""

    def __init__(
        self, client: ChildClient, cache: Cache, scope: Scope, clock: Callable[[], float]
    ) -> None:
        self._reader = ChildReader(client, cache)
        self._applier = Applier(client, cache, clock)
        self._services = ServiceApplier(client, cache, self._applier, scope, clock)
        self._upgrades = Upgrades(clock)
        self._name_conflicts = AppStates(_NameConflict)

    def forget(self, key: NamespacedName) -> None:
        """Drop what is remembered of an app that is deleted."""
        self._applier.forget(key)
        self._services.forget(key)
        self._upgrades.forget(key)
        self._name_conflicts.forget(key)

    async def reconcile(self, app: App) -> ChildrenResult:
        """Compare the children with the spec, and apply what differs.

        Raises AppDeleted when there is no app any more, or its namespace is being deleted.
        """
        result = await self._reconcile(app)
        is_refused = result.problem or result.deployment.problem
        self._upgrades.finish(app.key, None if is_refused else result.deployment.live)
        return result

    async def _reconcile(self, app: App) -> ChildrenResult:
        deployment, service = (ChildResult(self._reader.owned(app, kind)) for kind in CHILD_KINDS)
        unchanged = ChildrenResult(deployment, service)
        if app.spec is None:
            # The children of the last spec that worked are better than none.
            return replace(unchanged, problem=app.problem)
        if app.spec.suspend:
            return unchanged
        kinds = CHILD_KINDS if app.spec.image else ("Service",)
        cached = self._reader.cached(app, kinds)
        if None in cached.values() and app.has_been_reconciled:
            read_error = await self._reader.ensure_app_exists(app)
            if read_error:
                return _unread(unchanged, read_error)
        try:
            return await self._create_or_apply(app, app.spec, kinds, cached, unchanged)
        except SpecError as error:
            return replace(unchanged, problem=spec_problem(error))

    async def _create_or_apply(
        self,
        app: App,
        spec: ExposedAppSpec,
        kinds: Sequence[ChildKind],
        cached: Named,
        unchanged: ChildrenResult,
    ) -> ChildrenResult:
        """Apply both children; read what has their names only where there is a reason to.

        A new app has no children, and is ready the sooner without reads. Raises SpecError.
        """
        name_conflict = self._name_conflicts.get(app)
        first = None
        if not name_conflict.was_seen and not _is_one_missing(cached):
            first = await self._try_apply(app, spec, cached)
            if first and not first.name_conflict:
                return first
            name_conflict.was_seen = True
        live = await self._reader.read(app, kinds)
        if isinstance(live, ReadError):
            return _unread(first or unchanged, live)
        result = (await self._apply(app, spec, live)).after(first)
        if error := result.name_conflict:
            # The object is newer than the read, or the conflict is about something else.
            return replace(result, failure=Failure.from_error(error))
        return result

    async def _try_apply(
        self, app: App, spec: ExposedAppSpec, cached: Named
    ) -> ChildrenResult | None:
        """The result of an apply without reads; None when the spec does not work by itself.

        It may work with a Deployment that is to be adopted, and that is not in the cache.
        """
        try:
            return await self._apply(app, spec, cached)
        except SpecError:
            return None

    async def _apply(self, app: App, spec: ExposedAppSpec, live: Named) -> ChildrenResult:
        """Apply both children, given what has their names. Raises SpecError."""
        named = live.get("Deployment")
        manageable = named if named and is_manageable(app.ref, named) else None
        deployment = make_deployment(app.ref, spec, manageable)
        service = make_service(app.ref, spec, _selected_labels(app, spec, live, manageable))
        apply_service = self._services.apply(app, live["Service"], service)
        if deployment is None:
            # The pods may only be deleted after the Service has stopped selecting them.
            service_result = await apply_service
            remove = service_result.is_as_desired
            deployment_result = await self._remove_deployment(app) if remove else NO_CHILD
        else:
            apply_deployment = self._apply_deployment(app, manageable, named, deployment)
            deployment_result, service_result = await gather_all(apply_deployment, apply_service)
        return ChildrenResult(
            deployment_result,
            service_result,
            former_selector=_former_selector(live["Service"], service_result.live),
        )

    async def _apply_deployment(
        self, app: App, manageable: Json | None, named: Json | None, desired: Json
    ) -> ChildResult:
        """Apply the Deployment, in its turn when only the operator's version has changed.

        What a user changes never waits for other apps' upgrades.
        """
        if manageable and app.is_observed and is_upgrade(desired, manageable):
            delay = self._upgrades.admit(app.key)
            if delay is not None:
                return ChildResult(manageable, requeue_after=delay)
        return await self._applier.apply(app, "Deployment", named, desired)

    async def _remove_deployment(self, app: App) -> ChildResult:
        """Delete the Deployment that the app had, if any; release one that is not only its own."""
        live = self._reader.owned(app, "Deployment")
        if live is None or is_being_deleted(live):
            return NO_CHILD
        if is_adopted(app.ref, live) or is_to_be_released(app.ref, live):
            return await self._applier.release(app, "Deployment", live)
        return await self._applier.delete(app, "Deployment", live)


def _selected_labels(
    app: App, spec: ExposedAppSpec, live: Named, deployment: Json | None
) -> Mapping[str, str]:
    """The labels by which the Service selects pods; `deployment` is the one that is manageable.

    While another Deployment has the name, the Service keeps its selector: after a release, the pods
    that it selects are better than none.
    """
    service = live["Service"]
    is_refused = live.get("Deployment") is not None and deployment is None
    if is_refused and spec.image and service and is_manageable(app.ref, service):
        return selector_of(service)
    return pod_labels(app.ref, spec, deployment)


def _is_one_missing(cached: Named) -> bool:
    """Whether one child of two is there.

    The other one may then belong to another owner, who lets the app adopt it.
    """
    return len({live is None for live in cached.values()}) > 1


def _unread(unchanged: ChildrenResult, read_error: ReadError) -> ChildrenResult:
    """The result when a read failed: nothing was applied."""
    error = read_error.error
    if error.status == 403:
        return replace(unchanged, problem=Problem(Reason.FORBIDDEN, error.message))
    return replace(unchanged, failure=Failure.from_error(error))


def _former_selector(before: Json | None, after: Json | None) -> Mapping[str, str] | None:
    """The selector that the Service had before it was applied; None when it has it still."""
    if before is None or after is None or selector_of(before) == selector_of(after):
        return None
    return selector_of(before)


def selector_of(service: Json | None) -> dict[str, str]:
    """The labels by which a Service selects pods; empty without a Service."""
    return (service["spec"].get("selector") or {}) if service else {}
