"""Pure: the ExposedApp that `create` makes."""

from collections.abc import Sequence

from exposedapp.api.meta import API_VERSION, KIND, Json
from exposedapp.cli.arguments import parse_env, parse_ports


def make_app(
    name: str,
    image: str,
    ports: Sequence[str],
    *,
    replicas: int | None = None,
    env: Sequence[str] = (),
    service_type: str | None = None,
    namespace: str | None = None,
) -> Json:
    """The object, with only what was asked for; raises ValueError for what cannot be read."""
    spec: Json = {"image": image}
    if replicas is not None:
        spec["replicas"] = replicas
    spec["ports"] = parse_ports(ports)
    if env:
        spec["env"] = [parse_env(it) for it in env]
    if service_type:
        spec["service"] = {"type": service_type}
    metadata = {"name": name, **({"namespace": namespace} if namespace else {})}
    return {"apiVersion": API_VERSION, "kind": KIND, "metadata": metadata, "spec": spec}
