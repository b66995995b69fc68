# SPDX-License-Identifier: Apache-2.0
"""The last link of the chain: what the probed URLs show together. Pure."""

from exposedapp.api.meta import Json
from exposedapp.cli.doctor.diagnosis import url_findings
from exposedapp.cli.doctor.diagnosis.evidence import Evidence, UrlProbe
from exposedapp.cli.doctor.diagnosis.report import Finding, Step
from exposedapp.cli.doctor.diagnosis.url_groups import (
    conclusive_probes,
    is_dead_end,
    unreachable_node_probes,
)
from exposedapp.exposure.endpoints import nodes_with_ready_pods
from exposedapp.exposure.probes import ProbeOutcome


def check_urls(evidence: Evidence, _: Json) -> tuple[list[Step], Finding | None]:
    """A step for each URL, and what is wrong; None when every URL that must answer does."""
    expected_to_fail = unreachable_node_probes(evidence)
    steps = [
        _step(evidence, probe, is_expected=probe in expected_to_fail) for probe in evidence.probes
    ]
    if evidence.urls_left_out:
        steps.append(Step("url", None, f"{evidence.urls_left_out} more: not probed"))
    counted = [probe for probe in conclusive_probes(evidence) if probe not in expected_to_fail]
    return steps, _finding(evidence, counted)


def _step(evidence: Evidence, probe: UrlProbe, *, is_expected: bool) -> Step:
    node = evidence.node_names.get(probe.host)
    place = f" ({node})" if node else ""
    ok = None if is_expected or not probe.is_conclusive else probe.answered
    return Step("url", ok, f"{probe.url}{place}: {probe}")


def _finding(evidence: Evidence, counted: list[UrlProbe]) -> Finding | None:
    failed = [probe for probe in counted if not probe.answered]
    if not failed:
        return url_findings.server_error(counted)
    if invalid := [probe for probe in failed if not probe.is_valid]:
        return url_findings.invalid_url(evidence, invalid[0])
    if without_pod := [probe for probe in failed if _lacks_local_pod(evidence, probe)]:
        return url_findings.no_pod_on_node(evidence, without_pod)
    no_reply = [probe for probe in failed if probe.has_no_reply]
    if no_reply and len(failed) == len(counted) and all(map(is_dead_end, failed)):
        return url_findings.not_routable(evidence, failed)
    if unknown := [probe for probe in failed if probe.outcome is ProbeOutcome.UNKNOWN_HOST]:
        return url_findings.unknown_name(unknown)
    if no_reply:
        return url_findings.filtered(evidence, no_reply)
    if refused := [probe for probe in failed if probe.refused]:
        return url_findings.refused(evidence, refused)
    if plain := [probe for probe in failed if probe.outcome is ProbeOutcome.NO_TLS]:
        return url_findings.no_tls(plain[0])
    return url_findings.no_http_response(failed[0])


def _lacks_local_pod(evidence: Evidence, probe: UrlProbe) -> bool:
    """Whether the URL's node forwards to its own pods only, and has none."""
    policy = ((evidence.service or {}).get("spec") or {}).get("externalTrafficPolicy")
    node = evidence.node_names.get(probe.host)
    if policy != "Local" or node is None:
        return False
    return node not in nodes_with_ready_pods(evidence.endpoints)
