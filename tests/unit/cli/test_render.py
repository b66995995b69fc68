# SPDX-License-Identifier: Apache-2.0
"""`exposedapp render`, as it is typed."""

import json
from pathlib import Path

import pytest
import yaml

from support.cli import HELLO, Run
from support.manual import DOCS, blocks


def test_render_reads_files_and_the_standard_input(run: Run, tmp_path: Path) -> None:
    text = yaml.safe_dump_all([HELLO, {**HELLO, "metadata": {"name": "other"}}])
    (tmp_path / "apps.yaml").write_text(text)
    output = run("render", "-f", str(tmp_path / "apps.yaml")).stdout
    names = [(child["kind"], child["metadata"]["name"]) for child in yaml.safe_load_all(output)]
    assert names == [
        (kind, name) for name in ("hello", "other") for kind in ("Deployment", "Service")
    ]
    assert run("render", "-f", "-", stdin=text).stdout == output
    listed = json.loads(run("render", "-f", "-", "-o", "json", stdin=text).stdout)
    assert listed["items"] == list(yaml.safe_load_all(output))


@pytest.mark.parametrize("text", ["", "a: [", "kind: ConfigMap", "kind: ExposedApp"])
def test_input_without_a_valid_app(run: Run, text: str) -> None:
    result = run("render", "-f", "-", stdin=text)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("Error: standard input")
    assert run("render", "-f", "/no/such/file").exit_code == 2


def test_mistakes_are_reported_as_in_the_manual(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = {"image": "demo:1", "replicas": "2", "ports": [{"port": 80, "targetport": 8080}]}
    (tmp_path / "hello.yaml").write_text(yaml.safe_dump({**HELLO, "spec": spec}))
    monkeypatch.chdir(tmp_path)
    [(command, output)] = [
        part
        for block in blocks((DOCS / "cli.md").read_text())
        for part in block.transcript()
        if part[1].startswith("Error: hello.yaml")
    ]
    program, *words = command.split()
    assert program == "exposedapp"
    result = run(*words)
    assert (result.exit_code, result.stderr) == (2, output)
