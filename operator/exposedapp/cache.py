"""What the operator remembers of the cluster: only what it uses, and as little of it as can be.

Watch events and the answers to the operator's own writes both end here. The newer of the two
wins, so that a late event does not bring back what has been changed since.
"""

from collections.abc import Iterable, Iterator, Set
from dataclasses import dataclass
from typing import Any, NamedTuple, cast

import orjson

from exposedapp.addresses import Endpoint
from exposedapp.nodes import LABELS_THAT_MATTER, Node, Nodes, parse_node
from exposedapp.schema import Json

DROPPED_KEPT = 1000
"""How many deleted objects' last versions are kept: enough for all requests under way."""

DEEPEST_KEPT = 200
"""How deep an object is kept; orjson goes 254 levels deep, a podTemplate may have half as many."""

MOST_CHANGED = 10
"""With more nodes than this at once, most apps list one of them: then the order does not matter."""

DROPPED_ANNOTATION = "kubectl.kubernetes.io/last-applied-configuration"
"""A second copy of the whole object."""

SERVICE_NAME_LABEL = "kubernetes.io/service-name"


class Key(NamedTuple):
    """What identifies an app and, since they have its name, its children."""

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"


@dataclass(frozen=True, slots=True)
class Listed:
    """The objects of a kind that there are: what is known and not among them was deleted."""

    version: int
    """The list's resourceVersion; an object that is newer than it says nothing of is not gone."""
    names: Set[tuple[str, str]]
    """(namespace, name); of a node ("", name)."""


class Store:
    """Objects of one kind, trimmed and packed: as JSON they take a tenth of the memory."""

    def __init__(self) -> None:
        self._packed: dict[Key, tuple[int, bytes]] = {}
        self._dropped: dict[Key, int] = {}

    def __iter__(self) -> Iterator[Key]:
        return iter(list(self._packed))

    def get(self, key: Key) -> Json | None:
        """The object as it was last seen."""
        found = self._packed.get(key)
        return cast("Json", orjson.loads(found[1])) if found else None

    def naming(self, texts: Iterable[str]) -> Iterator[Key]:
        """The objects that have one of these texts anywhere."""
        wanted = [it.encode() for it in texts]
        for key, (_, packed) in self._packed.items():
            if any(it in packed for it in wanted):
                yield key

    def put(self, body: Json) -> bool:
        """Remembers an object; False when a newer state of it, or the same, is known already."""
        key, version = key_of(body), version_of(body)
        known = self._packed.get(key)
        if version <= (known[0] if known else self._dropped.get(key, 0)):
            return False
        self._packed[key] = (version, _pack(trim(body)))
        return True

    def drop(self, body: Json) -> bool:
        """Forgets a deleted object, unless a newer one has taken its place."""
        key, version = key_of(body), version_of(body)
        known = self._packed.get(key)
        if known and known[0] > version:
            return False
        self._note_dropped(key, version)
        return self._packed.pop(key, None) is not None

    def _note_dropped(self, key: Key, version: int) -> None:
        """The answer to a write may be handled after the news that its object is gone."""
        self._dropped.pop(key, None)
        self._dropped[key] = version
        if len(self._dropped) > DROPPED_KEPT:
            del self._dropped[next(iter(self._dropped))]

    def sweep(self, listed: Listed) -> list[Key]:
        """Forgets what is not in a list of all there is, and is not newer than it either."""
        gone = [
            key
            for key, (version, _) in self._packed.items()
            if key not in listed.names and version <= listed.version
        ]
        for key in gone:
            del self._packed[key]
            self._note_dropped(key, listed.version)
        return gone

    def forget(self, key: Key, uid: str) -> None:
        """Forgets an object that has proved to be gone; one that took its place stays."""
        found = self.get(key)
        if found and found["metadata"]["uid"] == uid:
            del self._packed[key]


