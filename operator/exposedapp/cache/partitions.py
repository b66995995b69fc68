# SPDX-License-Identifier: Apache-2.0
"""The parts of a scope: the apps of each are reconciled whatever happens in the others.

A partition is a namespace, or the whole cluster. A right that is missing in one namespace, or an
error of its lists, now or later, is waited for there alone. Built by runtime.py, which starts and
supervises what follows the objects.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from exposedapp.cache.informer import Informer
from exposedapp.cache.resync import AppResync
from exposedapp.cache.watches import ResourceHandler
from exposedapp.kube.resources import EXPOSED_APPS, Resource
from exposedapp.kube.scope import Scope

Follow = Callable[[Resource, ResourceHandler], Informer]
"""Starts the informer of a kind, or of a kind in one namespace."""

FollowApps = Callable[[Resource], AppResync]
"""Starts the comparisons of the ExposedApps, or of those in one namespace."""


@dataclass(slots=True)
class Partition:
    """What follows its objects, and whether its apps may be reconciled."""

    informers: Sequence[Informer]
    """Those of kinds that have no namespaces, too."""
    resync: AppResync
    is_open: bool = False
    """Whether its apps may be reconciled: everything is listed, and this process leads."""

    @property
    def apps(self) -> Resource:
        """Its ExposedApps."""
        return self.resync.resource

    async def catch_up(self) -> None:
        """Wait until everything is listed, and the newest specs of its apps are known."""
        for informer in self.informers:
            await informer.has_synced.wait()
        await self.resync.catch_up()


class Partitions:
    """All partitions of a scope; none until start() has ended."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        self._informers: Sequence[Informer] = ()
        self._partitions: dict[str | None, Partition] = {}
        """By namespace; None: of the whole cluster."""

    def __iter__(self) -> Iterator[Partition]:
        return iter(self._partitions.values())

    async def start(
        self, handlers: Sequence[ResourceHandler], follow: Follow, follow_apps: FollowApps
    ) -> None:
        """Follow everything, and wait until the lists are complete.

        A list of one namespace that fails is not waited for: it delays the apps of that one only.
        """
        self._informers = informers = [
            follow(resource, handler)
            for handler in handlers
            for resource in self._scope.limit(handler.resource)
        ]
        for informer in informers:
            if informer.resource.namespace:
                await informer.has_attempted.wait()
            else:
                await informer.has_synced.wait()
        for apps in self._scope.limit(EXPOSED_APPS):
            own = [each for each in informers if each.resource.namespace in (None, apps.namespace)]
            self._partitions[apps.namespace] = Partition(own, follow_apps(apps))

    def find(self, namespace: str) -> Partition | None:
        """The partition of a namespace; None for one that is out of scope."""
        return self._partitions.get(namespace if self._scope.is_limited else None)

    def unsynced(self) -> list[str]:
        """What has not been listed yet, by its title."""
        followers: list[Informer | AppResync] = [
            *self._informers,
            *(partition.resync for partition in self),
        ]
        titles = [
            follower.resource.title for follower in followers if not follower.has_synced.is_set()
        ]
        return titles if self._partitions else [*titles, EXPOSED_APPS.plural]
