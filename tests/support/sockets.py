# SPDX-License-Identifier: Apache-2.0
"""Ports and addresses of this machine."""

import socket


def free_port() -> int:
    """A port without a listener."""
    with socket.create_server(("", 0)) as server:
        return int(server.getsockname()[1])


def loopbacks() -> list[str]:
    """The addresses of this machine; in some containers IPv6 is switched off."""
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            return ["127.0.0.1", "[::1]"]
    except OSError:
        return ["127.0.0.1"]
