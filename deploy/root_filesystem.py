# SPDX-License-Identifier: Apache-2.0
"""Writes the root filesystem of the operator's image: Python, what it links to, and the packages.

Run as root by deploy/Dockerfile, in the stage that has pip and a shell; the image gets neither:

    python3 root_filesystem.py FOLDER

What is removed is what the operator cannot import, or what is never imported by it. That is proven
here by importing the operator inside of FOLDER, and by tests/unit/process/test_image_contents.py.
"""

import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterable, Iterator
from pathlib import Path

IMPORT = "import exposedapp.main, exposedapp.catalog.__main__"
APP = Path("/app")
PACKAGES = Path("/packages")

NOT_CODE = ("__pycache__", "tests", "*_test.py", "*.pyi", "*.pyx", "*.pxd", "*.c", "*.h", "*.a")
"""Tests, type stubs, and sources of what is compiled, in any folder."""
UNUSED_STDLIB = (
    "test", "idlelib", "tkinter", "turtledemo", "turtle.py", "lib2to3", "ensurepip", "venv",
    "pydoc_data", "distutils", "sqlite3", "_sqlite3.*", "curses", "_curses*", "readline.*", "nis.*",
    "config-*", "site-packages", "dist-packages", "EXTERNALLY-MANAGED",
)  # fmt: skip
"""Installers, editors, terminals and databases; some need libraries of several megabytes."""
GENERATED = ("client/api", "client/models", "aio/client/api", "aio/client/models")
"""In the package kubernetes: one module per resource and type, each imported at its first use. The
operator sends plain JSON and uses none of them; they are more than half of all packages."""

OPENED_AT_RUN_TIME = ("libgcc_s.so.1",)
"""Libraries that nothing links to: glibc opens this one when a thread ends, and aborts without."""
FILES = ("/etc/ld.so.cache", "/etc/os-release", "/etc/ssl/certs/ca-certificates.crt")
"""Copied where they exist: where the libraries are, the system's name for scanners, trusted CAs."""
WRITTEN = {
    "etc/passwd": "root:x:0:0:root:/:\nexposedapp:x:65532:65532::/:\n",
    "etc/group": "root:x:0:\nexposedapp:x:65532:\n",
    "etc/nsswitch.conf": "hosts: files dns\n",
}


def main(root: Path) -> None:
    """Write the root filesystem into an empty or missing folder."""
    python = Path(sys.executable).resolve()
    libraries = Path(sysconfig.get_path("stdlib"))
    link_merged_folders(root)
    copy_tree(libraries, root, NOT_CODE + UNUSED_STDLIB)
    copy_tree(APP, root, NOT_CODE)
    copy_tree(PACKAGES, root, NOT_CODE)
    copy_file(python, root)
    python3 = inside(root, python.with_name("python3"))
    if not python3.exists():
        python3.symlink_to(python.name)
    needed = sorted(shared_libraries(inside(root, python), root))
    for path in (*needed, *map(Path, FILES)):
        copy_file(path, root)
    write_package_list(root, (*needed, python, Path(os.__file__)))
    for name, text in WRITTEN.items():
        inside(root, Path("/", name)).write_text(text)
    inside(root, Path("/tmp")).mkdir(mode=0o1777)  # noqa: S108 - the image's
    inside(root, Path("/tmp")).chmod(0o1777)  # noqa: S108 - mkdir heeds the umask
    import_inside(root)  # writes the bytecode of what is imported, and of nothing else
    trim(root / PACKAGES.relative_to("/") / "kubernetes")
    import_inside(root)


def trim(kubernetes: Path) -> None:
    """Remove the generated modules of the client library that have no bytecode: none was imported.

    Raises ValueError when the library has other folders than those that are known here.
    """
    for folder in GENERATED:
        modules = [
            path for path in (kubernetes / folder).glob("*.py") if path.name != "__init__.py"
        ]
        if not modules:
            raise ValueError(f"{kubernetes} has no generated modules in {folder}")
        for module in modules:
            if not any((module.parent / "__pycache__").glob(f"{module.stem}.*.pyc")):
                module.unlink()


def inside(root: Path, path: Path) -> Path:
    """Where a path of this system is in the new root filesystem."""
    return root / path.relative_to("/")


def link_merged_folders(root: Path) -> None:
    """/lib -> usr/lib and the like, as this system has them: a program names its loader by such."""
    root.mkdir(parents=True, exist_ok=True)
    for name in ("bin", "lib", "lib64"):
        link = Path("/", name)
        if link.is_symlink():
            (root / name).symlink_to(link.readlink())


def copy_tree(folder: Path, root: Path, ignored: tuple[str, ...]) -> None:
    """Copy a folder to the same place."""
    shutil.copytree(
        folder,
        inside(root, folder.resolve()),
        symlinks=True,
        ignore=shutil.ignore_patterns(*ignored),
    )


def copy_file(path: Path, root: Path) -> None:
    """Copy a file, or what a link leads to, to the same place; a file that is missing is none."""
    target = inside(root, path.parent.resolve() / path.name)
    if path.exists() and not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, target)


def shared_libraries(python: Path, root: Path) -> Iterator[Path]:
    """Each library of this system that Python or a compiled module in the root links to.

    Raises ValueError when one is missing.
    """
    compiled = [python, *(path for path in root.rglob("*.so") if path.is_file())]
    words = set[str]()
    for path in compiled:
        output = run("ldd", str(path))
        if "not found" in output:  # some packages would go on without, with slower code
            raise ValueError(f"a library of {path} is missing:\n{output}")
        words.update(output.split())
    for name in OPENED_AT_RUN_TIME:
        yield next(path for path in Path("/lib").glob(f"*-linux-*/{name}"))
    for path in map(Path, words):
        if path.is_absolute() and path.is_file() and not path.is_relative_to(root):
            yield path


def write_package_list(root: Path, paths: Iterable[Path]) -> None:
    """Record which Debian packages the files are from; on another system nothing.

    Scanners look for it where distroless images have it: var/lib/dpkg/status.d/PACKAGE.
    """
    if not shutil.which("dpkg-query"):
        return
    names = {str(spelling) for path in paths for spelling in (path, path.resolve())}
    output = run("dpkg-query", "--search", *sorted(names), check=False)
    packages = {line.split(": ")[0] for line in output.splitlines()}
    folder = inside(root, Path("/var/lib/dpkg/status.d"))
    folder.mkdir(parents=True)
    for package in packages:
        (folder / package.split(":")[0]).write_text(run("dpkg-query", "--status", package))


def import_inside(root: Path) -> None:
    """Import the operator with the new root filesystem as the root."""
    run("chroot", str(root), sys.executable, "-c", IMPORT)


def run(*command: str, check: bool = True) -> str:
    """What a program prints. Its errors are shown as they are."""
    done = subprocess.run(command, check=check, stdout=subprocess.PIPE, text=True)  # noqa: S603
    return done.stdout


if __name__ == "__main__":
    main(Path(sys.argv[1]))
