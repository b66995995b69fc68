"""Pure: what the URLs that were tried lead to: a mapping, what is before the nodes, a node."""

from exposedapp.cli.doctor.facts import Attempt, Facts, Outcome

UNHEARD = {Outcome.TIMED_OUT, Outcome.NO_ROUTE}

LOCALHOST = "localhost"
"""Where the operator's portMappings lead from."""


def tried(facts: Facts) -> list[Attempt]:
    """Those of which something can be told."""
    return [it for it in facts.attempts if it.outcome != Outcome.UNTRIED]


def out_of_reach(facts: Facts) -> list[Attempt]:
    """The nodes' own URLs, where none is heard of and another way in is.

    So it is meant with Docker Desktop and behind a load balancer: nothing is wrong with it.
    """
    near = [it for it in tried(facts) if is_before_nodes(facts, it)]
    own = [it for it in tried(facts) if it not in near]
    if all(it.outcome in UNHEARD for it in own) and not all(map(is_no_way, near)):
        return own
    return []


def ways_in(facts: Facts) -> list[str]:
    """The URLs that answer from here, the status's own choice first."""
    best = ((facts.app or {}).get("status") or {}).get("url")
    well = [it.url for it in facts.attempts if it.outcome == Outcome.ANSWERED]
    return sorted(well, key=lambda it: it != best)


def is_no_way(attempt: Attempt) -> bool:
    """Whether nothing comes back, or nothing is at this machine's end of a mapping."""
    mapped = attempt.host == LOCALHOST and attempt.outcome == Outcome.REFUSED
    return mapped or attempt.outcome in UNHEARD


def is_before_nodes(facts: Facts, attempt: Attempt) -> bool:
    """Whether a URL is that of a mapping, a load balancer or a NAT, and no node's own."""
    app = facts.app or {}
    status, wanted = app.get("status") or {}, (app.get("spec") or {}).get("nodes") or {}
    ingress = (status.get("loadBalancer") or {}).get("ingress") or ()
    named = {LOCALHOST, wanted.get("host")}
    named.update(host for it in ingress for host in (it.get("ip"), it.get("hostname")))
    return attempt.host in named or (bool(facts.nodes) and attempt.host not in facts.nodes)
