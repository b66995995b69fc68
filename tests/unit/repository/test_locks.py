# SPDX-License-Identifier: Apache-2.0
"""What installs a lock takes what the lock names, whatever has been released since."""

import hashlib
import os
import subprocess
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


def make_wheel(folder: Path, name: str, version: str, *metadata: str) -> str:
    """Puts an empty package into the folder; returns its line in a lock."""
    info = f"{name}-{version}.dist-info"
    files = {
        f"{name}.py": f"VERSION = {version!r}\n",
        f"{info}/METADATA": "\n".join(
            ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}", *metadata, ""]
        ),
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{path},,\n" for path in [*files, f"{info}/RECORD"])
    wheel = folder / f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for path, text in {**files, f"{info}/RECORD": record}.items():
            archive.writestr(path, text)
    return f"{name}=={version} --hash=sha256:{hashlib.sha256(wheel.read_bytes()).hexdigest()}"


def install(tmp_path: Path, packages: Path, *pins: str) -> subprocess.CompletedProcess[str]:
    """Runs tests/venv.sh with the oldest pip, which sees no packages but those of the test."""
    (oldest_pip,) = (ROOT / "build" / "oldest-pip").glob("pip-*.whl")
    lock = tmp_path / "requirements.lock"
    lock.write_text("\n".join(pins) + "\n")
    pip_settings = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(packages)}
    path = f"{tmp_path / 'venv' / 'bin'}:{os.environ['PATH']}"  # as in the Makefile
    done = subprocess.run(
        [ROOT / "tests" / "venv.sh", tmp_path / "venv", lock],
        env={**os.environ, **pip_settings, "PATH": path, "PYTHONPATH": str(oldest_pip)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert f"from {oldest_pip}" in done.stdout, done.stderr
    return done


@pytest.fixture
def packages(tmp_path: Path) -> Path:
    """An index in which a package has a newer release than the one that is locked."""
    folder = tmp_path / "packages"
    folder.mkdir()
    return folder


def test_a_newer_release_of_what_is_asked_for_with_an_extra_changes_nothing(
    tmp_path: Path, packages: Path
) -> None:
    user = make_wheel(packages, "user", "1.0", "Requires-Dist: used[extra]>=1")
    used = make_wheel(packages, "used", "1.0", "Provides-Extra: extra")
    make_wheel(packages, "used", "1.1", "Provides-Extra: extra")
    done = install(tmp_path, packages, user, used)
    assert done.returncode == 0, done.stderr
    code = "import used; print(used.VERSION)"
    python = tmp_path / "venv" / "bin" / "python"
    assert subprocess.check_output([python, "-c", code], text=True).strip() == "1.0"


def test_a_lock_that_lacks_a_dependency_is_refused(tmp_path: Path, packages: Path) -> None:
    user = make_wheel(packages, "user", "1.0", "Requires-Dist: used>=1")
    make_wheel(packages, "used", "1.0")
    done = install(tmp_path, packages, user)
    assert done.returncode != 0
    assert "user 1.0 requires used, which is not installed" in done.stdout


def test_an_environment_that_is_there_is_made_anew(tmp_path: Path, packages: Path) -> None:
    old = make_wheel(packages, "old", "1.0")
    new = make_wheel(packages, "new", "1.0")
    assert install(tmp_path, packages, old).returncode == 0
    done = install(tmp_path, packages, new)
    assert done.returncode == 0, done.stderr
    python = tmp_path / "venv" / "bin" / "python"
    assert subprocess.run([python, "-c", "import old"], check=False).returncode != 0


def test_another_file_than_the_locked_one_is_refused(tmp_path: Path, packages: Path) -> None:
    pin = make_wheel(packages, "used", "1.0")
    make_wheel(packages, "used", "1.0", "Summary: built again")
    done = install(tmp_path, packages, pin)
    assert done.returncode != 0
    assert "DO NOT MATCH THE HASHES" in done.stderr
