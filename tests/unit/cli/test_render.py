# SPDX-License-Identifier: Apache-2.0
"""`exposedapp render`, as it is typed."""

import json
from pathlib import Path

import pytest
import yaml

from support.cli import HELLO, Run


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
