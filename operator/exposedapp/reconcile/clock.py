# SPDX-License-Identifier: Apache-2.0
"""The time of day, as Kubernetes writes it. Called by the phases that report times."""

from datetime import UTC, datetime


def timestamp() -> str:
    """Now, as an RFC 3339 time in seconds."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
