# SPDX-License-Identifier: Apache-2.0
"""Which URLs to probe, and what a probe found. Pure data.

reconcile/ hands targets to probing/, which returns results; reachability.py evaluates them.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from types import MappingProxyType

from exposedapp.api.url_settings import ProbeSpec
from exposedapp.exposure.backend import UNKNOWN_BACKEND, BackendFingerprint
from exposedapp.exposure.exposure import ProbeCandidate


@dataclass(frozen=True, slots=True)
class Target:
    """One URL to probe, and how."""

    url: str
    host: str
    port: int
    http: bool
    """Whether a GET must be answered; False: a connection is enough."""
    period: float
    timeout: float
    """Both in seconds."""
    threshold: int
    """How many failures in a row make a URL that has answered count as failing."""
    backend: BackendFingerprint = field(default=UNKNOWN_BACKEND, compare=False)
    control_port: int | None = field(default=None, compare=False)
    """Another port of the host that is open if the way to the host is; None if none is known."""


class ProbeOutcome(StrEnum):
    """How one attempt to reach a URL ended. The values are the words that conditions show.

    Metrics and the command line have words of their own for each.
    """

    ANSWERED = "answered"
    REFUSED = "connection refused"
    TIMED_OUT = "timed out"
    UNKNOWN_HOST = "unknown host"
    NO_ROUTE = "no route to host"
    CLOSED = "connection closed"
    NO_TLS = "no TLS"
    NOT_HTTP = "no answer that is HTTP"
    HTTP_ERROR = "HTTP error"
    """An HTTP status of 400 or above."""
    NO_CONNECTION = "no connection"
    """Any other network error."""
    NOT_ATTEMPTED = "cannot be tried"
    """A bug in the attempt itself; the log has its traceback."""


NO_REPLY_OUTCOMES = frozenset(
    {ProbeOutcome.TIMED_OUT, ProbeOutcome.NO_ROUTE, ProbeOutcome.NO_CONNECTION}
)
"""Nothing came back from the host, not even a refusal."""

UNCONNECTED_OUTCOMES = NO_REPLY_OUTCOMES | {ProbeOutcome.REFUSED, ProbeOutcome.UNKNOWN_HOST}
"""No connection came about, so that the app has had no part in it."""


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """The result of one attempt to reach a URL."""

    outcome: ProbeOutcome
    http_status: int | None = None
    """Set for an HTTP response; None when there was none, or a connection was enough."""
    blocked: bool | None = None
    """Whether the control port of the host failed alike: then it is not the app that fails. None:
    there was no control."""

    @property
    def answered(self) -> bool:
        """Whether the URL counts as reachable."""
        return self.outcome is ProbeOutcome.ANSWERED

    def __str__(self) -> str:
        """The words for conditions. They do not change while the cause stays the same."""
        if self.outcome is ProbeOutcome.HTTP_ERROR:
            return f"HTTP {self.http_status}"
        return str(self.outcome)


@dataclass(frozen=True, slots=True)
class ProbeResults:
    """What is known of an app's URLs that are probed.

    A result is fresh or stale, depending on whether the backend (the Service's spec, the ready
    pods) has changed since it was found:

        targets set      backend changes       next probe of the URL
        --+--------------------+---------------------------+-------------> time
          | None,  then fresh  | stale                     | fresh
          started_at           backends_changed_at

    A stale result still counts, so that a rollout does not make an app unreachable while its new
    pods have not been probed. only_fresh() drops stale results: an app becomes Ready for a new
    spec only by results that were found with it.
    """

    started_at: float | None
    """When probing of this app began, on the prober's clock; None: no URL is probed."""
    by_url: Mapping[str, ProbeResult | None]
    """None for a URL without a result yet."""
    stale: frozenset[str] = frozenset()
    """The URLs whose result is stale."""
    backends_changed_at: float | None = None
    """When the backend last changed; None: not since started_at."""
    fresh_only: bool = False
    """Whether the app's previous condition does not count either; see only_fresh()."""
    not_probed: str = ""
    """Which URLs are not probed, and why, in one sentence."""
    main: frozenset[str] = frozenset()
    """The URLs of the main port: the app is reachable if one of them answers. Empty: all count."""
    stand_ins: frozenset[str] = frozenset()
    """The URLs that are not listed, and probed because the listed ones may not be open to a pod."""
    answered_before: frozenset[str] = field(default=frozenset(), compare=False)
    """The URLs that have answered this process: they are open to a pod."""

    def only_fresh(self) -> "ProbeResults":
        """The fresh results, counted from the last change of the backend."""
        changed_at = self.backends_changed_at
        return replace(
            self,
            started_at=self.started_at if changed_at is None else changed_at,
            by_url={
                url: None if url in self.stale else result for url, result in self.by_url.items()
            },
            stale=frozenset(),
            fresh_only=True,
        )

    @property
    def any_main_answers(self) -> bool:
        """Whether a URL of the main port is known to answer."""
        return any(map(self.answered, self.main or self.listed))

    @property
    def listed(self) -> Sequence[str]:
        """The URLs that are probed and listed."""
        return [url for url in self.by_url if url not in self.stand_ins]

    def failed(self, url: str) -> bool:
        """Whether the URL is known not to answer."""
        result = self.by_url.get(url)
        return result is not None and not result.answered

    def answered(self, url: str) -> bool:
        """Whether the URL is known to answer."""
        result = self.by_url.get(url)
        return result is not None and result.answered


NOTHING_PROBED = ProbeResults(None, {})

NO_PORTS: Mapping[str, int] = MappingProxyType({})


def probe_targets(
    candidates: Iterable[ProbeCandidate],
    probe: ProbeSpec | None,
    *,
    enabled: bool,
    backend: BackendFingerprint = UNKNOWN_BACKEND,
    control_ports: Mapping[str, int] = NO_PORTS,
) -> list[Target]:
    """The URLs to probe; none when the app's spec or the caller has disabled probing."""
    probe = probe or ProbeSpec()
    if not (enabled and probe.enabled):
        return []
    return [
        Target(
            url=candidate.url,
            host=candidate.host,
            port=candidate.port,
            http=probe.type == "http" and candidate.url.startswith(("http://", "https://")),
            period=float(probe.period_seconds),
            timeout=float(probe.timeout_seconds),
            threshold=probe.failure_threshold,
            backend=backend,
            control_port=control_ports.get(candidate.host),
        )
        for candidate in candidates
    ]
