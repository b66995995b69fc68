# SPDX-License-Identifier: Apache-2.0
"""Finds out whether a port accepts connections, without the program behind it noticing.

Called by attempt.py. A program that is connected to and left again takes that for a broken client:
it logs it, and may count it. MySQL locks a host out after 100 of them (max_connect_errors). So the
connection is given up before the handshake is complete: the server's SYN-ACK proves that the port
is open, and a reset takes the place of the acknowledgement, so that accept() returns nothing.

Linux delays the acknowledgement for up to 200 ms when TCP_QUICKACK is off before the connection is
made (tcp_rcv_synsent_state_process, net/ipv4/tcp_input.c). HAProxy's TCP health checks do the same,
and tevino/tcp-shaker. If the event loop is later than that, or on another system, the connection is
complete and is then reset.
"""

import asyncio
import socket
import struct

from exposedapp.api.hosts import parse_host

RESET_ON_CLOSE = struct.pack("ii", 1, 0)
"""SO_LINGER with no time to linger."""

FAMILIES = {"IPv4": socket.AF_INET, "IPv6": socket.AF_INET6}

Address = tuple[int, tuple[str, int]]
"""The address family, and host and port."""


async def check_port(host: str, port: int) -> None:
    """Wait until the port of a host accepts a connection, at one of the host's addresses.

    Raises OSError when none does: that it is refused, if one of them refuses. Raises UnicodeError
    for a host that is not a valid DNS name.
    """
    errors: list[OSError] = []
    for family, address in await _addresses(host, port):
        try:
            await _check_address(family, address)
        except OSError as error:
            errors.append(error)
        else:
            return
    refused = (error for error in errors if isinstance(error, ConnectionRefusedError))
    raise next(refused, errors[-1])


async def _addresses(host: str, port: int) -> list[Address]:
    """The addresses of a host. One that is an address already takes no lookup, and no thread."""
    parsed = parse_host(host)
    if parsed and parsed.family:
        return [(FAMILIES[parsed.family], (parsed.text, port))]
    loop = asyncio.get_running_loop()
    infos = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [(family, (str(address[0]), int(address[1]))) for family, _, _, _, address in infos]


async def _check_address(family: int, address: tuple[str, int]) -> None:
    with socket.socket(family, socket.SOCK_STREAM) as connection:
        connection.setblocking(False)
        if hasattr(socket, "TCP_QUICKACK"):
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 0)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
        await asyncio.get_running_loop().sock_connect(connection, address)
