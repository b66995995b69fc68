# SPDX-License-Identifier: Apache-2.0
"""Limits how many Deployments an upgrade of the operator rolls at a time.

Called by children.py before it applies a Deployment that another version has generated. Pods that
cannot start hold their place until Kubernetes gives the rollout up (progressDeadlineSeconds), so
that a bad release is noticed at a few apps. In memory only: after a restart in the middle of an
upgrade, as many again may roll.
"""

from collections.abc import Callable

from exposedapp.api.conditions import Reason
from exposedapp.api.meta import Json, NamespacedName
from exposedapp.status.rollout import rollout_complete, rollout_failure

MAX_UPGRADES_UNDER_WAY = 10

MAX_ROLLOUT_SECONDS = 900.0
"""How long a rollout may hold its place. A user may set a progressDeadlineSeconds of years, and
must not stop the upgrade of everybody's apps."""

RETRY_SECONDS = 5.0
"""After this a waiting app asks for a place again; later the more apps wait."""


class Upgrades:
    """Which apps' pods are being replaced for an upgrade, and which apps wait for that."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._rolling: dict[NamespacedName, float] = {}
        """When the place was taken."""
        self._waiting: dict[NamespacedName, float] = {}
        """When the app asks again."""

    def admit(self, key: NamespacedName) -> float | None:
        """Give the app a place; seconds after which to ask again when too many roll, else None.

        An app whose apply fails gives its place back, and asks for another one.
        """
        now = self._clock()
        self._drop_old(now)
        if key not in self._rolling and len(self._rolling) >= MAX_UPGRADES_UNDER_WAY:
            waiting = len(self._waiting.keys() | {key})
            delay = RETRY_SECONDS * (1 + waiting // MAX_UPGRADES_UNDER_WAY)
            self._waiting[key] = now + delay
            return delay
        self._waiting.pop(key, None)
        self._rolling.setdefault(key, now)
        return None

    def finish(self, key: NamespacedName, deployment: Json | None) -> None:
        """Free the app's place once its rollout is over, or is refused, paused or given up."""
        if key in self._rolling and (deployment is None or _is_over(deployment)):
            del self._rolling[key]

    def forget(self, key: NamespacedName) -> None:
        """Free everything of an app that is deleted."""
        self._rolling.pop(key, None)
        self._waiting.pop(key, None)

    def _drop_old(self, now: float) -> None:
        """Drop rollouts that take too long, and apps that did not ask again: they need not wait."""
        self._rolling = {
            key: since for key, since in self._rolling.items() if now - since < MAX_ROLLOUT_SECONDS
        }
        self._waiting = {
            key: due for key, due in self._waiting.items() if now < due + RETRY_SECONDS
        }


def _is_over(deployment: Json) -> bool:
    failure = rollout_failure(deployment, None)
    return rollout_complete(deployment) or (
        failure is not None and failure.reason in (Reason.DEADLINE, Reason.DEPLOYMENT_PAUSED)
    )
