# SPDX-License-Identifier: Apache-2.0
"""The commands in the chart's notes, pasted into a shell as Helm prints them."""

import os
import subprocess
from pathlib import Path

import pytest
import yaml

from exposedapp.api.app import ExposedApp
from support.helm import DEPLOY, notes
from support.manual import blocks

KUBECTL = """\
#!/bin/sh
echo "$@" >> "$0.calls"
case "$*" in *"-f -"*) cat > "$0.stdin" ;; esac
"""
PASTE_SECONDS = 10


def commands(text: str) -> str:
    """The paragraphs that begin with a command."""
    paragraphs = text.split("\n\n")
    return "\n\n".join(part for part in paragraphs if part.lstrip().startswith("kubectl ")) + "\n"


@pytest.fixture
def kubectl(tmp_path: Path) -> Path:
    """A kubectl that writes down how it is called."""
    program = tmp_path / "kubectl"
    program.write_text(KUBECTL)
    program.chmod(0o755)
    return program


def paste(text: str, kubectl: Path) -> list[str]:
    """Give the commands to a shell; how kubectl was called."""
    done = subprocess.run(
        ["bash", "-e"],
        input=commands(text),
        env={**os.environ, "PATH": f"{kubectl.parent}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        timeout=PASTE_SECONDS,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return Path(f"{kubectl}.calls").read_text().splitlines()


def test_pasted_into_a_shell_they_run_to_the_end(tmp_path: Path, kubectl: Path) -> None:
    assert paste(notes(tmp_path), kubectl) == [
        "--namespace somewhere rollout status deployment/exposedapp --timeout=2m",
        "apply -f -",
        "--namespace default wait --for=condition=Ready exposedapp/hello --timeout=2m",
        "--namespace default get exposedapps",
    ]
    app = yaml.safe_load(Path(f"{kubectl}.stdin").read_text())
    ExposedApp.model_validate(app)


def test_the_app_is_that_of_the_readme(tmp_path: Path, kubectl: Path) -> None:
    """A public image that runs without root, of a publisher that Docker Hub has verified."""
    paste(notes(tmp_path), kubectl)
    app = yaml.safe_load(Path(f"{kubectl}.stdin").read_text())
    readme = (DEPLOY.parent / "README.md").read_text()
    [shown] = [block.text for block in blocks(readme) if block.title == "hello.yaml"]
    assert app["spec"] == yaml.safe_load(shown)["spec"]


def test_without_the_crd_they_say_so(tmp_path: Path) -> None:
    assert "crds.install=false" in notes(tmp_path, "crds.install=false")


def test_with_the_catalog_they_lead_to_it(tmp_path: Path, kubectl: Path) -> None:
    calls = paste(notes(tmp_path, "catalog.enabled=true"), kubectl)
    command = "--namespace somewhere port-forward service/exposedapp-catalog 8080:80"
    assert calls[-1] == command
    page = (DEPLOY.parent / "docs" / "catalog.md").read_text()
    assert command.replace("somewhere", "exposedapp-system") in page
