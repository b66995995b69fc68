# SPDX-License-Identifier: Apache-2.0
"""Requests that failed, in words for the user: the client library's are about its sockets.

Called by connection.py.
"""

import aiohttp

from exposedapp.exposure.network_errors import classify_os_error
from exposedapp.exposure.probes import ProbeOutcome
from exposedapp.kube.errors import ApiError


def explain_api_error(error: ApiError, host: str) -> str:
    """What a failed request means to the user; `host` is the URL of the API server."""
    if error.status == 401:
        return f"the API server {host} does not accept the kubeconfig's credentials: log in again"
    if error.status:
        return error.message
    return f"the API server {host} cannot be reached: {_cause(error.__cause__)}"


def _cause(error: BaseException | None) -> str:
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return "its certificate is not of the kubeconfig's certificate authority"
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return ProbeOutcome.UNKNOWN_HOST
    if isinstance(error, aiohttp.ClientConnectorError):
        return classify_os_error(error.os_error)
    if isinstance(error, aiohttp.ClientOSError):
        return classify_os_error(error)
    if isinstance(error, TimeoutError):
        return f"{ProbeOutcome.TIMED_OUT} (--request-timeout)"
    return "no answer that is an API server's"
