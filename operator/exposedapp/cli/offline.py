"""Pure: the objects that ExposedApps in a file will become, without a cluster."""

from collections.abc import Iterable, Iterator
from typing import Any

import yaml
from pydantic import ValidationError

from exposedapp.api.app import ExposedAppSpec
from exposedapp.api.meta import HASH_ANNOTATION, KIND, AppRef, Json
from exposedapp.cli.exit_codes import Exit, Failure
from exposedapp.cli.validation.schema_check import problems
from exposedapp.desired.deployment import make_deployment
from exposedapp.desired.errors import SpecError
from exposedapp.desired.pod_template import pod_labels
from exposedapp.desired.service import make_service

LISTS = ("List", f"{KIND}List")
"""What `kubectl get -o yaml` prints, and what the API server answers."""


def documents(text: str, source: str) -> list[Any]:
    """The documents of a YAML or JSON file, empty ones left out."""
    try:
        return [it for it in yaml.safe_load_all(text) if it is not None]
    except yaml.MarkedYAMLError as error:
        where = f", line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise Failure(Exit.USAGE, f"{source}{where}: {error.problem}") from error
    except (yaml.YAMLError, ValueError) as error:
        raise Failure(Exit.USAGE, f"{source}: {error}") from error
    except RecursionError:
        raise Failure(Exit.USAGE, f"{source}: nested too deep") from None


def render(found: Iterable[Any], source: str, namespace: str | None) -> Iterator[Json]:
    """Deployment and Service of each ExposedApp, as the operator makes them.

    What only a cluster can know is left out: owner, node ports that it picks, and the operator's
    hash of the two. Raises Failure for an app that no cluster would take.
    """
    for index, body in enumerate(found):
        for one in _unfold(body, f"{source}: document {index + 1}"):
            if one["kind"] == KIND:
                yield from objects(one, source, namespace)


def _unfold(body: Any, place: str) -> Iterator[Json]:
    """The object, or those of a List."""
    if not isinstance(body, dict) or "kind" not in body:
        raise Failure(Exit.USAGE, f"{place} is no Kubernetes object")
    if body["kind"] not in LISTS:
        yield body
        return
    items = body.get("items") or []
    if not isinstance(items, list):
        raise Failure(Exit.USAGE, f"{place}: items: must be a list")
    for index, item in enumerate(items):
        yield from _unfold(item, f"{place}, item {index + 1}")


def objects(body: Json, source: str, namespace: str | None) -> Iterator[Json]:
    """What one ExposedApp will become."""
    metadata = body.get("metadata")
    name = str(metadata.get("name")) if isinstance(metadata, dict) else "?"
    if wrong := problems(body):
        raise Failure(Exit.USAGE, "\n".join(f"{source}: {name}: {it}" for it in wrong))
    app = AppRef(body["metadata"].get("namespace") or namespace or "", name, "")
    try:
        spec = ExposedAppSpec.model_validate(_without_nulls(body["spec"]))
        pods = pod_labels(app, spec, None)
        deployment, service = make_deployment(app, spec), make_service(app, spec, pods)
    except SpecError as error:
        raise Failure(Exit.USAGE, f"{source}: {name}: {error}") from error
    except ValidationError as error:
        said = "; ".join(
            f"spec.{'.'.join(map(str, it['loc']))}: {it['msg']}" for it in error.errors()
        )
        raise Failure(Exit.USAGE, f"{source}: {name}: {said}") from error
    yield from (_offline(it) for it in (deployment, service) if it)


def _without_nulls(spec: Json) -> Json:
    """The spec as the API server stores it; in a podTemplate a null means something."""

    def clean(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: clean(it) for key, it in value.items() if it is not None}
        return [clean(it) for it in value] if isinstance(value, list) else value

    return {
        key: value if key == "podTemplate" else clean(value)
        for key, value in spec.items()
        if value is not None
    }


def _offline(child: Json) -> Json:
    # With an owner that does not exist the garbage collector would remove what is applied of it,
    # and the hash is one of the owner, too.
    metadata = {key: it for key, it in child["metadata"].items() if key != "ownerReferences"}
    metadata["annotations"] = {
        key: it for key, it in metadata["annotations"].items() if key != HASH_ANNOTATION
    }
    return {**child, "metadata": {key: it for key, it in metadata.items() if it}}
