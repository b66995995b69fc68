# SPDX-License-Identifier: Apache-2.0
"""The Nodes in memory: what matters of them for the URLs of apps.

Part of the cache. Of a node's labels only those matter that an app selects nodes by: some labels
change again and again, on every node of a cluster. Pure.
"""

from collections.abc import Iterable, Set

from exposedapp.api.meta import Json, NamespacedName, version_of
from exposedapp.cache.versions import ListSnapshot, Versions, name_of
from exposedapp.exposure.node_selection import NodeIndex
from exposedapp.exposure.nodes import RELEVANT_LABELS, Node, parse_node

MAX_CHANGED_NODES = 10
"""With more changed nodes than this, most apps list one of them: the order is of no use then."""


class NodeStore:
    """A store of Nodes. Its keys are those of the nodes that changed."""

    def __init__(self) -> None:
        self.nodes: dict[str, Node] = {}
        self._versions = Versions()
        self._selectors: dict[NamespacedName, Set[str]] = {}
        """The label keys of spec.nodes.selector, of the apps that have one."""
        self._relevant_labels = set(RELEVANT_LABELS)
        self._index = NodeIndex()
        self._index_is_current = True
        self._changed: list[Node] = []

    def index(self) -> NodeIndex:
        """The nodes as they are now."""
        if not self._index_is_current:
            self._index.replace(self.nodes.values())
            self._index_is_current = True
        return self._index

    def take_changed(self) -> list[Node]:
        """The nodes as they were before they changed or were deleted, since the last call.

        Not all of them when there are more than MAX_CHANGED_NODES.
        """
        changed, self._changed = self._changed, []
        return changed

    def set_selector(self, app: NamespacedName, keys: Set[str]) -> None:
        """From now on the app selects nodes by these labels."""
        self._selectors.pop(app, None)
        if keys:
            self._selectors[app] = keys
        if not keys <= self._relevant_labels:
            self._relevant_labels |= keys
            self._index_is_current = False

    def keep_selectors(self, apps: Iterable[NamespacedName]) -> None:
        """Stop watching labels that none of these apps selects nodes by."""
        self._selectors = {app: self._selectors[app] for app in apps if app in self._selectors}
        self._relevant_labels = set(RELEVANT_LABELS).union(*self._selectors.values())

    def upsert(self, body: Json) -> list[NamespacedName]:
        """Take in a state; the key when anything that matters is different."""
        key, node, version = name_of(body), parse_node(body), version_of(body)
        if version < self._versions.latest(key):
            return []
        before, self.nodes[node.name] = self.nodes.get(node.name), node
        self._versions.set(key, version)
        labels = self._relevant_labels
        if before and before.with_labels(labels) == node.with_labels(labels):
            return []
        self._note_changed(before)
        return [key]

    def delete(self, body: Json) -> list[NamespacedName]:
        """Take in a deletion; the key, unless a newer node has taken its place."""
        key, version = name_of(body), version_of(body)
        if version < self._versions.latest(key):
            return []
        return [key] if self._remove(key, version) else []

    def delete_missing(self, snapshot: ListSnapshot) -> list[NamespacedName]:
        """Delete the nodes that a list does not have. Raises HistoryRewrittenError."""
        self._versions.check(snapshot)
        missing = self._versions.missing(snapshot)
        return [key for key in missing if self._remove(key, snapshot.version)]

    def _remove(self, key: NamespacedName, version: int) -> bool:
        self._versions.bury(key, version)
        before = self.nodes.pop(key.name, None)
        if before:
            self._note_changed(before)
        return before is not None

    def _note_changed(self, before: Node | None) -> None:
        self._index_is_current = False
        if before and len(self._changed) <= MAX_CHANGED_NODES:
            self._changed.append(before)
