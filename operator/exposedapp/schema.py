"""What the types of the resource are made with: a common base and pieces of schema."""

import ipaddress
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, WithJsonSchema
from pydantic.alias_generators import to_camel

Json = dict[str, Any]
"""A Kubernetes object, or a part of one, as the API server sends it."""


def int_or_string(**extra: Any) -> WithJsonSchema:
    """The schema of Kubernetes' IntOrString."""
    return WithJsonSchema(
        {
            "anyOf": [{"type": "integer"}, {"type": "string"}],
            "x-kubernetes-int-or-string": True,
            **extra,
        }
    )


def rules(*pairs: tuple[str, str]) -> Json:
    """CEL rules for a schema, from pairs of (rule, message)."""
    return {"x-kubernetes-validations": [{"rule": rule, "message": msg} for rule, msg in pairs]}


def map_list(*keys: str) -> Json:
    """Marks a list as one that server-side apply merges by these keys; duplicates are refused."""
    return {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": list(keys)}


def labels_rule(field: str) -> Json:
    """A rule that the keys of this map are label keys: what CEL can say, and patterns cannot."""
    return rules(
        (
            "self.all(key, key.matches('^([A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?/)?"
            "[A-Za-z0-9]([A-Za-z0-9_.-]*[A-Za-z0-9])?$') "
            "&& key.size() - key.lastIndexOf('/') <= 64)",
            f"{field} has a key that no label can have: write [PREFIX/]NAME, NAME at most 63 "
            "of letters, digits, '-', '_' and '.'",
        )
    )


def any_object(**extra: Any) -> WithJsonSchema:
    """The schema of an object that only Kubernetes itself can check."""
    return WithJsonSchema({"type": "object", "x-kubernetes-preserve-unknown-fields": True, **extra})


def is_deeper(value: Any, levels: int) -> bool:
    """Whether objects and lists are nested deeper than so many levels."""
    here = [value]
    for _ in range(levels + 1):
        inside: list[Any] = []
        for it in here:
            inside += it.values() if isinstance(it, dict) else it if isinstance(it, list) else ()
        here = inside
    return any(isinstance(it, (dict, list)) for it in here)


DNS_LABEL = "[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?"
NAME = f"^{DNS_LABEL}([.]{DNS_LABEL})*$"
LONGEST_NAME = 253
NUMBER_LAST = "(^|[.])[0-9]+$"
"""What ends like this is taken for an IPv4 address by all that read URLs, or refused."""
OCTET = "(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
IPV4 = f"^({OCTET}[.]){{3}}{OCTET}$"
NO_IPV4 = "^(0[.]0[.]0[.]0$|169[.]254[.]|22[4-9][.]|23[0-9][.])"
IPV6 = "^([0-9a-f]{1,4}:){7}[0-9a-f]{1,4}$"
SHORT_IPV6 = "^([0-9a-f]{1,4}(:[0-9a-f]{1,4})*)?::([0-9a-f]{1,4}(:[0-9a-f]{1,4})*)?$"
NO_IPV6 = "^([0:]+$|fe[89ab][0-9a-f]:|ff[0-9a-f]{2}:)"
HOST_RULE = (
    f"(self.matches('{NAME}') && !self.matches('{NUMBER_LAST}')) "
    f"|| (self.matches('{IPV4}') && !self.matches('{NO_IPV4}')) "
    f"|| ((self.matches('{IPV6}') || (self.matches('{SHORT_IPV6}') "
    f"&& self.split(':').filter(group, group != '').size() < 8)) && !self.matches('{NO_IPV6}'))"
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
        named = re.fullmatch(NAME, text) and not re.search(NUMBER_LAST, text)
        return Host(text, None) if named and len(text) <= LONGEST_NAME else None
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

TargetPort = Annotated[
    int | str,
    int_or_string(
        maxLength=15,
        **rules(
            (
                "type(self) == int ? self >= 1 && self <= 65535 : "
                "self.matches('^[a-z0-9]+(-[a-z0-9]+)*$') && self.matches('[a-z]')",
                "a container's port must be a number from 1 to 65535, or a container port's name "
                "(at most 15 of a-z, 0-9 and single '-', with at least one letter)",
            )
        ),
    ),
]
"""Where a container listens: Kubernetes' IntOrString, with its limits."""


class Model(BaseModel):
    """What all parts of the resource share: camelCase outside, immutable inside.

    Unknown fields are ignored: the API server prunes them, and `kubectl apply` names them.
    """

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, frozen=True)

    def as_json(self) -> Json:
        """The object as it was written: only the fields that were given, in camelCase."""
        return self.model_dump(mode="json", by_alias=True, exclude_unset=True)
