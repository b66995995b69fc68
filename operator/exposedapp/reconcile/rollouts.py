# SPDX-License-Identifier: Apache-2.0
"""Remembers which template of each app has replaced every pod. Called by observer.py.

Until the Deployment controller has observed a change of the Deployment, its status does not show
whether the template changed, or only the number of pods. In memory only: after a restart, the
Deployment's conditions show it for all but that moment.
"""

import orjson

from exposedapp.api.meta import Json, NamespacedName
from exposedapp.status.rollout import replaces_pods, rolled_out


class Rollouts:
    """The template of each app's last complete rollout, as a number."""

    def __init__(self) -> None:
        self._templates: dict[NamespacedName, tuple[str, int]] = {}

    def observe(self, key: NamespacedName, deployment: Json | None) -> bool:
        """Whether the Deployment's template has replaced every pod, now or before."""
        if deployment is None:
            self.forget(key)
            return False
        template = orjson.dumps(deployment["spec"].get("template"), option=orjson.OPT_SORT_KEYS)
        identity = (deployment["metadata"].get("uid", ""), hash(template))
        if rolled_out(deployment):
            self._templates[key] = identity
        elif replaces_pods(deployment):
            self.forget(key)  # the template may be set back in the middle of a rollout
        return self._templates.get(key) == identity

    def forget(self, key: NamespacedName) -> None:
        """Drop what is remembered of an app that is deleted."""
        self._templates.pop(key, None)
