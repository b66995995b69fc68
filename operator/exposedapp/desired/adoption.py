"""Pure: a Deployment or a Service that somebody else made, taken over by the app of its name.

What cannot be changed, or only by starting every pod anew, stays as it was: the selector, the pods'
labels and the container's name.
"""

from exposedapp.api.meta import ADOPT_ANNOTATION, CONTAINER_ANNOTATION, NAME_LABEL, AppRef, Json


def is_adoptable(live: Json) -> bool:
    """Whether the owner of an object has allowed an app of its name to take it over."""
    return bool((live["metadata"].get("annotations") or {}).get(ADOPT_ANNOTATION) == "true")


def adopted_deployment(app: AppRef, live: Json | None) -> Json | None:
    """The live Deployment, when it was not made by this operator: its selector tells."""
    ours = {"matchLabels": {NAME_LABEL: app.name}}
    return live if live and live["spec"].get("selector") != ours else None


def adopted_pod_labels(live: Json) -> dict[str, str]:
    """The labels of an adopted Deployment's pods that must stay."""
    selector: Json = live["spec"]["selector"]
    labels: dict[str, str] = live["spec"]["template"]["metadata"]["labels"]
    # A Service knows no expressions: with some, the labels of the pods say more.
    return labels if selector.get("matchExpressions") else selector["matchLabels"]


def adopted_container(live: Json, image: str) -> str:
    """Which container of an adopted Deployment is the app: as chosen before, else by its image."""
    chosen: str | None = (live["metadata"].get("annotations") or {}).get(CONTAINER_ANNOTATION)
    containers = live["spec"]["template"]["spec"]["containers"]
    same = (it["name"] for it in containers if it["image"] == image)
    return chosen or next(same, None) or str(containers[0]["name"])
