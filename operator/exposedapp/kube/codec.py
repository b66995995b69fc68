# SPDX-License-Identifier: Apache-2.0
"""JSON of requests and responses, whatever the API server accepts.

Called by client.py and transport.py; pure.
"""

import json
import re
from typing import cast

import orjson

from exposedapp.api.meta import Json
from exposedapp.kube.errors import broken_response_error, error_from_status

MAX_JSON_DEPTH = 25_000
"""The recursion limit of a process that reads objects. The API server accepts some that are nested
10,000 levels deep, which only a recursive parser reads: with Python's default limit one such object
would end the watch of its kind."""

MAX_INTEGER_DIGITS = 18
"""With a sign or without: always within 64 bits."""

NON_ASCII = re.compile(r"[\x7f-\uffff]")


def encode(body: Json) -> bytes:
    """JSON that is YAML, too, as server-side apply asks for.

    YAML has no surrogate pairs, and does not take every character literally.
    """
    text = json.dumps(body, ensure_ascii=False)
    return NON_ASCII.sub(lambda match: f"\\u{ord(match[0]):04x}", text).encode()


def parse(data: bytes) -> Json:
    """Any JSON. Raises ValueError."""
    try:
        return cast("Json", orjson.loads(data))
    except orjson.JSONDecodeError:
        # An object that is nested deeper than orjson reads (1,024 levels).
        return cast("Json", json.loads(data, parse_int=_parse_int))


def parse_object(data: bytes) -> Json:
    """The object in a response. Raises ApiError when it is none, such as a proxy's page."""
    try:
        body = parse(data)
    except ValueError as error:
        raise broken_response_error(error) from error
    if not isinstance(body, dict):
        raise broken_response_error(TypeError("it is not an object"))
    return body


def parse_event(line: bytes) -> Json:
    """An event of a watch: {type, object}. Raises ApiError for a broken one, and for an ERROR."""
    try:
        event = parse(line)
        event_type, body = event["type"], event["object"]
    except (ValueError, KeyError, TypeError) as error:
        raise broken_response_error(error) from error
    if event_type == "ERROR":
        raise error_from_status(body, body.get("code", 500))
    return event


def _parse_int(digits: str) -> int | float:
    """A number as orjson reads it: one over 64 bits, which it would not write, is a float.

    The API server sends such numbers: it reads 1e20 as a float64, and Go writes that as an integer.
    """
    return int(digits) if len(digits) <= MAX_INTEGER_DIGITS else float(digits)
