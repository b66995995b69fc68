# SPDX-License-Identifier: Apache-2.0
"""The requests that create or apply one child, so that each field can be given up later.

Called by apply.py. Server-side apply removes a field only if no other manager has it: the fields of
former managers are taken over, and what had to be patched is counted as applied.
"""

from exposedapp.api.meta import ChildKind, Json, key_of
from exposedapp.desired.diff import surplus_ports, surplus_strategy
from exposedapp.desired.managed_fields import with_patches_as_applied, without_desired_fields
from exposedapp.kube.errors import ApiError
from exposedapp.reconcile.api_errors import is_duplicate_node_port
from exposedapp.reconcile.interfaces import ChildClient

MAX_ATTEMPTS = 5
"""To write managedFields: the Deployment controller may write the status in between."""


class ChildWriter:
    """Creates and applies children; each method raises ApiError."""

    def __init__(self, client: ChildClient) -> None:
        self._client = client

    async def create(self, kind: ChildKind, desired: Json) -> Json:
        """Create a child; the object as it is then."""
        return await self._count_as_applied(kind, await self._client.create(desired))

    async def apply(self, kind: ChildKind, live: Json, desired: Json, *, patch_first: bool) -> Json:
        """Apply to a live object; the object as it is then.

        Server-side apply removes only fields that were applied before. Where the ports of others
        are in the way, the spec is first set as a whole; with `patch_first` whenever there are any.
        A strategy that apply would be refused is patched before.
        """
        if surplus_strategy(desired, live):
            strategy = {**desired["spec"]["strategy"], "rollingUpdate": None}
            live = await self._patch_spec(kind, live, {"strategy": strategy})
        uid, whole_spec = live["metadata"]["uid"], {"ports": None, **desired["spec"]}
        surplus = surplus_ports(desired, live)
        if surplus and patch_first:
            await self._patch_spec(kind, live, whole_spec)
            return await self._apply(kind, desired, uid)
        try:
            applied = await self._apply(kind, desired, uid)
        except ApiError as error:
            # The numbers of two ports that change places are both in use at that moment.
            if not is_duplicate_node_port(error) and not (surplus and error.status == 422):
                raise
            await self._patch_spec(kind, live, whole_spec)
            return await self._apply(kind, desired, uid)
        if surplus_ports(desired, applied):
            return await self._patch_spec(kind, applied, {"ports": whole_spec["ports"]})
        return applied

    async def take_over_fields(self, kind: ChildKind, live: Json, desired: Json) -> Json:
        """Take the fields that the app sets from the managers that have them; the live object then.

        Called before the first apply, so that it is repeated when that fails, and after it.
        """
        current = live
        if "managedFields" not in live["metadata"]:  # the cache keeps none
            current = await self._client.get(kind, *key_of(live)) or live
        entries = without_desired_fields(current, desired)
        is_replaced = current["metadata"]["uid"] != live["metadata"]["uid"]
        if entries is None or is_replaced:
            # The apply that follows names the UID, and so is refused by another object.
            return live
        return await self._client.patch_metadata(current, kind, {"managedFields": entries})

    async def _apply(self, kind: ChildKind, desired: Json, uid: str) -> Json:
        """Apply; once more when a patch of an earlier reconcile has kept fields that it drops."""
        applied = await self._client.apply(desired, uid)
        if await self._count_as_applied(kind, applied) is applied:
            return applied
        return await self._client.apply(desired, uid)

    async def _patch_spec(self, kind: ChildKind, live: Json, changes: Json) -> Json:
        return await self._count_as_applied(
            kind, await self._client.patch_spec(live, kind, changes)
        )

    async def _count_as_applied(self, kind: ChildKind, live: Json) -> Json:
        """Make the fields that the operator has patched removable by apply.

        The same object comes back when it has patched none. A conflict is no reason to give up: the
        child has its desired hash by then, so no later reconcile would come back to this.
        """
        for attempt in range(1, MAX_ATTEMPTS + 1):
            entries = with_patches_as_applied(live)
            if entries is None:
                break
            try:
                return await self._client.patch_metadata(live, kind, {"managedFields": entries})
            except ApiError as error:
                if error.status != 409 or attempt == MAX_ATTEMPTS:
                    raise
                current = await self._client.get(kind, *key_of(live))
                if current is None or current["metadata"]["uid"] != live["metadata"]["uid"]:
                    raise
                live = current
        return live
