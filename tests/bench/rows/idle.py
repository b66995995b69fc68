"""Nothing happens: what that costs, and with pods, what it costs to try their URLs."""

from bench import apps
from bench.client import Json, for_each
from bench.stage import Stage
from bench.world import system_image

DEADLINE_SECONDS = 120.0
OWN_PODS = 5
FAST_PERIOD_SECONDS = 5
REAL_NODES = {"kubernetes.io/os": "linux"}
"""The fake ones do not have this label, and nobody answers there."""


async def idle(on: Stage) -> None:
    """The share of a core."""
    await on.settle()
    before = await on.count()
    share = await on.cpu(on.size.idle_seconds)
    on.note("idle.cpu_percent", share * 100)
    on.note("idle.writes", on.wrote("idle", before, await on.count()))


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
    others = [f"probed-{number:03}" for number in range(on.size.probed)]
    selecting = {"image": None, "replicas": None, "selector": {"exposedapp.dev/name": own[0]}}
    await _create(on, namespace, others, selecting)
    await idle(on)
    quick = {"spec": {"probe": {"periodSeconds": FAST_PERIOD_SECONDS}}}
    await for_each(others, lambda name: on.api.patch(apps.path(namespace, name), quick))
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


def _is_reached(status: Json) -> bool:
    return any(
        it["type"] == "Reachable" and it["status"] == "True" for it in status.get("conditions", ())
    )
