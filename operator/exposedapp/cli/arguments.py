# SPDX-License-Identifier: Apache-2.0
"""Turns the texts of the command line into parts of a spec. Pure.

Called by the commands. Every function raises ValueError with a message for the user.
"""

import re
from collections.abc import Sequence

import durationpy

from exposedapp.api.meta import API_VERSION, KIND, Json

PORT = re.compile(
    r"(?P<port>\d+)(:(?P<targetPort>\d+))?(/(?P<protocol>tcp|udp|sctp))?(@(?P<nodePort>\d+))?",
    re.IGNORECASE | re.ASCII,
)

MAX_PORT = 65535


def make_app(
    name: str,
    image: str,
    ports: Sequence[str],
    *,
    replicas: int | None = None,
    env: Sequence[str] = (),
    service_type: str | None = None,
    namespace: str | None = None,
) -> Json:
    """The ExposedApp with the fields that were given, and no others."""
    spec: Json = {"image": image}
    if replicas is not None:
        spec["replicas"] = replicas
    spec["ports"] = parse_ports(ports)
    if env:
        spec["env"] = [parse_env(variable) for variable in env]
    if service_type:
        spec["service"] = {"type": service_type}
    metadata = {"name": name, **({"namespace": namespace} if namespace else {})}
    return {"apiVersion": API_VERSION, "kind": KIND, "metadata": metadata, "spec": spec}


def parse_ports(texts: Sequence[str]) -> list[Json]:
    """The field spec.ports. Several ports get names, which Kubernetes requires: tcp-80, udp-53."""
    ports = [parse_port(text) for text in texts]
    names = [f"{port.get('protocol', 'TCP')}-{port['port']}".lower() for port in ports]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"port {name.replace('-', ' ')} is given twice")
    if len(ports) == 1:
        return ports
    return [{"name": name, **port} for name, port in zip(names, ports, strict=True)]


def parse_port(text: str) -> Json:
    """One item of spec.ports from PORT[:TARGETPORT][/PROTOCOL][@NODEPORT]."""
    match = PORT.fullmatch(text.strip())
    if match is None:
        raise ValueError(
            f"'{text}' is not a port: write PORT[:TARGETPORT][/udp][@NODEPORT], such as 80:8080"
        )
    fields = {key: value for key, value in match.groupdict().items() if value}
    protocol = fields.pop("protocol", "")
    numbers = {key: int(value) for key, value in fields.items()}
    for number in numbers.values():
        if not 1 <= number <= MAX_PORT:
            raise ValueError(f"'{text}': {number} is not from 1 to {MAX_PORT}")
    return {**numbers, **({"protocol": protocol.upper()} if protocol else {})}


def parse_env(text: str) -> Json:
    """One item of spec.env from NAME=VALUE."""
    name, separator, value = text.partition("=")
    if not name or not separator:
        raise ValueError(f"'{text}' is not a variable: write NAME=VALUE")
    return {"name": name, "value": value}


def parse_labels(text: str) -> dict[str, str]:
    """Labels from KEY=VALUE,KEY=VALUE: what a Service can select by."""
    pairs = [pair.strip().partition("=") for pair in text.split(",")]
    if any(not key or not separator or "!" in key for key, separator, _ in pairs):
        raise ValueError(f"'{text}' is not a list of labels: write KEY=VALUE,KEY=VALUE")
    return {key: value.removeprefix("=") for key, _, value in pairs}


def parse_duration(text: str) -> float:
    """Seconds, from a duration as kubectl takes it, such as 1h30m or 500ms; a bare 90 is 90 s."""
    text = text.strip()
    try:
        # A number without a unit is in seconds, also at the end.
        duration = durationpy.from_str(f"{text}s" if text[-1:].isdecimal() else text)
    except (durationpy.DurationError, ValueError, OverflowError):
        raise ValueError(f"'{text}' is not a duration: write 90s, 1.5m or 1h30m") from None
    if duration.total_seconds() < 0:
        raise ValueError(f"'{text}' is negative: write 90s, 1.5m or 1h30m")
    return float(duration.total_seconds())
