# SPDX-License-Identifier: Apache-2.0
"""Results of probes, as tests name them."""

from exposedapp.exposure.probes import ProbeOutcome, ProbeResult

OK = ProbeResult(ProbeOutcome.ANSWERED)
REFUSED = ProbeResult(ProbeOutcome.REFUSED)
LATE = ProbeResult(ProbeOutcome.TIMED_OUT)


def http_error(status: int) -> ProbeResult:
    return ProbeResult(ProbeOutcome.HTTP_ERROR, status)
