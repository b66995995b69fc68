# SPDX-License-Identifier: Apache-2.0
"""The parts of the webhook put together: certificate, server, reviewer. Built by runtime.py."""

from collections.abc import AsyncIterator, Callable

from exposedapp.admission.certificate_keeper import CertificateKeeper, WebhookNames
from exposedapp.admission.results import Observe, Verdict
from exposedapp.admission.reviewer import Reviewer
from exposedapp.admission.server import AdmissionServer, Answer, Serve
from exposedapp.api.meta import Json
from exposedapp.cache.cache import Cache
from exposedapp.kube.client import KubeClient
from exposedapp.settings import Settings


class Webhook:
    """The admission webhook of one process, leader or standby."""

    def __init__(
        self,
        settings: Settings,
        names: WebhookNames,
        client: KubeClient,
        dry_run_client: KubeClient,
        cache: Cache,
        may_write: Callable[[], bool],
        check_seconds: float,
        serve: Serve,
        observe: Observe,
    ) -> None:
        """`client` writes what all replicas share; all that `dry_run_client` writes is tried only.

        The second one has its own bound on concurrent requests: reviews take none from reconciles.
        """
        self._keeper = CertificateKeeper(client.request, names, may_write, check_seconds)
        self._server = AdmissionServer(self._keeper, serve, observe)
        self._reviewer = Reviewer(dry_run_client, cache, settings, observe)

    async def keep_certificate(self) -> None:
        """Keep the certificate valid, until cancelled."""
        await self._keeper.run()

    def serve(self, answer: Answer) -> AsyncIterator[Json]:
        """Serve until cancelled; `answer` gets each AdmissionReview."""
        return self._server.run(answer)

    async def review(self, new: Json, old: Json | None) -> Verdict:
        """The verdict on an app, and on what it was; None for a new one."""
        return await self._reviewer.review(new, old)
