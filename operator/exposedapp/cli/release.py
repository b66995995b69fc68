# SPDX-License-Identifier: Apache-2.0
"""Gives an app's Deployment and Service back: they run on, and nothing of the app is left on them.

Called by the command `release`. The app is deleted first and its children are orphaned, so the
operator does not work against it, and need not run.
"""

import asyncio

from exposedapp.api.meta import (
    ADOPT_ANNOTATION,
    CHILD_KINDS,
    GROUP,
    HASH_ANNOTATION,
    KIND,
    NAME_LABEL,
    AppRef,
    ChildKind,
    Json,
)
from exposedapp.cli.client import CliClient
from exposedapp.cli.exit_codes import CommandError, ExitCode, no_such_app_error
from exposedapp.desired.adoption import annotations_of, is_withheld, release_changes
from exposedapp.kube.errors import ApiError
from exposedapp.kube.resources import EXPOSED_APPS

POLL_INTERVAL_SECONDS = 0.2

MAX_ATTEMPTS = 5
"""Patches of an object that others change as well, such as a Deployment during a rollout."""


async def release_app(client: CliClient, name: str, timeout_seconds: float) -> list[Json]:
    """Delete the app and clean its children; those that were released.

    After an interruption the next call goes on. Raises CommandError when there is no such app.
    """
    app = await client.find_app(name)
    if app:
        await _delete_and_orphan(client, app, timeout_seconds)
    uid = app["metadata"]["uid"] if app else ""
    ref = AppRef(client.namespace, name, uid)
    released = [body for kind in CHILD_KINDS if (body := await _clean(client, ref, kind))]
    if not app and not released:
        raise no_such_app_error(client.namespace, name)
    return released


async def _delete_and_orphan(client: CliClient, app: Json, timeout_seconds: float) -> None:
    """Delete the app without its children, and wait until the garbage collector has done it."""
    name, uid = app["metadata"]["name"], app["metadata"]["uid"]
    path = EXPOSED_APPS.path(client.namespace, name)
    options = {"preconditions": {"uid": uid}, "propagationPolicy": "Orphan"}
    await client.kube.request("DELETE", path, options)
    clock = asyncio.get_running_loop().time
    deadline = clock() + timeout_seconds
    while (current := await client.find_app(name)) and current["metadata"]["uid"] == uid:
        if clock() >= deadline:
            raise CommandError(
                ExitCode.CLUSTER,
                f"{name} is still being deleted after {timeout_seconds:g} s; its finalizers are "
                f"{', '.join(current['metadata'].get('finalizers') or ['none'])}. Run this again.",
            )
        await asyncio.sleep(POLL_INTERVAL_SECONDS)


async def _clean(client: CliClient, app: AppRef, kind: ChildKind) -> Json | None:
    """Remove what the app left on a child; None when there is no child of it.

    An annotation by which the operator may adopt it is removed, one by which it must not stays: it
    is its owner's. Raises CommandError when the child belongs to an app that was created since.
    """
    for attempt in range(MAX_ATTEMPTS):
        live = await client.kube.get(kind, app.namespace, app.name)
        if live is None or not _was_child(app, live):
            return None
        if _is_of_another_app(app, live):
            raise CommandError(
                ExitCode.APP_PROBLEM,
                f"{kind} {app.name} belongs to another ExposedApp of this name. Remove the app "
                "from what applies it, such as a GitOps tool, then run this again: that deletes "
                "the app.",
            )
        changes = release_changes(app, live)
        if not is_withheld(live):
            changes["annotations"] |= {ADOPT_ANNOTATION: None}
        try:
            return await client.kube.patch_metadata(live, kind, changes)
        except ApiError as error:
            if error.status != 409 or attempt == MAX_ATTEMPTS - 1:
                raise
    return None


def _is_of_another_app(app: AppRef, live: Json) -> bool:
    """Whether an ExposedApp owns the child that is not the released one."""
    return any(
        reference["kind"] == KIND
        and reference["apiVersion"].partition("/")[0] == GROUP
        and reference["uid"] != app.uid
        for reference in live["metadata"].get("ownerReferences") or ()
    )


def _was_child(app: AppRef, live: Json) -> bool:
    labels = live["metadata"].get("labels") or {}
    return labels.get(NAME_LABEL) == app.name and HASH_ANNOTATION in annotations_of(live)
