# SPDX-License-Identifier: Apache-2.0
"""What -f takes: files, folders, the standard input, and several of them."""

from pathlib import Path

import pytest
import yaml

from support.cli import HELLO, Run

TEXT = yaml.safe_dump(HELLO)


def named(name: str) -> str:
    return yaml.safe_dump({**HELLO, "metadata": {"name": name}})


def names(output: str) -> list[str]:
    return [body["metadata"]["name"] for body in yaml.safe_load_all(output)][::2]


def test_several_files_in_their_order(run: Run, tmp_path: Path) -> None:
    (tmp_path / "one.yaml").write_text(named("one"))
    (tmp_path / "two.txt").write_text(named("two"))
    words = ["-f", str(tmp_path / "two.txt"), "--filename", str(tmp_path / "one.yaml"), "-f", "-"]
    assert names(run("render", *words, stdin=TEXT).stdout) == ["two", "one", "hello"]


def test_a_folder_stands_for_its_manifests(run: Run, tmp_path: Path) -> None:
    (tmp_path / "b.yaml").write_text(named("b"))
    (tmp_path / "a.yml").write_text(named("a"))
    (tmp_path / "c.json").write_text(named("c"))
    (tmp_path / "readme.md").write_text("[")
    (tmp_path / "below.yaml").mkdir()
    assert names(run("render", "-f", str(tmp_path)).stdout) == ["a", "b", "c"]


def test_a_folder_without_any(run: Run, tmp_path: Path) -> None:
    result = run("render", "-f", str(tmp_path))
    assert result.exit_code == 2
    assert "no file that ends in .json, .yaml, .yml" in result.stderr


@pytest.mark.parametrize(
    ("content", "words"),
    [(None, "No such file or directory"), (b"\xff\xfe", "not a text in UTF-8")],
)
def test_what_cannot_be_read(run: Run, tmp_path: Path, content: bytes | None, words: str) -> None:
    path = tmp_path / "app.yaml"
    if content is not None:
        path.write_bytes(content)
    result = run("render", "-f", str(path))
    assert (result.exit_code, result.stderr) == (2, f"Error: {path}: {words}\n")


def test_one_of_the_files_needs_to_have_an_app(run: Run, tmp_path: Path) -> None:
    (tmp_path / "other.yaml").write_text("kind: ConfigMap\n")
    other = str(tmp_path / "other.yaml")
    assert run("render", "-f", other, "-f", "-", stdin=TEXT).exit_code == 0
    result = run("render", "-f", other, "-f", "-", stdin="kind: Secret")
    assert result.exit_code == 2
    assert result.stderr == f"Error: {other}, standard input: contains no ExposedApp\n"
