"""Which of the eligible nodes an app lists."""

import hashlib
import heapq
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace

from exposedapp.api.url_settings import NodesSpec
from exposedapp.exposure.nodes import Node, ineligible_reason, node_hosts

MAX_SELECTIONS = 10_000

MAX_ELIGIBILITIES = 200
"""Each names all nodes that forward, and every app may ask for others."""


def select_nodes(uid: str, names: Iterable[str], limit: int) -> list[str]:
    """At most so many of the nodes, by rendezvous hashing, in the order of their weight.

    Each app gets its own, evenly spread; when a node comes or goes, only the apps that list it
    change (Thaler and Ravishankar, 1998). The same is true of any number of the first ones.
    """
    seed = hashlib.blake2b(f"{uid}/".encode(), digest_size=8)

    def weight(name: str) -> bytes:
        found = seed.copy()
        found.update(name.encode())
        return found.digest()

    return heapq.nsmallest(limit, names, key=weight)


SelectionKey = tuple[str, int]
"""(UID of an app, how many nodes it may list)"""


@dataclass(frozen=True, slots=True)
class NodeDelta:
    """What has become different of the nodes that forward, and who listed which before."""

    choices: Mapping[SelectionKey, Sequence[str]]
    come: Set[str] = frozenset()
    gone: Set[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Eligibility:
    """What the nodes are to all apps that ask for the same."""

    hosts: Mapping[str, Sequence[str]]
    """By the names of the nodes that forward: their addresses, see hosts(); none when all are
    behind another host."""
    ineligible_counts: Mapping[str, int]
    """Why others do not, and how many."""
    since: NodeDelta = field(default_factory=lambda: NodeDelta({}))
    """What is different from the eligibility before it."""
    choices: dict[SelectionKey, list[str]] = field(default_factory=dict)

    def select(self, uid: str, limit: int) -> list[str]:
        """The names of the nodes that an app lists, see above."""
        if len(self.choices) >= MAX_SELECTIONS:
            self.choices.clear()
        found = self.choices.get((uid, limit))
        if found is None:
            earlier = self.since.choices.get((uid, limit))
            if earlier is None or not self.since.gone.isdisjoint(earlier):
                names: Iterable[str] = self.hosts
            else:
                # As all others still come after these, only the new ones can come before.
                names = (*earlier, *self.since.come)
            found = self.choices[uid, limit] = select_nodes(uid, names, limit)
        return found


class NodeIndex:
    """All nodes as they are at a moment.

    What follows from them is kept: most apps ask for the same, and a cluster may have thousands.
    From the nodes as they were before, what one of thousands has changed follows quickly, for all
    apps that were looked at in between.
    """

    def __init__(self, nodes: Iterable[Node], before: "NodeIndex | None" = None) -> None:
        self._nodes = tuple(nodes)
        self.eligibilities: dict[tuple[object, ...], Eligibility] = {}
        """By what was asked for."""
        earlier = before.eligibilities if before else {}
        # Not the eligibilities themselves: each would keep the one before it.
        self._before = {asked: (it.hosts, it.choices) for asked, it in earlier.items()}

    def eligibility(self, wanted: NodesSpec, families: Sequence[str]) -> Eligibility:
        """Which nodes forward, and which of their addresses count."""
        selector = tuple(sorted((wanted.selector or {}).items()))
        # Behind another host the addresses do not matter.
        about = () if wanted.host else (*wanted.address_types, *families)
        asked = (selector, *about)
        found = self.eligibilities.get(asked)
        if found is None:
            if len(self.eligibilities) >= MAX_ELIGIBILITIES:
                del self.eligibilities[next(iter(self.eligibilities))]  # the oldest
            found = _compute_eligibility(self._nodes, wanted, families)
            if asked in self._before:
                hosts_before, choices = self._before[asked]
                come = found.hosts.keys() - hosts_before.keys()
                gone = hosts_before.keys() - found.hosts.keys()
                found = replace(found, since=NodeDelta(choices, come, gone))
            self.eligibilities[asked] = found
        return found


def _compute_eligibility(
    nodes: Iterable[Node], wanted: NodesSpec, families: Sequence[str]
) -> Eligibility:
    forward, ineligible_counts = {}, Counter[str]()
    for node in nodes:
        if why := ineligible_reason(node, wanted, families):
            ineligible_counts[why] += 1
        else:
            named = not wanted.host
            forward[node.name] = node_hosts(node, wanted.address_types, families) if named else []
    return Eligibility(forward, ineligible_counts)
