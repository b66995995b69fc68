# SPDX-License-Identifier: Apache-2.0
"""The store of Services: it also notices which node ports become free. Part of the cache; pure."""

from exposedapp.api.meta import Json, NamespacedName, key_of
from exposedapp.cache.node_port_waiters import NodePortWaiters
from exposedapp.cache.store import ObjectStore
from exposedapp.desired.node_ports import used_node_ports


class ServiceStore(ObjectStore):
    """A store of Services, updated by watch events and by the responses to own writes."""

    def __init__(self, waiters: NodePortWaiters) -> None:
        super().__init__()
        self._waiters = waiters

    def upsert(self, body: Json) -> list[NamespacedName]:
        """Take in a state of a Service."""
        key = key_of(body)
        before = self._node_ports(key)
        keys = super().upsert(body)
        self._release(key, before)
        return keys

    def delete_if(self, key: NamespacedName, uid: str, version: int | None = None) -> None:
        """Delete a Service that proved not to exist."""
        before = self._node_ports(key)
        super().delete_if(key, uid, version)
        self._release(key, before)

    def _remove(self, key: NamespacedName, version: int) -> None:
        before = self._node_ports(key)
        super()._remove(key, version)
        self._release(key, before)

    def _node_ports(self, key: NamespacedName) -> set[int]:
        """The Service's node ports; empty when no app waits for any."""
        service = self.get(key) if self._waiters else None
        return used_node_ports(service) if service else set()

    def _release(self, key: NamespacedName, before: set[int]) -> None:
        if before:
            self._waiters.release(before - self._node_ports(key))
