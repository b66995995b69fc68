# SPDX-License-Identifier: Apache-2.0
"""The workflows of .github: they are valid, pinned, and call what exists."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from unit.repository.test_kubernetes_versions import MINORS

ROOT = Path(__file__).parents[3]
ACTIONLINT = ROOT / "build" / "bin" / "actionlint"
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
FILES = [*WORKFLOWS, ROOT / ".github" / "actions" / "setup" / "action.yml"]
FORMS = sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("[!c]*.yml"))
RENOVATE = json.loads((ROOT / ".github" / "renovate.json").read_text())


PUBLISHES = re.compile(
    r"\b(push|publish|upload|release create|release upload|cosign (sign|attest))\b|\bsecrets\."
)
"""What publishes by a right that is not the job's own, such as a stored token."""
RUNS_AFTER_FAILURES = re.compile(r"\b(always|cancelled|failure)\(\)")


def load(path: Path) -> dict[str, Any]:
    document: dict[str, Any] = yaml.load(path.read_text(), yaml.BaseLoader)  # noqa: S506 - `on` is no boolean
    return document


def test_actionlint_accepts_them() -> None:
    done = subprocess.run(
        [ACTIONLINT, "-no-color", *WORKFLOWS], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.stdout + done.stderr == ""


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_actions_are_pinned_by_commit(path: Path) -> None:
    uses = re.findall(r"^\s*(?:- )?uses: (.+)$", path.read_text(), re.MULTILINE)
    assert uses
    pinned = re.compile(r"[\w.-]+/[\w.-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+")
    loose = [name for name in uses if not name.startswith("./") and not pinned.fullmatch(name)]
    assert loose == []


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_a_job_may_do_what_it_names_and_no_more(path: Path) -> None:
    workflow = load(path)
    assert workflow["permissions"] == {}
    for name, job in workflow["jobs"].items():
        assert job["permissions"]["contents"] == ("write" if name == "release" else "read"), name
        if "steps" in job:
            assert int(job["timeout-minutes"]) <= 90
            checkout = next(step for step in job["steps"] if "checkout" in step["uses"])
            assert checkout["with"]["persist-credentials"] == "false"


def publishes(job: dict[str, Any]) -> bool:
    """Whether a job can leave something where others take it from.

    By a right to write (`id-token` is one: it signs, and publishes on PyPI) or by what its steps
    do. An artifact of the run is not published.
    """
    if "write" in str(job.get("permissions", "write")):
        return True
    steps = [
        step for step in job.get("steps", []) if "upload-artifact@" not in step.get("uses", "")
    ]
    return "secrets" in job or bool(PUBLISHES.search(str(steps)))


def ancestors(jobs: dict[str, Any], name: str) -> set[str]:
    """The jobs that must have succeeded before a job starts."""
    needs = jobs[name].get("needs", [])
    direct = {needs} if isinstance(needs, str) else set(needs)
    return direct.union(*(ancestors(jobs, need) for need in direct))


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_all_tests_come_before_anything_is_published(path: Path) -> None:
    jobs = load(path)["jobs"]
    publishing = {name for name, job in jobs.items() if publishes(job)}
    checks = {name for name in jobs if not publishing & {name, *ancestors(jobs, name)}}
    for name in publishing:
        before = ancestors(jobs, name)
        assert checks <= before, f"{name} needs {checks - before}"
        assert "./.github/workflows/test.yml" in {jobs[need].get("uses") for need in before}, name
        condition = jobs[name].get("if", "")
        if RUNS_AFTER_FAILURES.search(condition):
            assert "!failure() && !cancelled()" in condition, f"{name} runs after a failure"


@pytest.mark.parametrize(
    ("job", "expected"),
    [
        ({"permissions": {"packages": "write"}, "steps": []}, True),
        ({"permissions": {"contents": "read", "id-token": "write"}, "steps": []}, True),
        ({"permissions": "write-all", "steps": []}, True),
        ({"steps": []}, True),
        ({"permissions": {}, "steps": [{"run": "docker push example.com/image:1"}]}, True),
        ({"permissions": {}, "steps": [{"uses": "a/b@1", "with": {"push": "true"}}]}, True),
        ({"permissions": {}, "steps": [{"env": {"KEY": "${{ secrets.KEY }}"}}]}, True),
        ({"permissions": {}, "uses": "a/b/c.yml@1", "secrets": "inherit"}, True),
        ({"permissions": {}, "steps": [{"uses": "actions/upload-artifact@1"}]}, False),
        ({"permissions": {"contents": "read"}, "steps": [{"run": "make test"}]}, False),
    ],
)
def test_which_jobs_publish(job: dict[str, Any], expected: bool) -> None:
    assert publishes(job) == expected


def test_what_make_installs_as_root_alone_is_on_the_runner() -> None:
    makefile = (ROOT / "Makefile").read_text()
    [programs] = re.findall(r"tests/kind/debian-tools\.sh (.+)", makefile)
    [prerequisites] = re.findall(r"^unit: (.+) ##", makefile, re.MULTILINE)
    assert {f"build/bin/{name}" for name in programs.split()} <= set(prerequisites.split())
    for step in load(ROOT / ".github" / "workflows" / "test.yml")["jobs"]["unit"]["steps"]:
        run = step.get("run", "")
        if "apt-get install" in run:
            assert set(programs.split()) <= set(run.split())
            return
        assert not run.startswith("make"), "make comes before its programs"
    pytest.fail("no step installs them")


def test_every_promised_kubernetes_has_its_cluster() -> None:
    jobs = load(ROOT / ".github" / "workflows" / "test.yml")["jobs"]
    images = {
        entry["kubernetes"]: entry["image"]
        for entry in jobs["cluster"]["strategy"]["matrix"]["include"]
    }
    assert list(images) == MINORS
    for minor, image in images.items():
        assert re.fullmatch(rf"kindest/node:v{re.escape(minor)}\.\d+@sha256:[0-9a-f]{{64}}", image)
    assert images[MINORS[-1]] in (ROOT / "tests" / "kind" / "node-image.txt").read_text()


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_what_they_run_exists(path: Path) -> None:
    text = path.read_text()
    makefile = (ROOT / "Makefile").read_text()
    targets = set(re.findall(r"^([\w/.-]+)(?: [\w/.-]+)*:", makefile, re.MULTILINE))
    for call in re.findall(r"run: make (.+)", text):
        named = {word for word in call.partition("=")[0].split() if word.islower()}
        assert named - {"build/venv/ok"} <= targets
    for script in re.findall(r"\b((?:deploy|tests)/[\w/-]+\.(?:sh|py))\b", text):
        assert (ROOT / script).is_file(), script


def test_renovate_finds_what_it_is_to_update() -> None:
    for manager in RENOVATE["customManagers"]:
        [expression] = manager["matchStrings"]
        pattern = re.compile(expression.replace("(?<", "(?P<"))
        for files in manager["managerFilePatterns"]:
            paths = [
                path
                for path in (*WORKFLOWS, *ROOT.glob("deploy/*.sh"), *ROOT.glob("tests/kind/*"))
                if re.search(files.strip("/"), str(path.relative_to(ROOT)))
            ]
            assert paths, files
            assert all(pattern.search(path.read_text()) for path in paths), files


@pytest.mark.parametrize("path", FORMS, ids=lambda path: path.name)
def test_issue_forms_ask_for_something(path: Path) -> None:
    form = load(path)
    assert form["name"]
    assert form["description"]
    identifiers = [field["id"] for field in form["body"]]
    assert len(set(identifiers)) == len(identifiers)
    assert any(field.get("validations", {}).get("required") == "true" for field in form["body"])
