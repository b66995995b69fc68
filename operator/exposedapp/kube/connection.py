# SPDX-License-Identifier: Apache-2.0
"""The login to the API server and the sessions that use it; both are replaced when nothing answers.

A process reads the cluster's CA when it starts. After a rotation of the CA the pod's file is new,
and no connection works until the file is read again. Used by client.py.
"""

import logging
import time
from collections.abc import Awaitable, Callable

import aiohttp
from kubernetes.aio import client, config

from exposedapp.kube.proxy import proxy_for
from exposedapp.kube.session import open_session

log = logging.getLogger(__name__)

RENEWAL_SECONDS = 120.0
"""Without any response: longer than an API server takes to restart, and shorter than the silence
after which the process counts as dead (telemetry/health.py)."""

Login = Callable[[], Awaitable[client.Configuration]]


async def log_in() -> client.Configuration:
    """The configuration for this pod's cluster, else for the kubeconfig's current context.

    Raises ConfigException when there is neither.
    """
    configuration = client.Configuration()
    try:
        config.load_incluster_config(client_configuration=configuration)
    except config.ConfigException:
        await config.load_kube_config(client_configuration=configuration)
    configuration.proxy = configuration.proxy or proxy_for(configuration.host)
    return configuration


def is_usable(status: int) -> bool:
    """Whether a response shows that the connection and the login work.

    A proxy's error page does not, nor does a refused token or no response (0).
    """
    return 200 <= status < 500 and status != 401


class Connection:
    """One login, and the sessions that were opened with it."""

    def __init__(
        self,
        configuration: client.Configuration,
        login: Login | None = None,
        renewal_seconds: float = RENEWAL_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Without a `login` the configuration stays."""
        self._configuration = configuration
        self._login = login
        self._renewal_seconds = renewal_seconds
        self._clock = clock
        self._session: aiohttp.ClientSession | None = None
        self._other_sessions: list[aiohttp.ClientSession] = []
        self._silent_since: float | None = None
        """Since when requests have had no usable response; None after one that had."""

    @property
    def host(self) -> str:
        """The URL of the API server."""
        return str(self._configuration.host)

    def observe(self, status: int) -> None:
        """Note the outcome of a request: the status code, 0 without a response."""
        if is_usable(status):
            self._silent_since = None
        elif self._silent_since is None:
            self._silent_since = self._clock()

    async def session(self) -> aiohttp.ClientSession:
        """The session for the next request."""
        await self._renew_if_silent()
        if self._session is None:
            self._session = open_session(self._configuration)
        return self._session

    def open_session(self, middleware: aiohttp.ClientMiddlewareType) -> aiohttp.ClientSession:
        """Open another session, which is closed when the login is replaced."""
        session = open_session(self._configuration, middleware)
        self._other_sessions.append(session)
        return session

    async def close(self) -> None:
        """Close the session of the own requests; the others are closed by their users."""
        if self._session:
            await self._session.close()

    async def _renew_if_silent(self) -> None:
        now, silent_since = self._clock(), self._silent_since
        if self._login is None or silent_since is None:
            return
        if now - silent_since < self._renewal_seconds:
            return
        self._silent_since = now  # the next renewal is due after as long again
        try:
            self._configuration = await self._login()
        except (config.ConfigException, OSError, ValueError) as error:
            log.warning("cannot log in to the API server again: %s", error)
            return
        log.warning(
            "no response from the API server for %.0f s; logged in again, with the CA and the "
            "token as they are now",
            now - silent_since,
        )
        sessions = [*self._other_sessions, *([self._session] if self._session else [])]
        self._other_sessions, self._session = [], None
        for session in sessions:
            await session.close()
