"""Apps with pods: until Ready, changed, and what it costs to try their URLs."""

from typing import Any

from bench import apps
from bench.apps import Reached
from bench.client import Json, for_each
from bench.environment import system_image
from bench.rows.idle import idle
from bench.session import Stage

DEADLINE_SECONDS = 120.0
OWN_PODS = 5
FAST_PERIOD_SECONDS = 5
REAL_NODES = {"kubernetes.io/os": "linux"}
"""The fake ones do not have this label, and nobody answers there."""
OTHER_PORT = 81


async def pods(on: Stage, namespace: str) -> None:
    """Apps with pods until Ready, then so many apps whose URLs are tried all the time."""
    image = await system_image(on.api)
    before = await on.count()
    own = [f"pods-{number}" for number in range(OWN_PODS)]
    # CoreDNS, which every node has: it listens, and that is all that is tried.
    spec = {"image": image, "replicas": 1, "args": ["-dns.port", "8080"]}
    await _create(on, namespace, own, spec)
    after = await on.count()
    on.note("pods.writes_per_app", on.wrote("pods until Ready", before, after, per=len(own)))
    port = [{"port": OTHER_PORT, "targetPort": 8080}]
    on.note("change.writes_per_app", await _change(on, namespace, own, _has_port, ports=port))
    variable = [{"name": "CHANGED", "value": "yes"}]
    on.note("rollout.writes_per_app", await _change(on, namespace, own, _is_anew, env=variable))
    others = [f"probed-{number:03}" for number in range(on.size.probed)]
    selecting = {"image": None, "replicas": None, "selector": {"exposedapp.dev/name": own[0]}}
    await _create(on, namespace, others, selecting)
    await idle(on)
    quick = {"periodSeconds": FAST_PERIOD_SECONDS}
    await for_each(others, lambda name: apps.change(on.api, namespace, name, probe=quick))
    before = await on.count()
    share = await on.cpu(on.size.idle_seconds)
    on.note("probes.cpu_percent", share * 100)
    on.note("probes.writes", on.wrote("probes", before, await on.count()))


async def _create(on: Stage, namespace: str, names: list[str], spec: Json) -> None:
    async with apps.Watch(on.api, namespace) as watch:
        goal = watch.expect(names, _is_reached)

        async def create(name: str) -> None:
            body = apps.app(name, **spec, nodes={"selector": REAL_NODES})
            body["spec"] = {key: it for key, it in body["spec"].items() if it is not None}
            await on.api.post(apps.path(namespace), body)

        await for_each(names, create)
        await goal.wait(DEADLINE_SECONDS)


async def _change(
    on: Stage, namespace: str, names: list[str], reached: Reached, **spec: Any
) -> float:
    """Changes all of them; the writes per app."""
    before = await on.count()
    async with apps.Watch(on.api, namespace) as watch:
        goal = watch.expect(names, reached)
        await for_each(names, lambda name: apps.change(on.api, namespace, name, **spec))
        await goal.wait(DEADLINE_SECONDS)
    row = "change with a rollout" if "env" in spec else "change without a rollout"
    return on.wrote(row, before, await on.count(), per=len(names))


def _has_port(status: Json) -> bool:
    return _is_reached(status) and status["ports"][0]["port"] == OTHER_PORT


def _is_anew(status: Json) -> bool:
    """Of the third spec: the first one, another port, and this."""
    return any(
        (it["type"], it["status"], it["observedGeneration"]) == ("Ready", "True", 3)
        for it in status.get("conditions", ())
    )


def _is_reached(status: Json) -> bool:
    return any(
        it["type"] == "Reachable" and it["status"] == "True" for it in status.get("conditions", ())
    )
