# SPDX-License-Identifier: Apache-2.0
"""`exposedapp urls`, as it is typed."""

import json
from collections.abc import Callable

import pytest
import yaml

from exposedapp.api.meta import Json
from support.cli import HELLO, FakeKube, Run, with_status


def test_urls_in_lines(run: Run) -> None:
    assert run("urls", "hello").stdout == (
        "url\thttp://10.0.0.1:30008\n"
        "urls\thttp://10.0.0.1:30008\n"
        "urls\thttp://[fd00::1]:30008\n"
        "clusterURL\thttp://hello.shop.svc:80\n"
        "proxyPath\t/api/v1/namespaces/shop/services/hello:80/proxy/\n"
        "clusterIP\t10.96.0.9\n"
        "port\t80/TCP -> 8080, node port 30008\n"
    )


def test_urls_on_a_terminal(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    output = run("urls", "hello").stdout
    assert "\x1b[" in output
    assert "http://[fd00::1]:30008" in output  # not read as markup
    assert run("urls", "hello", "-o", "plain").stdout.startswith("url\thttp")


@pytest.mark.parametrize(
    ("output_format", "parse"), [("json", json.loads), ("yaml", yaml.safe_load)]
)
def test_urls_for_programs(run: Run, output_format: str, parse: Callable[[str], Json]) -> None:
    addresses = parse(run("urls", "hello", "-o", output_format).stdout)
    assert addresses == {key: HELLO["status"][key] for key in addresses}
    assert {"url", "urls", "clusterURL", "proxyPath", "clusterIPs", "ports"} == addresses.keys()


def test_no_address_yet(run: Run, kube: FakeKube) -> None:
    kube.set_app({**HELLO, "status": {"observedGeneration": -1}})
    result = run("urls", "hello")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "hello has no address yet. NotObserved" in result.stderr


def test_text_of_the_cluster_does_not_control_the_terminal(run: Run, kube: FakeKube) -> None:
    kube.set_app(with_status(url="http://a\x1b]0;b\x07", urls=[]))
    assert "\x1b" not in run("urls", "hello").stdout
