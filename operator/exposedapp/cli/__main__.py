"""`exposedapp`, `kubectl exposedapp`, `python -m exposedapp.cli`."""

import sys


def main() -> None:
    """Runs the command line."""
    try:
        from exposedapp.cli.commands import app
    except ModuleNotFoundError as missing:
        if missing.name not in {"typer", "rich"}:
            raise
        sys.exit(f"{missing.name} is missing: pip install 'exposedapp[cli]'")
    app()


if __name__ == "__main__":
    main()
