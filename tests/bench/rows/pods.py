# SPDX-License-Identifier: Apache-2.0
"""Apps with pods: until Ready, changed, and the cost of probing their URLs."""

from typing import Any

from bench import apps
from bench.apps import StatusCheck
from bench.client import Json, for_each
from bench.environment import system_image
from bench.rows.idle import idle
from bench.session import Session

DEADLINE_SECONDS = 120.0
OWN_PODS = 5
FAST_PERIOD_SECONDS = 5
REAL_NODES = {"kubernetes.io/os": "linux"}
"""The fake ones do not have this label, and nothing answers there."""
OTHER_PORT = 81


async def pods(session: Session, namespace: str) -> None:
    """Apps with pods until Ready, then apps whose URLs are probed all the time."""
    image = await system_image(session.api)
    before = await session.count()
    own = [f"pods-{number}" for number in range(OWN_PODS)]
    # CoreDNS, which every node has: it listens, and only that is probed.
    spec = {"image": image, "replicas": 1, "args": ["-dns.port", "8080"]}
    await _create(session, namespace, own, spec)
    after = await session.count()
    session.record(
        "pods.writes_per_app",
        session.record_writes("pods until Ready", before, after, per=len(own)),
    )
    port = [{"port": OTHER_PORT, "targetPort": 8080}]
    session.record(
        "change.writes_per_app", await _change(session, namespace, own, _has_port, ports=port)
    )
    variable = [{"name": "CHANGED", "value": "yes"}]
    session.record(
        "rollout.writes_per_app",
        await _change(session, namespace, own, _is_of_third_spec, env=variable),
    )
    others = [f"probed-{number:03}" for number in range(session.size.probed)]
    selecting = {"image": None, "replicas": None, "selector": {"exposedapp.dev/name": own[0]}}
    await _create(session, namespace, others, selecting)
    await idle(session)
    quick = {"periodSeconds": FAST_PERIOD_SECONDS}
    await for_each(others, lambda name: apps.change(session.api, namespace, name, probe=quick))
    before = await session.count()
    share = await session.cpu(session.size.idle_seconds)
    session.record("probes.cpu_percent", share * 100)
    session.record("probes.writes", session.record_writes("probes", before, await session.count()))


async def _create(session: Session, namespace: str, names: list[str], spec: Json) -> None:
    async with apps.Watch(session.api, namespace) as watch:
        goal = watch.expect(names, _is_reached)

        async def create(name: str) -> None:
            body = apps.app(name, **spec, nodes={"selector": REAL_NODES})
            body["spec"] = {key: value for key, value in body["spec"].items() if value is not None}
            await session.api.post(apps.path(namespace), body)

        await for_each(names, create)
        await goal.wait(DEADLINE_SECONDS)


async def _change(
    session: Session, namespace: str, names: list[str], reached: StatusCheck, **spec: Any
) -> float:
    """Changes all of them; the writes per app."""
    before = await session.count()
    async with apps.Watch(session.api, namespace) as watch:
        goal = watch.expect(names, reached)
        await for_each(names, lambda name: apps.change(session.api, namespace, name, **spec))
        await goal.wait(DEADLINE_SECONDS)
    row = "change with a rollout" if "env" in spec else "change without a rollout"
    return session.record_writes(row, before, await session.count(), per=len(names))


def _has_port(status: Json) -> bool:
    return _is_reached(status) and status["ports"][0]["port"] == OTHER_PORT


def _is_of_third_spec(status: Json) -> bool:
    """Of the third spec: the first one, another port, and this."""
    return any(
        (condition["type"], condition["status"], condition["observedGeneration"])
        == ("Ready", "True", 3)
        for condition in status.get("conditions", ())
    )


def _is_reached(status: Json) -> bool:
    return any(
        condition["type"] == "Reachable" and condition["status"] == "True"
        for condition in status.get("conditions", ())
    )
