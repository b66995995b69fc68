# SPDX-License-Identifier: Apache-2.0
"""`exposedapp open`, as it is typed."""

import webbrowser
from unittest.mock import Mock

import pytest

from support.cli import FakeKube, Run, not_ready, with_spec, with_status


def test_open(run: Run, kube: FakeKube, monkeypatch: pytest.MonkeyPatch) -> None:
    browser = Mock(return_value=True)
    monkeypatch.setattr(webbrowser, "open", browser)
    assert run("open", "hello").stdout == "http://10.0.0.1:30008\n"
    browser.assert_called_once_with("http://10.0.0.1:30008")
    browser.reset_mock()

    kube.set_app(with_status(url="file:///etc/passwd"))
    assert run("open", "hello").exit_code == 0
    kube.set_app(with_status(url="http://hello.shop.svc:80"))
    assert run("open", "hello").exit_code == 1
    kube.set_app(not_ready("ImagePullBackOff"))
    result = run("open", "hello")
    assert result.exit_code == 1
    assert "hello is not ready. ImagePullBackOff: Words." in result.stderr
    browser.assert_not_called()


def test_an_address_inside_the_cluster_comes_with_a_way_from_here(run: Run, kube: FakeKube) -> None:
    inside = {"url": "http://hello.shop.svc:80", "urls": []}
    kube.set_app(with_status(**inside))
    message = run("open", "hello").stderr
    assert "`kubectl port-forward -n shop service/hello 8080:80`, then localhost:8080" in message

    udp = {"port": 53, "targetPort": 53, "protocol": "UDP"}
    kube.set_app(with_status(**inside, ports=[udp]))
    assert "`kubectl port-forward` supports TCP only" in run("open", "hello").stderr

    external = {"image": None, "service": {"type": "ExternalName", "externalName": "a.example"}}
    kube.set_app(with_spec(external, **inside))
    assert "it is an alias for a.example: open that" in run("open", "hello").stderr
