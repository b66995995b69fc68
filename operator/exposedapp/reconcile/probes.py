# SPDX-License-Identifier: Apache-2.0
"""Hands the URLs of an app to the prober, and decides which of its results count.

The fourth phase of a reconcile; called by reconciler.py. Waits for no probe: a result that comes
later queues the key again.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from exposedapp.api.app import ExposedAppStatus
from exposedapp.api.conditions import Reason
from exposedapp.api.meta import NamespacedName
from exposedapp.exposure.backend import backend_fingerprint
from exposedapp.exposure.endpoints import ready_pods
from exposedapp.exposure.not_probed import no_probe_reason, not_probed_note
from exposedapp.exposure.probes import ProbeResults, probe_targets
from exposedapp.exposure.reachability import grace_left
from exposedapp.reconcile.app import App
from exposedapp.reconcile.app_states import AppStates
from exposedapp.reconcile.interfaces import Prober
from exposedapp.settings import Settings
from exposedapp.status.observation import Observation
from exposedapp.status.queries import ready_condition
from exposedapp.status.rollout import workload_settled


@dataclass(frozen=True, slots=True)
class Probing:
    """What is known of an app's URLs, as far as it counts."""

    results: ProbeResults
    seconds: float
    """How long the URLs have been probed without a break."""

    @property
    def requeue_after(self) -> float | None:
        """Seconds until URLs that do not answer must be evaluated again."""
        return grace_left(self.results, self.seconds)


@dataclass(slots=True)
class _Generation:
    is_evaluated: bool = False
    """Whether it is known if this spec's URLs answer. Once set, results from before the last
    rollout still count until new ones arrive."""


class Probes:
    """Keeps the prober's targets those of the apps."""

    def __init__(self, prober: Prober, settings: Settings, clock: Callable[[], float]) -> None:
        self._prober = prober
        self._settings = settings
        self._clock = clock
        self._generations = AppStates(_Generation)

    def forget(self, key: NamespacedName) -> None:
        """Probe nothing of an app that is deleted."""
        self._prober.set_targets(key, ())
        self._generations.forget(key)

    def sync(self, app: App, observation: Observation) -> Probing:
        """Have the URLs of an observation probed from now on, and no others."""
        self.record(app, app.previous)
        is_settled = workload_settled(observation)
        results = self._results(observation, is_settled)
        is_blocked = bool(observation.problems or observation.pending)
        if is_settled and not (self._generations.get(app).is_evaluated or is_blocked):
            results = results.only_fresh()
        started_at = results.started_at
        return Probing(results, 0.0 if started_at is None else self._clock() - started_at)

    def record(self, app: App, status: ExposedAppStatus) -> None:
        """Remember whether a status says if the URLs of the app's present spec answer."""
        if _is_evaluated(status, app.generation):
            self._generations.get(app).is_evaluated = True

    def _results(self, observation: Observation, is_settled: bool) -> ProbeResults:
        spec, service, exposure = observation.spec, observation.service, observation.exposure
        pods = ready_pods(observation.endpoints)
        targets = probe_targets(
            (*exposure.probe_urls, *exposure.stand_ins),
            spec.probe if spec else None,
            enabled=self._settings.probe and bool(pods),  # without a pod none can answer
            backend=backend_fingerprint(service, pods if is_settled else None),
            control_ports=exposure.control_ports,
        )
        results = self._prober.set_targets(observation.app.key, targets)
        if service and targets:
            note = not_probed_note(service, exposure.urls, exposure.preferred, results.by_url)
        else:
            note = no_probe_reason(spec, service, self._settings, ready=bool(pods))
        stand_ins = frozenset(candidate.url for candidate in exposure.stand_ins)
        return replace(results, not_probed=note, main=exposure.main_urls, stand_ins=stand_ins)


def _is_evaluated(status: ExposedAppStatus, generation: int) -> bool:
    """Whether the status says if the URLs of this generation answer."""
    ready = ready_condition(status)
    return (
        ready is not None
        and ready.observed_generation == generation
        and ready.reason in (Reason.AVAILABLE, Reason.UNREACHABLE)
    )
