# SPDX-License-Identifier: Apache-2.0
"""Whether it is the operator's own way that is cut, and not an app that does not answer. Pure.

Called by reachability.py while no listed URL of the main port answers.
"""

from exposedapp.exposure.probes import UNCONNECTED_OUTCOMES, ProbeResults

WAY_CUT = (
    "Neither the node URLs nor the kubelets of their nodes answer, tried from the operator's pod: "
    "its own way to the nodes is cut, for example by a NetworkPolicy. Whether the URLs answer is "
    "not known."
)

NODES_ANSWER = "The nodes answer at their own addresses, tried from the operator's pod"

LOOPBACK = f"{NODES_ANSWER}; localhost would be the pod itself there."


def blocked_reason(results: ProbeResults) -> str | None:
    """Why the results say nothing about the listed URLs, in sentences; None if they do."""
    return WAY_CUT if _is_way_cut(results) else _untestable_host(results)


def _is_way_cut(results: ProbeResults) -> bool:
    """Whether nothing answers at any node, not even what is not the app's.

    At the operator's own node there is no control, and what fails there alone proves nothing.
    """
    if any(map(results.answered, results.by_url)):
        return False
    controls = set()
    for url in results.stand_ins or results.main or results.by_url:
        result = results.by_url.get(url)
        if result is None or result.outcome not in UNCONNECTED_OUTCOMES:
            return False
        controls.add(result.blocked)
    return True in controls and False not in controls


def _untestable_host(results: ProbeResults) -> str | None:
    """That the nodes answer, and the host that stands for them does not.

    So it is from inside with a NAT that does not lead back (hairpin), and with a name that only the
    users' DNS knows. A host that has answered before is open to the pod: now it is down.
    """
    if not any(map(results.answered, results.stand_ins)):
        return None
    if not results.listed:
        return LOOPBACK
    quotes = []
    for url in sorted(results.main or results.listed):
        result = results.by_url.get(url)
        if result is None or result.outcome not in UNCONNECTED_OUTCOMES:
            return None
        if url in results.answered_before:
            return None
        quotes.append(f"{url}: {result}")
    return (
        f"{NODES_ANSWER}, and the host that stands for them does not: {'; '.join(quotes)}. "
        "Whether it answers elsewhere is not known."
    )
