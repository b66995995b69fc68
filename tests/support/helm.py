# SPDX-License-Identifier: Apache-2.0
"""Renders the chart with helm; for the tests of the chart and of what is made from it."""

import shutil
import subprocess
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

DEPLOY = Path(__file__).parents[2] / "deploy"
CHART = DEPLOY / "chart" / "exposedapp"
OLDEST_KUBERNETES = "1.29.0"
REPOSITORY = "registry.example/operator"

Result = subprocess.CompletedProcess[str]


@cache
def helm() -> str:
    """The program; the test fails where there is none."""
    built = DEPLOY.parent / "build" / "bin" / "helm"
    program = str(built) if built.exists() else shutil.which("helm")
    if program is None:
        pytest.fail("no helm in build/bin or on the PATH: run tests/kind/tools.sh")
    return program


def run_helm(*args: str | Path) -> Result:
    """Run helm."""
    return subprocess.run([helm(), *map(str, args)], capture_output=True, text=True, check=False)


def template(
    *sets: str,
    chart: Path = CHART,
    release: str = "exposedapp",
    flags: Sequence[str] = ("--skip-tests",),
) -> Result:
    """`helm template` with values, each as --set-json has them; without the hooks of helm test."""
    # Some builds of helm take 1.20 for the cluster's version when there is no cluster to ask.
    options = ["--namespace", "somewhere", "--kube-version", OLDEST_KUBERNETES, *flags]
    for assignment in sets:
        options += ["--set-json", assignment]
    return run_helm("template", release, chart, *options)


def with_image(*sets: str) -> list[str]:
    """Values, and before them an image: there is none by default."""
    return [f'image.repository="{REPOSITORY}"', *sets]


def documents_of(result: Result) -> list[dict[str, Any]]:
    """The objects that helm has rendered."""
    assert result.returncode == 0, result.stderr
    return [document for document in yaml.safe_load_all(result.stdout) if document]


def render(*sets: str, release: str = "exposedapp") -> list[dict[str, Any]]:
    """The chart's objects."""
    return documents_of(template(*with_image(*sets), release=release))


def one(documents: list[dict[str, Any]], kind: str, name: str | None = None) -> dict[str, Any]:
    """The only object of a kind, or of a kind and name."""
    [matching] = [
        document
        for document in documents
        if document["kind"] == kind and name in (None, document["metadata"]["name"])
    ]
    return matching


def pod_spec(*sets: str) -> dict[str, Any]:
    """The operator's pod."""
    spec: dict[str, Any] = one(render(*sets), "Deployment")["spec"]["template"]["spec"]
    return spec


def notes(folder: Path, *sets: str) -> str:
    """What Helm prints after an install: `helm template` does not, so a template has it here."""
    chart = folder / "exposedapp"
    shutil.copytree(CHART, chart)
    (chart / "templates" / "NOTES.txt").rename(chart / "notes.txt")
    (chart / "templates" / "notes.yaml").write_text(
        "kind: Notes\n"
        "metadata: {name: notes}\n"
        'text: {{ tpl (.Files.Get "notes.txt") . | toJson }}\n'
    )
    rendered = documents_of(template(*with_image(*sets), chart=chart))
    text: str = one(rendered, "Notes")["text"]
    return text


def plain_environment(container: dict[str, Any]) -> dict[str, str]:
    """The environment variables whose values are in the template."""
    return {item["name"]: item["value"] for item in container["env"] if "value" in item}
