"""What the operator remembers of the cluster: only what it uses, and as little of it as can be.

Watch events and the answers to the operator's own writes both end here. The newer of the two
wins, so that a late event does not bring back what has been changed since.
"""

from exposedapp.api.meta import Json, NamespacedName, version_of
from exposedapp.cache.encoding import encode_app
from exposedapp.cache.store import ListSnapshot, ObjectStore
from exposedapp.exposure.endpoints import Endpoint, parse_endpoint_slice
from exposedapp.exposure.node_selection import NodeIndex
from exposedapp.exposure.nodes import RELEVANT_LABELS, Node, parse_node

MAX_CHANGED_NODES = 10
"""With more nodes than this at once, most apps list one of them: then the order does not matter."""

SERVICE_NAME_LABEL = "kubernetes.io/service-name"


class Cache:
    """Everything that is watched."""

    def __init__(self) -> None:
        self.apps = ObjectStore(encode_app)
        self.children = {"Deployment": ObjectStore(), "Service": ObjectStore()}
        self.nodes: dict[str, Node] = {}
        self._node_versions: dict[str, int] = {}
        self._changed: list[Node] = []
        """Nodes as they were, before they became different or went."""
        self._all_nodes, self._nodes_changed = NodeIndex(()), True
        self._labels_that_matter = set(RELEVANT_LABELS)
        self._slices: dict[NamespacedName, dict[str, tuple[Endpoint, ...]]] = {}
        self._slice_versions: dict[tuple[NamespacedName, str], int] = {}

    def endpoints(self, key: NamespacedName) -> list[Endpoint]:
        """The pods behind an app's Service; one in two slices (two IP families) comes twice."""
        return [it for part in self._slices.get(key, {}).values() for it in part]

    def all_nodes(self) -> NodeIndex:
        """The nodes as they are now."""
        if self._nodes_changed:
            self._all_nodes = NodeIndex(self.nodes.values(), self._all_nodes)
            self._nodes_changed = False
        return self._all_nodes

    def apps_by_node_impact(self) -> list[NamespacedName]:
        """All apps; first those that list a node that is not as it was: their URLs may be wrong."""
        changed, self._changed = self._changed, []
        if len(changed) > MAX_CHANGED_NODES:
            return list(self.apps)
        addresses = {text.lower() for node in changed for _, text in node.addresses}
        in_urls = [form.format(it) for it in addresses for form in ("//{}:", "//[{}]:")]
        return list(dict.fromkeys([*self.apps.keys_mentioning(in_urls), *self.apps]))

    def put_app(self, body: Json) -> bool:
        """Remembers an app; False when a newer state of it, or the same, is known already."""
        is_new = self.apps.put(body)
        labels = _selected_labels(body) - self._labels_that_matter
        if labels:
            self._labels_that_matter |= labels
            self._nodes_changed = True
        return is_new

    def put_node(self, body: Json) -> bool:
        """Remembers a node; False when nothing that matters is different.

        Of its labels those matter that an app has ever selected nodes by: some are changed again
        and again, on every node of a cluster.
        """
        node, version = parse_node(body), version_of(body)
        before, self.nodes[node.name] = self.nodes.get(node.name), node
        self._node_versions[node.name] = version
        labels = self._labels_that_matter
        if before and before.with_labels(labels) == node.with_labels(labels):
            return False
        self._note_changed(before)
        return True

    def _note_changed(self, before: Node | None) -> None:
        self._nodes_changed = True
        if before and len(self._changed) <= MAX_CHANGED_NODES:
            self._changed.append(before)

    def drop_node(self, body: Json) -> bool:
        """Forgets a deleted node."""
        return self._drop_node(body["metadata"]["name"])

    def _drop_node(self, name: str) -> bool:
        self._node_versions.pop(name, None)
        before = self.nodes.pop(name, None)
        self._note_changed(before)
        return before is not None

    def sweep_nodes(self, listed: ListSnapshot) -> bool:
        """Forgets the nodes that are gone; False when there are none."""
        gone = [
            name
            for name, version in self._node_versions.items()
            if ("", name) not in listed.names and version <= listed.version
        ]
        for name in gone:
            self._drop_node(name)
        return bool(gone)

    def put_slice(self, body: Json) -> tuple[NamespacedName, ...]:
        """Remembers an EndpointSlice; the key of its app when anything that matters changed."""
        key, name, version = _service_of(body), body["metadata"]["name"], version_of(body)
        endpoints = parse_endpoint_slice(body)
        parts = self._slices.setdefault(key, {})
        self._slice_versions[key, name] = version
        if parts.get(name) == endpoints:
            return ()
        parts[name] = endpoints
        return (key,)

    def drop_slice(self, body: Json) -> tuple[NamespacedName, ...]:
        """Forgets a deleted EndpointSlice; the key of its app."""
        key = _service_of(body)
        self._drop_slice(key, body["metadata"]["name"])
        return (key,)

    def _drop_slice(self, key: NamespacedName, name: str) -> None:
        self._slice_versions.pop((key, name), None)
        parts = self._slices.get(key, {})
        parts.pop(name, None)
        if not parts:
            self._slices.pop(key, None)

    def sweep_slices(self, listed: ListSnapshot) -> list[NamespacedName]:
        """Forgets the EndpointSlices that are gone; the keys of their apps."""
        gone = [
            (key, name)
            for (key, name), version in self._slice_versions.items()
            if (key.namespace, name) not in listed.names and version <= listed.version
        ]
        for key, name in gone:
            self._drop_slice(key, name)
        return [key for key, _ in gone]


def _selected_labels(body: Json) -> set[str]:
    """The keys of spec.nodes.selector. A malformed spec has none: its reconcile reports it."""
    value: object = body
    for field in ("spec", "nodes", "selector"):
        value = value.get(field) if isinstance(value, dict) else None
    return set(value) if isinstance(value, dict) else set()


def _service_of(body: Json) -> NamespacedName:
    meta = body["metadata"]
    return NamespacedName(meta["namespace"], meta["labels"].get(SERVICE_NAME_LABEL, ""))
