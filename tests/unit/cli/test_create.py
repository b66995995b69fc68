# SPDX-License-Identifier: Apache-2.0
"""`exposedapp create`, as it is typed."""

import pytest
import yaml
from typer.testing import CliRunner

from exposedapp.cli.app import app
from exposedapp.kube.errors import ApiError
from support.cli import APPS, HELLO, FakeKube, Run, not_ready


def test_create_sends_what_dry_run_shows(run: Run, kube: FakeKube) -> None:
    kube.responses[APPS] = HELLO
    words = ("create", "hello", "--image", "demo:1", "--port", "80:8080", "--env", "A=b")
    dry_run = run(*words, "--dry-run")
    assert dry_run.exit_code == 0
    assert kube.requests == []
    result = run(*words)
    assert (result.exit_code, result.stdout) == (0, "exposedapp/hello created in namespace shop\n")
    assert [(method, body) for method, _, body in kube.requests] == [
        ("POST", yaml.safe_load(dry_run.stdout))
    ]


def test_dry_run_prints_yaml() -> None:
    words = ["create", "hello", "--image", "demo:1", "--port", "80", "--type", "clusterip"]
    result = CliRunner().invoke(app, [*words, "--dry-run", "-n", "shop"])
    assert result.stdout == (
        "apiVersion: exposedapp.dev/v1alpha1\n"
        "kind: ExposedApp\n"
        "metadata:\n"
        "  name: hello\n"
        "  namespace: shop\n"
        "spec:\n"
        "  image: demo:1\n"
        "  ports:\n"
        "  - port: 80\n"
        "  service:\n"
        "    type: ClusterIP\n"
    )


@pytest.mark.parametrize(
    "words",
    [
        ["--port", "x"],
        ["--port", "80", "--port", "80"],
        ["--port", "80", "--env", "A"],
        ["--port", "80", "--replicas", "-1"],
        ["--port", "80", "--type", "ExternalName"],
        ["--port", "80@30008", "--type", "ClusterIP"],
        ["--port", "80", "--timeout", "soon"],
        ["--port", "80", "-n", "no/name"],
        ["--port", "80@30008", "--port", "81@30008"],
        ["--port", "80", "--image", "demo: 1"],
        [],
    ],
)
def test_wrong_usage_sends_nothing(run: Run, kube: FakeKube, words: list[str]) -> None:
    result = run("create", "hello", "--image", "demo:1", *words)
    assert result.exit_code == 2
    assert result.stderr
    assert kube.requests == []


def test_a_refusal_of_the_api_server_is_quoted(run: Run, kube: FakeKube) -> None:
    kube.responses[APPS] = ApiError(409, "AlreadyExists", 'exposedapps "hello" already exists')
    result = run("create", "hello", "--image", "demo:1", "--port", "80")
    assert (result.exit_code, result.stderr) == (4, 'Error: exposedapps "hello" already exists\n')


def test_create_waits_until_the_app_is_ready(run: Run, kube: FakeKube) -> None:
    kube.responses[APPS] = HELLO
    kube.set_app(not_ready("Progressing"), HELLO)
    result = run("create", "hello", "--image", "demo:1", "--port", "80", "--wait")
    assert (result.exit_code, result.stdout.splitlines()) == (
        0,
        ["exposedapp/hello created in namespace shop", "http://10.0.0.1:30008"],
    )
