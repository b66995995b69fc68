# SPDX-License-Identifier: Apache-2.0
"""What probe results say about an app, and which URL is the one to click. Pure.

Called by status/, and by reconcile/ for the time of the next evaluation.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from exposedapp.api.app import Condition, ConditionStatus
from exposedapp.api.conditions import ReachableReason
from exposedapp.exposure.probe_blocked import blocked_reason
from exposedapp.exposure.probes import ProbeResults

FIRST_ANSWER_GRACE_SECONDS = 30.0
"""How long an app whose pods are ready may take until the first URL answers: kube-proxy needs a
second, a program that counts as ready before it listens some more."""

MAX_QUOTED_URLS = 5

NOTHING_ANSWERED = (ReachableReason.UNREACHABLE, ReachableReason.PROBE_BLOCKED)

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

    Reachable means by a URL of the main port: its URLs are the ones of which status.url is one. The
    failures of all ports are reported.

    A URL without a result does not count as failing: while there is one, the previous condition is
    most likely still true, and stays. So a restart of the operator writes nothing, and no app is
    called unreachable only because its URLs have not been probed yet.
    """
    if results.started_at is None:
        message = results.not_probed or "No URL is probed."
        return Reachability("Unknown", ReachableReason.NOT_PROBED, message)
    known = previous if previous and is_conclusive(previous) else None
    answering = results.any_main_answers
    if not answering and (reason := blocked_reason(results)):
        return Reachability("Unknown", ReachableReason.PROBE_BLOCKED, _with_note(reason, results))
    if None in results.by_url.values():
        return _evaluate_incomplete(results, known, any_answers=answering)
    failing = any(map(results.failed, results.listed))
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


def is_conclusive(reachable: Condition) -> bool:
    """Whether a condition Reachable says what came of the probes, and not that they are due."""
    return reachable.status != "Unknown" or reachable.reason == ReachableReason.PROBE_BLOCKED


def grace_left(results: ProbeResults, probing_seconds: float) -> float | None:
    """The seconds until failing URLs must be evaluated again; None if no evaluation is due."""
    left = FIRST_ANSWER_GRACE_SECONDS - probing_seconds
    all_answer = all(map(results.answered, results.by_url))
    return None if results.started_at is None or all_answer or left <= 0 else left


def select_url(
    preferred: Mapping[str, int],
    previous: str | None,
    results: ProbeResults,
    *,
    previous_was_probed: bool,
) -> str | None:
    """The URL to click: one that answers, else one that may; the previous one if possible.

    Of these the ones with the lowest rank in `preferred`, which lists them in their order.
    `previous_was_probed`: the previous status says whether its URL answers, from before a restart
    of the operator.
    """
    answering = _best_ranked((url for url in preferred if results.answered(url)), preferred)
    if previous and previous_was_probed and previous in preferred and not results.failed(previous):
        better = (url for url in answering if preferred[url] < preferred[previous])
        return next(better, previous)
    hopeful = _best_ranked((url for url in preferred if not results.failed(url)), preferred)
    usable = answering or hopeful or list(preferred)
    return previous if previous in usable else next(iter(usable), None)


def _best_ranked(urls: Iterable[str], ranks: Mapping[str, int]) -> list[str]:
    """Those of the URLs that have the lowest rank among them."""
    candidates = list(urls)
    best = min((ranks[url] for url in candidates), default=0)
    return [url for url in candidates if ranks[url] == best]


def _evaluate_incomplete(
    results: ProbeResults, known: Condition | None, *, any_answers: bool
) -> Reachability:
    """The reachability before all URLs have a result; `known` is a condition that is conclusive.

    With fresh results only, `known` is about another spec: it counts once a URL answers for this
    one, for the URLs that have no result yet.
    """
    refuted = any_answers and known is not None and known.reason in NOTHING_ANSWERED
    if known and not refuted and (any_answers or not results.fresh_only):
        return Reachability(known.status, known.reason, known.message)
    return _answers(results) if any_answers else WAITING


def _answers(results: ProbeResults) -> Reachability:
    return Reachability("True", ReachableReason.ANSWERS, _with_note(ANSWERS, results))


def _quote_failures(results: ProbeResults) -> str:
    # Where a host stands for the nodes, their own URLs matter only if it does not answer.
    urls = results.listed if results.any_main_answers else list(results.by_url)
    quotes = [f"{url}: {results.by_url[url]}" for url in sorted(urls) if results.failed(url)]
    answering = len(urls) - len(quotes)
    counts = f"{answering} of {len(urls)} node URLs answer"
    if answering and not results.any_main_answers:
        counts += ", none of the first port"
    counts += ", tried from the operator's pod"
    more = len(quotes) - MAX_QUOTED_URLS
    omitted = f"; and {more} more" if more > 0 else ""
    return _with_note(f"{counts}; {'; '.join(quotes[:MAX_QUOTED_URLS])}{omitted}", results)


def _with_note(message: str, results: ProbeResults) -> str:
    note = results.not_probed
    return f"{message.removesuffix('.')}. {note}" if note else message
