# SPDX-License-Identifier: Apache-2.0
"""Whose an object is that has the name of an app's child, and whether the app may change it. Pure.

Called by children.py, child_reader.py and apply.py. docs/ownership.md has every state.
"""

from exposedapp.api.conditions import Reason
from exposedapp.api.meta import ADOPT_ANNOTATION, KIND, AppRef, ChildKind, Json
from exposedapp.desired.adoption import is_adoptable, is_withheld
from exposedapp.reconcile.results import ChildResult
from exposedapp.status.observation import Problem


def controller_of(live: Json) -> Json:
    """The owner reference of an object's controller; empty when it has none."""
    references = live["metadata"].get("ownerReferences") or ()
    return next((reference for reference in references if reference.get("controller")), {})


def is_owned(app: AppRef, live: Json) -> bool:
    """Whether the object is the app's child already."""
    return bool(controller_of(live).get("uid") == app.uid)


def is_manageable(app: AppRef, live: Json) -> bool:
    """Whether the app may change the object: its child, or one that it may adopt."""
    if is_owned(app, live):
        return not is_withheld(live)
    return not controller_of(live) and is_adoptable(app, live)


def is_to_be_released(app: AppRef, live: Json) -> bool:
    """Whether the object is the app's child, and its owner wants it back."""
    return is_owned(app, live) and is_withheld(live) and not is_being_deleted(live)


def is_being_deleted(live: Json) -> bool:
    """Whether the object is only there until its finalizers are done."""
    return "deletionTimestamp" in live["metadata"]


def ownership_result(app: AppRef, kind: ChildKind, live: Json) -> ChildResult | None:
    """Why the object that has the child's name must not be changed; None when it may be."""
    controller = controller_of(live)
    if is_being_deleted(live):
        return ChildResult(pending=f"The old {kind} is being deleted.")
    if is_manageable(app, live):
        return None
    if _is_of_earlier_app(app, controller):
        return ChildResult(
            pending=f"The {kind} of an earlier app of this name is still being deleted."
        )
    return ChildResult(problem=not_owned(app, kind, live))


def not_owned(app: AppRef, kind: ChildKind, live: Json) -> Problem:
    """The problem that the object is not the app's, with what to do about it."""
    controller = controller_of(live)
    adopt = f"kubectl annotate {kind.lower()} {app.name} {ADOPT_ANNOTATION}=true"
    if controller and not is_owned(app, live):
        holder = f"{controller['kind']} {controller['name']}"
        cause, remedy = f"already exists and is controlled by {holder}.", "Delete it,"
    elif is_withheld(live):
        cause = f"has the annotation {ADOPT_ANNOTATION}=false."
        remedy = f"Let the app adopt it ({adopt} --overwrite), delete it,"
    else:
        cause = "already exists and was not created by this app."
        remedy = f"Let the app adopt it ({adopt}), delete it,"
    message = f"{kind} {app.name} {cause} {remedy} or give the app another name."
    return Problem(Reason.NOT_OWNED, message, kind)


def _is_of_earlier_app(app: AppRef, controller: Json) -> bool:
    return (
        controller.get("kind") == KIND
        and controller.get("name") == app.name
        and controller.get("uid") != app.uid
    )
