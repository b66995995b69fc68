# SPDX-License-Identifier: Apache-2.0
"""Reviews one app: applies its children as a dry run, and judges what the API server says.

Called by handlers.py through runtime.py, in the leader and in standbys alike. What an app leads to
is decided by desired/ and reconcile/, so that nothing is refused here that a reconcile would apply.
"""

import asyncio
import logging
import time
from collections.abc import Iterator

from exposedapp.admission.dry_run import DryRunClient, ReviewClient, ServiceList
from exposedapp.admission.references import OBJECT_NAME, Reference, references
from exposedapp.admission.results import ACCEPTED, Observe, ReviewResult, Verdict
from exposedapp.admission.verdict import judge
from exposedapp.api.meta import CHILD_KINDS, Json, NamespacedName
from exposedapp.cache.cache import Cache
from exposedapp.cache.watches import describe
from exposedapp.exposure.urls import compute_exposure
from exposedapp.kube.errors import ApiError
from exposedapp.kube.resources import REFERENCED
from exposedapp.kube.scope import Scope
from exposedapp.reconcile.app import App, identify_app, parse_app
from exposedapp.reconcile.children import Children
from exposedapp.reconcile.errors import AppDeleted
from exposedapp.reconcile.gather import gather_all
from exposedapp.reconcile.results import ChildrenResult
from exposedapp.settings import Settings

log = logging.getLogger(__name__)

DEADLINE_SECONDS = 2.0
"""From the request on. Less than the 3 s after which the API server goes on without an answer, so
that the author is warned."""

MAX_CONCURRENT_REVIEWS = 8
"""More wait, within their deadline: a storm of apps must leave the event loop to the reconciles."""

MAX_REFERENCES = 20
"""Of one app; each costs a request."""

NOT_CHECKED = "the ExposedApp was not checked, {}; its status will say whether it works"
TOO_LATE = NOT_CHECKED.format(f"as that would have taken more than {DEADLINE_SECONDS:.0f} s")
FAILED = NOT_CHECKED.format("because the operator failed")

DEFAULT_METADATA: Json = {"uid": "", "generation": 1, "resourceVersion": "0"}
"""Of an app that is being created. The API server has set the UID and the generation already
(rest.BeforeCreate in k8s.io/apiserver, pkg/registry/rest/create.go)."""


class Reviewer:
    """Reviews apps, several at once."""

    def __init__(
        self, client: ReviewClient, cache: Cache, settings: Settings, observe: Observe
    ) -> None:
        self._client = client
        self._cache = cache
        self._settings = settings
        self._observe = observe
        self._scope = Scope(settings.watch_namespaces)
        self._services = ServiceList(client, self._scope)
        self._slots = asyncio.Semaphore(MAX_CONCURRENT_REVIEWS)

    async def review(self, new: Json, old: Json | None) -> Verdict:
        """The verdict on an app; `old` is what it was, None for a new one. Raises nothing."""
        start = time.monotonic()
        result, verdict = await self._review(new, old)
        self._observe(result, time.monotonic() - start)
        return verdict

    async def _review(self, new: Json, old: Json | None) -> tuple[ReviewResult, Verdict]:
        if old is not None and old.get("spec") == new.get("spec"):
            return ReviewResult.UNCHANGED, ACCEPTED
        try:
            async with asyncio.timeout(DEADLINE_SECONDS), self._slots:
                verdict = await self._judge(new)
        except TimeoutError:
            return ReviewResult.TIMEOUT, Verdict(warnings=(TOO_LATE,))
        except AppDeleted:
            verdict = ACCEPTED
        except Exception:
            log.exception("%s: the review failed; the app is accepted", describe(new))
            return ReviewResult.ERROR, Verdict(warnings=(FAILED,))
        if verdict.refusal:
            log.info("%s: refused: %s", describe(new), verdict.refusal.message)
        return verdict.result, verdict

    async def _judge(self, body: Json) -> Verdict:
        """Raises AppDeleted when there is nothing to judge, and whatever nobody foresaw."""
        body = {**body, "metadata": {**DEFAULT_METADATA, **body["metadata"]}}
        app = parse_app(identify_app(body), body)
        client = DryRunClient(self._client, self._services)
        children = Children(client, self._known_children(app.key), self._scope, time.monotonic)
        result = await children.reconcile(app)
        if app.spec is None or app.spec.suspend:
            return judge(result, ())
        missing = await self._missing_references(app, result)
        return judge(result, [*missing, *self._node_warnings(app, result)])

    def _known_children(self, key: NamespacedName) -> Cache:
        """A cache of the review's own: what a dry run answers must not be taken for the truth."""
        known = Cache()
        for kind in CHILD_KINDS:
            if live := self._cache.children[kind].get(key):
                known.children[kind].upsert(live)
        return known

    def _node_warnings(self, app: App, result: ChildrenResult) -> Iterator[str]:
        """Why no node would be listed, unless the reason is that no pod is ready yet."""
        service = result.service.live
        if service is None:
            return
        nodes = self._cache.nodes.index()
        exposure = compute_exposure(app.ref, app.spec, service, (), nodes, self._settings)
        if exposure.no_node_reason and not exposure.local_pods_required:
            yield f"NoEligibleNode: {exposure.no_node_reason}"

    async def _missing_references(self, app: App, result: ChildrenResult) -> list[str]:
        """A sentence for each object that the pods need and that does not exist."""
        deployment = result.deployment.live
        if deployment is None:
            return []
        needed = [
            reference
            for reference in references(deployment["spec"]["template"]["spec"])
            if reference.kind in self._settings.admission_references
        ]
        requests = (self._missing(app.key, reference) for reference in needed[:MAX_REFERENCES])
        return [text for text in await gather_all(*requests) if text]

    async def _missing(self, key: NamespacedName, reference: Reference) -> str | None:
        if not OBJECT_NAME.fullmatch(reference.name):
            return f"the pods wait for {reference.kind} {reference.name}: no object has such a name"
        resource = REFERENCED[reference.kind]
        try:
            await self._client.get_metadata(resource, key.namespace, reference.name)
        except ApiError as error:
            # Without the right to read, or an answer, nothing is known: that is no warning.
            if error.status == 404:
                return f"the pods wait for {reference.kind} {reference.name}: {error.message}"
        return None
