# SPDX-License-Identifier: Apache-2.0
"""Reads the objects that a status is computed from: the children, and what the cache has.

The third phase of a reconcile; called by reconciler.py. Sends no request.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from exposedapp.api.meta import NamespacedName
from exposedapp.cache.cache import Cache
from exposedapp.desired.pod_template import pod_labels
from exposedapp.exposure.endpoints import Endpoint
from exposedapp.exposure.exposure import Exposure
from exposedapp.exposure.urls import compute_exposure
from exposedapp.reconcile.app import App
from exposedapp.reconcile.app_states import AppStates
from exposedapp.reconcile.children import selector_of
from exposedapp.reconcile.clock import timestamp
from exposedapp.reconcile.results import ChildrenResult
from exposedapp.reconcile.rollouts import Rollouts
from exposedapp.settings import Settings
from exposedapp.status.observation import Observation

STALE_ENDPOINTS_SECONDS = 5.0
"""How long endpoints that have not changed since the Service's selector did count as those of the
former selector: much longer than the EndpointSlice controller takes."""


@dataclass(slots=True)
class _StaleEndpoints:
    """The endpoints of the selector that the Service had before."""

    endpoints: list[Endpoint] | None = None
    """None when there are none to ignore."""
    until: float = 0.0


class Observer:
    """Takes observations."""

    def __init__(self, cache: Cache, settings: Settings, clock: Callable[[], float]) -> None:
        self._cache = cache
        self._settings = settings
        self._clock = clock
        self._stale = AppStates(_StaleEndpoints, per_generation=False)
        self._rollouts = Rollouts()

    def forget(self, key: NamespacedName) -> None:
        """Drop what is remembered of an app that is deleted."""
        self._stale.forget(key)
        self._rollouts.forget(key)

    def observe(self, app: App, children: ChildrenResult) -> Observation:
        """The state of an app at this moment."""
        self._mark_stale(app, children)
        endpoints = self._current_endpoints(app)
        return Observation(
            app=app.ref,
            generation=app.generation,
            spec=app.spec,
            previous=app.previous,
            pod_selector=_pod_selector(app, children),
            deployment=children.deployment.live,
            service=children.service.live,
            endpoints=endpoints,
            exposure=self._exposure(app, children, endpoints),
            problems=children.problems,
            pending=children.pending,
            is_rolled_out=self._rollouts.observe(app.key, children.deployment.live),
            now=timestamp(),
        )

    def requeue_after(self, app: App) -> float | None:
        """Seconds until endpoints count that are ignored now; None when none are."""
        stale = self._stale.get(app)
        return None if stale.endpoints is None else stale.until - self._clock()

    def _mark_stale(self, app: App, children: ChildrenResult) -> None:
        if children.former_selector is not None:
            stale = self._stale.get(app)
            stale.endpoints = self._cache.endpoint_slices.endpoints(app.key)
            stale.until = self._clock() + STALE_ENDPOINTS_SECONDS

    def _current_endpoints(self, app: App) -> list[Endpoint]:
        """The endpoints of the Service, without those of its former selector."""
        endpoints = self._cache.endpoint_slices.endpoints(app.key)
        stale = self._stale.get(app)
        if stale.endpoints is not None:
            if endpoints == stale.endpoints and self._clock() < stale.until:
                return []
            stale.endpoints = None
        return endpoints

    def _exposure(self, app: App, children: ChildrenResult, endpoints: list[Endpoint]) -> Exposure:
        service = children.service.live
        if service is None:
            # No Service, no URLs; the ports stay, so that the next Service gets the same ones.
            return Exposure(ports=app.previous.ports or ())
        return compute_exposure(
            app.ref, app.spec, service, endpoints, self._cache.nodes.index(), self._settings
        )


def _pod_selector(app: App, children: ChildrenResult) -> Mapping[str, str]:
    if app.spec is None or app.spec.suspend:
        # The spec is not applied now, so the live Service decides.
        return selector_of(children.service.live)
    return pod_labels(app.ref, app.spec, children.deployment.live)
