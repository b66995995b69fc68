# SPDX-License-Identifier: Apache-2.0
"""`exposedapp status`: the chain as the cluster reports it."""

import pytest

from exposedapp.cli.commands import status
from support.cli import HELLO, FakeKube, Run, not_ready, with_status


def steps(output: str) -> list[str]:
    return [line.split()[1] for line in output.splitlines() if line]


def test_each_link_without_a_probe(run: Run, kube: FakeKube) -> None:
    ready = HELLO["status"]["conditions"][0]
    reachable = {**ready, "type": "Reachable", "reason": "Answers", "message": "It does."}
    kube.set_app(with_status(conditions=[ready, reachable]))
    result = run("status", "hello")
    assert result.exit_code == 0
    names = ["resource", "pods", "endpoints", "service", "node", "reachable", "url", "url"]
    assert steps(result.stdout) == names
    assert "✓ reachable       Answers: It does." in result.stdout


def test_watch_shows_each_change_until_it_is_ready(
    run: Run, kube: FakeKube, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(status, "POLL_INTERVAL_SECONDS", 0)
    progressing = not_ready("Progressing")
    kube.set_app(progressing, progressing, HELLO)
    result = run("status", "hello", "--watch")
    assert result.exit_code == 0
    first, second = result.stdout.split("\n\n")
    assert "not Ready, Progressing" in first
    assert "Ready, Available" in second


@pytest.mark.parametrize(
    ("words", "reason"),
    [([], "Progressing"), (["-w", "--timeout", "0"], "Progressing"), (["-w"], "Stalled")],
)
def test_an_app_that_is_not_ready(run: Run, kube: FakeKube, words: list[str], reason: str) -> None:
    conditions = ["Stalled"] if reason == "Stalled" else []
    kube.set_app(not_ready("Progressing", *conditions))
    result = run("status", "hello", *words)
    assert result.exit_code == 1
    assert result.stderr == "Error: hello is not ready. Progressing: Words.\n"


def test_no_such_app(run: Run, kube: FakeKube) -> None:
    assert run("status", "missing").exit_code == 3
