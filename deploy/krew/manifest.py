# SPDX-License-Identifier: Apache-2.0
"""Prints krew's manifest of this version: deploy/krew/manifest.py HOMEPAGE DOWNLOADS.

HOMEPAGE is the project's address, DOWNLOADS that of the folder with this release's files. Packs
each build/dist/exposedapp-PLATFORM.pyz, which deploy/zipapp.sh has built, into an archive beside it
for krew to download, with the license, as krew demands.
"""

import gzip
import hashlib
import io
import sys
import tarfile
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
TEMPLATE = Path(__file__).with_name("exposedapp.yaml")
DIST = ROOT / "build" / "dist"
PREFIX = "exposedapp-"
PROGRAM = "exposedapp.pyz"


def make_manifest(dist: Path, version: str, homepage: str, downloads: str) -> dict[str, Any]:
    """The manifest for the files in `dist`, and their archives beside them."""
    manifest: dict[str, Any] = yaml.safe_load(TEMPLATE.read_text(encoding="utf-8"))
    files = sorted(dist.glob(f"{PREFIX}*.pyz"))
    if not files:
        sys.exit(f"{dist} has no {PREFIX}PLATFORM.pyz: run deploy/zipapp.sh")
    manifest["spec"] |= {
        "version": f"v{version}",
        "homepage": homepage,
        "platforms": [_platform(_pack(file), downloads) for file in files],
    }
    return manifest


def _pack(file: Path) -> Path:
    """The archive of a file; of the same content it has the same bytes."""
    archive = file.with_suffix(".tar.gz")
    with (
        archive.open("wb") as raw,
        gzip.GzipFile(filename="", fileobj=raw, mode="wb", mtime=0) as compressed,
        tarfile.open(fileobj=compressed, mode="w") as tar,
    ):
        for name, content, mode in (
            (PROGRAM, file.read_bytes(), 0o755),
            ("LICENSE", (ROOT / "LICENSE").read_bytes(), 0o644),
        ):
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(content), mode
            tar.addfile(member, io.BytesIO(content))
    return archive


def _platform(archive: Path, downloads: str) -> dict[str, Any]:
    system, _, machine = archive.name.removeprefix(PREFIX).removesuffix(".tar.gz").partition("-")
    return {
        "selector": {"matchLabels": {"os": system, "arch": machine}},
        "uri": f"{downloads}/{archive.name}",
        "sha256": hashlib.sha256(archive.read_bytes()).hexdigest(),
        "bin": PROGRAM,
        "files": [{"from": "*", "to": "."}],
    }


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT / "operator"))
    from exposedapp.version import __version__

    if len(sys.argv) != 3:
        sys.exit("usage: deploy/krew/manifest.py HOMEPAGE DOWNLOADS")
    yaml.safe_dump(make_manifest(DIST, __version__, *sys.argv[1:]), sys.stdout, sort_keys=False)
