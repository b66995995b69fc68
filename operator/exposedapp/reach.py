"""Pure: what is tried of an app's URLs, and what follows from the answers."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from exposedapp.api import Condition, ConditionStatus, ProbeSpec

WAIT_SECONDS = 30.0
"""How long an app whose pods are ready may take until the first URL answers: kube-proxy needs a
second, a program that counts as ready before it listens some more."""
MOST_QUOTED = 5


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


@dataclass(frozen=True, slots=True)
class Answers:
    """What is known of the URLs that are tried."""

    since: float | None
    """When the first try of this app was wanted; None: nothing is tried."""
    of: Mapping[str, str | None]
    """By URL: "" when it answers, what is wrong when it does not, None when nothing is known."""

    def failed(self, url: str) -> bool:
        """Whether it is known not to answer."""
        return bool(self.of.get(url))

    def answered(self, url: str) -> bool:
        """Whether it is known to answer."""
        return self.of.get(url) == ""


NOTHING_TRIED = Answers(None, {})


def targets(
    found: Iterable[tuple[str, str, int]], probe: ProbeSpec | None, *, enabled: bool
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
        )
        for url, host, port in found
    ]


@dataclass(frozen=True, slots=True)
class Reached:
    """What the answers say of the app as a whole."""

    status: ConditionStatus
    reason: str
    message: str


def judge(answers: Answers, before: Condition | None, waited: float) -> Reached:
    """Whether the app can be reached; `before` is what was said of it, `waited` in seconds.

    Soon after a restart of the operator nothing is known, and what was said is most likely true
    still: it stays until there is an answer, so that a restart writes nothing.
    """
    if answers.since is None:
        return Reached("Unknown", "NotProbed", "No URL is tried.")
    wrong = {url: found for url, found in answers.of.items() if found}
    good = [url for url, found in answers.of.items() if found == ""]
    early, unknown = waited < WAIT_SECONDS, None in answers.of.values()
    if early and unknown and before and before.status != "Unknown":
        return Reached(before.status, before.reason, before.message)
    failed_before = before is not None and before.status == "False"
    if good and (not wrong or (early and not failed_before)):
        # The nodes do not learn of a new port at the same moment.
        return Reached("True", "Answers", "The URLs answer, tried from the operator's pod.")
    if good:
        return Reached("False", "SomeUnreachable", _counted(len(good), answers.of, wrong))
    if early:
        return Reached("Unknown", "WaitingForAnswer", "The pods are ready; no URL answers yet.")
    return Reached("False", "Unreachable", _counted(0, answers.of, wrong))


def _counted(good: int, of: Mapping[str, str | None], wrong: Mapping[str, str]) -> str:
    told = [f"{url}: {why}" for url, why in sorted(wrong.items())]
    more = f"; and {len(told) - MOST_QUOTED} more" if len(told) > MOST_QUOTED else ""
    counted = f"{good} of {len(of)} node URLs answer, tried from the operator's pod"
    return f"{counted}; {'; '.join(told[:MOST_QUOTED])}{more}"


def pick(best: Sequence[str], before: str | None, answers: Answers) -> str | None:
    """The URL to click: one that answers, then one that may, and as long as it can be the same."""
    usable = [it for it in best if answers.answered(it)]
    usable = usable or [it for it in best if not answers.failed(it)] or list(best)
    return before if before in usable else next(iter(usable), None)
