# SPDX-License-Identifier: Apache-2.0
"""Whether the pods and the Service behind an app's URLs are still the same. Pure.

Called by reconcile/ and probing/.
"""

from collections.abc import Iterable
from typing import NamedTuple

import orjson

from exposedapp.api.meta import Json


class BackendFingerprint(NamedTuple):
    """What answers at the URLs of an app, as numbers that differ when it does."""

    service: int = 0
    pods: int | None = None
    """None during a rollout, when each moment would have a number of its own."""

    def changed_since(self, before: "BackendFingerprint") -> bool:
        """Whether a result of a probe from then says little about now."""
        pods_changed = None not in (self.pods, before.pods) and self.pods != before.pods
        return pods_changed or self.service != before.service

    def keeping_pods_of(self, before: "BackendFingerprint") -> "BackendFingerprint":
        """The fingerprint to compare the next one with: during a rollout, with the pods before."""
        return self if self.pods is not None else self._replace(pods=before.pods)


UNKNOWN_BACKEND = BackendFingerprint()


def backend_fingerprint(
    service: Json | None, ready_pods: Iterable[str] | None
) -> BackendFingerprint:
    """The fingerprint of a Service and its ready pods; `ready_pods` is None during a rollout.

    The whole spec of the Service counts: it says which pods answer, to which clients and from
    which nodes.
    """
    spec = hash(orjson.dumps(service["spec"], option=orjson.OPT_SORT_KEYS)) if service else 0
    return BackendFingerprint(spec, None if ready_pods is None else hash(frozenset(ready_pods)))
