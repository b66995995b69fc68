# SPDX-License-Identifier: Apache-2.0
"""The demo app: a web server that says which pod answered, and on which node.

    $ curl http://172.18.0.3:30008/
    hello from hello-6d5f7c9b8-abcde on exposedapp-worker2

By UDP, on the same port number, it says so too, and then what it was sent.

    $ echo hi | nc -u -w1 172.18.0.3 30008
    hello from hello-6d5f7c9b8-abcde on exposedapp-worker2
    hi

Settings come from the environment: PORT (8080), POD_NAME (the host name), NODE_NAME, and
DRAIN_SECONDS (2), the time between SIGTERM and the end in which requests are still answered.
"""

import contextlib
import os
import signal
import socket
import socketserver
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

LONGEST_ANSWER = 65507  # bytes in one datagram over IPv4


class HelloHandler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 60  # an idle connection is closed after this many seconds
    disable_nagle_algorithm = True  # or head and body, sent apart, cost 40 ms together
    path = ""  # until a request line was understood
    server: "WebServer"

    def do_GET(self) -> None:
        healthz = self.path.partition("?")[0] == "/healthz"
        body = b"ok\n" if healthz else greeting().encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        if self.server.draining:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_HEAD = do_GET

    def version_string(self) -> str:
        return "exposedapp-demo"

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        if self.path != "/healthz":
            super().log_request(code, size)


class DualStackServer(socketserver.TCPServer):
    """Serves every address, IPv4 and, where there is any, IPv6; a UDP server can be one, too."""

    doing: str
    address_family = socket.AF_INET6 if socket.has_dualstack_ipv6() else socket.AF_INET

    def server_bind(self) -> None:
        if self.address_family == socket.AF_INET6:
            self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        # Not HTTPServer's own: it looks its name up in the DNS, which can take seconds in a pod.
        socketserver.TCPServer.server_bind(self)


class WebServer(DualStackServer, ThreadingHTTPServer):
    doing = "listening"
    request_queue_size = 128
    daemon_threads = False  # so that server_close() waits for the requests in flight

    def __init__(self, port: int) -> None:
        self.draining = False
        self._connections: set[socket.socket] = set()
        super().__init__(("", port), HelloHandler)

    def get_request(self) -> tuple[socket.socket, object]:
        connection, address = super().get_request()
        self._connections.add(connection)
        return connection, address

    def shutdown_request(self, request: socket.socket | tuple[bytes, socket.socket]) -> None:
        self._connections.discard(request)
        super().shutdown_request(request)

    def server_close(self) -> None:
        # Waiting readers see the end of their input; what was already sent to us is still answered.
        for connection in list(self._connections):
            with contextlib.suppress(OSError):  # the client was quicker
                connection.shutdown(socket.SHUT_RD)
        super().server_close()


class EchoHandler(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        sent, udp = self.request
        answer = greeting().encode() + sent
        with contextlib.suppress(OSError):  # there is no way back to who sent it
            udp.sendto(answer[:LONGEST_ANSWER], self.client_address)


class EchoServer(DualStackServer, socketserver.UDPServer):
    doing = "echoing UDP"
    max_packet_size = 65535

    def __init__(self, port: int) -> None:
        super().__init__(("", port), EchoHandler)


def greeting() -> str:
    pod = os.environ.get("POD_NAME") or socket.gethostname()
    node = os.environ.get("NODE_NAME") or "an unknown node"
    return f"hello from {pod} on {node}\n"


def main() -> None:
    # Blocked before any thread starts, so that all inherit it and sigwait() alone receives them.
    stop_signals = {signal.SIGTERM, signal.SIGINT}
    signal.pthread_sigmask(signal.SIG_BLOCK, stop_signals)

    web = WebServer(int(os.environ.get("PORT") or 8080))
    servers = [web, EchoServer(web.server_address[1])]
    for server in servers:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        print(f"{server.doing} on port {server.server_address[1]}", file=sys.stderr, flush=True)

    signal.sigwait(stop_signals)
    # The nodes go on sending new connections until they have heard that this pod is leaving.
    web.draining = True
    time.sleep(float(os.environ.get("DRAIN_SECONDS") or 2))
    for server in servers:
        server.shutdown()
        server.server_close()


if __name__ == "__main__":
    main()
