"""Limits how many Deployments an upgrade of the operator rolls at a time.

Called by the reconciler before it applies a Deployment that another version has generated. Pods
that cannot start hold their place until Kubernetes gives the rollout up (progressDeadlineSeconds),
so that a bad release is noticed at a few apps. In memory only: after a restart in the middle of an
upgrade, as many again may roll.
"""

from exposedapp.api.conditions import Reason
from exposedapp.api.meta import Json, NamespacedName
from exposedapp.status.rollout import rollout_complete, rollout_failure

MAX_UPGRADES_UNDER_WAY = 10

RETRY_SECONDS = 5.0
"""After this a waiting app asks for its turn again; later the more apps wait."""


class Upgrades:
    """Which apps have had their turn, and whose pods are still being replaced for it."""

    def __init__(self) -> None:
        self._admitted: set[NamespacedName] = set()
        self._rolling: set[NamespacedName] = set()
        self._waiting: set[NamespacedName] = set()

    def admit(self, key: NamespacedName) -> float | None:
        """Give the app its turn; seconds after which to ask again when too many roll, else None."""
        if key in self._admitted:
            return None
        if len(self._rolling) >= MAX_UPGRADES_UNDER_WAY:
            self._waiting.add(key)
            return RETRY_SECONDS * (1 + len(self._waiting) // MAX_UPGRADES_UNDER_WAY)
        self._waiting.discard(key)
        self._admitted.add(key)
        self._rolling.add(key)
        return None

    def finish(self, key: NamespacedName, deployment: Json | None) -> None:
        """Free the app's place once its rollout is over, or is refused, paused or given up."""
        if key in self._rolling and (deployment is None or _is_over(deployment)):
            self._rolling.discard(key)

    def forget(self, key: NamespacedName) -> None:
        """Free everything of an app that is deleted."""
        for keys in (self._admitted, self._rolling, self._waiting):
            keys.discard(key)


def _is_over(deployment: Json) -> bool:
    failure = rollout_failure(deployment, None)
    return rollout_complete(deployment) or (
        failure is not None and failure.reason in (Reason.DEADLINE, Reason.DEPLOYMENT_PAUSED)
    )
