# SPDX-License-Identifier: Apache-2.0
"""The proxy that the environment names."""

import pytest

from exposedapp.kube.proxy import proxy_for

PROXY = "http://proxy:3128"
NAMES = ("https_proxy", "no_proxy", "HTTPS_PROXY", "NO_PROXY")


@pytest.mark.parametrize(
    ("environment", "url", "proxy"),
    [
        ({}, "https://10.0.0.1:6443", None),
        ({"https_proxy": PROXY}, "https://10.0.0.1:6443", PROXY),
        ({"HTTPS_PROXY": PROXY, "NO_PROXY": "10.0.0.1,other"}, "https://10.0.0.1:6443", None),
        ({"https_proxy": PROXY, "no_proxy": "10.96.0.0/12"}, "https://10.96.0.1:443", None),
        ({"https_proxy": PROXY, "NO_PROXY": ".svc, 10.96.0.0/12"}, "https://10.96.0.1", None),
        ({"https_proxy": PROXY, "no_proxy": "fd00::/8"}, "https://[fd00::1]:6443", None),
        ({"https_proxy": PROXY, "no_proxy": "10.96.0.0/12"}, "https://10.0.0.1:6443", PROXY),
        ({"https_proxy": PROXY, "no_proxy": "10.96.0.0/12"}, "https://api.example", PROXY),
        ({"https_proxy": PROXY, "no_proxy": ".example"}, "https://api.example", None),
    ],
    ids=[
        "none",
        "one",
        "not for this host",
        "not for this network",
        "not for one of several",
        "not for this IPv6 network",
        "of another network",
        "of a name",
        "not for this domain",
    ],
)
def test_proxy_for(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], url: str, proxy: str | None
) -> None:
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert proxy_for(url) == proxy
