"""`exposedapp`, `kubectl exposedapp`, `python -m exposedapp.cli`; and what completes the second."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager


def main() -> None:
    """Runs the command line."""
    with _needing_the_extra():
        from exposedapp.cli.commands import app
    app()


def complete() -> None:
    """Answers kubectl, which asks what could follow `kubectl exposedapp`."""
    with _needing_the_extra():
        from exposedapp.cli.completion import answer
    print(answer(sys.argv[1:]))  # noqa: T201 - kubectl reads it


@contextmanager
def _needing_the_extra() -> Iterator[None]:
    try:
        yield
    except ModuleNotFoundError as missing:
        if missing.name not in {"typer", "rich"}:
            raise
        sys.exit(f"{missing.name} is missing: pip install 'exposedapp[cli]'")


if __name__ == "__main__":
    main()
