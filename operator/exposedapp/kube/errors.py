# SPDX-License-Identifier: Apache-2.0
"""The error of a request: what the API server refuses, and what it does not answer. Pure."""

import orjson

from exposedapp.api.meta import Json

MAX_RETRY_AFTER_SECONDS = 60.0
"""The maintenance page of a load balancer may ask to come back in a day: nothing would be noticed
until then."""


class ApiError(Exception):
    """A request that did not succeed, in the words of its metav1.Status.

    `status` is the HTTP status code, 0 without a response; `reason` and `causes` are for programs,
    the text is the API server's message; `retry_after` is in seconds, None when it asks for no
    delay.
    """

    def __init__(
        self,
        status: int,
        reason: str,
        message: str,
        causes: tuple[str, ...] = (),
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.reason = reason
        self.message = message
        self.causes = causes
        self.retry_after = retry_after


def no_response_error(error: Exception) -> ApiError:
    """The error of a request without a response."""
    text = str(error) or type(error).__name__
    return ApiError(0, "NoAnswer", f"no answer from the API server: {text}")


def broken_response_error(error: Exception) -> ApiError:
    """The error of a response that was cut off, or that an API server does not send."""
    return ApiError(0, "NoAnswer", f"unusable response from the API server: {error}")


def error_from_response(status: int, retry_after: str | None, data: bytes) -> ApiError:
    """The error of a response that is not a success, given its header Retry-After."""
    try:
        body = orjson.loads(data)
    except orjson.JSONDecodeError:
        body = {}
    delay = retry_after_seconds(retry_after)
    if delay is not None:
        delay = min(delay, MAX_RETRY_AFTER_SECONDS)
    return error_from_status(body if isinstance(body, dict) else {}, status, delay)


def error_from_status(body: Json, status: int, retry_after: float | None = None) -> ApiError:
    """The error that a metav1.Status reports."""
    causes = (body.get("details") or {}).get("causes") or ()
    return ApiError(
        status,
        body.get("reason", ""),
        body.get("message") or f"the API server answered {status}",
        tuple(cause.get("reason", "") for cause in causes),
        retry_after,
    )


def retry_after_seconds(header: str | None) -> float | None:
    """The seconds of a header Retry-After; None when it is absent or a date."""
    return float(header) if header and header.isdecimal() else None
