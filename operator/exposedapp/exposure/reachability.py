"""What probe results say about an app, and which URL is the one to click. Pure.

Called by status/, and by reconcile/ for the time of the next evaluation.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from exposedapp.api.app import Condition, ConditionStatus
from exposedapp.api.conditions import ReachableReason
from exposedapp.exposure.probes import ProbeResult, ProbeResults

FIRST_ANSWER_GRACE_SECONDS = 30.0
"""How long an app whose pods are ready may take until the first URL answers: kube-proxy needs a
second, a program that counts as ready before it listens some more."""

MAX_QUOTED_URLS = 5

ANSWERS = "The node URLs answer, tried from the operator's pod."


@dataclass(frozen=True, slots=True)
class Reachability:
    """The condition Reachable, without its times."""

    status: ConditionStatus
    reason: str
    message: str


WAITING = Reachability(
    "Unknown", ReachableReason.WAITING_FOR_ANSWER, "The pods are ready; no URL answers yet."
)


def evaluate(
    results: ProbeResults, previous: Condition | None, probing_seconds: float
) -> Reachability:
    """Whether the app is reachable, given the condition Reachable in its previous status.

    A URL without a result does not count as failing: while there is one, the previous condition is
    most likely still true, and stays. So a restart of the operator writes nothing, and no app is
    called unreachable only because its URLs have not been probed yet.
    """
    if results.started_at is None:
        message = results.not_probed or "No URL is probed."
        return Reachability("Unknown", ReachableReason.NOT_PROBED, message)
    known = previous if previous and previous.status != "Unknown" else None
    answering = [url for url in results.by_url if results.answered(url)]
    if None in results.by_url.values():
        return _evaluate_incomplete(results, known, any_answers=bool(answering))
    failing = [url for url in results.by_url if results.failed(url)]
    early = probing_seconds < FIRST_ANSWER_GRACE_SECONDS
    failed_before = known is not None and known.status == "False"
    if answering and (not failing or (early and not failed_before)):
        # The nodes do not learn of a new port at the same moment.
        return _answers(results)
    if answering:
        return Reachability("False", ReachableReason.SOME_UNREACHABLE, _quote_failures(results))
    if early and (results.fresh_only or not failed_before):
        return WAITING
    return Reachability("False", ReachableReason.UNREACHABLE, _quote_failures(results))


def grace_left(results: ProbeResults, probing_seconds: float) -> float | None:
    """The seconds until failing URLs must be evaluated again; None if no evaluation is due."""
    left = FIRST_ANSWER_GRACE_SECONDS - probing_seconds
    all_answer = all(map(results.answered, results.by_url))
    return None if results.started_at is None or all_answer or left <= 0 else left


def select_url(
    preferred: Sequence[str],
    previous: str | None,
    results: ProbeResults,
    *,
    previous_was_probed: bool,
) -> str | None:
    """The URL to click: one that answers, else one that may; the previous one if possible.

    `previous_was_probed`: the previous status says whether its URL answers, from before a restart
    of the operator.
    """
    if previous_was_probed and previous in preferred and not results.failed(previous or ""):
        return previous
    answering = [url for url in preferred if results.answered(url)]
    usable = answering or [url for url in preferred if not results.failed(url)] or list(preferred)
    return previous if previous in usable else next(iter(usable), None)


def _evaluate_incomplete(
    results: ProbeResults, known: Condition | None, *, any_answers: bool
) -> Reachability:
    """The reachability before all URLs have a result; `known` is a condition that is not Unknown.

    With fresh results only, `known` is about another spec: it counts once a URL answers for this
    one, for the URLs that have no result yet.
    """
    refuted = any_answers and known is not None and known.reason == ReachableReason.UNREACHABLE
    if known and not refuted and (any_answers or not results.fresh_only):
        return Reachability(known.status, known.reason, known.message)
    return _answers(results) if any_answers else WAITING


def _answers(results: ProbeResults) -> Reachability:
    return Reachability("True", ReachableReason.ANSWERS, _with_note(ANSWERS, results))


def _quote_failures(results: ProbeResults) -> str:
    quotes = [
        f"{url}: {result}" for url, result in sorted(results.by_url.items()) if _failed(result)
    ]
    answering = len(results.by_url) - len(quotes)
    counts = f"{answering} of {len(results.by_url)} node URLs answer, tried from the operator's pod"
    more = len(quotes) - MAX_QUOTED_URLS
    omitted = f"; and {more} more" if more > 0 else ""
    return _with_note(f"{counts}; {'; '.join(quotes[:MAX_QUOTED_URLS])}{omitted}", results)


def _failed(result: ProbeResult | None) -> bool:
    return result is not None and not result.answered


def _with_note(message: str, results: ProbeResults) -> str:
    note = results.not_probed
    return f"{message.removesuffix('.')}. {note}" if note else message
