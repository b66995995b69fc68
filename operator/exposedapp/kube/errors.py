"""The API server's refusals."""

import orjson

from exposedapp.api.meta import Json

MAX_RETRY_AFTER_SECONDS = 60.0
"""The maintenance page of a load balancer may ask to come back in a day: nothing would be noticed
until then."""


class ApiError(Exception):
    """The API server's refusal, as it tells it (metav1.Status).

    `status` is the HTTP code, 0 when there was no answer; `reason` and `causes` are for programs,
    the text is the server's own message; `retry_after` is in seconds.
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
    """The error for a request that was not answered."""
    text = str(error) or type(error).__name__
    return ApiError(0, "NoAnswer", f"no answer from the API server: {text}")


def broken_response_error(error: Exception) -> ApiError:
    """The error for a response that was cut off, or that an API server does not send."""
    return ApiError(0, "NoAnswer", f"unusable response from the API server: {error}")


def error_from_response(status: int, retry_after: str | None, data: bytes) -> ApiError:
    """The error for a response that is none of success."""
    try:
        said = orjson.loads(data)
    except orjson.JSONDecodeError:
        said = {}
    after = retry_after_seconds(retry_after)
    if after is not None:
        after = min(after, MAX_RETRY_AFTER_SECONDS)
    return error_from_status(said if isinstance(said, dict) else {}, status, after)


def retry_after_seconds(header: str | None) -> float | None:
    """The seconds in a header Retry-After; None when it has none, such as a date."""
    return float(header) if header and header.isdecimal() else None


def error_from_status(said: Json, status: int, after: float | None = None) -> ApiError:
    """The error that a metav1.Status tells."""
    return ApiError(
        status,
        said.get("reason", ""),
        said.get("message") or f"the API server answered {status}",
        tuple(cause.get("reason", "") for cause in (said.get("details") or {}).get("causes") or ()),
        after,
    )
