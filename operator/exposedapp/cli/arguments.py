"""Pure: what is written on the command line, as parts of a spec.

All raise ValueError with a message for the person who wrote it.
"""

import re
from collections.abc import Sequence

from exposedapp.api.meta import Json

PORT = re.compile(
    r"(?P<port>\d+)(:(?P<targetPort>\d+))?(/(?P<protocol>tcp|udp|sctp))?(@(?P<nodePort>\d+))?",
    re.IGNORECASE | re.ASCII,
)
DURATION = re.compile(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s?)?", re.ASCII)
LAST_PORT = 65535


def parse_port(text: str) -> Json:
    """One item of spec.ports from PORT[:TARGETPORT][/PROTOCOL][@NODEPORT]."""
    match = PORT.fullmatch(text.strip())
    if match is None:
        raise ValueError(
            f"'{text}' is no port: write PORT[:TARGETPORT][/udp][@NODEPORT], such as 80:8080"
        )
    given = {key: value for key, value in match.groupdict().items() if value}
    protocol = given.pop("protocol", "")
    numbers = {key: int(value) for key, value in given.items()}
    for number in numbers.values():
        if not 1 <= number <= LAST_PORT:
            raise ValueError(f"'{text}': {number} is not from 1 to {LAST_PORT}")
    return {**numbers, **({"protocol": protocol.upper()} if protocol else {})}


def parse_ports(texts: Sequence[str]) -> list[Json]:
    """spec.ports. Several get a name each, as Kubernetes asks for: tcp-80, udp-53."""
    ports = [parse_port(text) for text in texts]
    names = [f"{it.get('protocol', 'TCP')}-{it['port']}".lower() for it in ports]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"port {name.replace('-', ' ')} is given twice")
    if len(ports) == 1:
        return ports
    return [{"name": name, **port} for name, port in zip(names, ports, strict=True)]


def parse_env(text: str) -> Json:
    """One item of spec.env from NAME=VALUE."""
    name, found, value = text.partition("=")
    if not name or not found:
        raise ValueError(f"'{text}' is no variable: write NAME=VALUE")
    return {"name": name, "value": value}


def parse_duration(text: str) -> float:
    """Seconds, from 90, 90s, 2m or 1h30m."""
    match = DURATION.fullmatch(text.strip())
    if match is None or not any(match.groups()):
        raise ValueError(f"'{text}' is no duration: write 90s, 2m or 1h30m")
    hours, minutes, seconds = (int(it or 0) for it in match.groups())
    return hours * 3600.0 + minutes * 60.0 + seconds
