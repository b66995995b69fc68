# SPDX-License-Identifier: Apache-2.0
"""Which apps wait for a node port that another Service has.

Part of the cache: reconcile/node_ports.py says which app waits, service_store.py which ports become
free, and the handler of Services passes on the apps. Pure.
"""

from exposedapp.api.meta import NamespacedName


class NodePortWaiters:
    """The apps that wait, and those of them that have waited long enough."""

    def __init__(self) -> None:
        self._numbers: dict[NamespacedName, set[int]] = {}
        self._due: dict[NamespacedName, None] = {}
        self.releases = 0
        """How often a port that an app waited for became free."""

    def __bool__(self) -> bool:
        return bool(self._numbers)

    def wait(self, key: NamespacedName, numbers: set[int]) -> None:
        """From now on the app waits for these ports, and for no others.

        An app that asks for none does not wait: while any app does, each change of a Service is
        compared with the state before it.
        """
        if numbers:
            self._numbers[key] = numbers
        else:
            self.forget(key)

    def forget(self, key: NamespacedName) -> None:
        """The app waits no more."""
        self._numbers.pop(key, None)

    def release(self, numbers: set[int]) -> None:
        """Take in that these ports became free."""
        due = [key for key, awaited in self._numbers.items() if awaited & numbers]
        if due:
            self.releases += 1
            self._due.update(dict.fromkeys(due))

    def take_due(self) -> list[NamespacedName]:
        """The apps that are to try again, each once."""
        due = list(self._due)
        self._due.clear()
        return due
