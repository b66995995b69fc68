"""Pure: which nodes forward to an app, and at which of their addresses."""

import hashlib
import heapq
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace

from exposedapp.api import AddressType, NodesSpec
from exposedapp.schema import Host, Json, parse_host

EXCLUSION_LABEL = "node.kubernetes.io/exclude-from-external-load-balancers"
CONTROL_PLANE_LABELS = ("node-role.kubernetes.io/control-plane", "node-role.kubernetes.io/master")
LABELS_THAT_MATTER = (EXCLUSION_LABEL, *CONTROL_PLANE_LABELS)
"""To every app; to some, those of their spec.nodes.selector besides."""
IP_TYPES = ("ExternalIP", "InternalIP")
"""Types whose addresses have a family; the others are names."""
NO_NAMES = ("none", "null")
"""What a program writes that has no name, such as Python and its JSON."""

DYING_TAINTS = (
    "ToBeDeletedByClusterAutoscaler",
    "karpenter.sh/disrupted",
    "node.cloudprovider.kubernetes.io/shutdown",
)
"""What autoscalers and cloud providers put on a node that is about to go."""

MOST_CHOICES = 10_000
MOST_SURVEYS = 200
"""Each names all nodes that forward, and every app may ask for others."""


@dataclass(frozen=True, slots=True)
class Node:
    """What of a Node matters for its URLs. Two equal ones give the same URLs."""

    name: str
    ready: bool
    deleting: bool
    addresses: tuple[tuple[str, str], ...]
    """(type, address), in the node's own order."""
    labels: tuple[tuple[str, str], ...] = ()
    dying: str | None = None
    """The taint that says so."""

    def only_labels(self, keys: Collection[str]) -> "Node":
        """The same with these labels alone."""
        return replace(self, labels=tuple(it for it in self.labels if it[0] in keys))


def parse_node(body: Json) -> Node:
    """What matters of a Node as the API server sends it."""
    meta, status = body["metadata"], body.get("status") or {}
    taints = [it["key"] for it in (body.get("spec") or {}).get("taints") or ()]
    return Node(
        name=meta["name"],
        ready=any(
            condition["type"] == "Ready" and condition["status"] == "True"
            for condition in status.get("conditions") or ()
        ),
        deleting="deletionTimestamp" in meta,
        addresses=tuple(
            (address["type"], address["address"]) for address in status.get("addresses") or ()
        ),
        labels=tuple(sorted((meta.get("labels") or {}).items())),
        dying=next((it for it in taints if it in DYING_TAINTS), None),
    )


def why_not(
    node: Node,
    wanted: NodesSpec,
    families: Sequence[str],
) -> str | None:
    """Why a node does not forward to an app, in a few words; None when it does.

    A cordoned node forwards. So does a control-plane node, which kubeadm labels as excluded so that
    load balancers leave it alone.
    """
    if node.deleting:
        return "being deleted"
    if node.dying:
        return f"about to go (taint {node.dying})"
    if not node.ready:
        return "not ready"
    labels = dict(node.labels)
    if EXCLUSION_LABEL in labels and not any(it in labels for it in CONTROL_PLANE_LABELS):
        return f"excluded (label {EXCLUSION_LABEL})"
    if not _matches(labels, wanted.selector or {}):
        return "not matching spec.nodes.selector"
    # Behind another host it does not matter how a node is called.
    if wanted.host or hosts(node, wanted.address_types, families):
        return None
    types, kinds = " or ".join(wanted.address_types), " or ".join(families)
    useless = any(
        kind in wanted.address_types and not _usable(address) for kind, address in node.addresses
    )
    return f"without {'a usable' if useless else 'an'} {kinds} address of type {types}"


def _matches(labels: Mapping[str, str], selector: Mapping[str, str]) -> bool:
    return all(labels.get(key) == value for key, value in selector.items())


