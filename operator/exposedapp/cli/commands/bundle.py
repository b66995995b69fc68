# SPDX-License-Identifier: Apache-2.0
"""`exposedapp bundle`: writes what a bug report about an app needs into one archive."""

import io
import tarfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from exposedapp.cli.connection import ConnectionOptions, run_with_client
from exposedapp.cli.exit_codes import CommandError, ExitCode
from exposedapp.cli.options import Name, with_connection
from exposedapp.cli.output import print_error, print_text

if TYPE_CHECKING:
    from exposedapp.cli.bundle import BundleFile


@with_connection
def write_bundle(
    name: Name,
    connection: ConnectionOptions,
    file: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Archive to write. Default: exposedapp-NAME.tar.gz."),
    ] = None,
) -> None:
    """Collect an app, its children, Events, the doctor's report and the operator's log."""
    from exposedapp.cli.bundle import collect_bundle

    files = run_with_client(lambda client: collect_bundle(client, name), connection)
    path = file or Path(f"exposedapp-{name}.tar.gz")
    try:
        _write(path, f"exposedapp-{name}", files)
    except OSError as error:
        raise CommandError(ExitCode.USAGE, f"{path}: {error.strerror}") from error
    print_text(str(path))
    for member in files:
        if member.problems:
            print_error(f"  {member.name}: not readable: {'; '.join(member.problems)}")
    print_error(
        "Values of environment variables and what looks like a secret are left out; read it"
    )
    print_error("before you give it to anybody: names, addresses and messages are in it.")


def _write(path: Path, folder: str, files: "Sequence[BundleFile]") -> None:
    with tarfile.open(path, "w:gz") as archive:
        for file in files:
            content = file.text.encode()
            member = tarfile.TarInfo(f"{folder}/{file.name}")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
