# SPDX-License-Identifier: Apache-2.0
"""The Kubernetes versions that are promised are those that are tested, as their table says."""

import re
import subprocess
from pathlib import Path

import pytest
import yaml

from matrix.table import BEGIN, COLUMNS, END, Results, render, replace_table

ROOT = Path(__file__).parents[3]
MATRIX = ROOT / "tests" / "matrix"
PAGE = ROOT / "docs" / "kubernetes-versions.md"
MINORS = subprocess.run(
    [MATRIX / "build.sh", "--minors"], capture_output=True, text=True, check=True
).stdout.split()
VERSIONS = {
    minor: re.findall(r"^\s*k8s\.io/kubernetes (v\S+)", module.read_text(), re.MULTILINE)
    for minor in MINORS
    if (module := MATRIX / f"v{minor}" / "go.mod")
}
"""Of k8s.io/kubernetes in each module."""


def rows() -> dict[str, list[str]]:
    """The cells of the page's table, by version."""
    table = PAGE.read_text().partition(BEGIN)[2].partition(END)[0]
    cells = [line.strip("| ").split(" | ") for line in table.splitlines() if line.startswith("| v")]
    return {version: results for version, *results in cells}


def test_no_minor_is_left_out_in_between() -> None:
    first = int(MINORS[0].removeprefix("1."))
    assert [f"1.{first + index}" for index in range(len(MINORS))] == MINORS


@pytest.mark.parametrize("minor", MINORS)
def test_a_module_is_of_one_version(minor: str) -> None:
    """The staging modules k8s.io/... have the number of k8s.io/kubernetes, with another major."""
    (version,) = VERSIONS[minor]
    assert version.startswith(f"v{minor}.")
    module = (MATRIX / f"v{minor}" / "go.mod").read_text()
    assert set(re.findall(r" => \S+ v0\.(\S+)", module)) == {version.removeprefix("v1.")}


def test_the_chart_demands_the_oldest() -> None:
    chart = yaml.safe_load((ROOT / "deploy/chart/exposedapp/Chart.yaml").read_text())
    assert chart["kubeVersion"] == f">={MINORS[0]}.0-0"


def test_the_readme_names_the_oldest_and_the_newest() -> None:
    assert f"Kubernetes {MINORS[0]} to {MINORS[-1]}" in (ROOT / "README.md").read_text()


def test_everything_in_the_table_passed_with_the_versions_of_the_modules() -> None:
    for version, results in rows().items():
        assert [version] in VERSIONS.values()
        assert len(results) == len(COLUMNS)
        assert all(re.match(r"passed\b", result) for result in results)


def test_a_page_keeps_everything_but_its_table() -> None:
    results = {
        ("v1.29.15", "test_rules"): Results(passed=3, failed=1),
        ("v1.29.15", "test_fields"): Results(passed=2, left_out={"without B", "without A"}),
        ("v1.30.14", "test_rules"): Results(passed=4),
    }
    page = replace_table(f"Before.\n{BEGIN}\nold\n{END}\nAfter.\n", render(results))
    assert page == (
        f"Before.\n{BEGIN}\n"
        "| Kubernetes | definition | rules | examples | fields | operator | takeover | chart |\n"
        "| --- | --- | --- | --- | --- | --- | --- | --- |\n"
        "| v1.29.15 |  | **1 of 4 failed** |  | passed; without A; without B |  |  |  |\n"
        "| v1.30.14 |  | passed |  |  |  |  |  |\n"
        f"{END}\nAfter.\n"
    )
