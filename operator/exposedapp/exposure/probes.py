"""What is probed of an app's URLs, and what is known of the results."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import NamedTuple

import orjson

from exposedapp.api.app import ExposedAppSpec
from exposedapp.api.meta import Json
from exposedapp.api.service import NODE_PORT_TYPES
from exposedapp.api.url_settings import ProbeSpec
from exposedapp.settings import Settings


class BackendFingerprint(NamedTuple):
    """What answers at the URLs of an app, as numbers that differ when it does."""

    service: int = 0
    pods: int | None = None
    """None while they are on their way, when every moment has its own."""

    def changed_since(self, before: "BackendFingerprint") -> bool:
        """Whether an answer of then says little of now."""
        moved = None not in (self.pods, before.pods) and self.pods != before.pods
        return moved or self.service != before.service

    def keeping_pods_of(self, before: "BackendFingerprint") -> "BackendFingerprint":
        """What is to be compared with the next one: pods on their way leave the former ones."""
        return self if self.pods is not None else self._replace(pods=before.pods)


UNKNOWN_BACKEND = BackendFingerprint()


def backend_fingerprint(
    service: Json | None, ready_pods: Iterable[str] | None
) -> BackendFingerprint:
    """See above. Of the Service all is taken: where it leads, for whom, and from where."""
    options = orjson.OPT_SORT_KEYS
    spec = hash(orjson.dumps(service["spec"], option=options)) if service else 0
    return BackendFingerprint(spec, None if ready_pods is None else hash(frozenset(ready_pods)))


@dataclass(frozen=True, slots=True)
class Target:
    """One URL to try."""

    url: str
    host: str
    port: int
    http: bool
    """Whether a GET must be answered, or a connection is enough."""
    period: float
    timeout: float
    threshold: int
    backend: BackendFingerprint = field(default=UNKNOWN_BACKEND, compare=False)


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


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """The result of one attempt to reach a URL."""

    outcome: ProbeOutcome
    http_status: int | None = None
    """Set for an HTTP response; None when there was none, or a connection was enough."""

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
    """What is known of the URLs that are tried."""

    started_at: float | None
    """When the first try of this app was wanted; None: nothing is tried."""
    by_url: Mapping[str, ProbeResult | None]
    """By URL; None while it has not been tried."""
    stale: frozenset[str] = frozenset()
    """The URLs that have not been tried since something else is behind them."""
    backends_changed_at: float | None = None
    """Since when that is so, or was."""
    fresh_only: bool = False
    """Whether what was said of the app before does not count either; see afresh()."""
    not_probed: str = ""
    """What is not tried, and why; in one sentence."""

    def only_fresh(self) -> "ProbeResults":
        """What was found out about what is there now, and nothing older.

        Only such answers make an app Ready that was not so for its present spec.
        """
        by_url = {url: None if url in self.stale else found for url, found in self.by_url.items()}
        started_at = (
            self.started_at if self.backends_changed_at is None else self.backends_changed_at
        )
        return replace(
            self, started_at=started_at, by_url=by_url, stale=frozenset(), fresh_only=True
        )

    def failed(self, url: str) -> bool:
        """Whether it is known not to answer."""
        result = self.by_url.get(url)
        return result is not None and not result.answered

    def answered(self, url: str) -> bool:
        """Whether it is known to answer."""
        result = self.by_url.get(url)
        return result is not None and result.answered


NOTHING_PROBED = ProbeResults(None, {})


def probe_targets(
    found: Iterable[tuple[str, str, int]],
    probe: ProbeSpec | None,
    *,
    enabled: bool,
    backend: BackendFingerprint = UNKNOWN_BACKEND,
) -> list[Target]:
    """What to try of (URL, host, port); nothing when the app or the operator's owner says so."""
    probe = probe or ProbeSpec()
    if not (enabled and probe.enabled):
        return []
    return [
        Target(
            url,
            host,
            port,
            probe.type == "http" and url.startswith(("http://", "https://")),
            float(probe.period_seconds),
            float(probe.timeout_seconds),
            probe.failure_threshold,
            backend,
        )
        for url, host, port in found
    ]


def no_probe_reason(
    spec: ExposedAppSpec | None, service: Json | None, settings: Settings, *, ready: bool
) -> str:
    """Why no URL is tried; what lasts is told before what passes. `ready`: a pod could answer."""
    if service is None:
        return "There is no Service yet."
    host = spec.nodes.host if spec and spec.nodes else None
    ports = service["spec"].get("ports") or ()
    hindrances = {
        "The Service has no address outside the cluster.": (
            service["spec"]["type"] not in NODE_PORT_TYPES
        ),
        "Probing is switched off by the operator's owner.": not settings.probe,
        "Probing is switched off by spec.probe.enabled.": (
            spec is not None and spec.probe is not None and not spec.probe.enabled
        ),
        "UDP and SCTP ports cannot be checked.": (
            bool(ports) and all(_is_datagram(it) for it in ports)
        ),
        "spec.nodes.host is tried only when the operator's owner lists it in probe.hosts.": (
            host is not None and host not in settings.probe_hosts
        ),
        "No pod is ready.": not ready,
    }
    return next((why for why, true in hindrances.items() if true), "There is no node URL to try.")


def not_probed_note(
    service: Json, listed: Iterable[str], best: Sequence[str], tried: Collection[str]
) -> str:
    """What is listed beside the URLs that are tried; "" when that is nothing.

    A balancer's or localhost's URL stays the `url`, since somebody has declared it the way in; but
    nobody has tried it.
    """
    status = service.get("status") or {}
    others = [url for url in listed if url not in tried]
    parts = []
    if any(_is_datagram(it) for it in service["spec"].get("ports") or ()):
        parts.append("UDP and SCTP ports")
    if (status.get("loadBalancer") or {}).get("ingress") and others:
        parts.append("load balancer URLs")
    if any("://localhost:" in url for url in others):
        parts.append("localhost URLs")
    if not parts:
        return ""
    url = "" if all(it in tried for it in best) else ", status.url among them"
    return f"Not checked: {' and '.join(parts)}{url}."


def _is_datagram(port: Json) -> bool:
    return bool(port.get("protocol", "TCP") != "TCP")