class Cache:
    """Everything that is watched."""

    def __init__(self) -> None:
        self.apps = Store()
        self.children = {"Deployment": Store(), "Service": Store()}
        self.nodes: dict[str, Node] = {}
        self._node_versions: dict[str, int] = {}
        self._changed: list[Node] = []
        """Nodes as they were, before they became different or went."""
        self._all_nodes, self._nodes_changed = Nodes(()), True
        self._labels_that_matter = set(LABELS_THAT_MATTER)
        self._slices: dict[Key, dict[str, tuple[Endpoint, ...]]] = {}
        self._slice_versions: dict[tuple[Key, str], int] = {}

    def endpoints(self, key: Key) -> list[Endpoint]:
        """The pods behind an app's Service; one in two slices (two IP families) comes twice."""
        return [it for part in self._slices.get(key, {}).values() for it in part]

    def all_nodes(self) -> Nodes:
        """The nodes as they are now."""
        if self._nodes_changed:
            self._all_nodes = Nodes(self.nodes.values(), self._all_nodes)
            self._nodes_changed = False
        return self._all_nodes

    def apps_after_node_news(self) -> list[Key]:
        """All apps; first those that list a node that is not as it was: their URLs may be wrong."""
        changed, self._changed = self._changed, []
        if len(changed) > MOST_CHANGED:
            return list(self.apps)
        addresses = {text.lower() for node in changed for _, text in node.addresses}
        in_urls = [form.format(it) for it in addresses for form in ("//{}:", "//[{}]:")]
        return list(dict.fromkeys([*self.apps.naming(in_urls), *self.apps]))

    def put_app(self, body: Json) -> bool:
        """Remembers an app; False when a newer state of it, or the same, is known already."""
        nodes = (body.get("spec") or {}).get("nodes") or {}
        new = (nodes.get("selector") or {}).keys() - self._labels_that_matter
        if new:
            self._labels_that_matter |= new
            self._nodes_changed = True
        return self.apps.put(body)

    def put_node(self, body: Json) -> bool:
        """Remembers a node; False when nothing that matters is different.

        Of its labels those matter that an app has ever selected nodes by: some are changed again
        and again, on every node of a cluster.
        """
        node = parse_node(body)
        before, self.nodes[node.name] = self.nodes.get(node.name), node
        self._node_versions[node.name] = version_of(body)
        labels = self._labels_that_matter
        if before and before.only_labels(labels) == node.only_labels(labels):
            return False
        self._note_changed(before)
        return True

    def _note_changed(self, before: Node | None) -> None:
        self._nodes_changed = True
        if before and len(self._changed) <= MOST_CHANGED:
            self._changed.append(before)

    def drop_node(self, body: Json) -> bool:
        """Forgets a deleted node."""
        return self._drop_node(body["metadata"]["name"])

    def _drop_node(self, name: str) -> bool:
        self._node_versions.pop(name, None)
        before = self.nodes.pop(name, None)
        self._note_changed(before)
        return before is not None

    def sweep_nodes(self, listed: Listed) -> bool:
        """Forgets the nodes that are gone; False when there are none."""
        gone = [
            name
            for name, version in self._node_versions.items()
            if ("", name) not in listed.names and version <= listed.version
        ]
        for name in gone:
            self._drop_node(name)
        return bool(gone)

    def put_slice(self, body: Json) -> tuple[Key, ...]:
        """Remembers an EndpointSlice; the key of its app when anything that matters changed."""
        key, name = _service_of(body), body["metadata"]["name"]
        parts = self._slices.setdefault(key, {})
        self._slice_versions[key, name] = version_of(body)
        ports = frozenset(it.get("name") or "" for it in body.get("ports") or ())
        endpoints = tuple(_endpoint(it, ports) for it in body.get("endpoints") or ())
        if parts.get(name) == endpoints:
            return ()
        parts[name] = endpoints
        return (key,)

    def drop_slice(self, body: Json) -> tuple[Key, ...]:
        """Forgets a deleted EndpointSlice; the key of its app."""
        key = _service_of(body)
        self._drop_slice(key, body["metadata"]["name"])
        return (key,)

    def _drop_slice(self, key: Key, name: str) -> None:
        self._slice_versions.pop((key, name), None)
        parts = self._slices.get(key, {})
        parts.pop(name, None)
        if not parts:
            self._slices.pop(key, None)

    def sweep_slices(self, listed: Listed) -> list[Key]:
        """Forgets the EndpointSlices that are gone; the keys of their apps."""
        gone = [
            (key, name)
            for (key, name), version in self._slice_versions.items()
            if (key.namespace, name) not in listed.names and version <= listed.version
        ]
        for key, name in gone:
            self._drop_slice(key, name)
        return [key for key, _ in gone]


def key_of(body: Json) -> Key:
    """The key of an object."""
    return Key(body["metadata"]["namespace"], body["metadata"]["name"])


def version_of(body: Json) -> int:
    """The object's resourceVersion, which orders the states of one object.

    Source: KEP-5504, comparable resource versions; etcd's revisions have always been so.
    """
    return int(body["metadata"]["resourceVersion"])


def trim(body: Json) -> Json:
    """The part of an object that the operator uses."""
    meta = body["metadata"]
    kept = ("name", "namespace", "uid", "resourceVersion", "generation", "labels")
    trimmed: Json = {
        "metadata": {key: meta[key] for key in kept if key in meta},
        "spec": body.get("spec") or {},
        "status": body.get("status") or {},
    }
    for key in ("ownerReferences", "deletionTimestamp"):
        if key in meta:
            trimmed["metadata"][key] = meta[key]
    annotations = meta.get("annotations") or {}
    if found := {key: it for key, it in annotations.items() if key != DROPPED_ANNOTATION}:
        trimmed["metadata"]["annotations"] = found
    return trimmed


def _pack(body: Json) -> bytes:
    try:
        return orjson.dumps(body)
    except orjson.JSONEncodeError:
        # Nested deeper than it goes, which the reconcile must be able to tell.
        return orjson.dumps(_cut(body, DEEPEST_KEPT))


def _cut(value: Any, levels: int) -> Any:
    if isinstance(value, dict):
        return {key: _cut(it, levels - 1) for key, it in value.items()} if levels else None
    if isinstance(value, list):
        return [_cut(it, levels - 1) for it in value] if levels else None
    return value


def _service_of(body: Json) -> Key:
    meta = body["metadata"]
    return Key(meta["namespace"], meta["labels"].get(SERVICE_NAME_LABEL, ""))


def _endpoint(body: Json, ports: frozenset[str]) -> Endpoint:
    conditions = body.get("conditions") or {}
    target = body.get("targetRef") or {}
    return Endpoint(
        pod=target.get("uid") or ",".join(body["addresses"]),
        # Unknown counts as ready (API docs of EndpointConditions).
        ready=conditions.get("ready") is not False,
        terminating=conditions.get("terminating") is True,
        node=body.get("nodeName"),
        ports=ports,
    )
