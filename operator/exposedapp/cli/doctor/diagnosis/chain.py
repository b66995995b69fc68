# SPDX-License-Identifier: Apache-2.0
"""Checks the chain from the resource to the URLs, link by link. Pure.

resource -> pods -> endpoints -> container port -> Service -> node port -> URLs. Every link gives
steps to show, and a finding when it is broken. The finding of the first broken link is the
diagnosis: what comes after it is broken because of it.
"""

from exposedapp.api.conditions import ConditionType, find_condition
from exposedapp.api.meta import Json
from exposedapp.cli.doctor.diagnosis.cluster_checks import CLUSTER_CHECKS
from exposedapp.cli.doctor.diagnosis.evidence import Evidence
from exposedapp.cli.doctor.diagnosis.no_fault import finding_without_fault
from exposedapp.cli.doctor.diagnosis.report import DiagnosisCode, Finding, Report, Step
from exposedapp.cli.doctor.diagnosis.url_check import check_urls


def diagnose(evidence: Evidence) -> Report:
    """The steps of the whole chain, and the finding for its first broken link."""
    if evidence.app is None:
        text = f"There is no ExposedApp {evidence.name} in namespace {evidence.namespace}."
        step = Step("resource", False, f"{evidence.name} not found")
        return Report([step], Finding(DiagnosisCode.NO_SUCH_APP, text))
    results = [check(evidence, evidence.app) for check in (*CLUSTER_CHECKS, check_urls)]
    steps = [step for link_steps, _ in results for step in link_steps]
    findings = [finding for _, finding in results if finding]
    finding = findings[0] if findings else finding_without_fault(evidence, evidence.app)
    return Report(steps, finding)


def cluster_steps(evidence: Evidence, app: Json) -> list[Step]:
    """The steps of the chain as the cluster reports them, without a probe from this machine."""
    steps = [step for check in CLUSTER_CHECKS for step in check(evidence, app)[0]]
    status = app.get("status") or {}
    reachable = find_condition(status.get("conditions"), ConditionType.REACHABLE)
    if reachable:
        ok = {"True": True, "False": False}.get(reachable["status"])
        steps.append(Step("reachable", ok, f"{reachable['reason']}: {reachable['message']}"))
    return [*steps, *(Step("url", None, url) for url in status.get("urls") or ())]
