# SPDX-License-Identifier: Apache-2.0
"""Hosts that may be in a URL: a parser, a field type, and the same check as a CEL rule. Pure."""

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
"""URL parsers take a host that ends like this for an IPv4 address, or refuse it."""

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
"""parse_host() as CEL, whose own functions for IP addresses need Kubernetes 1.31."""

HOST_WORDS = (
    "a DNS name in lower case or an IP address, without scheme and port, such as "
    "apps.example.com or 203.0.113.7"
)


@dataclass(frozen=True, slots=True)
class Host:
    """The host of a URL."""

    text: str
    family: str | None
    """IPv4 or IPv6; None for a DNS name."""


@lru_cache(maxsize=4096)
def parse_host(text: str) -> Host | None:
    """A DNS name in lower case (RFC 1123) or a routable IP address; None if it is neither.

    A link-local address is not reachable from elsewhere, and one with a zone is valid on this
    machine only.
    """
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        is_name = re.fullmatch(NAME, text) and not re.search(NUMERIC_LAST_LABEL, text)
        return Host(text, None) if is_name and len(text) <= MAX_NAME_LENGTH else None
    is_unroutable = address.is_unspecified or address.is_link_local or address.is_multicast
    # HOST_RULE supports no IPv6 address that has capitals, or an IPv4 address in it.
    is_unsupported = address.version == 6 and re.search("[^0-9a-f:]", text)
    if is_unroutable or is_unsupported:
        return None
    return Host(str(address), f"IPv{address.version}")


def is_loopback(text: str) -> bool:
    """Whether a host is the machine itself wherever it is looked up (RFC 6761 for the names)."""
    if text == "localhost" or text.endswith(".localhost"):
        return True
    host = parse_host(text)
    return bool(host and host.family and ipaddress.ip_address(text).is_loopback)


def _must_be_host(text: str) -> str:
    if parse_host(text) is None:
        raise ValueError(f"must be {HOST_WORDS}")
    return text


HostText = Annotated[str, AfterValidator(_must_be_host)]
"""Type of a field that holds a host; its schema needs HOST_RULE as well."""
