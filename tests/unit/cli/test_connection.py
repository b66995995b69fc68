# SPDX-License-Identifier: Apache-2.0
"""Which cluster a command talks to, and the message if that cannot be used."""

import asyncio
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import aiohttp
import pytest
import yaml
from typer.testing import CliRunner

from exposedapp.cli import kubeconfig
from exposedapp.cli.app import app
from exposedapp.cli.client import CliClient
from exposedapp.cli.connection import ConnectionOptions
from exposedapp.cli.connection_errors import explain_api_error
from exposedapp.cli.exit_codes import CommandError
from exposedapp.kube.errors import ApiError, no_response_error

URL = "https://api.example:6443"


def make_kubeconfig(path: Path, current: str | None = "one", server: str = URL) -> Path:
    contexts = [
        {"name": "one", "context": {"cluster": "c", "user": "u", "namespace": "shop"}},
        {"name": "two", "context": {"cluster": "c", "user": "u"}},
    ]
    content: dict[str, Any] = {
        "clusters": [{"name": "c", "cluster": {"server": server}}],
        "contexts": contexts,
        "users": [{"name": "u", "user": {}}],
    }
    if current:
        content["current-context"] = current
    path.write_text(yaml.safe_dump(content))
    return path


@pytest.fixture(autouse=True)
def _no_other_cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("KUBECONFIG", "")
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)


def connect(**options: Any) -> tuple[str, str]:
    """The API server and the namespace that the options lead to."""

    async def run() -> tuple[str, str]:
        client = await CliClient.connect(ConnectionOptions(**options))
        await client.close()
        return client.kube.transport.host, client.namespace

    return asyncio.run(run())


def error_of(**options: Any) -> str:
    with pytest.raises(CommandError) as caught:
        connect(**options)
    assert caught.value.code == 4
    return str(caught.value)


def test_the_options_choose(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = make_kubeconfig(tmp_path / "first")
    second = make_kubeconfig(tmp_path / "second", server="https://other.example")
    monkeypatch.setenv("KUBECONFIG", str(first))
    assert connect() == (URL, "shop")
    assert connect(context="two") == (URL, "default")
    assert connect(context="two", namespace="x") == (URL, "x")
    assert connect(kubeconfig=str(second)) == ("https://other.example", "shop")


def test_several_files_are_one_configuration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    only_name = tmp_path / "name"
    only_name.write_text("current-context: two\n")
    clusters = make_kubeconfig(tmp_path / "clusters", current=None)
    monkeypatch.setenv("KUBECONFIG", f"{tmp_path / 'missing'}:{only_name}:{clusters}")
    assert connect() == (URL, "default")


def test_no_kubeconfig(capfd: pytest.CaptureFixture[str]) -> None:
    message = "there is no kubeconfig ~/.kube/config: set KUBECONFIG or use --kubeconfig"
    assert error_of() == message
    assert capfd.readouterr().err == ""  # the client library logs warnings


def test_a_kubeconfig_that_is_named_is_not_replaced_by_the_pods_cluster(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def load(_: object) -> str:
        return "in-the-pod"

    monkeypatch.setattr(kubeconfig, "_load_in_cluster_config", load)
    assert connect()[1] == "in-the-pod"
    assert "there is no kubeconfig" in error_of(kubeconfig=str(tmp_path / "missing"))
    assert "there is no kubeconfig" in error_of(context="one")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [", "line 1"),
        ("[]", "is not a kubeconfig"),
        ("text", "is not a kubeconfig"),
        ("contexts: [{}]", "is not a kubeconfig"),
        ("contexts: []", "has no current context: use --context; it has none"),
        ("{contexts: [{name: a}, {name: b}]}", "use --context; it has a, b"),
        ("{current-context: x, contexts: [{name: a}]}", "has no context x; it has a"),
    ],
)
def test_a_kubeconfig_that_cannot_be_used(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "config"
    path.write_text(text)
    error = error_of(kubeconfig=str(path))
    assert message in error
    assert str(path) in error


def test_a_context_that_does_not_exist(tmp_path: Path) -> None:
    path = make_kubeconfig(tmp_path / "config")
    expected = f"the kubeconfig {path} has no context three; it has one, two"
    assert error_of(kubeconfig=str(path), context="three") == expected


@pytest.fixture
def silent_server() -> Iterator[int]:
    """A port that accepts connections and sends nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def run_command(tmp_path: Path, port: int, *words: str) -> str:
    path = make_kubeconfig(tmp_path / "config", server=f"http://127.0.0.1:{port}")
    result = CliRunner().invoke(app, ["urls", "x", "--kubeconfig", str(path), *words])
    assert result.exit_code == 4
    return result.stderr


def test_the_time_for_a_request_ends(tmp_path: Path, silent_server: int) -> None:
    error = run_command(tmp_path, silent_server, "--request-timeout", "20ms")
    expected = f"http://127.0.0.1:{silent_server} cannot be reached: timed out (--request-timeout)"
    assert expected in error


def test_an_api_server_that_is_down(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    error = run_command(tmp_path, port, "--request-timeout", "0")
    expected = f"the API server http://127.0.0.1:{port} cannot be reached: connection refused"
    assert error == f"Error: {expected}\n"


def test_a_duration_that_is_none() -> None:
    result = CliRunner().invoke(app, ["urls", "x", "--request-timeout", "soon"])
    assert (result.exit_code, "is not a duration" in result.stderr) == (2, True)


KEY = Mock()


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (aiohttp.ClientConnectorDNSError(KEY, socket.gaierror(-2, "x")), "unknown host"),
        (aiohttp.ClientConnectorError(KEY, ConnectionRefusedError()), "connection refused"),
        (
            aiohttp.ClientConnectorCertificateError(KEY, ssl.SSLCertVerificationError()),
            "its certificate is not of the kubeconfig's certificate authority",
        ),
        (aiohttp.ClientConnectorSSLError(KEY, ssl.SSLError()), "no TLS"),
        (aiohttp.ClientOSError(104, "reset"), "connection closed"),
        (TimeoutError(), "timed out (--request-timeout)"),
        (aiohttp.ServerDisconnectedError(), "no answer that is an API server's"),
    ],
)
def test_no_answer_is_told_without_the_librarys_words(error: Exception, words: str) -> None:
    api_error = no_response_error(error)
    api_error.__cause__ = error
    text = explain_api_error(api_error, URL)
    assert text == f"the API server {URL} cannot be reached: {words}"


def test_refusals_are_the_api_servers_words() -> None:
    assert explain_api_error(ApiError(403, "Forbidden", "no"), URL) == "no"
    assert "log in again" in explain_api_error(ApiError(401, "Unauthorized", "x"), URL)
