# SPDX-License-Identifier: Apache-2.0
"""The blocks of the documents: commands, files and what commands print.

Used by tests/e2e/test_manual.py, which runs the commands, and tests/unit/repository/test_manual.py,
which checks that there are no others but those that name another test or the reason for none.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md")])
FOLDERS = {DOCS / name for name in ("tutorials", "how-to", "operations", "explanation")}
"""Each file and each output in their pages can be used; the other pages show parts as well."""

NOT_RUN = "Not run by a test"
"""How the title of commands begins that no test runs, so that readers know it."""
STAYS_OPEN = "In one terminal"
"""The title of a command that runs until the end of the page."""
PRINTS = "It prints"
"""The title of what the commands before it print."""

FENCE = re.compile(
    r"^(?:<!-- run by (?P<test>\S+) -->\n\n)?"
    r'```(?P<language>\w*)(?: title="(?P<title>[^"]*)")?\n(?P<text>.*?)^```$',
    re.MULTILINE | re.DOTALL,
)
COMMANDS = ("sh", "console")
"""Languages: commands alone; each command after a `$`, with what it prints."""
ADDRESS = re.compile(r"\b\d+\.\d+\.\d+\.\d+\b")
NODE_PORT = re.compile(r":(3[0-2]\d{3})\b")
AGE = re.compile(r"\b(\d+m)?\d+s\b")


@dataclass(frozen=True, slots=True)
class Block:
    """A block: its language, its title, its text, and the test of its own that runs it."""

    language: str
    title: str
    text: str
    test: str = ""

    @property
    def has_commands(self) -> bool:
        """Whether readers are to run something."""
        return self.language in COMMANDS

    @property
    def is_run(self) -> bool:
        """Whether it is commands for tests/e2e/test_manual.py to run."""
        return self.has_commands and not self.test and not self.title.startswith(NOT_RUN)

    def transcript(self) -> Iterator[tuple[str, str]]:
        """The commands of a console, each with what it prints."""
        _, *parts = re.split(r"^\$ ", self.text, flags=re.MULTILINE)
        for part in parts:
            command, _, output = part.partition("\n")
            yield command, output


def blocks(page: str) -> Iterator[Block]:
    """The blocks of a page, in their order."""
    for match in FENCE.finditer(page):
        yield Block(match["language"], match["title"] or "", match["text"], match["test"] or "")


def comparable(output: str, chosen_ports: set[str]) -> list[str]:
    """The lines of an output, with a word in place of what differs from cluster to cluster.

    That is: the addresses of nodes, node ports but for those that a page has chosen, and ages.
    """

    def replace_port(match: re.Match[str]) -> str:
        return match.group() if match[1] in chosen_ports else ":PORT"

    text = AGE.sub("AGE", NODE_PORT.sub(replace_port, ADDRESS.sub("ADDRESS", output)))
    return [" ".join(line.split()) for line in text.strip().splitlines()]
