# SPDX-License-Identifier: Apache-2.0
"""Reads docs/kubernetes-fields.md: Kubernetes' fields, and where an ExposedApp has them."""

import re
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "kubernetes-fields.md"

HEADING = re.compile(r"^## (\w+)$")
ROW = re.compile(r"^\| `(\w+)` \| (.+) \|$")


def documented_fields() -> dict[str, dict[str, str]]:
    """By kind and field: what the page says of it."""
    kinds: dict[str, dict[str, str]] = {}
    fields: dict[str, str] = {}
    for line in PAGE.read_text().splitlines():
        if heading := HEADING.match(line):
            fields = kinds.setdefault(heading[1], {})
        elif row := ROW.match(line):
            assert row[1] not in fields, f"{row[1]} is there twice"
            fields[row[1]] = row[2]
    return kinds
