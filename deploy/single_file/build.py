# SPDX-License-Identifier: Apache-2.0
"""Packs the command line and its wheels into one file: build.py CONTENT FILE VERSION...

CONTENT has the folder wheels/; the versions are those of the Pythons that it is for. Called by
deploy/zipapp.sh.
"""

import hashlib
import shutil
import sys
import zipapp
import zipfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
PACKAGE = HERE.parents[1] / "operator" / "exposedapp"
OWN_WHEEL = "exposedapp-0-py3-none-any.whl"


def main(content: Path, target: Path, versions: list[str]) -> None:
    """Write the file."""
    wheels = content / "wheels"
    with zipfile.ZipFile(wheels / OWN_WHEEL, "w", zipfile.ZIP_DEFLATED) as wheel:
        for path in sorted(PACKAGE.rglob("*.py")):
            wheel.write(path, path.relative_to(PACKAGE.parent))
    shutil.copy(HERE / "__main__.py", content)
    pythons = " ".join(f"cp{version.replace('.', '')}" for version in versions)
    (content / "pythons").write_text(pythons)
    (content / "digest").write_text(_digest(wheels))
    zipapp.create_archive(content, target, "/usr/bin/env python3")
    target.chmod(0o755)


def _digest(wheels: Path) -> str:
    """Another one for other packages: each version unpacks into a folder of its own."""
    digest = hashlib.sha256()
    for wheel in sorted(wheels.iterdir()):
        digest.update(wheel.name.encode())
        digest.update(wheel.read_bytes())
    return digest.hexdigest()[:16]


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:])
