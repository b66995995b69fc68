# SPDX-License-Identifier: Apache-2.0
"""Whether a host is down, rather than the apps at it: from the probes of all apps. Pure."""

from exposedapp.api.meta import NamespacedName
from exposedapp.exposure.recently_used import RecentlyUsed

HOST_DOWN_APPS = 3
"""At a host that is down, this many apps begin to fail one after the other while none answers."""

MAX_HOSTS = 10_000


class HostFailures:
    """The apps that have begun to fail at each host since one there has answered."""

    def __init__(self) -> None:
        self._apps = RecentlyUsed[str, frozenset[NamespacedName]](MAX_HOSTS)

    def add(self, host: str, app: NamespacedName) -> None:
        """A URL of the app at the host has answered before, and fails now."""
        apps = self._apps.get(host, frozenset)
        if not self.is_down(host):
            self._apps.put(host, apps | {app})

    def remove(self, host: str) -> None:
        """A URL at the host answers."""
        self._apps.remove(host)

    def is_down(self, host: str) -> bool:
        """Whether the URLs at a host fail because of the host."""
        return len(self._apps.peek(host) or ()) >= HOST_DOWN_APPS
