# SPDX-License-Identifier: Apache-2.0
"""Errors of the operating system become outcomes of a probe."""

import errno
import socket
import ssl

import pytest

from exposedapp.exposure.network_errors import classify_os_error
from exposedapp.exposure.probes import ProbeOutcome


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (OSError(errno.ECONNREFUSED, "Connect call failed"), ProbeOutcome.REFUSED),
        # Of a host with two addresses.
        (OSError("Multiple exceptions: [Errno 111] a, [Errno 113] b"), ProbeOutcome.REFUSED),
        (OSError("Multiple exceptions: [Errno 113] a, [Errno 101] b"), ProbeOutcome.NO_CONNECTION),
        (socket.gaierror(-2, "Name or service not known"), ProbeOutcome.UNKNOWN_HOST),
        (ssl.SSLError(1, "[SSL: WRONG_VERSION_NUMBER]"), ProbeOutcome.NO_TLS),
        (OSError(errno.EHOSTUNREACH, "No route to host"), ProbeOutcome.NO_ROUTE),
        (OSError(errno.ENETUNREACH, "Network is unreachable"), ProbeOutcome.NO_ROUTE),
        (OSError(errno.ECONNRESET, "Connection reset by peer"), ProbeOutcome.CLOSED),
        (ConnectionResetError(), ProbeOutcome.CLOSED),
        (OSError(errno.EPIPE, "Broken pipe"), ProbeOutcome.CLOSED),
        (OSError(errno.EPERM, "Operation not permitted"), ProbeOutcome.NO_CONNECTION),
    ],
)
def test_an_error_has_one_outcome(error: OSError, outcome: ProbeOutcome) -> None:
    assert classify_os_error(error) is outcome
