# SPDX-License-Identifier: Apache-2.0
"""deploy/image.sh, run with a docker that writes down how it is called."""

import os
import re
import subprocess
from pathlib import Path

import pytest

import exposedapp

ROOT = Path(__file__).parents[3]
IMAGE = "registry.example/exposedapp:1.2.3"
BASE = "python:3.11-slim-bookworm"
VERSION = f"--label org.opencontainers.image.version={exposedapp.__version__}"
DOCKER = """\
#!/bin/sh
echo "$@" >> "$0.calls"
case "$1 $2" in
  "image inspect") exit 1 ;;
  "pull "*) [ -z "$NO_REGISTRY" ] ;;
esac
"""

Result = subprocess.CompletedProcess[str]


class Docker:
    """The program, and what runs with it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        (folder / "docker").write_text(DOCKER)
        (folder / "docker").chmod(0o755)

    def run(self, *command: str | Path, **environment: str) -> Result:
        path = f"{self._folder}:{os.environ['PATH']}"
        return subprocess.run(
            command,
            cwd=ROOT,
            env={**os.environ, "PATH": path, **environment},
            capture_output=True,
            text=True,
            check=False,
        )

    @property
    def calls(self) -> list[str]:
        """Without the label of the commit, which differs from one to the next."""
        text = (self._folder / "docker.calls").read_text()
        return re.sub(r" --label org.opencontainers.image.revision=\w+", "", text).splitlines()


@pytest.fixture
def docker(tmp_path: Path) -> Docker:
    return Docker(tmp_path)


def image(docker: Docker, *arguments: str, **environment: str) -> Result:
    return docker.run(ROOT / "deploy" / "image.sh", *arguments, **environment)


def test_builds_with_plain_docker(docker: Docker) -> None:
    assert image(docker, "operator", IMAGE).returncode == 0
    assert docker.calls == [
        f"image inspect {BASE}",
        f"pull {BASE}",
        f"build --build-arg BASE={BASE} --file deploy/Dockerfile --tag {IMAGE} {VERSION} .",
    ]


def test_pushes_what_was_built(docker: Docker) -> None:
    assert image(docker, "--push", "demo", IMAGE).returncode == 0
    assert docker.calls[-2:] == [
        f"build --build-arg BASE={BASE} --file deploy/demo/Dockerfile --tag {IMAGE} {VERSION} .",
        f"push {IMAGE}",
    ]


def test_several_platforms_are_built_and_pushed_by_buildx(docker: Docker) -> None:
    platforms = "linux/amd64,linux/arm64"
    assert image(docker, "--push", "operator", IMAGE, PLATFORMS=platforms).returncode == 0
    assert docker.calls == [
        f"buildx build --platform {platforms} --sbom=true --provenance=mode=max "
        f"--build-arg BASE={BASE} --file deploy/Dockerfile --tag {IMAGE} {VERSION} --push ."
    ]


def test_the_image_names_the_commit_that_it_is_built_from(docker: Docker, tmp_path: Path) -> None:
    assert image(docker, "operator", IMAGE).returncode == 0
    commit = docker.run("git", "rev-parse", "HEAD").stdout.strip()
    calls = (tmp_path / "docker.calls").read_text()
    assert f"--label org.opencontainers.image.revision={commit}" in calls


def test_several_platforms_without_a_push_are_refused(docker: Docker) -> None:
    result = image(docker, "operator", IMAGE, PLATFORMS="linux/amd64,linux/arm64")
    assert result.returncode == 2
    assert "make push" in result.stderr


def test_another_base_that_cannot_be_pulled_ends_it(docker: Docker) -> None:
    result = image(docker, "operator", IMAGE, BASE="mirror.example/python:3.11", NO_REGISTRY="yes")
    assert result.returncode == 1
    assert docker.calls[-1] == "pull mirror.example/python:3.11"


@pytest.mark.parametrize("arguments", [(), ("operator",), ("operator", ""), ("chart", IMAGE)])
def test_anything_else_is_explained(docker: Docker, arguments: tuple[str, ...]) -> None:
    result = image(docker, *arguments)
    assert result.returncode == 2
    assert "REGISTRY/NAME:TAG" in result.stderr


def test_make_builds_the_operator_and_the_demo_by_name(docker: Docker) -> None:
    done = docker.run("make", "push", f"IMAGE={IMAGE}", "DEMO_IMAGE=registry.example/demo:1")
    assert done.returncode == 0, done.stderr
    pushed = [call for call in docker.calls if call.startswith("push ")]
    assert pushed == [f"push {IMAGE}", "push registry.example/demo:1"]


def test_make_without_a_name_says_what_to_write(docker: Docker) -> None:
    done = docker.run("make", "image")
    assert done.returncode != 0
    assert "make image IMAGE=" in done.stderr


def test_the_build_context_is_what_the_dockerfiles_copy(docker: Docker) -> None:
    """What .dockerignore lets through is there, and nothing else is copied."""
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    allowed = {line.removeprefix("!") for line in lines if line.startswith("!")}
    assert all((ROOT / path).exists() for path in allowed)
    copied = set[str]()
    for dockerfile in ("deploy/Dockerfile", "deploy/demo/Dockerfile"):
        for line in (ROOT / dockerfile).read_text().splitlines():
            if line.startswith("COPY ") and "--from" not in line:
                copied.update(line.split()[1:-1])
    assert copied - {"wheel[s]"} == allowed
