"""Whose an object is that has the name of an app's child, and whether the app may change it. Pure.

Called by children.py, child_reader.py and apply.py.
"""

from exposedapp.api.conditions import Reason
from exposedapp.api.meta import ADOPT_ANNOTATION, KIND, AppRef, ChildKind, Json
from exposedapp.desired.adoption import is_adoptable
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
    return is_owned(app, live) or (not controller_of(live) and is_adoptable(live))


def is_being_deleted(live: Json) -> bool:
    """Whether the object is only there until its finalizers are done."""
    return "deletionTimestamp" in live["metadata"]


def ownership_result(app: AppRef, kind: ChildKind, live: Json) -> ChildResult | None:
    """Why the object that has the child's name must not be changed; None when it may be."""
    controller = controller_of(live)
    if is_manageable(app, live):
        if is_being_deleted(live):
            return ChildResult(pending=f"The old {kind} is being deleted.")
        return None
    if controller.get("kind") == KIND and controller.get("name") == app.name:
        return ChildResult(
            pending=f"The {kind} of an earlier app of this name is still being deleted."
        )
    message = f"{_foreign(app, kind, controller)} {_remedy(app, kind, controller)}"
    return ChildResult(problem=Problem(Reason.NOT_OWNED, message, kind))


def _foreign(app: AppRef, kind: ChildKind, controller: Json) -> str:
    if controller:
        holder = f"{controller['kind']} {controller['name']}"
        return f"{kind} {app.name} already exists and is controlled by {holder}."
    return f"{kind} {app.name} already exists and was not created by this app."


def _remedy(app: AppRef, kind: ChildKind, controller: Json) -> str:
    if controller:
        return "Delete it, or give the app another name."
    adopt = f"kubectl annotate {kind.lower()} {app.name} {ADOPT_ANNOTATION}=true"
    return f"Let the app adopt it ({adopt}), delete it, or give the app another name."
