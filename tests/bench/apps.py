# SPDX-License-Identifier: Apache-2.0
"""The apps that a benchmark creates, and the watch by which it sees what becomes of them."""

import asyncio
import time
from collections.abc import Callable, Iterable
from typing import Any

import aiohttp

from bench.client import Api, Json, Refused
from exposedapp.api.meta import API_VERSION, GROUP, KIND, PLURAL, VERSION

ROOT_PATH = f"/apis/{GROUP}/{VERSION}"
IMAGE = "registry.k8s.io/coredns/coredns:v1.14.2"
"""For apps with 0 replicas: any name will do."""
ALL_NODES = 64
"""The highest spec.nodes.limit: more than the nodes of the usual size."""

StatusCheck = Callable[[Json], bool]
"""Whether a status is what is latencies for."""


def path(namespace: str, name: str = "") -> str:
    """The path of a namespace's apps, or of one."""
    collection = f"{ROOT_PATH}/namespaces/{namespace}/{PLURAL}"
    return f"{collection}/{name}" if name else collection


def path_of_all() -> str:
    """The path of all apps there are."""
    return f"{ROOT_PATH}/{PLURAL}"


def app(name: str, **spec: Any) -> Json:
    """An app with 0 replicas, unless the spec says otherwise."""
    return {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "metadata": {"name": name},
        "spec": {
            "image": IMAGE,
            "replicas": 0,
            "ports": [{"port": 80, "targetPort": 8080}],
            **spec,
        },
    }


async def change(api: Api, namespace: str, name: str, **spec: Any) -> None:
    """Changes fields of an app's spec. By PUT, which no subject sends."""
    while True:
        body = await api.get(path(namespace, name))
        body["spec"] |= spec
        try:
            await api.put(path(namespace, name), body)
        except Refused as refused:
            if refused.status != 409:  # its status was written meanwhile
                raise
        else:
            return


def has_urls(status: Json) -> bool:
    """Whether the app's addresses are known."""
    return bool(status.get("urls"))


class Goal:
    """A status that a number of apps must reach, and when each did."""

    def __init__(self, names: Iterable[str], reached: StatusCheck) -> None:
        self._waiting = set(names)
        self._reached = reached
        self._done = asyncio.Event()
        self._error: Exception | None = None
        self.reached_at: dict[str, float] = {}

    def observe(self, name: str, status: Json) -> None:
        """An app has this status now."""
        if name in self._waiting and self._reached(status):
            self.reached_at[name] = time.monotonic()
            self._waiting.discard(name)
            if not self._waiting:
                self._done.set()

    def fail(self, error: Exception) -> None:
        """End the waiting with an error: the watch has failed."""
        self._error = error
        self._done.set()

    async def wait(self, seconds: float) -> None:
        """Wait until all have it; raises TimeoutError with the number of those that have not."""
        try:
            async with asyncio.timeout(seconds):
                await self._done.wait()
        except TimeoutError:
            missing = sorted(self._waiting)
            raise TimeoutError(
                f"{len(missing)} of {len(missing) + len(self.reached_at)} apps are not there after "
                f"{seconds:.0f} s, for one {missing[0]}"
            ) from None
        if self._error:
            raise self._error


class Watch:
    """Follows a namespace's apps, as a user's program would."""

    def __init__(self, api: Api, namespace: str) -> None:
        self._api = api
        self._path = path(namespace)
        self._goals: list[Goal] = []
        self.statuses: dict[str, Json] = {}

    async def __aenter__(self) -> "Watch":
        self._task = asyncio.create_task(self._follow_until_cancelled())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    def expect(self, names: Iterable[str], reached: StatusCheck) -> Goal:
        """Observe from now on which apps reach a status."""
        goal = Goal(names, reached)
        self._goals.append(goal)
        return goal

    async def _follow_until_cancelled(self) -> None:
        try:
            await self._follow()
        except (Refused, OSError, ValueError, aiohttp.ClientError) as error:
            for goal in self._goals:
                goal.fail(error)

    async def _follow(self) -> None:
        async for event in self._api.watch(self._path):
            if event["type"] == "DELETED":
                continue
            body = event["object"]
            name, status = body["metadata"]["name"], body.get("status") or {}
            self.statuses[name] = status
            for goal in self._goals:
                goal.observe(name, status)
