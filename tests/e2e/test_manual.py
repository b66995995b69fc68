# SPDX-License-Identifier: Apache-2.0
"""The commands of the documents, run page by page as they are written; output is compared."""

import os
import re
import selectors
import shlex
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

from e2e.conftest import BIN
from e2e.support import DEMO_IMAGE, ROOT, Namespace
from support.manual import PAGES, PRINTS, STAYS_OPEN, Block, blocks, comparable

pytestmark = pytest.mark.shares_cluster

PUBLIC_IMAGE = "docker.io/nginxinc/nginx-unprivileged:stable"
"""That of the pages; the cluster has the demo's in its place, which listens on the same port."""
BLOCK_SECONDS = 180
STARTS_SECONDS = 30

RUN = [page for page in PAGES if any(block.is_run for block in blocks(page.read_text()))]


class Shell:
    """A reader's shell, in a folder with deploy/ and the files that the page shows."""

    def __init__(self, folder: Path, namespace: Namespace) -> None:
        self._folder = folder
        self._namespace = namespace
        (folder / "deploy").symlink_to(ROOT / "deploy")
        programs = folder / "programs"
        programs.mkdir()
        command = f'exec {shlex.quote(sys.executable)} -m exposedapp.cli "$@"'
        (programs / "exposedapp").write_text(f"#!/bin/sh\n{command}\n")
        (programs / "exposedapp").chmod(0o755)
        self._environment = {
            **os.environ,
            "KUBECONFIG": str(self._kubeconfig()),
            "PATH": f"{programs}:{BIN}:{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT / "operator"),
            "PYTHONUNBUFFERED": "1",  # what goes to a pipe has the order of a terminal
        }

    def _kubeconfig(self) -> Path:
        """A copy of the cluster's whose context has the test's namespace."""
        path = self._folder / "kubeconfig"
        path.write_bytes(Path(self._namespace.cluster.kubeconfig_path).read_bytes())
        command = ["config", "set-context", "--current", f"--namespace={self._namespace.name}"]
        self._namespace.kubectl(f"--kubeconfig={path}", *command)
        return path

    def write(self, block: Block) -> None:
        """Make a file that the page shows."""
        (self._folder / block.title).write_text(block.text.replace(PUBLIC_IMAGE, DEMO_IMAGE))

    def run(self, commands: str) -> str:
        """What commands print; they must succeed."""
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", commands],
            cwd=self._folder,
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,  # a terminal shows both
            text=True,
            timeout=BLOCK_SECONDS,
            check=False,
        )
        assert done.returncode == 0, f"{commands}\n{done.stdout}"
        return done.stdout.replace(self._namespace.name, "default")

    def open(self, block: Block, ends: ExitStack) -> None:
        """Start a command that stays open, and wait until it prints something."""
        process = subprocess.Popen(
            ["bash", "-c", f"exec {block.text}"],
            cwd=self._folder,
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        ends.enter_context(process)
        ends.callback(process.kill)
        assert process.stdout
        with selectors.DefaultSelector() as selector:
            selector.register(process.stdout, selectors.EVENT_READ)
            assert selector.select(STARTS_SECONDS), f"{block.text} prints nothing"
        assert process.poll() is None, process.stdout.read()


def chosen_ports(page: str) -> set[str]:
    """The node ports that the files of a page name."""
    return set(re.findall(r"nodePort: (\d+)", page))


@pytest.fixture
def shell(tmp_path: Path, namespace: Namespace) -> Shell:
    return Shell(tmp_path, namespace)


@pytest.mark.parametrize("page", RUN, ids=lambda page: page.stem)
def test_the_commands_of_a_page_do_what_it_says(page: Path, shell: Shell) -> None:
    text = page.read_text()
    printed = ""
    with ExitStack() as ends:
        for block in blocks(text):
            if block.language == "yaml" and block.title:
                shell.write(block)
            elif block.title == PRINTS:
                ports = chosen_ports(text)
                assert comparable(printed, ports) == comparable(block.text, ports)
            elif block.is_run and block.title == STAYS_OPEN:
                shell.open(block, ends)
            elif block.is_run and block.language == "console":
                for command, output in block.transcript():
                    assert comparable(shell.run(command), set()) == comparable(output, set())
            elif block.is_run:
                printed = shell.run(block.text)
