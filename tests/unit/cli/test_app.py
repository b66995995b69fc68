# SPDX-License-Identifier: Apache-2.0
"""What all commands share: errors, help, version, completion, how they are installed."""

import os
import subprocess
import sys
import tomllib
from importlib import import_module
from pathlib import Path

import pytest

from exposedapp.cli.app import COMMANDS
from exposedapp.cli.exit_codes import EXIT_CODES_HELP
from exposedapp.version import __version__
from support.cli import API, FakeKube, Run

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("command", ["urls", "open", "wait"])
def test_no_such_app(run: Run, command: str) -> None:
    result = run(command, "missing")
    assert (result.exit_code, result.stdout) == (3, "")


def test_a_cluster_without_the_operator(run: Run, kube: FakeKube) -> None:
    del kube.responses[API]
    result = run("doctor", "missing")
    assert result.exit_code == 4
    assert "install the operator" in result.stderr


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_help_shows_the_exit_codes(run: Run, command: str) -> None:
    result = run(*filter(None, [command]), "--help")
    assert result.exit_code == 0
    assert EXIT_CODES_HELP in " ".join(result.stdout.split())


def test_version(run: Run) -> None:
    result = run("--version")
    assert (result.exit_code, result.stdout) == (0, f"exposedapp {__version__}\n")


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/usr/bin/exposedapp", "exposedapp"),
        ("/usr/bin/kubectl-exposedapp", "kubectl exposedapp"),
        ("/home/me/.krew/bin/kubectl-exposedapp", "kubectl exposedapp"),
        ("/src/exposedapp/cli/__main__.py", "exposedapp"),
        ("/opt/exposedapp-linux-amd64.pyz", "exposedapp"),
    ],
)
def test_usage_has_the_name_that_was_called(path: str, name: str) -> None:
    code = (
        f"import sys; sys.argv = [{path!r}, 'create']\n"
        "from exposedapp.cli.__main__ import main; main()"
    )
    result = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONPATH": "operator"},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 2
    usage, hint = result.stderr.splitlines()[:2]
    assert usage.startswith(f"Usage: {name} create [OPTIONS] ")
    assert hint == f"Try '{name} create -h' for help."


def test_every_command_of_a_cluster_has_the_options_of_the_connection(run: Run) -> None:
    for command in COMMANDS.keys() - {"render"}:
        text = run(command, "--help").stdout
        for option in ("--namespace", "--context", "--kubeconfig", "--request-timeout"):
            assert option in text, command


COMPLETE = "from exposedapp.cli.__main__ import complete; complete()"


@pytest.mark.parametrize(
    ("words", "candidates"),
    [
        (["do"], ["doctor", ":4"]),
        (["create", "x", "--ty"], ["--type", ":4"]),
        (["create", "x", "--type", ""], ["NodePort", "ClusterIP", "LoadBalancer", ":4"]),
        (["create", "x y", "--env", "A='", "--rep"], ["--replicas", ":4"]),
        (["urls", "x", "-o", ""], ["json", "yaml", "plain", ":4"]),
        (["doctor", ""], [":4"]),
        (["render", "-f", ""], [":0"]),
        ([""], [*COMMANDS, ":4"]),
    ],
)
def test_kubectl_completes_words(words: list[str], candidates: list[str]) -> None:
    """In a process of its own, as kubectl does it."""
    result = subprocess.run(
        [sys.executable, "-c", COMPLETE, *words],
        env={"PYTHONPATH": "operator"},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert [line.partition("\t")[0] for line in result.stdout.splitlines()] == candidates
    assert result.stderr == ""


def test_the_scripts_that_kubectl_looks_for_exist() -> None:
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]
    assert {"kubectl-exposedapp", "kubectl_complete-exposedapp"} <= scripts.keys()
    for script in scripts.values():
        module, _, function = script.partition(":")
        assert callable(getattr(import_module(module), function))


def test_the_operators_image_does_not_contain_it() -> None:
    assert "exposedapp.cli" not in (ROOT / "deploy" / "Dockerfile").read_text()
    assert "typer" not in (ROOT / "requirements.lock").read_text()


def test_the_client_library_is_loaded_only_when_a_cluster_is_needed() -> None:
    code = "import sys, exposedapp.cli.app; sys.exit('kubernetes' in sys.modules)"
    result = subprocess.run(
        [sys.executable, "-c", code], env={"PYTHONPATH": "operator"}, cwd=ROOT, check=False
    )
    assert result.returncode == 0


@pytest.mark.parametrize(
    ("package", "script"),
    [
        ("typer", "main"),
        ("typer", "complete"),
        ("rich", "main"),
        ("jsonschema", "main"),
        ("durationpy", "main"),
    ],
)
def test_a_missing_package_is_explained(package: str, script: str) -> None:
    code = (
        f"import sys; sys.modules[{package!r}] = None\n"
        f"from exposedapp.cli.__main__ import {script}; {script}()"
    )
    result = subprocess.run(
        [sys.executable, "-c", code, "--version"],
        env={"PYTHONPATH": "operator"},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 1
    assert result.stderr == f"{package} is missing: install exposedapp as in docs/cli.md\n"


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "utf-8"])
def test_any_encoding_of_the_output_will_do(encoding: str) -> None:
    """In a process of its own, with characters that the encoding may not have."""
    code = (
        "from exposedapp.cli.__main__ import main\n"
        "from exposedapp.cli.app import app\n"
        "from exposedapp.cli.output import print_object, print_report\n"
        "from exposedapp.cli.doctor.diagnosis.report import DiagnosisCode, Finding, Report, Step\n"
        "steps = [Step('a', True, 'é'), Step('b', False, '→'), Step('c', None, 'x')]\n"
        "finding = Finding(DiagnosisCode.FINE, 'It is “fine”.')\n"
        "@app.command('show')\n"
        "def show() -> None:\n"
        "    print_report(Report(steps, finding))\n"
        "    print_object({'name': '→'}, 'yaml')\n"
        "main()\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", code, "show"],
        env={**os.environ, "PYTHONPATH": "operator", "PYTHONIOENCODING": encoding},
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    assert (result.returncode, result.stderr) == (0, b"")
    lines = result.stdout.decode(encoding).splitlines()
    marks = [line[0] for line in lines[:3]]
    assert marks == (["✓", "✗", "-"] if encoding == "utf-8" else ["+", "x", "-"])
    assert lines[-1] == ("name: →" if encoding == "utf-8" else r'name: "\u2192"')
