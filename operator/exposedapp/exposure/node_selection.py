# SPDX-License-Identifier: Apache-2.0
"""Which nodes are eligible for an app, and which of them it lists. Pure.

cache/ keeps a NodeIndex up to date; node_urls.py asks it for each app. Many apps need the same of
thousands of nodes, and a node changes often. So the index keeps sets of nodes by their properties,
changes them only where a node changes, and combines them for each app:

    forwarding nodes  &  labels of spec.nodes.selector  &  usable address  =  eligible nodes
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import and_

from exposedapp.api.url_settings import AddressType, NodesSpec
from exposedapp.exposure.node_groups import ALL_NODES, NodeGroups, positions_in
from exposedapp.exposure.nodes import (
    NOT_MATCHING,
    Node,
    no_address_reason,
    node_address_type,
    node_hosts,
    not_forwarding_reason,
)
from exposedapp.exposure.recently_used import RecentlyUsed
from exposedapp.exposure.rendezvous import select_nodes

MAX_SELECTIONS = 10_000
"""Apps whose selected nodes are kept."""

MAX_LABEL_GROUPS = 50
"""Label keys of spec.nodes.selector whose nodes are kept by value. A key with another value on each
of 5,000 nodes, such as kubernetes.io/hostname, takes 2 MB."""

MAX_ADDRESS_GROUPS = 50
"""Combinations of address types and IP families whose nodes are kept."""

MIN_COMPACTION_SIZE = 1000

AddressKey = tuple[tuple[str, ...], tuple[str, ...]]
"""Address types and IP families."""


@dataclass(frozen=True, slots=True)
class Selection:
    """The nodes that an app selected, and the eligible nodes that it selected them from."""

    names: Sequence[str]
    nodes: int
    eligible: int


class NodeIndex:
    """All nodes as they are now. A node's position is the index of its bit in sets of nodes."""

    def __init__(self, nodes: Iterable[Node] = ()) -> None:
        self._clear()
        self.replace(nodes)

    def _clear(self) -> None:
        self._positions: dict[str, int] = {}
        self._nodes: list[Node | None] = []
        """By position; None for one that was removed. A position is not used again: a selection
        would take the new node for the old one."""
        self._forwarding = NodeGroups(not_forwarding_reason)
        self._labels = RecentlyUsed[str, NodeGroups](MAX_LABEL_GROUPS)
        self._addresses = RecentlyUsed[AddressKey, NodeGroups](MAX_ADDRESS_GROUPS)
        self._address_types = RecentlyUsed[AddressKey, NodeGroups](MAX_ADDRESS_GROUPS)
        self._selections = RecentlyUsed[tuple[str, int], Selection](MAX_SELECTIONS)

    def replace(self, nodes: Iterable[Node]) -> None:
        """Take over all nodes as they are now. Work is done only for those that differ."""
        new = {node.name: node for node in nodes}
        for name in self._positions.keys() - new.keys():
            self._remove(self._positions.pop(name))
        if len(self._nodes) >= max(MIN_COMPACTION_SIZE, 2 * len(new)):
            self._clear()
        for name, node in new.items():
            position = self._positions.setdefault(name, len(self._nodes))
            if position == len(self._nodes):
                self._nodes.append(None)
            known = self._nodes[position]
            if known is not node and known != node:
                self._remove(position)
                self._add(position, node)

    def eligibility(self, nodes_spec: NodesSpec, families: Sequence[str]) -> "Eligibility":
        """Which nodes are eligible for an app; valid until the next replace()."""
        selector, types = nodes_spec.selector or {}, nodes_spec.address_types
        matching = (self._label_groups(key).group(value) for key, value in selector.items())
        # With another host in front, the nodes' addresses do not matter.
        usable = None if nodes_spec.host else self._address_groups(types, families)
        return Eligibility(
            index=self,
            forwarding=self._forwarding,
            matching=reduce(and_, matching, ALL_NODES),
            usable=usable,
            address_types=types,
            families=families,
            by_address_type=self._address_type_groups(types, families),
        )

    def nodes_named(self, names: Iterable[str]) -> int:
        """The set of the nodes with these names."""
        positions = {self._positions[name] for name in names if name in self._positions}
        return sum(1 << position for position in positions)

    def find(self, name: str, nodes: int) -> Node | None:
        """The node of this name if it is in the set `nodes`."""
        position = self._positions.get(name)
        return None if position is None or not nodes >> position & 1 else self._nodes[position]

    def select(self, uid: str, eligible: int, limit: int) -> Sequence[str]:
        """The result of select_nodes() for a set; work is done only for what has changed of it."""
        known = self._selections.peek((uid, limit))
        if known is None or known.nodes & ~eligible:
            candidates = eligible
        else:
            # All others still come after the selected nodes: only new ones can come before.
            candidates = known.nodes | eligible & ~known.eligible
        if known and candidates == known.nodes:
            selection = Selection(known.names, known.nodes, eligible)
        else:
            names = select_nodes(uid, self._names(candidates), limit)
            nodes = sum(1 << self._positions[name] for name in names)
            selection = Selection(names, nodes, eligible)
        self._selections.put((uid, limit), selection)
        return selection.names

    def _names(self, nodes: int) -> list[str]:
        members = (self._nodes[position] for position in positions_in(nodes))
        return [node.name for node in members if node]

    def _label_groups(self, key: str) -> NodeGroups:
        return self._labels.get(
            key, lambda: self._group_by(lambda node: dict(node.labels).get(key))
        )

    def _address_groups(self, types: Sequence[AddressType], families: Sequence[str]) -> NodeGroups:
        return self._addresses.get(
            (tuple(types), tuple(families)),
            lambda: self._group_by(lambda node: no_address_reason(node, types, families)),
        )

    def _address_type_groups(
        self, types: Sequence[AddressType], families: Sequence[str]
    ) -> NodeGroups:
        return self._address_types.get(
            (tuple(types), tuple(families)),
            lambda: self._group_by(lambda node: node_address_type(node, types, families)),
        )

    def _group_by(self, value_of: Callable[[Node], str | None]) -> NodeGroups:
        groups = NodeGroups(value_of)
        for position, node in enumerate(self._nodes):
            if node:
                groups.add(position, node)
        return groups

    def _all_groups(self) -> list[NodeGroups]:
        return [
            self._forwarding,
            *self._labels.values(),
            *self._addresses.values(),
            *self._address_types.values(),
        ]

    def _add(self, position: int, node: Node) -> None:
        self._nodes[position] = node
        for groups in self._all_groups():
            groups.add(position, node)

    def _remove(self, position: int) -> None:
        node, self._nodes[position] = self._nodes[position], None
        if node:
            for groups in self._all_groups():
                groups.remove(position, node)


