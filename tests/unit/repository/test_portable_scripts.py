# SPDX-License-Identifier: Apache-2.0
"""The scripts of `make demo` run with bash 3.2 and without GNU's tools, as macOS has it.

On Linux: bash as POSIX wants it, busybox's tools, and none that macOS lacks. On macOS: its own.
"""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[3]
KIND = ROOT / "tests" / "kind"
MACOS = sys.platform == "darwin"
IN_A_NODE = {"pod-network.sh", "node-setup.sh", "runc-without-sys-resource.sh"}
SCRIPTS = sorted(
    path
    for folder in ("tests", "tests/kind", "tests/matrix", "deploy")
    for path in (ROOT / folder).glob("*.sh")
)
APPLETS = """
awk basename cat chmod comm cp cut date dirname env false find grep head id ls ln mkdir mktemp mv
paste printf readlink rm rmdir sed seq sh sleep sort tail tar tee touch tr true uniq wc which xargs
"""
"""What macOS has as well, by POSIX or by BSD."""
FAKES = {
    "uname": "case $* in -m) echo arm64 ;; *) echo Darwin ;; esac",
    "shasum": '[ "$1 $2" = "-a 256" ] && shift 2 && exec sha256 "$@"',
    "git": "exit 0",
    "make": "exit 0",
    "curl": 'echo "hello"',
    "docker": """
case $* in
  "version --format {{.Server.Arch}}") echo arm64 ;;
  info*) echo "Docker Desktop" ;;
  "image inspect "*) exit 1 ;;
  "pull "*) echo "Pulling from a registry" ;;
esac""",
    "kind": """
case $* in
  "create cluster"*) cat >"$CALLS/kind.config" ;;
  "get nodes"*) printf '%s\\n' control-plane worker worker2 ;;
esac""",
    "kubectl": """
case $* in
  *status.urls*) printf '%s\\n' http://172.18.0.2:30000 http://localhost:30000 ;;
esac""",
    "helm": """
while [ $# != 0 ]; do
  [ "$1" != --values ] || cp "$2" "$CALLS/helm.values"
  shift
done""",
    "python3": """
while [ $# != 0 ]; do
  [ "$1" != --dest ] || { mkdir -p "$2"; touch "$2/package.whl"; }
  shift
done""",
}
"""Programs that are not part of the system: each writes down how it is called."""
SYSTEM = {"uname", "shasum"}
"""Those among them that a Mac has itself."""
NEWER_BASH = re.compile(
    r"""\b(mapfile|readarray|coproc)\b
    | \b(declare|local|typeset)\s+-[a-zA-Z]*[nAglu]
    | \$\{[^}]*(,,?|\^\^?)\}
    | \$\{[^}]*@[QEPAKaku]\}
    | \bexec\s+\{ | [&]>> | \|& | \bwait\s+-n | \[\[\s+-v\s | %\([^)]*\)T""",
    re.VERBOSE,
)
"""What came with bash 4.0 or later."""

Result = subprocess.CompletedProcess[str]