def hosts(node: Node, types: Sequence[AddressType], families: Sequence[str]) -> list[str]:
    """The node's addresses that become URLs: of its first type, one per IP family of the Service.

    One type alone, or a node with a public address would show an internal one of the other family
    too. Of several addresses of one type the first is taken; a name is good for all families. What
    no URL can have, such as an empty name, is as if it were not there.
    """
    for wanted in types:
        of_type = [_usable(address) for kind, address in node.addresses if kind == wanted]
        first: dict[str | None, str] = {}
        for it in of_type:
            if it and (it.family is None or it.family in families):
                first.setdefault(it.family, it.text)
        if wanted in IP_TYPES:
            found = [first[family] for family in families if family in first]
        else:
            found = list(first.values())[:1]
        if found:
            return found
    return []


def _usable(address: str) -> Host | None:
    """An address as URLs have it, in which capitals mean nothing."""
    text = address.lower()
    return None if text in NO_NAMES else parse_host(text)


def choose(uid: str, names: Iterable[str], limit: int) -> list[str]:
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


Choice = tuple[str, int]
"""(UID of an app, how many nodes it may list)"""


@dataclass(frozen=True, slots=True)
class Since:
    """What has become different of the nodes that forward, and who listed which before."""

    choices: Mapping[Choice, Sequence[str]]
    come: Set[str] = frozenset()
    gone: Set[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Survey:
    """What the nodes are to all apps that ask for the same."""

    hosts: Mapping[str, Sequence[str]]
    """By the names of the nodes that forward: their addresses, see hosts(); none when all are
    behind another host."""
    hindrances: Mapping[str, int]
    """Why others do not, and how many."""
    since: Since = field(default_factory=lambda: Since({}))
    """What is different from the survey before it."""
    choices: dict[Choice, list[str]] = field(default_factory=dict)

    def choose(self, uid: str, limit: int) -> list[str]:
        """The names of the nodes that an app lists, see above."""
        if len(self.choices) >= MOST_CHOICES:
            self.choices.clear()
        found = self.choices.get((uid, limit))
        if found is None:
            earlier = self.since.choices.get((uid, limit))
            if earlier is None or not self.since.gone.isdisjoint(earlier):
                names: Iterable[str] = self.hosts
            else:
                # As all others still come after these, only the new ones can come before.
                names = (*earlier, *self.since.come)
            found = self.choices[uid, limit] = choose(uid, names, limit)
        return found


class Nodes:
    """All nodes as they are at a moment.

    What follows from them is kept: most apps ask for the same, and a cluster may have thousands.
    From the nodes as they were before, what one of thousands has changed follows quickly, for all
    apps that were looked at in between.
    """

    def __init__(self, nodes: Iterable[Node], before: "Nodes | None" = None) -> None:
        self._nodes = tuple(nodes)
        self.surveys: dict[tuple[object, ...], Survey] = {}
        """By what was asked for."""
        earlier = before.surveys if before else {}
        # Not the surveys themselves: each would keep the one before it.
        self._before = {asked: (it.hosts, it.choices) for asked, it in earlier.items()}

    def survey(self, wanted: NodesSpec, families: Sequence[str]) -> Survey:
        """Which nodes forward, and which of their addresses count."""
        selector = tuple(sorted((wanted.selector or {}).items()))
        # Behind another host the addresses do not matter.
        about = () if wanted.host else (*wanted.address_types, *families)
        asked = (selector, *about)
        found = self.surveys.get(asked)
        if found is None:
            if len(self.surveys) >= MOST_SURVEYS:
                del self.surveys[next(iter(self.surveys))]  # the oldest
            found = _survey(self._nodes, wanted, families)
            if asked in self._before:
                hosts_before, choices = self._before[asked]
                come = found.hosts.keys() - hosts_before.keys()
                gone = hosts_before.keys() - found.hosts.keys()
                found = replace(found, since=Since(choices, come, gone))
            self.surveys[asked] = found
        return found


def _survey(nodes: Iterable[Node], wanted: NodesSpec, families: Sequence[str]) -> Survey:
    forward, hindrances = {}, Counter[str]()
    for node in nodes:
        if why := why_not(node, wanted, families):
            hindrances[why] += 1
        else:
            named = not wanted.host
            forward[node.name] = hosts(node, wanted.address_types, families) if named else []
    return Survey(forward, hindrances)