@dataclass(frozen=True, slots=True)
class Eligibility:
    """Which nodes are eligible for an app, and why the others are not."""

    index: NodeIndex
    forwarding: NodeGroups
    """By the reason why a node does not forward; None: it does."""
    matching: int
    usable: NodeGroups | None
    """By the reason why a node has no usable address; None: addresses do not matter."""
    address_types: Sequence[AddressType]
    families: Sequence[str]
    by_address_type: NodeGroups
    """By the type of the addresses that become a node's URLs."""

    @property
    def nodes(self) -> int:
        """The set of the eligible nodes."""
        usable = self.usable.group(None) if self.usable else ALL_NODES
        return self.forwarding.group(None) & self.matching & usable

    @property
    def count(self) -> int:
        """How many nodes are eligible."""
        return self.nodes.bit_count()

    def node(self, name: str) -> Node | None:
        """The node of this name if it is eligible."""
        return self.index.find(name, self.nodes)

    def hosts(self, node: Node) -> list[str]:
        """The addresses of a node; there may be none where a host is in front of it."""
        return node_hosts(node, self.address_types, self.families)

    def rank(self, node: Node) -> int:
        """The position in spec.nodes.addressTypes of the type of a node's addresses."""
        address_type = node_address_type(node, self.address_types, self.families)
        return self.address_types.index(address_type) if address_type else 0

    def select(self, uid: str, limit: int, among: int = ALL_NODES) -> Sequence[str]:
        """The names of the nodes that an app lists, of those in `among`, the preferred one first.

        Nodes with a more preferred type of address come before all others.
        """
        names: list[str] = []
        for nodes in self._by_preference(self.nodes & among):
            names += self.index.select(uid, nodes, limit - len(names))
            if len(names) == limit:
                break
        return names

    def _by_preference(self, nodes: int) -> Iterator[int]:
        """The nodes by the type of their addresses; all at once if addresses do not matter."""
        if self.usable is None:
            yield nodes
            return
        for address_type in self.address_types:
            if of_type := nodes & self.by_address_type.group(address_type):
                yield of_type

    def ineligible_counts(self) -> dict[str, int]:
        """How many nodes are not eligible, by reason, see ineligible_reason()."""
        forwarding = self.forwarding.group(None)
        counts = self.forwarding.counts(ALL_NODES)
        if not_matching := (forwarding & ~self.matching).bit_count():
            counts[NOT_MATCHING] = not_matching
        usable = self.usable.counts(forwarding & self.matching) if self.usable else {}
        return counts | usable
