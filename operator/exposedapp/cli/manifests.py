# SPDX-License-Identifier: Apache-2.0
"""Reads ExposedApps from YAML or JSON and builds their children, without a cluster. Pure.

Called by `render`. The children are built by the functions that the operator itself uses.
"""

from collections.abc import Iterable, Iterator
from typing import Any

import yaml
from pydantic import ValidationError

from exposedapp.api.app import ExposedAppSpec
from exposedapp.api.meta import HASH_ANNOTATION, KIND, AppRef, Json
from exposedapp.cli.exit_codes import CommandError, ExitCode
from exposedapp.cli.validation.schema_check import find_problems
from exposedapp.desired.deployment import make_deployment
from exposedapp.desired.errors import SpecError
from exposedapp.desired.pod_template import pod_labels
from exposedapp.desired.service import make_service

LIST_KINDS = ("List", f"{KIND}List")
"""What `kubectl get -o yaml` prints, and what the API server returns."""


def parse_documents(text: str, source: str) -> list[Any]:
    """The documents of a YAML or JSON text, without the empty ones.

    Raises CommandError with `source` and the line.
    """
    try:
        return [document for document in yaml.safe_load_all(text) if document is not None]
    except yaml.MarkedYAMLError as error:
        line = f", line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise CommandError(ExitCode.USAGE, f"{source}{line}: {error.problem}") from error
    except (yaml.YAMLError, ValueError) as error:
        raise CommandError(ExitCode.USAGE, f"{source}: {error}") from error
    except RecursionError:
        raise CommandError(ExitCode.USAGE, f"{source}: nested too deep") from None


def render_children(documents: Iterable[Any], source: str, namespace: str | None) -> Iterator[Json]:
    """Deployment and Service of each ExposedApp as the operator creates them.

    Other kinds are skipped. What only a cluster knows is left out: the owner, node ports that the
    cluster allocates, and the operator's hash of the two. Raises CommandError for an app that the
    API server would refuse.
    """
    for index, document in enumerate(documents):
        for body in unfold_lists(document, f"{source}: document {index + 1}"):
            if body["kind"] == KIND:
                yield from _children_of(body, source, namespace)


def unfold_lists(document: Any, place: str) -> Iterator[Json]:
    """The object itself, or the items of a List."""
    if not isinstance(document, dict) or "kind" not in document:
        raise CommandError(ExitCode.USAGE, f"{place} is not a Kubernetes object")
    if document["kind"] not in LIST_KINDS:
        yield document
        return
    items = document.get("items") or []
    if not isinstance(items, list):
        raise CommandError(ExitCode.USAGE, f"{place}: items: must be a list")
    for index, item in enumerate(items):
        yield from unfold_lists(item, f"{place}, item {index + 1}")


def _children_of(body: Json, source: str, namespace: str | None) -> Iterator[Json]:
    metadata = body.get("metadata")
    name = str(metadata.get("name")) if isinstance(metadata, dict) else "?"
    if problems := find_problems(body):
        lines = [f"{source}: {name}: {problem}" for problem in problems]
        raise CommandError(ExitCode.USAGE, "\n".join(lines))
    app = AppRef(body["metadata"].get("namespace") or namespace or "", name, "")
    try:
        spec = ExposedAppSpec.model_validate(_without_nulls(body["spec"]))
        deployment = make_deployment(app, spec)
        service = make_service(app, spec, pod_labels(app, spec, None))
    except SpecError as error:
        raise CommandError(ExitCode.USAGE, f"{source}: {name}: {error}") from error
    except ValidationError as error:
        text = "; ".join(
            f"spec.{'.'.join(map(str, detail['loc']))}: {detail['msg']}"
            for detail in error.errors()
        )
        raise CommandError(ExitCode.USAGE, f"{source}: {name}: {text}") from error
    for child in (deployment, service):
        if child:
            yield _without_cluster_facts(child)


def _without_nulls(spec: Json) -> Json:
    """The spec as the API server stores it; in a podTemplate a null has a meaning and stays."""

    def strip(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: strip(field) for key, field in value.items() if field is not None}
        return [strip(item) for item in value] if isinstance(value, list) else value

    return {
        key: value if key == "podTemplate" else strip(value)
        for key, value in spec.items()
        if value is not None
    }


def _without_cluster_facts(child: Json) -> Json:
    # An owner that does not exist makes the garbage collector delete the object once it is applied.
    # The hash covers the owner.
    metadata = {key: value for key, value in child["metadata"].items() if key != "ownerReferences"}
    metadata["annotations"] = {
        key: value for key, value in metadata["annotations"].items() if key != HASH_ANNOTATION
    }
    return {**child, "metadata": {key: value for key, value in metadata.items() if value}}
