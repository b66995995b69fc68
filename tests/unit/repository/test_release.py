# SPDX-License-Identifier: Apache-2.0
"""A release: names from one place, and files that name what was published."""

import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml

import exposedapp
from generate_names import BEGIN, END, NAMES, PARTS, Names, read_names, render
from support.helm import run_helm

ROOT = Path(__file__).parents[3]
SOURCE = "https://forge.example/owner/name"
PUBLISHED = {
    "REPOSITORY": SOURCE,
    "IMAGE": "registry.example/exposedapp",
    "DEMO_IMAGE": "registry.example/exposedapp-demo",
    "CHARTS": "oci://registry.example/charts",
    "PACKAGE": "exposedapp",
    "REVIEWERS": "@owner/reviewers",
}
TAG = f"v{exposedapp.__version__}"
DIGEST = "sha256:" + "0" * 64

Result = subprocess.CompletedProcess[str]


def run(*command: str | Path, cwd: Path = ROOT) -> Result:
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)


def rendered(path: str, names: Names) -> str:
    return render(path, names, (ROOT / path).read_text())


def test_the_file_has_every_name() -> None:
    assert read_names(NAMES.read_text()).keys() == PUBLISHED.keys()


@pytest.mark.parametrize("path", PARTS)
def test_nothing_leads_to_a_name_that_is_not_there(path: str) -> None:
    lines = rendered(path, dict.fromkeys(PUBLISHED, "")).splitlines()
    assert lines.index(END) == lines.index(BEGIN) + 1


def test_the_package_says_where_its_source_is() -> None:
    project = tomllib.loads(rendered("pyproject.toml", PUBLISHED))["project"]
    assert project["urls"]["Source"] == SOURCE
    assert project["urls"]["Changelog"] == f"{SOURCE}/blob/main/CHANGELOG.md"
    assert "scripts" in project


def test_the_chart_says_where_its_source_is() -> None:
    chart = yaml.safe_load(rendered("deploy/chart/exposedapp/Chart.yaml", PUBLISHED))
    assert (chart["home"], chart["sources"]) == (SOURCE, [SOURCE])


def test_reviewers_and_the_way_to_report_a_vulnerability() -> None:
    assert "* @owner/reviewers\n" in rendered(".github/CODEOWNERS", PUBLISHED)
    config = yaml.safe_load(rendered(".github/ISSUE_TEMPLATE/config.yml", PUBLISHED))
    assert config["contact_links"][0]["url"] == f"{SOURCE}/security/advisories/new"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """What `release.sh names` reads, with everything published."""
    for path in ("deploy/release.sh", "operator/exposedapp/version.py"):
        (tmp_path / path).parent.mkdir(parents=True)
        shutil.copy(ROOT / path, tmp_path / path)
    write_names(tmp_path, PUBLISHED)
    changelog = (
        f"## [Unreleased]\n\nlater\n\n## [{exposedapp.__version__}] - 2026\n\nnow\n\n## [0.0.1]\n"
    )
    (tmp_path / "CHANGELOG.md").write_text(changelog)
    return tmp_path


def write_names(tree: Path, names: Names) -> None:
    text = "".join(f"{name}={value}\n" for name, value in names.items())
    (tree / "deploy" / "names.env").write_text(text)


def names_of(tree: Path, tag: str = TAG, source: str = SOURCE) -> Result:
    return run("deploy/release.sh", "names", tag, source, cwd=tree)


def test_the_workflow_gets_version_and_names(tree: Path) -> None:
    done = names_of(tree)
    assert done.stderr == ""
    assert dict(line.split("=", 1) for line in done.stdout.splitlines()) == {
        "version": exposedapp.__version__,
        "image": PUBLISHED["IMAGE"],
        "demo-image": PUBLISHED["DEMO_IMAGE"],
        "charts": PUBLISHED["CHARTS"],
        "package": PUBLISHED["PACKAGE"],
    }


def test_a_tag_of_another_version_is_refused(tree: Path) -> None:
    assert "the tag v9.9.9 is not" in names_of(tree, tag="v9.9.9").stderr


def test_a_version_without_a_changelog_is_refused(tree: Path) -> None:
    (tree / "CHANGELOG.md").write_text("## [Unreleased]\n\nlater\n")
    assert "CHANGELOG.md has nothing under" in names_of(tree).stderr


def test_another_repository_is_refused(tree: Path) -> None:
    """A fork has the file, and no right to the names in it."""
    done = names_of(tree, source="https://forge.example/fork/name")
    assert done.returncode == 1
    assert f"releases are made in {SOURCE}" in done.stderr


def test_as_long_as_nothing_is_published_no_release_is_made(tree: Path) -> None:
    write_names(tree, dict.fromkeys(PUBLISHED, ""))
    assert "nothing is published" in names_of(tree).stderr


def test_a_name_that_is_needed_is_asked_for(tree: Path) -> None:
    write_names(tree, {**PUBLISHED, "CHARTS": ""})
    assert "IMAGE, DEMO_IMAGE and CHARTS are needed" in names_of(tree).stderr


def test_the_notes_are_this_version_s_part_of_the_changelog(tree: Path) -> None:
    assert run("deploy/release.sh", "notes", cwd=tree).stdout.strip() == "now"


def test_this_version_is_in_the_changelog() -> None:
    assert run("deploy/release.sh", "notes").stdout.strip()


def test_the_only_version_of_the_api_is_served_and_stored() -> None:
    """As docs/versioning.md says; another one needs the steps that it describes."""
    crd = yaml.safe_load((ROOT / "deploy" / "manifests" / "crd.yaml").read_text())
    versions = [(v["name"], v["served"], v["storage"]) for v in crd["spec"]["versions"]]
    assert versions == [("v1alpha1", True, True)]
    assert "conversion" not in crd["spec"]


def test_a_released_chart_and_manifest_name_the_image(tmp_path: Path) -> None:
    done = run("deploy/release.sh", "package", PUBLISHED["IMAGE"], DIGEST, tmp_path)
    assert done.returncode == 0, done.stderr
    [chart] = tmp_path.glob("*.tgz")
    assert chart.name == f"exposedapp-{exposedapp.__version__}.tgz"
    template = run_helm("template", "exposedapp", chart, "--kube-version", "1.29.0")
    assert f'image: "{PUBLISHED["IMAGE"]}:{exposedapp.__version__}"' in template.stdout
    manifest = (tmp_path / "operator.yaml").read_text()
    assert f'image: "{PUBLISHED["IMAGE"]}@{DIGEST}"' in manifest
    assert "No image is published" not in manifest
    assert len(list(yaml.safe_load_all(manifest))) > 5
    assert (tmp_path / "crd.yaml").read_text() == (ROOT / "deploy/manifests/crd.yaml").read_text()


@pytest.mark.parametrize("arguments", [(), ("names",), ("package", "image"), ("publish",)])
def test_anything_else_is_explained(arguments: tuple[str, ...]) -> None:
    done = run("deploy/release.sh", *arguments)
    assert done.returncode == 2
    assert "deploy/release.sh names TAG SOURCE" in done.stderr
