# SPDX-License-Identifier: Apache-2.0
"""The health endpoints, and what is healthy: working, and not only running.

The kubelet restarts a container that is not live, and Kubernetes counts a pod that is not ready as
unavailable. Built by runtime.py; the two functions that decide are pure.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from aiohttp import web

from exposedapp.kube.resources import Resource
from exposedapp.telemetry.http_server import Handler

Check = Callable[[], str | None]
"""Returns what is wrong, or None."""


@dataclass(frozen=True, slots=True)
class HealthLimits:
    """From which ages on something is wrong."""

    api_silence_seconds: float = 300.0
    """Without any usable response from the API server. The cure may be a restart: the process reads
    the cluster's CA, the kubeconfig and proxy settings when it starts."""
    watch_silence_seconds: float = 90.0
    """Without an event, a bookmark or a list of one kind. The API server sends a bookmark about
    once a minute (apiserver, storage/cacher: defaultBookmarkFrequency)."""
    queue_age_seconds: float = 300.0
    """Of the key that has waited longest in the queue."""


def liveness_problem(
    limits: HealthLimits, failure: str | None, api_silence_seconds: float
) -> str | None:
    """Why the process must be restarted, or None."""
    if failure:
        return failure
    if api_silence_seconds > limits.api_silence_seconds:
        return f"no response from the API server for {api_silence_seconds:.0f} s"
    return None


def readiness_problem(
    limits: HealthLimits,
    unsynced: Collection[str],
    watch_ages: Mapping[Resource, float],
    queue_age_seconds: float,
) -> str | None:
    """Why the process can neither work nor take over, or None.

    Also when that is so of one namespace of several; `unsynced` is what was not listed yet.
    """
    if unsynced:
        return f"caches have not synced: {', '.join(unsynced)}"
    for resource, age in watch_ages.items():
        if age > limits.watch_silence_seconds:
            return f"nothing was received about {resource.title} for {age:.0f} s"
    if queue_age_seconds > limits.queue_age_seconds:
        return f"an app has waited in the queue for {queue_age_seconds:.0f} s"
    return None


def health(liveness: Check, readiness: Check) -> dict[str, Handler]:
    """The pages for the kubelet: 200, or 503 and what is wrong."""

    def page(check: Check) -> Handler:
        async def respond(_: web.Request) -> web.Response:
            problem = check()
            return web.Response(text=f"{problem or 'ok'}\n", status=503 if problem else 200)

        return respond

    return {"/healthz": page(liveness), "/readyz": page(readiness)}
