# SPDX-License-Identifier: Apache-2.0
"""Runs the command line out of one file: unpacks its packages for this Python once, and uses them.

deploy/zipapp.sh puts it into that file, beside the packages' wheels. Python cannot load compiled
packages out of a zip file. Its syntax is that of older versions of Python, which it refuses.
"""

import os
import sys
import tempfile
import zipfile
from io import BytesIO
from pathlib import Path

ARCHIVE = Path(__file__).parent
PYTHON = "cp%d%d" % sys.version_info[:2]  # noqa: UP031


def main():
    """Run the command line."""
    with zipfile.ZipFile(str(ARCHIVE)) as archive:
        pythons = archive.read("pythons").decode().split()
        if PYTHON not in pythons:
            sys.exit("exposedapp needs one of the Pythons %s" % ", ".join(pythons))  # noqa: UP031
        packages = unpack_once(archive, cache_folder() / archive.read("digest").decode())
    sys.path[0] = str(packages)
    from exposedapp.cli.__main__ import main as run

    run()


def cache_folder():
    """Where the packages of all versions are; deleting it costs the next start a second."""
    cache = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(cache) / "exposedapp"


def unpack_once(archive, folder):
    """The folder with the packages, complete: a start that is cut off leaves none of that name."""
    target = folder / PYTHON
    if target.is_dir():
        return target
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=str(folder)) as temporary:
        new = Path(temporary) / PYTHON
        for name in archive.namelist():
            if name.endswith(".whl") and is_for_this_python(name):
                with zipfile.ZipFile(BytesIO(archive.read(name))) as wheel:
                    wheel.extractall(str(new))
        try:
            new.rename(target)
        except OSError:
            if not target.is_dir():  # else another start was faster
                raise
    return target


def is_for_this_python(name):
    """Whether a wheel is pure, or compiled for this version or for all from an older one on."""
    python, abi = name.split("-")[-3:-1]
    return abi in ("none", "abi3") or PYTHON in python.split(".")


if __name__ == "__main__":
    main()
