# SPDX-License-Identifier: Apache-2.0
"""The demo image's server, run as the container runs it: a process of its own on a free port."""

import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

SERVER = Path(__file__).parents[3] / "deploy" / "demo" / "server.py"

Start = Callable[..., "Demo"]


class Demo:
    """A running server and the port that it chose."""

    def __init__(self, **env: str) -> None:
        self._connections: list[http.client.HTTPConnection] = []
        self.process = subprocess.Popen(
            [sys.executable, SERVER],
            env={"PATH": os.environ["PATH"], "PORT": "0", "DRAIN_SECONDS": "0.2", **env},
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stderr is not None
        self.port = int(self.process.stderr.readline().removeprefix("listening on port "))
        self.udp_port = int(self.process.stderr.readline().removeprefix("echoing UDP on port "))

    def connect(self, host: str = "127.0.0.1") -> http.client.HTTPConnection:
        self._connections.append(http.client.HTTPConnection(host, self.port, timeout=10))
        return self._connections[-1]

    def terminate(self) -> None:
        self.process.send_signal(signal.SIGTERM)

    def log(self) -> str:
        """What it wrote after its first two lines, once it has ended."""
        return self.process.communicate(timeout=10)[1]

    def close(self) -> None:
        self.process.kill()
        self.process.communicate()
        for connection in self._connections:
            connection.close()


@pytest.fixture
def start() -> Iterator[Start]:
    started: list[Demo] = []

    def start(**env: str) -> Demo:
        started.append(Demo(**env))
        return started[-1]

    yield start
    for demo in started:
        demo.close()


def get(connection: http.client.HTTPConnection, path: str = "/") -> tuple[int, str]:
    connection.request("GET", path)
    response = connection.getresponse()
    return response.status, response.read().decode()


def echo(demo: Demo, sent: bytes, host: str = "127.0.0.1") -> bytes:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as client:
        client.settimeout(10)
        client.connect((host, demo.port))
        client.send(sent)
        return client.recv(65535)


@pytest.mark.parametrize("path", ["/", "/any/path?and=query"])
def test_says_which_pod_and_node_answered(start: Start, path: str) -> None:
    demo = start(POD_NAME="hello-1", NODE_NAME="worker-2")
    assert get(demo.connect(), path) == (200, "hello from hello-1 on worker-2\n")


def test_pod_is_the_host_name_and_node_unknown_when_not_told(start: Start) -> None:
    demo = start(NODE_NAME="")
    assert get(demo.connect()) == (200, f"hello from {socket.gethostname()} on an unknown node\n")


def test_healthz_answers_and_is_not_logged(start: Start) -> None:
    demo = start()
    assert get(demo.connect(), "/healthz") == (200, "ok\n")
    assert get(demo.connect(), "/seen") == (200, get(demo.connect())[1])
    demo.terminate()
    log = demo.log()
    assert "/seen" in log
    assert "healthz" not in log


def test_one_connection_serves_many_requests(start: Start) -> None:
    connection = start().connect()
    connection.request("HEAD", "/")
    head = connection.getresponse()
    assert head.read() == b""
    client_port = connection.sock.getsockname()
    for _ in range(3):
        _, body = get(connection)
        assert len(body) == int(head.headers["Content-Length"])
    assert connection.sock.getsockname() == client_port


def test_garbage_is_refused_without_a_traceback(start: Start) -> None:
    demo = start()
    with socket.create_connection(("127.0.0.1", demo.port), timeout=10) as client:
        client.sendall(b"\x16\x03\x01 not http\r\n\r\n")
        assert b"400" in client.recv(1000)
    demo.terminate()
    assert "Traceback" not in demo.log()


@pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="this machine has no IPv6")
def test_answers_over_ipv6_too(start: Start) -> None:
    assert get(start().connect("::1"))[0] == 200


def test_ends_soon_after_sigterm_though_a_connection_idles(start: Start) -> None:
    demo = start()
    idle = demo.connect()
    get(idle)
    asked = time.monotonic()
    demo.terminate()
    assert demo.process.wait(timeout=10) == 0
    assert time.monotonic() - asked < 5
    assert idle.sock.recv(1) == b""


def test_new_connections_are_answered_while_it_drains(start: Start) -> None:
    demo = start(DRAIN_SECONDS="2")
    demo.terminate()
    time.sleep(0.2)
    connection = demo.connect()
    connection.request("GET", "/")
    response = connection.getresponse()
    assert response.status == 200
    assert response.headers["Connection"] == "close"


def test_a_request_sent_before_the_end_is_answered(start: Start) -> None:
    """Rolling updates drop nothing, also of what comes over connections that are long open."""
    demo = start()
    busy = [demo.connect() for _ in range(20)]
    for connection in busy:
        get(connection)
    demo.terminate()
    for connection in busy:
        connection.request("GET", "/")
    assert [connection.getresponse().status for connection in busy] == [200] * 20
    assert demo.process.wait(timeout=10) == 0


@pytest.mark.parametrize("sent", [b"hi\n", b"", b"\x00\xff\x16 no text \n\xc3"])
def test_echoes_udp_on_the_port_of_the_web_server(start: Start, sent: bytes) -> None:
    demo = start(POD_NAME="hello-1", NODE_NAME="worker-2")
    assert demo.udp_port == demo.port
    assert echo(demo, sent) == b"hello from hello-1 on worker-2\n" + sent


def test_an_echo_has_room_in_one_datagram(start: Start) -> None:
    demo = start()
    sent = os.urandom(65507)
    greeting = echo(demo, b"")
    assert echo(demo, sent) == (greeting + sent)[: len(sent)]


@pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="this machine has no IPv6")
def test_echoes_over_ipv6_too(start: Start) -> None:
    assert echo(start(), b"hi\n", "::1").endswith(b"\nhi\n")


def test_echoes_while_it_drains_and_then_ends(start: Start) -> None:
    demo = start(DRAIN_SECONDS="2")
    demo.terminate()
    time.sleep(0.2)
    assert echo(demo, b"bye").endswith(b"bye")
    assert demo.process.wait(timeout=10) == 0
    with pytest.raises(ConnectionRefusedError):
        echo(demo, b"anyone?")
