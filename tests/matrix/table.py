# SPDX-License-Identifier: Apache-2.0
"""The table of Kubernetes versions in docs/kubernetes-versions.md, from the results of tests. Pure.

Called by conftest.py.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

BEGIN = "<!-- begin: `make matrix` writes this table -->"
END = "<!-- end -->"

COLUMNS = {
    "test_definition": "definition",
    "test_rules": "rules",
    "test_examples": "examples",
    "test_fields": "fields",
    "test_operator": "operator",
    "test_takeover": "takeover",
    "test_chart": "chart",
}
"""By module of tests/matrix."""


@dataclass(slots=True)
class Results:
    """How the tests of one module ended, for one version."""

    passed: int = 0
    failed: int = 0
    left_out: set[str] = field(default_factory=set)
    """The reasons for which tests were skipped."""

    def __str__(self) -> str:
        total = self.passed + self.failed
        summary = f"**{self.failed} of {total} failed**" if self.failed else "passed"
        return "; ".join([summary, *sorted(self.left_out)])


def render(results: Mapping[tuple[str, str], Results]) -> str:
    """The table as Markdown, from the results by version and module."""
    lines = [_row(["Kubernetes", *COLUMNS.values()]), _row(["---"] * (len(COLUMNS) + 1))]
    for version in dict.fromkeys(version for version, _ in results):
        cells = [str(results.get((version, module), "")) for module in COLUMNS]
        lines.append(_row([version, *cells]))
    return "\n".join(lines)


def replace_table(text: str, table: str) -> str:
    """The page with this table in place of the one that it has."""
    before, old_and_after = text.split(BEGIN)
    _, after = old_and_after.split(END)
    return f"{before}{BEGIN}\n{table}\n{END}{after}"


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
