"""Pure: what is tried of an app's URLs, and what follows from the answers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from exposedapp.api.app import Condition, ConditionStatus
from exposedapp.api.conditions import ReachableReason
from exposedapp.exposure.probes import ProbeResult, ProbeResults

FIRST_ANSWER_GRACE_SECONDS = 30.0
"""How long an app whose pods are ready may take until the first URL answers: kube-proxy needs a
second, a program that counts as ready before it listens some more."""

FIRST_STATUS_DELAY_SECONDS = 1.0
"""Within this a URL has most likely been tried after a change; nothing is written for less."""

MAX_QUOTED = 5

ANSWERS = "The node URLs answer, tried from the operator's pod."


@dataclass(frozen=True, slots=True)
class Reachability:
    """What the answers say of the app as a whole."""

    status: ConditionStatus
    reason: str
    message: str


def evaluate(answers: ProbeResults, before: Condition | None, waited: float) -> Reachability:
    """Whether the app can be reached; `before` is what was said of it, `waited` in seconds.

    A URL that has not been tried yet is none that fails: as long as there is one, what was said is
    most likely true still, and stays. So a restart of the operator writes nothing, and no app is
    called unreachable since its turn to be tried has not come.
    """
    if answers.started_at is None:
        return Reachability(
            "Unknown", ReachableReason.NOT_PROBED, answers.not_probed or "No URL is tried."
        )
    wrong = {
        url: result for url, result in answers.by_url.items() if result and not result.answered
    }
    good = [url for url in answers.by_url if answers.answered(url)]
    early = waited < FIRST_ANSWER_GRACE_SECONDS
    said = before if before and before.status != "Unknown" else None
    failed_before = said is not None and said.status == "False"
    if None in answers.by_url.values():
        return _so_far(answers, said, any_good=bool(good))
    if good and (not wrong or (early and not failed_before)):
        # The nodes do not learn of a new port at the same moment.
        return Reachability("True", ReachableReason.ANSWERS, _told(ANSWERS, answers))
    counted = _told(_counted(len(good), answers.by_url, wrong), answers)
    if good:
        return Reachability("False", ReachableReason.SOME_UNREACHABLE, counted)
    if early and (answers.fresh_only or not failed_before):
        return WAITING
    return Reachability("False", ReachableReason.UNREACHABLE, counted)


WAITING = Reachability(
    "Unknown", ReachableReason.WAITING_FOR_ANSWER, "The pods are ready; no URL answers yet."
)


def _so_far(answers: ProbeResults, said: Condition | None, *, any_good: bool) -> Reachability:
    """What can be said before all URLs have been tried."""
    refuted = any_good and said is not None and said.reason == ReachableReason.UNREACHABLE
    # What was said of another spec stands only for the rest, once there is an answer to this one.
    if said and not refuted and (any_good or not answers.fresh_only):
        return Reachability(said.status, said.reason, said.message)
    return (
        Reachability("True", ReachableReason.ANSWERS, _told(ANSWERS, answers))
        if any_good
        else WAITING
    )


def grace_left(answers: ProbeResults, waited: float) -> float | None:
    """After how many seconds URLs that do not answer must be judged anew, if they must."""
    left = FIRST_ANSWER_GRACE_SECONDS - waited
    settled = all(map(answers.answered, answers.by_url))
    return None if answers.started_at is None or settled or left <= 0 else left


def _told(message: str, answers: ProbeResults) -> str:
    not_probed = answers.not_probed
    return f"{message.removesuffix('.')}. {not_probed}" if not_probed else message


def _counted(
    good: int, of: Mapping[str, ProbeResult | None], wrong: Mapping[str, ProbeResult]
) -> str:
    told = [f"{url}: {why}" for url, why in sorted(wrong.items())]
    more = f"; and {len(told) - MAX_QUOTED} more" if len(told) > MAX_QUOTED else ""
    counted = f"{good} of {len(of)} node URLs answer, tried from the operator's pod"
    return f"{counted}; {'; '.join(told[:MAX_QUOTED])}{more}"


def select_url(
    best: Sequence[str], before: str | None, answers: ProbeResults, *, known: bool
) -> str | None:
    """The URL to click: one that answers, then one that may, and as long as it can be the same.

    `known`: that `before` answers was found out by an operator that has been restarted since.
    """
    if known and before in best and not answers.failed(before or ""):
        return before
    usable = [it for it in best if answers.answered(it)]
    usable = usable or [it for it in best if not answers.failed(it)] or list(best)
    return before if before in usable else next(iter(usable), None)
