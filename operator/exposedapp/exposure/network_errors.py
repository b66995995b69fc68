# SPDX-License-Identifier: Apache-2.0
"""What an error of the operating system says of a host. Pure.

Used by the operator's probe and by `exposedapp doctor`, so that both call one thing by one name.
What is an error of their HTTP client is theirs to classify.
"""

import errno
import socket
import ssl

from exposedapp.exposure.probes import ProbeOutcome

CLOSED_ERRORS = (ConnectionResetError, BrokenPipeError)

CLOSED_ERRNOS = (errno.ECONNRESET, errno.EPIPE)
"""For errors of other types that carry the number; asyncio's have the type and no number."""

NO_ROUTE_ERRNOS = (errno.EHOSTUNREACH, errno.ENETUNREACH)

REFUSED_TEXT = f"[Errno {errno.ECONNREFUSED}]"


def classify_os_error(error: OSError) -> ProbeOutcome:
    """The outcome without addresses and numbers, which vary between attempts.

    A host with several addresses gives one error without errno, with the texts of all of them
    (CPython: asyncio.BaseEventLoop.create_connection): if one refuses, the host is there.
    """
    if isinstance(error, ConnectionRefusedError) or REFUSED_TEXT in str(error):
        return ProbeOutcome.REFUSED
    if isinstance(error, socket.gaierror):
        return ProbeOutcome.UNKNOWN_HOST
    if isinstance(error, ssl.SSLError):
        return ProbeOutcome.NO_TLS
    if error.errno in NO_ROUTE_ERRNOS:
        return ProbeOutcome.NO_ROUTE
    if isinstance(error, CLOSED_ERRORS) or error.errno in CLOSED_ERRNOS:
        return ProbeOutcome.CLOSED
    return ProbeOutcome.NO_CONNECTION
