# SPDX-License-Identifier: Apache-2.0
"""Comparison of messages that Kubernetes' components word anew at each attempt. Pure."""

import re

NUMBER = re.compile(r"\d+")


def without_numbers(message: str) -> str:
    """The message without what changes at each attempt: counts, durations, times, addresses."""
    return NUMBER.sub("", message)
