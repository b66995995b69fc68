# SPDX-License-Identifier: Apache-2.0
"""What is installed with what: the command line, the operator, the files of a release."""

import importlib.util
import os
import platform
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path
from types import ModuleType

import grimp
import pytest
import yaml

ROOT = Path(__file__).parents[3]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
BASE: list[str] = PROJECT["dependencies"]
OPERATOR: list[str] = PROJECT["optional-dependencies"]["operator"]

PARTS_OF_OTHERS = {"yarl": "aiohttp", "markupsafe": "jinja2"}
"""Imported, too, and part of another package's interface."""

MACHINES = {"x86_64": "amd64", "aarch64": "arm64"}


def names(requirements: list[str]) -> set[str]:
    return {re.split(r"[^\w-]", requirement)[0] for requirement in requirements}


@cache
def import_graph() -> grimp.ImportGraph:
    return grimp.build_graph("exposedapp", include_external_packages=True, cache_dir=None)


def imports_of(*modules: str) -> set[str]:
    """The distributions that these modules import, or modules that these import."""
    upstream = {
        name.partition(".")[0]
        for module in modules
        for name in import_graph().find_upstream_modules(module, as_package=True)
    }
    distributions = packages_distributions()
    return {
        PARTS_OF_OTHERS.get(module, distributions[module][0].lower().replace("_", "-"))
        for module in upstream - sys.stdlib_module_names - {"exposedapp"}
    }


def test_the_command_line_needs_the_base_alone() -> None:
    assert imports_of("exposedapp.cli") == names(BASE)


def test_the_operator_needs_its_extra_alone() -> None:
    """Its image has what requirements.lock names, and that is made of this list."""
    assert imports_of("exposedapp.main", "exposedapp.api.crd", "exposedapp.catalog") == names(
        OPERATOR
    )


def test_both_ask_for_the_same_versions() -> None:
    shared = names(BASE) & names(OPERATOR)
    assert shared
    for requirements in (BASE, OPERATOR):
        assert {item for item in BASE if names([item]) <= shared} <= set(requirements)


def test_uvloop_is_not_for_windows() -> None:
    windows = "sys_platform != 'win32'"
    assert [item for item in OPERATOR if "uvloop" in item and windows in item]
    for lock in ("requirements.lock", "requirements-dev.lock"):
        pins = re.findall(r"^uvloop==.*$", (ROOT / lock).read_text(), re.MULTILINE)
        assert [windows in pin for pin in pins] == [True]


@pytest.mark.parametrize("lock", ["requirements-cli.lock", "requirements.lock"])
def test_the_locks_agree(lock: str) -> None:
    development = (ROOT / "requirements-dev.lock").read_text()
    pins = re.findall(r"^([\w.-]+==[\w.]+)", (ROOT / lock).read_text(), re.MULTILINE)
    assert pins
    assert [pin for pin in pins if f"\n{pin} " not in f"\n{development}"] == []


def test_the_lock_of_the_command_line_has_its_packages_and_not_the_operators() -> None:
    pins = set(
        re.findall(r"^([\w.-]+)==", (ROOT / "requirements-cli.lock").read_text(), re.MULTILINE)
    )
    assert names(BASE) <= pins
    assert pins & (names(OPERATOR) - names(BASE)) == set()


@pytest.fixture(scope="module")
def zipapp() -> Path:
    """The file for this machine, which `make unit` builds beforehand."""
    system, machine = platform.system().lower(), platform.machine()
    return ROOT / "build" / "dist" / f"exposedapp-{system}-{MACHINES.get(machine, machine)}.pyz"


