# SPDX-License-Identifier: Apache-2.0
"""What the pod of `helm test` says where it reaches nothing, as in a namespace that denies all."""

import importlib.util
import socket
import threading
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType

import pytest

from exposedapp.admission.certificate import make_certificate
from support.helm import CHART


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The program, in a pod whose API server is a port that refuses."""
    path = CHART / "files" / "exposes_an_app.py"
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    certificate, _ = make_certificate("kubernetes", datetime.now(UTC))
    for name, text in {"ca.crt": certificate, "token": "t", "namespace": "ns"}.items():
        (tmp_path / name).write_text(text)
    monkeypatch.setattr(module, "ACCOUNT", tmp_path)
    monkeypatch.setattr(module, "SERVER", f"https://{closed_port()}")
    for name, value in {"APP": "a", "IMAGE": "i", "PULL_SECRETS": "[]"}.items():
        monkeypatch.setenv(name, value)
    return module


def closed_port() -> str:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        host, port = server.getsockname()
    return f"{host}:{port}"


def test_no_way_to_the_api_server_is_one_sentence(program: ModuleType) -> None:
    with pytest.raises(SystemExit, match=r"does not reach the API server .*NetworkPolicy") as end:
        program.main()
    assert "refused" in str(end.value)


def test_no_way_to_the_url_is_one_sentence(program: ModuleType) -> None:
    url = f"http://{closed_port()}"
    with pytest.raises(SystemExit, match=rf"{url} does not answer this pod: .*NetworkPolicy"):
        program.fetch(url)


def test_an_error_that_answers_is_no_missing_way(program: ModuleType) -> None:
    """A program that answers every request with 503, as a mesh may do."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=answer_once, args=[server])
        thread.start()
        host, port = server.getsockname()
        with pytest.raises(SystemExit, match=r"answers this pod with an error: .* 503"):
            program.fetch(f"http://{host}:{port}")
        thread.join()


def answer_once(server: socket.socket) -> None:
    connection, _ = server.accept()
    with connection:
        connection.recv(4096)
        connection.sendall(b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n")
