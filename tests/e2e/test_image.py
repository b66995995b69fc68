# SPDX-License-Identifier: Apache-2.0
"""The operator's image: small, with what it needs alone. Needs Docker, and no cluster."""

import json
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import PurePosixPath

import pytest

from e2e.support import built_image

MAX_BYTES = 120_000_000
NOT_THERE = {
    "sh",
    "bash",
    "dash",
    "apt",
    "apt-get",
    "dpkg",
    "perl",
    "pip",
    "pip3",
    "ldd",
    "busybox",
}


def docker(*command: str) -> str:
    return subprocess.run(["docker", *command], capture_output=True, text=True, check=True).stdout


@pytest.fixture(scope="module")
def image() -> str:
    return built_image("OPERATOR_IMAGE")


@pytest.fixture(scope="module")
def files(image: str) -> Iterator[dict[PurePosixPath, int]]:
    """Each file of the unpacked image, with its size."""
    container = docker("create", image).strip()
    try:
        with (
            subprocess.Popen(["docker", "export", container], stdout=subprocess.PIPE) as export,
            tarfile.open(fileobj=export.stdout, mode="r|") as archive,
        ):
            yield {
                PurePosixPath(member.name): member.size
                for member in archive
                if member.isfile() or member.issym()
            }
    finally:
        docker("rm", container)


def test_it_is_small(files: dict[PurePosixPath, int]) -> None:
    assert sum(files.values()) < MAX_BYTES


def test_there_is_no_shell_and_nothing_to_install_with(files: dict[PurePosixPath, int]) -> None:
    assert {path.name for path in files if "bin" in path.parts} & NOT_THERE == set()
    assert [path for path in files if "pip" in path.parts or "ensurepip" in path.parts] == []


def test_scanners_find_what_it_is_made_of(files: dict[PurePosixPath, int]) -> None:
    packages = {path.name for path in files if path.is_relative_to("var/lib/dpkg/status.d")}
    assert "libc6" in packages
    assert any(path.parent.name.startswith("kopf-") and path.name == "METADATA" for path in files)


def test_it_says_what_it_is(image: str) -> None:
    [config] = json.loads(docker("image", "inspect", image))
    labels = config["Config"]["Labels"]
    assert labels["org.opencontainers.image.licenses"] == "Apache-2.0"
    assert labels["org.opencontainers.image.title"]
    assert labels["org.opencontainers.image.description"]
    assert config["Config"]["User"] == "65532:65532"


@pytest.mark.parametrize("user", ["65532:65532", "1000700000:0"], ids=["ours", "a platform's"])
def test_it_starts_as_any_user_on_a_filesystem_that_it_cannot_write_to(
    image: str, user: str
) -> None:
    run = ["docker", "run", "--rm", "--read-only", "--network=none", f"--user={user}"]
    done = subprocess.run([*run, image], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "kube-config" in done.stderr  # there is no cluster


def test_threads_tls_and_names_work(image: str) -> None:
    """What glibc, OpenSSL and Python open at run time only, and no link names."""
    code = (
        "import ssl, socket, threading, encodings.idna, hashlib, zoneinfo, decimal, ctypes\n"
        "ssl.create_default_context()\n"
        "thread = threading.Thread(target=hashlib.sha256); thread.start(); thread.join()\n"
        "print(socket.getaddrinfo('localhost', 80)[0][4][0])"
    )
    output = docker("run", "--rm", "--read-only", "--entrypoint=python3", image, "-c", code)
    assert output.strip() in {"127.0.0.1", "::1"}
