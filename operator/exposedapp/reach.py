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

    Soon after a restart of the operator little is known, and what was said is most likely true
    still: it stays until there are answers, so that a restart writes nothing.
    """
    if answers.since is None:
        return Reached("Unknown", "NotProbed", "No URL is tried.")
    wrong = {url: found for url, found in answers.of.items() if found}
    good = [url for url, found in answers.of.items() if found == ""]
    early, unknown = waited < WAIT_SECONDS, None in answers.of.values()
    said = before if before and before.status != "Unknown" else None
    failed_before = said is not None and said.status == "False"
    if said and unknown and (early or not wrong):
        return Reached(said.status, said.reason, said.message)
    if good and (not wrong or (early and not failed_before)):
        # The nodes do not learn of a new port at the same moment.
        return Reached("True", "Answers", "The URLs answer, tried from the operator's pod.")
    if good:
        return Reached("False", "SomeUnreachable", _counted(len(good), answers.of, wrong))
    if not wrong or (early and not failed_before):
        return Reached("Unknown", "WaitingForAnswer", "The pods are ready; no URL answers yet.")
    return Reached("False", "Unreachable", _counted(0, answers.of, wrong))


def patience(answers: Answers, waited: float) -> float | None:
    """After how many seconds URLs that do not answer must be judged anew, if they must."""
    left = WAIT_SECONDS - waited
    settled = all(found == "" for found in answers.of.values())
    return None if answers.since is None or settled or left <= 0 else left


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
