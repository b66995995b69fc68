"""Pure: what the URLs that were tried tell together."""

from exposedapp.cli.doctor import findings
from exposedapp.cli.doctor.facts import Attempt, Facts, Outcome
from exposedapp.cli.doctor.report import Finding
from exposedapp.cli.doctor.url_groups import UNHEARD, is_no_way, out_of_reach, tried
from exposedapp.exposure.endpoints import nodes_with_ready_pods


def judge(facts: Facts) -> Finding | None:
    """What is wrong; None when every URL that should answer from here does."""
    beside = out_of_reach(facts)
    counted = [it for it in tried(facts) if it not in beside]
    failed = [it for it in counted if it.outcome != Outcome.ANSWERED]
    if not failed:
        return findings.server_error(counted)
    if invalid := [it for it in failed if it.outcome == Outcome.INVALID]:
        return findings.invalid(facts, invalid[0])
    if lost := [it for it in failed if _lost_its_pod(facts, it)]:
        return findings.no_pod_on_node(facts, lost)
    outcomes = {it.outcome for it in failed}
    if len(failed) == len(counted) and outcomes & UNHEARD and all(map(is_no_way, failed)):
        return findings.not_routable(facts, failed)
    for outcome, say in (
        (Outcome.UNKNOWN_NAME, findings.unknown_name),
        (Outcome.TIMED_OUT, findings.filtered),
        (Outcome.NO_ROUTE, findings.filtered),
        (Outcome.REFUSED, findings.refused),
        (Outcome.NO_TLS, findings.no_tls),
    ):
        if outcome in outcomes:
            return say(facts, [it for it in failed if it.outcome == outcome])
    return findings.silent(failed)


def _lost_its_pod(facts: Facts, attempt: Attempt) -> bool:
    policy = ((facts.service or {}).get("spec") or {}).get("externalTrafficPolicy")
    node = facts.nodes.get(attempt.host)
    with_pods = nodes_with_ready_pods(facts.endpoints)
    return policy == "Local" and node is not None and node not in with_pods
