"""Pure: what is tried of an app's URLs, and what follows from the answers."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import orjson

from exposedapp.api import Condition, ConditionStatus, ExposedAppSpec, ProbeSpec
from exposedapp.resources import NODE_PORT_TYPES
from exposedapp.schema import Json
from exposedapp.settings import Settings

WAIT_SECONDS = 30.0
"""How long an app whose pods are ready may take until the first URL answers: kube-proxy needs a
second, a program that counts as ready before it listens some more."""
MOMENT_SECONDS = 1.0
"""Within this a URL has most likely been tried after a change; nothing is written for less."""
MOST_QUOTED = 5
ANSWERS = "The node URLs answer, tried from the operator's pod."


class Behind(NamedTuple):
    """What answers at the URLs of an app, as numbers that differ when it does."""

    service: int = 0
    pods: int | None = None
    """None while they are on their way, when every moment has its own."""

    def differs(self, before: "Behind") -> bool:
        """Whether an answer of then says little of now."""
        moved = None not in (self.pods, before.pods) and self.pods != before.pods
        return moved or self.service != before.service

    def following(self, before: "Behind") -> "Behind":
        """What is to be compared with the next one: pods on their way leave the former ones."""
        return self if self.pods is not None else self._replace(pods=before.pods)


UNKNOWN_BEHIND = Behind()


def what_is_behind(service: Json | None, ready_pods: Iterable[str] | None) -> Behind:
    """See above. Of the Service all is taken: where it leads, for whom, and from where."""
    options = orjson.OPT_SORT_KEYS
    spec = hash(orjson.dumps(service["spec"], option=options)) if service else 0
    return Behind(spec, None if ready_pods is None else hash(frozenset(ready_pods)))


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
    behind: Behind = field(default=UNKNOWN_BEHIND, compare=False)


@dataclass(frozen=True, slots=True)
class Answers:
    """What is known of the URLs that are tried."""

    since: float | None
    """When the first try of this app was wanted; None: nothing is tried."""
    of: Mapping[str, str | None]
    """By URL: "" when it answers, what is wrong when it does not, None when nothing is known."""
    stale: frozenset[str] = frozenset()
    """The URLs that have not been tried since something else is behind them."""
    changed: float | None = None
    """Since when that is so, or was."""
    anew: bool = False
    """Whether what was said of the app before does not count either; see afresh()."""
    left_out: str = ""
    """What is not tried, and why; in one sentence."""

    def afresh(self) -> "Answers":
        """What was found out about what is there now, and nothing older.

        Only such answers make an app Ready that was not so for its present spec.
        """
        of = {url: None if url in self.stale else found for url, found in self.of.items()}
        since = self.since if self.changed is None else self.changed
        return replace(self, since=since, of=of, stale=frozenset(), anew=True)

    def failed(self, url: str) -> bool:
        """Whether it is known not to answer."""
        return bool(self.of.get(url))

    def answered(self, url: str) -> bool:
        """Whether it is known to answer."""
        return self.of.get(url) == ""


NOTHING_TRIED = Answers(None, {})


def targets(
    found: Iterable[tuple[str, str, int]],
    probe: ProbeSpec | None,
    *,
    enabled: bool,
    behind: Behind = UNKNOWN_BEHIND,
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
            behind,
        )
        for url, host, port in found
    ]


def why_nothing(
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


def unchecked(
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


@dataclass(frozen=True, slots=True)
class Reached:
    """What the answers say of the app as a whole."""

    status: ConditionStatus
    reason: str
    message: str


def judge(answers: Answers, before: Condition | None, waited: float) -> Reached:
    """Whether the app can be reached; `before` is what was said of it, `waited` in seconds.

    A URL that has not been tried yet is none that fails: as long as there is one, what was said is
    most likely true still, and stays. So a restart of the operator writes nothing, and no app is
    called unreachable since its turn to be tried has not come.
    """
    if answers.since is None:
        return Reached("Unknown", "NotProbed", answers.left_out or "No URL is tried.")
    wrong = {url: found for url, found in answers.of.items() if found}
    good = [url for url, found in answers.of.items() if found == ""]
    early = waited < WAIT_SECONDS
    said = before if before and before.status != "Unknown" else None
    failed_before = said is not None and said.status == "False"
    if None in answers.of.values():
        return _so_far(answers, said, any_good=bool(good))
    if good and (not wrong or (early and not failed_before)):
        # The nodes do not learn of a new port at the same moment.
        return Reached("True", "Answers", _told(ANSWERS, answers))
    counted = _told(_counted(len(good), answers.of, wrong), answers)
    if good:
        return Reached("False", "SomeUnreachable", counted)
    if early and (answers.anew or not failed_before):
        return WAITING
    return Reached("False", "Unreachable", counted)


WAITING = Reached("Unknown", "WaitingForAnswer", "The pods are ready; no URL answers yet.")


def _so_far(answers: Answers, said: Condition | None, *, any_good: bool) -> Reached:
    """What can be said before all URLs have been tried."""
    refuted = any_good and said is not None and said.reason == "Unreachable"
    # What was said of another spec stands only for the rest, once there is an answer to this one.
    if said and not refuted and (any_good or not answers.anew):
        return Reached(said.status, said.reason, said.message)
    return Reached("True", "Answers", _told(ANSWERS, answers)) if any_good else WAITING


def patience(answers: Answers, waited: float) -> float | None:
    """After how many seconds URLs that do not answer must be judged anew, if they must."""
    left = WAIT_SECONDS - waited
    settled = all(found == "" for found in answers.of.values())
    return None if answers.since is None or settled or left <= 0 else left


def _told(message: str, answers: Answers) -> str:
    left_out = answers.left_out
    return f"{message.removesuffix('.')}. {left_out}" if left_out else message


def _counted(good: int, of: Mapping[str, str | None], wrong: Mapping[str, str]) -> str:
    told = [f"{url}: {why}" for url, why in sorted(wrong.items())]
    more = f"; and {len(told) - MOST_QUOTED} more" if len(told) > MOST_QUOTED else ""
    counted = f"{good} of {len(of)} node URLs answer, tried from the operator's pod"
    return f"{counted}; {'; '.join(told[:MOST_QUOTED])}{more}"


def pick(best: Sequence[str], before: str | None, answers: Answers, *, known: bool) -> str | None:
    """The URL to click: one that answers, then one that may, and as long as it can be the same.

    `known`: that `before` answers was found out by an operator that has been restarted since.
    """
    if known and before in best and not answers.failed(before or ""):
        return before
    usable = [it for it in best if answers.answered(it)]
    usable = usable or [it for it in best if not answers.failed(it)] or list(best)
    return before if before in usable else next(iter(usable), None)
