# SPDX-License-Identifier: Apache-2.0
"""Published names: nothing points at one that a stranger could register."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

import exposedapp
from generate_names import NAMES, read_names
from support.helm import CHART
from unit.repository.test_inputs import ROOT, files

LOCAL = "localhost/"
"""What is built here: no registry can have this name."""
EXAMPLE = "registry.example/"
"""A name for documentation; nobody can register it (RFC 2606)."""
PUBLISHERS = ("docker.io/nginxinc/", "docker.io/library/")
"""Others whose images are mentioned, and who hold the names."""
HISTORY = {Path("CHANGELOG.md"), Path("tests/unit/repository/oldest-chart-values.yaml")}

OWN_IMAGE = re.compile(
    r"(?<![\w./-])exposedapp/(operator|demo|none|node|debian-|metrics-server)[\w:@-]*"
)
"""Without a registry it is one of Docker Hub."""
OF_AN_ACCOUNT = re.compile(
    r"(?:(?:ghcr|quay|docker)\.io|github\.com|gitlab\.com)/(?!OWNER/)[\w.-]+/exposedapp[\w.-]*"
)
"""An account of a forge or a registry; OWNER stands for the reader's."""
FROM_PYPI = re.compile(r"\b(pip|pipx|uv tool) install ['\"]?exposedapp\b")


def texts() -> Iterator[tuple[Path, str]]:
    """Every text of the tree that people or programs read; not what tells of the past."""
    for path in files():
        is_history = path in HISTORY or path.parts[:2] == ("docs", "benchmarks")
        if is_history or path == Path(__file__).relative_to(ROOT):
            continue
        try:
            yield path, (ROOT / path).read_text()
        except UnicodeDecodeError:
            continue


@pytest.mark.parametrize(
    "pattern", [OWN_IMAGE, OF_AN_ACCOUNT, FROM_PYPI], ids=["image", "account", "package"]
)
def test_nothing_is_taken_from_where_it_is_not_published(pattern: re.Pattern[str]) -> None:
    """A name in deploy/names.env is the project's own."""
    ours = [name.rpartition("://")[2] for name in read_names(NAMES.read_text()).values() if name]
    matches = [
        (str(path), match.group())
        for path, text in texts()
        for match in pattern.finditer(text)
        if not any(name in match.group() for name in ours)
    ]
    assert matches == []


def images(node: object) -> Iterator[str]:
    """Each value of a field `image` in a document, at any depth."""
    if isinstance(node, dict):
        for key, value in node.items():
            if key == "image" and isinstance(value, str):
                yield value
            else:
                yield from images(value)
    elif isinstance(node, list):
        for item in node:
            yield from images(item)


@pytest.mark.parametrize("folder", ["deploy/examples", "tests/kind"])
def test_images_are_built_here_or_held_by_their_publisher(folder: str) -> None:
    named = [
        (path.name, image)
        for path in sorted((ROOT / folder).glob("*.yaml"))
        for document in yaml.safe_load_all(path.read_text())
        for image in images(document)
    ]
    assert named
    assert [pair for pair in named if not pair[1].startswith((LOCAL, *PUBLISHERS))] == []


def test_the_readme_installs_this_version_from_the_reader_s_own_registry() -> None:
    readme = (ROOT / "README.md").read_text()
    begin = readme.split("```")[1]
    assert f"IMAGE={EXAMPLE}" in begin
    assert f"make push IMAGE=$IMAGE:{exposedapp.__version__} " in begin
    assert "--set image.repository=$IMAGE --wait\n" in begin  # the tag is the chart's appVersion
    assert begin.strip().count("\n") < 10


def test_the_operator_s_published_name_has_one_place() -> None:
    """As long as none is published, that is empty."""
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    assert values["image"]["repository"] == ""