def run_zipapp(zipapp: Path, tmp_path: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run the file alone: no environment of this repository, and another home."""
    plugin = tmp_path / "kubectl-exposedapp"
    plugin.unlink(missing_ok=True)
    plugin.symlink_to(zipapp)
    python = tmp_path / "bin" / "python3"
    python.parent.mkdir(exist_ok=True)
    python.unlink(missing_ok=True)
    python.symlink_to(Path(sys.base_prefix) / "bin" / "python3")
    path = f"{python.parent}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        [plugin, *words],
        env={"PATH": path, "HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_single_file_runs_each_kind_of_command(zipapp: Path, tmp_path: Path) -> None:
    example = ROOT / "deploy" / "examples" / "hello.yaml"
    rendered = run_zipapp(zipapp, tmp_path, "render", "-f", str(example))
    assert [body["kind"] for body in yaml.safe_load_all(rendered.stdout)] == [
        "Deployment",
        "Service",
    ], rendered.stderr

    usage = run_zipapp(zipapp, tmp_path, "create")
    assert usage.stderr.startswith("Usage: kubectl exposedapp create"), usage.stderr

    # The client library is loaded for it.
    doctor = run_zipapp(zipapp, tmp_path, "doctor", "hello")
    assert (doctor.returncode, doctor.stdout) == (4, "")
    assert doctor.stderr.startswith("Error: there is no kubeconfig"), doctor.stderr


def test_another_python_is_refused(zipapp: Path, tmp_path: Path) -> None:
    code = (
        "import runpy, sys; sys.version_info = (3, 9, 0); sys.path.insert(0, sys.argv[1]);"
        "runpy.run_path(sys.argv[1], run_name='__main__')"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, zipapp], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert done.stderr == "exposedapp needs one of the Pythons cp311, cp312, cp313, cp314\n"


@pytest.fixture(scope="module")
def krew() -> ModuleType:
    path = ROOT / "deploy" / "krew" / "manifest.py"
    spec = importlib.util.spec_from_file_location("krew_manifest", path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


PLATFORMS = ["darwin-arm64", "linux-amd64"]


def test_the_manifest_for_krew(krew: ModuleType, tmp_path: Path) -> None:
    """By the rules that krew checks. Source: ValidatePlugin in krew, internal/index/validation."""
    for name in PLATFORMS:
        (tmp_path / f"exposedapp-{name}.pyz").write_text(name)
    manifest = krew.make_manifest(tmp_path, "1.2.3", "https://x.example", "https://y.example/v1")
    assert manifest["apiVersion"] == "krew.googlecontainertools.github.com/v1alpha2"
    assert manifest["kind"] == "Plugin"
    assert manifest["metadata"]["name"] == krew.TEMPLATE.stem
    spec = manifest["spec"]
    assert (spec["version"], spec["homepage"]) == ("v1.2.3", "https://x.example")
    assert 0 < len(spec["shortDescription"]) <= 50
    assert "\n" not in spec["shortDescription"]
    assert len(spec["platforms"]) == len(PLATFORMS)
    for name, entry in zip(PLATFORMS, spec["platforms"], strict=True):
        system, _, machine = name.partition("-")
        assert entry["selector"]["matchLabels"] == {"os": system, "arch": machine}
        assert entry["uri"] == f"https://y.example/v1/exposedapp-{name}.tar.gz"
        archive = tmp_path / f"exposedapp-{name}.tar.gz"
        digest = subprocess.check_output(["sha256sum", archive], text=True).split()[0]
        assert entry["sha256"] == digest
        with tarfile.open(archive) as tar:
            assert tar.getnames() == [entry["bin"], "LICENSE"]
            assert tar.getmember(entry["bin"]).mode & 0o111
        assert entry["files"] == [{"from": "*", "to": "."}]


def test_archives_of_the_same_files_are_the_same(krew: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "exposedapp-linux-amd64.pyz").write_text("x")
    words = ("1.2.3", "https://x.example", "https://y.example")
    first = krew.make_manifest(tmp_path, *words)
    shutil.copy(tmp_path / "exposedapp-linux-amd64.pyz", tmp_path / "copy")
    (tmp_path / "copy").replace(tmp_path / "exposedapp-linux-amd64.pyz")
    assert krew.make_manifest(tmp_path, *words) == first


def test_without_files_there_is_no_manifest(krew: ModuleType, tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="run deploy/zipapp"):
        krew.make_manifest(tmp_path, "1", "https://x.example", "https://y.example")
