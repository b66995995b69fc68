# SPDX-License-Identifier: Apache-2.0
"""Hosts in a URL: the parser, the field and the CEL rule accept the same ones."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from exposedapp.api import crd
from exposedapp.api.hosts import HOST_RULE, parse_host
from exposedapp.api.url_settings import NodesSpec

GOOD_HOSTS = [
    *("apps.example.com", "a", "1a", "a1.2b", "12-34", "localhost", "xn--bcher-kva.example"),
    *("10.0.0.1", "127.0.0.1", "255.255.255.255", "240.0.0.1", "n" * 63),
    *("::1", "fd00::", "fd00::1", "1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7::", "1::3:4:5:6:7:8"),
]
BAD_HOSTS = [
    *("", "Apps.example.com", "apps.example.com:80", "http://apps.example.com", "a..b", "-a", "a-"),
    *("a.", ".a", "a_b", "a/b", "a b", "n" * 64, "12", "a.12", "<nil>", "[fd00::1]", "a\n"),
    *("10.0.0.1:8080", "10.0.0.256", "10.0.0", "10.0.0.01", "0.0.0.0", "169.254.0.1", "224.0.0.1"),  # noqa: S104 - not listened at
    *(":::::", ":", ":::", "1::2::3", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1:2:3:4:5:6:7:8::"),
    *("1:2:3:4:5:6:7::8", "fd00::12345", "fd00::g", "FD00::1", "fd00::1%eth0", "::ffff:10.0.0.1"),
    *("::", "0:0:0:0:0:0:0:0", "fe80::1", "febf::1", "ff02::1", "lb.example.com:8080"),
]


def cel(rule: str, text: str) -> bool:
    """The result of HOST_RULE for a text: each operator of CEL replaced by Python's own."""
    for pattern, python in [
        *((r"!self\.matches", "not self.matches"), (r"&&", "and"), (r"\|\|", "or")),
        (r"self\.matches\(", "search("),
        (
            r"self\.split\(':'\)\.filter\(group, group != ''\)\.size\(\)",
            "len([group for group in text.split(':') if group])",
        ),
    ]:
        rule = re.sub(pattern, python, rule)
    scope = {"search": lambda pattern: re.search(pattern.replace("$", r"\Z"), text), "text": text}
    return bool(eval(rule, scope))  # noqa: S307 - not from outside


@pytest.mark.parametrize(
    ("host", "good"),
    [*((host, True) for host in GOOD_HOSTS), *((host, False) for host in BAD_HOSTS)],
)
def test_the_rule_and_the_parser_know_good_hosts_from_bad_ones(host: str, good: bool) -> None:
    assert cel(HOST_RULE, host) is good
    assert (parse_host(host) is not None) is good
    if good:
        assert NodesSpec(host=host).host == host
    else:
        with pytest.raises(ValidationError, match="must be a DNS name in lower case or an IP"):
            NodesSpec(host=host)


@given(st.text("0123456789abcdefg:.-%", min_size=1, max_size=24))
def test_the_rule_and_the_parser_agree_on_every_text(host: str) -> None:
    assert cel(HOST_RULE, host) is (parse_host(host) is not None)


def test_the_field_has_the_rule() -> None:
    spec = crd.schema()["properties"]["spec"]["properties"]
    (rule,) = spec["nodes"]["properties"]["host"]["x-kubernetes-validations"]
    assert rule["rule"] == HOST_RULE
