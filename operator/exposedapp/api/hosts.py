"""Hosts that may stand in a URL, as a type and as a CEL rule."""

import ipaddress
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated

from pydantic import AfterValidator

DNS_LABEL = "[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?"

NAME = f"^{DNS_LABEL}([.]{DNS_LABEL})*$"

MAX_NAME_LENGTH = 253

NUMERIC_LAST_LABEL = "(^|[.])[0-9]+$"
"""What ends like this is taken for an IPv4 address by all that read URLs, or refused."""

OCTET = "(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"

IPV4 = f"^({OCTET}[.]){{3}}{OCTET}$"

UNUSABLE_IPV4 = "^(0[.]0[.]0[.]0$|169[.]254[.]|22[4-9][.]|23[0-9][.])"

IPV6 = "^([0-9a-f]{1,4}:){7}[0-9a-f]{1,4}$"

COMPRESSED_IPV6 = "^([0-9a-f]{1,4}(:[0-9a-f]{1,4})*)?::([0-9a-f]{1,4}(:[0-9a-f]{1,4})*)?$"

UNUSABLE_IPV6 = "^([0:]+$|fe[89ab][0-9a-f]:|ff[0-9a-f]{2}:)"

HOST_RULE = (
    f"(self.matches('{NAME}') && !self.matches('{NUMERIC_LAST_LABEL}')) "
    f"|| (self.matches('{IPV4}') && !self.matches('{UNUSABLE_IPV4}')) "
    f"|| ((self.matches('{IPV6}') || (self.matches('{COMPRESSED_IPV6}') "
    f"&& self.split(':').filter(group, group != '').size() < 8)) "
    f"&& !self.matches('{UNUSABLE_IPV6}'))"
)
"""parse_host() in CEL, which knows addresses from Kubernetes 1.31 on only."""

HOST_WORDS = (
    "a DNS name in lower case or an IP address, without scheme and port, such as "
    "apps.example.com or 203.0.113.7"
)


@dataclass(frozen=True, slots=True)
class Host:
    """What can stand in a URL for a machine."""

    text: str
    family: str | None
    """IPv4 or IPv6; None for a name."""


@lru_cache(maxsize=4096)
def parse_host(text: str) -> Host | None:
    """A DNS name in lower case (RFC 1123), or an IP address that leads somewhere; None: neither.

    An address of a link is none from elsewhere, and one with a zone is for this machine alone.
    """
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        named = re.fullmatch(NAME, text) and not re.search(NUMERIC_LAST_LABEL, text)
        return Host(text, None) if named and len(text) <= MAX_NAME_LENGTH else None
    nowhere = address.is_unspecified or address.is_link_local or address.is_multicast
    # The rule in CEL does not know IPv6 addresses that have an IPv4 one or capitals in them.
    odd = address.version == 6 and re.search("[^0-9a-f:]", text)
    return None if nowhere or odd else Host(str(address), f"IPv{address.version}")


def _must_be_host(text: str) -> str:
    if parse_host(text) is None:
        raise ValueError(f"must be {HOST_WORDS}")
    return text


HostText = Annotated[str, AfterValidator(_must_be_host)]
"""A host as it was written. Where it is a field of the resource, HOST_RULE goes with it."""
