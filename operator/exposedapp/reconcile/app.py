# SPDX-License-Identifier: Apache-2.0
"""One app as its reconcile sees it, parsed from the object in the cache. Pure.

The first phase of a reconcile; called by reconciler.py.
"""

from dataclasses import dataclass, replace

from pydantic import ValidationError

from exposedapp.api.app import ExposedAppSpec, ExposedAppStatus
from exposedapp.api.conditions import Reason
from exposedapp.api.meta import AppRef, Json, NamespacedName, key_of
from exposedapp.cache.encoding import UNREADABLE
from exposedapp.desired.errors import SpecError
from exposedapp.status.observation import Problem


@dataclass(frozen=True, slots=True)
class App:
    """An app as the cache has it."""

    ref: AppRef
    generation: int
    resource_version: str
    previous: ExposedAppStatus
    """The status as the cache has it, whoever has written it."""
    spec: ExposedAppSpec | None = None
    problem: Problem | None = None
    """Why there is no spec; None when there is one."""

    @property
    def key(self) -> NamespacedName:
        """The key of the app and of its children."""
        return self.ref.key

    @property
    def has_been_reconciled(self) -> bool:
        """Whether the app has had a status, and so children."""
        return self.previous.observed_generation > 0

    @property
    def is_observed(self) -> bool:
        """Whether the status is about the present spec."""
        return self.previous.observed_generation == self.generation


def identify_app(body: Json) -> App:
    """The app in an object of the cache, before its spec is parsed."""
    metadata, key = body["metadata"], key_of(body)
    return App(
        ref=AppRef(key.namespace, key.name, metadata["uid"]),
        generation=metadata["generation"],
        resource_version=metadata["resourceVersion"],
        previous=parse_status(body),
    )


def parse_app(identity: App, body: Json) -> App:
    """The app with its spec; with a problem when the spec cannot be parsed."""
    try:
        return replace(identity, spec=_parse_spec(body))
    except SpecError as error:
        return replace(identity, problem=spec_problem(error))
    except ValidationError as error:
        return replace(identity, problem=Problem(Reason.INVALID_SPEC, _validation_message(error)))


def parse_status(body: Json) -> ExposedAppStatus:
    """The status of an app; as before the first reconcile when another client broke it."""
    try:
        return ExposedAppStatus.model_validate(body.get("status") or {"observedGeneration": -1})
    except ValidationError:
        return ExposedAppStatus(observed_generation=-1)


def spec_problem(error: SpecError) -> Problem:
    """The problem with a spec that no object can be generated from."""
    return Problem(Reason.INVALID_SPEC, str(error))


def _parse_spec(body: Json) -> ExposedAppSpec:
    """The spec. Raises SpecError when the cache could not keep it, or ValidationError."""
    if UNREADABLE in body:
        raise SpecError(body[UNREADABLE])
    return ExposedAppSpec.model_validate(body["spec"])


def _validation_message(error: ValidationError) -> str:
    """The fields that are not valid, and why."""
    messages = []
    for detail in error.errors():
        field = ".".join(str(part) for part in detail["loc"])
        messages.append(f"spec.{field}: {detail['msg'].removeprefix('Value error, ')}")
    return "; ".join(messages)
