# SPDX-License-Identifier: Apache-2.0
"""What the image leaves out is what the operator does not import (deploy/root_filesystem.py)."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import kubernetes
import pytest

import root_filesystem
from support.http_api_server import HttpApiServer
from support.operator_process import ROOT, OperatorProcess

MAX_MODULES = 1_150
"""Each costs time at the start, and memory. The generated client alone has 1,800."""
MAX_GENERATED_MODULES = 5
"""The client library imports some by itself, for its leader election."""


def python(code: str, packages: Path) -> str:
    """What a new Python prints that finds these packages first, and writes their bytecode."""
    environment = {**os.environ, "PYTHONPATH": f"{ROOT / 'operator'}:{packages}"}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    return subprocess.check_output([sys.executable, "-c", code], env=environment, text=True)


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The client library as the image has it: what was installed, trimmed as the image is."""
    folder = tmp_path_factory.mktemp("packages")
    installed = Path(kubernetes.__file__).parent
    ignored = shutil.ignore_patterns(*root_filesystem.NOT_CODE)
    shutil.copytree(installed, folder / "kubernetes", ignore=ignored)
    python(root_filesystem.IMPORT, folder)
    root_filesystem.trim(folder / "kubernetes")
    return folder


@pytest.fixture
async def server() -> AsyncIterator[HttpApiServer]:
    async with HttpApiServer() as http_api_server:
        http_api_server.app("web")
        yield http_api_server


def test_the_generated_client_is_left_out(packages: Path) -> None:
    modules = [
        path
        for folder in root_filesystem.GENERATED
        for path in (packages / "kubernetes" / folder).glob("*.py")
    ]
    generated = [path.name for path in modules if path.name != "__init__.py"]
    assert len(generated) <= MAX_GENERATED_MODULES, generated
    size = sum(path.stat().st_size for path in (packages / "kubernetes").rglob("*.py"))
    assert size < 2_000_000


async def test_the_operator_runs_without_what_is_left_out(
    server: HttpApiServer, packages: Path, tmp_path: Path
) -> None:
    used = python("import kubernetes; print(kubernetes.__file__)", packages)
    assert Path(used.strip()).is_relative_to(packages)
    async with OperatorProcess(server, tmp_path, packages=packages) as operator:
        await operator.until_url("web")
        await operator.until_ready()
        assert await operator.metric("leader_election_master_status") == 1
        assert await operator.terminate() == 0
        assert "Traceback" not in operator.log


def test_the_operator_imports_few_modules(packages: Path) -> None:
    code = f"{root_filesystem.IMPORT}; import json, sys; print(json.dumps(list(sys.modules)))"
    modules = json.loads(python(code, packages))
    assert len(modules) < MAX_MODULES
    installers_and_tools = ("pip", "setuptools", "typer", "rich", "pytest", "unittest")
    assert [name for name in modules if name.split(".")[0] in installers_and_tools] == []


def test_another_layout_of_the_client_library_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="has no generated modules in client/api"):
        root_filesystem.trim(tmp_path)
