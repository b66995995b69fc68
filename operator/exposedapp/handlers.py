# SPDX-License-Identifier: Apache-2.0
"""kopf handlers: start, stop, login, events of ExposedApps, and their admission.

The only module that imports kopf. Called by main.py; each handler calls one method of runtime.py.
What kopf does by itself, and what is set here because of it, is in
docs/decisions/0014-kopf-watches-exposedapps.md.
"""

import logging
from typing import Any, cast

import kopf

from exposedapp.api.meta import GROUP, PLURAL, VERSION, Json
from exposedapp.runtime import Runtime
from exposedapp.workqueue.backoff import Backoff

PAGE_SIZE = 20
"""Apps per page of a list. kopf reads a page of any size as a whole; an app may have 1.5 MiB."""
CONNECT_SECONDS = 10.0
REQUEST_SECONDS = 30.0
BACKOFF = Backoff(initial=0.5, maximum=10.0, jitter=0.5)
"""Between the attempts of a request. kopf gives up when it has no further delay, and this has no
end: an API server that is down is waited for."""
WEBHOOK_ID = "review"
IDLE_SECONDS = 0.1
"""How long kopf keeps the task of an app without events, and with it the last event: thousands of
tasks take memory, and so do a hundred apps of a mebibyte."""


async def run(runtime: Runtime) -> None:
    """Run the operator until a signal or a failed task ends it.

    Raises what kopf calls fatal: a failed start, and answers of the API server that it cannot go
    on after. The process ends then, and the kubelet restarts its container.
    """
    namespaces = runtime.scope.namespaces
    await kopf.operator(
        registry=_registry(runtime),
        clusterwide=not namespaces,
        namespaces=namespaces,
        standalone=True,
        stop_flag=runtime.stop_flag,
    )


def _registry(runtime: Runtime) -> kopf.OperatorRegistry:
    registry = kopf.OperatorRegistry()

    @kopf.on.startup(registry=registry)
    async def configure(settings: kopf.OperatorSettings, **_: Any) -> None:
        configure_kopf(settings, runtime.periods.watch_seconds)

    # kopf would retry after a minute, with whatever the failed start has left open.
    @kopf.on.startup(registry=registry, errors=kopf.ErrorsMode.PERMANENT)
    async def start(**_: Any) -> None:
        await runtime.start()

    @kopf.on.login(registry=registry)
    async def login(**_: Any) -> kopf.AiohttpSession:
        return kopf.AiohttpSession(server=runtime.host, aiohttp_session=runtime.open_session())

    @kopf.on.event(GROUP, VERSION, PLURAL, registry=registry)
    async def observe(event: kopf.RawEvent, **_: Any) -> None:
        runtime.on_app_event(event["type"], cast("Json", event["object"]))

    @kopf.on.cleanup(registry=registry)
    async def stop(**_: Any) -> None:
        await runtime.stop()

    if runtime.has_webhook:
        _register_webhook(registry, runtime)
    return registry


def _register_webhook(registry: kopf.OperatorRegistry, runtime: Runtime) -> None:
    @kopf.on.startup(registry=registry)
    async def open_webhook(settings: kopf.OperatorSettings, **_: Any) -> None:
        settings.admission.server = cast("Any", runtime.serve_admission)
        logging.getLogger("kopf.objects").addFilter(_is_not_refusal)

    @kopf.on.validate(
        GROUP,
        VERSION,
        PLURAL,
        id=WEBHOOK_ID,
        operations=["CREATE", "UPDATE"],
        ignore_failures=True,
        registry=registry,
    )
    async def review(warnings: list[str], **request: Any) -> None:
        new, old = request["new"], request["old"]
        verdict = await runtime.review(dict(new), None if old is None else dict(old))
        warnings.extend(verdict.warnings)
        if verdict.refusal:
            raise kopf.AdmissionError(verdict.refusal.message, verdict.refusal.code)


def _is_not_refusal(record: logging.LogRecord) -> bool:
    """Kopf calls a refused app a failed handler, at level ERROR; reviewer.py has logged it."""
    return not record.getMessage().startswith(f"Webhook {WEBHOOK_ID!r} failed permanently")


def configure_kopf(settings: kopf.OperatorSettings, watch_seconds: int) -> None:
    """Keep kopf from what an operator does that leaves everything else to it.

    `watch_seconds` is how long the API server keeps one watch request open.
    """
    # A timer that kills a process which is still stopping; the kubelet has one of its own.
    settings.process.ultimate_exiting_timeout = None
    # No rights on namespaces, CustomResourceDefinitions, Events or kinds of kopf's own are needed.
    settings.scanning.disabled = True
    settings.peering.standalone = True
    settings.posting.enabled = False
    # Nothing is stored in the object, and no copy of it is made to compare with.
    settings.persistence.diffbase_storage = _NoDiffBase()
    settings.watching.chunk_size = PAGE_SIZE
    settings.watching.server_timeout = watch_seconds
    # A connection without an event or a bookmark for longer than a watch lasts is dead.
    settings.watching.inactivity_timeout = watch_seconds + CONNECT_SECONDS
    settings.watching.connect_timeout = CONNECT_SECONDS
    settings.queueing.idle_timeout = IDLE_SECONDS
    settings.networking.connect_timeout = CONNECT_SECONDS
    settings.networking.request_timeout = REQUEST_SECONDS
    settings.networking.error_backoffs = BACKOFF


class _NoDiffBase(kopf.DiffBaseStorage):
    """Keeps no last-handled state: only handlers of changes need one, and there are none."""

    def build(self, **_: Any) -> kopf.BodyEssence:
        """Nothing of the object; the default copies all of it at each event."""
        return kopf.BodyEssence({})

    def fetch(self, **_: Any) -> kopf.BodyEssence | None:
        """Nothing was stored."""
        return None

    def store(self, **_: Any) -> None:
        """Store nothing."""
