# SPDX-License-Identifier: Apache-2.0
"""The scope of an operator: all namespaces of the cluster, or only some. Pure.

Whatever lists or watches takes a Resource; the scope turns one that is of the whole cluster into
one for each of its namespaces. So RBAC decides on each of them by itself, and a right that is
missing in one namespace concerns no other.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from exposedapp.kube.resources import Resource


@dataclass(frozen=True, slots=True)
class Scope:
    """The namespaces that an operator works in."""

    namespaces: Sequence[str] = ()
    """Empty: all of the cluster."""

    @property
    def is_limited(self) -> bool:
        """Whether there may be namespaces that the operator does not know."""
        return bool(self.namespaces)

    def limit(self, resource: Resource) -> list[Resource]:
        """What is listed and watched of a kind: once for the cluster, or for each namespace."""
        if not self.namespaces or not resource.is_namespaced:
            return [resource]
        return [replace(resource, namespace=namespace) for namespace in self.namespaces]


WHOLE_CLUSTER = Scope()
