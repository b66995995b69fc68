# SPDX-License-Identifier: Apache-2.0
"""The blocks of the manual's pages: commands, files and what commands print.

Used by tests/e2e/test_manual.py, which runs them, and tests/unit/repository/test_manual.py, which
checks that there are no others.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"
FOLDERS = ("tutorials", "how-to", "operations", "explanation")
"""Their pages consist of such blocks alone; the pages beside them are older."""
PAGES = sorted(page for folder in FOLDERS for page in (DOCS / folder).glob("*.md"))

NOT_RUN = "Not run by a test"
"""How the title of commands begins that no test runs, so that readers know it."""
STAYS_OPEN = "In one terminal"
"""The title of a command that runs until the end of the page."""
PRINTS = "It prints"
"""The title of what the commands before it print."""

FENCE = re.compile(
    r'^```(?P<language>\w*)(?: title="(?P<title>[^"]*)")?\n(?P<text>.*?)^```$',
    re.MULTILINE | re.DOTALL,
)
ADDRESS = re.compile(r"\b\d+\.\d+\.\d+\.\d+\b")
NODE_PORT = re.compile(r":(3[0-2]\d{3})\b")
AGE = re.compile(r"\b(\d+m)?\d+s\b")


@dataclass(frozen=True, slots=True)
class Block:
    """A block: its language, its title and its text."""

    language: str
    title: str
    text: str

    @property
    def is_run(self) -> bool:
        """Whether it is commands for the test to run."""
        return self.language == "sh" and not self.title.startswith(NOT_RUN)


def blocks(page: str) -> Iterator[Block]:
    """The blocks of a page, in their order."""
    for match in FENCE.finditer(page):
        yield Block(match["language"], match["title"] or "", match["text"])


def comparable(output: str, chosen_ports: set[str]) -> list[str]:
    """The lines of an output, with a word in place of what differs from cluster to cluster.

    That is: the addresses of nodes, node ports but for those that a page has chosen, and ages.
    """

    def replace_port(match: re.Match[str]) -> str:
        return match.group() if match[1] in chosen_ports else ":PORT"

    text = AGE.sub("AGE", NODE_PORT.sub(replace_port, ADDRESS.sub("ADDRESS", output)))
    return [" ".join(line.split()) for line in text.strip().splitlines()]
