# SPDX-License-Identifier: Apache-2.0
"""Entry points: `exposedapp`, `kubectl exposedapp`, `python -m exposedapp.cli`, and completion.

What the operator's image does not have is imported inside of the functions, so that a missing
package is explained.
"""

import io
import sys
from collections.abc import Iterator
from contextlib import contextmanager

OWN_PACKAGES = {"durationpy", "jsonschema", "rich", "typer"}


def main() -> None:
    """Run the command line."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        # Texts of the cluster may have characters that the output's encoding has not.
        sys.stdout.reconfigure(errors="replace")
    with _explain_missing_package():
        from exposedapp.cli.app import app
        from exposedapp.cli.program import program_name
    app(prog_name=program_name())


def complete() -> None:
    """Print what can follow the words of `kubectl exposedapp`, for kubectl."""
    with _explain_missing_package():
        from exposedapp.cli.completion import complete_words
    print(complete_words(sys.argv[1:]))  # noqa: T201 - kubectl reads it


@contextmanager
def _explain_missing_package() -> Iterator[None]:
    try:
        yield
    except ModuleNotFoundError as missing:
        package = (missing.name or "").partition(".")[0]
        if package not in OWN_PACKAGES:
            raise
        sys.exit(f"{package} is missing: install exposedapp as in docs/cli.md")


if __name__ == "__main__":
    main()