class Machine:
    """A Mac, as far as scripts can tell, with a clone of the repository."""

    def __init__(self, folder: Path) -> None:
        self.clone = folder / "clone"
        self._programs = folder / "programs"
        self._system = folder / "system"
        self._programs.mkdir()
        self._system.mkdir()
        self._calls = folder / "calls"
        self._calls.mkdir()
        copy = ("tests/kind", "deploy", "operator/exposedapp", "requirements.lock")
        for path in copy:
            target = self.clone / path
            target.parent.mkdir(parents=True, exist_ok=True)
            copied = shutil.copytree if (ROOT / path).is_dir() else shutil.copy
            copied(ROOT / path, target)
        if not MACOS:
            self._install_busybox()
        for name, code in FAKES.items():
            if not (MACOS and name in SYSTEM):
                self.install(name, code)

    def _install_busybox(self) -> None:
        busybox = ROOT / "build" / "bin" / "busybox"
        assert busybox.exists(), "run tests/kind/debian-tools.sh busybox shellcheck"
        for applet in APPLETS.split():
            (self._system / applet).symlink_to(busybox)
        (self._system / "sha256").write_text(f'#!/bin/sh\nexec {busybox} sha256sum "$@"\n')
        (self._system / "bash").write_text(f'#!/bin/sh\nexec {shutil.which("bash")} --posix "$@"\n')
        for name in ("sha256", "bash"):
            (self._system / name).chmod(0o755)

    def install(self, name: str, code: str) -> None:
        path = self._programs / name
        path.write_text(f'#!/bin/sh\necho "$*" >>"$CALLS/{name}"\n{code}\n')
        path.chmod(0o755)

    def remove(self, *names: str) -> None:
        for name in names:
            (self._programs / name).unlink()

    @property
    def environment(self) -> dict[str, str]:
        system = "/usr/bin:/bin" if MACOS else str(self._system)
        path = f"{self._programs}:{system}"
        return {"PATH": path, "HOME": str(self.clone), "CALLS": str(self._calls)}

    def run(self, script: str, *arguments: str) -> Result:
        return subprocess.run(
            ["/usr/bin/env", "bash", self.clone / script, *arguments],
            env=self.environment,
            cwd=self.clone,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

    def calls(self, name: str) -> str:
        path = self._calls / name
        return path.read_text() if path.exists() else ""

    def file(self, name: str) -> str:
        return (self._calls / name).read_text()


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_the_demo_shows_urls_at_localhost(machine: Machine) -> None:
    done = machine.run("tests/kind/demo.sh")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "http://localhost:30000  hello" in done.stdout
    assert "172.18.0.2" not in machine.calls("curl")


def test_the_cluster_maps_the_ports_that_the_chart_lists(machine: Machine) -> None:
    assert machine.run("tests/kind/demo.sh").returncode == 0
    cluster = yaml.safe_load(machine.file("kind.config"))
    mappings = cluster["nodes"][0]["extraPortMappings"]
    assert yaml.safe_load(machine.file("helm.values")) == {"portMappings": mappings}
    ports = [mapping["containerPort"] for mapping in mappings]
    assert ports == [mapping["hostPort"] for mapping in mappings]
    for patch in map(yaml.safe_load, cluster["kubeadmConfigPatches"]):
        assert f"{ports[0]}-{ports[-1]}" in str(patch) or patch["kind"] == "KubeletConfiguration"


def test_images_are_for_the_engine_s_machine(machine: Machine) -> None:
    assert machine.run("tests/kind/demo.sh").returncode == 0
    assert "--platform manylinux_2_28_aarch64" in machine.calls("python3")
    builds = [call for call in machine.calls("docker").splitlines() if call.startswith("build ")]
    assert [context.split("/")[-1] for context in builds] == ["context-demo", "context-operator"]
    context = machine.clone / "build" / "context-operator"
    assert (context / "wheels" / "package.whl").is_file()
    assert (context / "operator" / "exposedapp" / "main.py").is_file()


def test_what_has_not_changed_has_the_same_tag(machine: Machine) -> None:
    assert machine.run("tests/kind/images.sh", "build").returncode == 0
    before = (machine.clone / "build" / "images.env").read_text()
    assert machine.run("tests/kind/images.sh", "build").returncode == 0
    assert (machine.clone / "build" / "images.env").read_text() == before
    with (machine.clone / "operator" / "exposedapp" / "main.py").open("a") as module:
        module.write("\n")
    assert machine.run("tests/kind/images.sh", "build").returncode == 0
    assert (machine.clone / "build" / "images.env").read_text() != before


def test_without_a_registry_there_is_no_node_image(machine: Machine) -> None:
    machine.install("docker", FAKES["docker"].replace('echo "Pulling from a registry"', "exit 1"))
    machine.install("go", "exit 0")
    done = machine.run("tests/kind/node-image.sh")
    assert done.returncode != 0
    assert "only Linux can build one" in done.stderr


def test_all_that_is_missing_is_said_at_once(machine: Machine) -> None:
    machine.install("docker", "exit 1")
    machine.remove("kind", "helm")
    done = machine.run("tests/kind/demo.sh")
    assert done.returncode == 1
    lines = done.stderr.splitlines()
    named = ("a Docker engine", "Go 1.21 or newer (https://go.dev/dl/), or else kind", "helm")
    assert len(lines) == len(named), lines
    for line, name in zip(lines, named, strict=True):
        assert line.startswith("missing: ")
        assert name in line
    assert machine.calls("kubectl") == ""


def test_nothing_is_missing_here(machine: Machine) -> None:
    done = machine.run("tests/kind/requirements.sh")
    assert (done.returncode, done.stderr) == (0, "")


def hold_lock(machine: Machine, then: str) -> "subprocess.Popen[str]":
    code = f". {machine.clone}/tests/kind/common.sh; alone example; {then}"
    return subprocess.Popen(
        ["/usr/bin/env", "bash", "-euc", code],
        env=machine.environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_one_at_a_time(machine: Machine) -> None:
    with hold_lock(machine, "echo held; read -r _") as first:
        assert first.stdout
        assert first.stdout.readline() == "held\n"
        with hold_lock(machine, "echo held") as second:
            assert second.stderr
            assert "waiting for another run (example)" in second.stderr.readline()
            first.kill()
            first.wait()  # a zombie still has its process ID
            assert second.communicate(timeout=30)[0] == "held\n"


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_script_needs_a_newer_bash(script: Path) -> None:
    text = script.read_text()
    if script.name in IN_A_NODE or text.startswith("#!/bin/sh"):
        return
    code = [line.partition("  # ")[0] for line in text.splitlines() if not line.startswith("#")]
    assert [line for line in code if NEWER_BASH.search(line)] == []


@pytest.mark.skipif(MACOS, reason="the same files are checked on Linux")
def test_shellcheck_accepts_the_scripts() -> None:
    shellcheck = ROOT / "build" / "bin" / "shellcheck"
    assert shellcheck.exists() or shutil.which("shellcheck"), (
        "run tests/kind/debian-tools.sh shellcheck"
    )
    program = shellcheck if shellcheck.exists() else "shellcheck"
    done = subprocess.run(
        [program, *SCRIPTS], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.stdout == ""
