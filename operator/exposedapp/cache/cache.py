# SPDX-License-Identifier: Apache-2.0
"""The known state of the cluster: one store per kind, and the questions that concern several.

Built by runtime.py. Watch events and the responses to the operator's own writes both end here.
"""

from exposedapp.api.meta import NamespacedName
from exposedapp.cache.encoding import encode_app
from exposedapp.cache.endpoint_slice_store import EndpointSliceStore
from exposedapp.cache.node_port_waiters import NodePortWaiters
from exposedapp.cache.node_store import MAX_CHANGED_NODES, NodeStore
from exposedapp.cache.service_store import ServiceStore
from exposedapp.cache.store import ObjectStore


class Cache:
    """The objects of all kinds that are watched."""

    def __init__(self) -> None:
        self.apps = ObjectStore(encode_app)
        self.node_port_waiters = NodePortWaiters()
        self.children = {
            "Deployment": ObjectStore(),
            "Service": ServiceStore(self.node_port_waiters),
        }
        self.nodes = NodeStore()
        self.endpoint_slices = EndpointSliceStore()

    def apps_by_node_impact(self) -> list[NamespacedName]:
        """All apps; first those that list a node which has changed: their URLs may be wrong."""
        self.nodes.keep_selectors(self.apps)
        changed = self.nodes.take_changed()
        if len(changed) > MAX_CHANGED_NODES:
            return list(self.apps)
        addresses = {text.lower() for node in changed for _, text in node.addresses}
        in_urls = [form.format(address) for address in addresses for form in ("//{}:", "//[{}]:")]
        return list(dict.fromkeys([*self.apps.keys_mentioning(in_urls), *self.apps]))
