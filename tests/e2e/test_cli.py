# SPDX-License-Identifier: Apache-2.0
"""The command line as a person uses it, on the real cluster. The doctor has a file of its own."""

import json

import pytest
import yaml

from e2e.support import DEMO_IMAGE, Namespace, exposedapp

pytestmark = pytest.mark.shares_cluster


def test_from_nothing_to_every_way_in(namespace: Namespace) -> None:
    words = ["--image", DEMO_IMAGE, "--port", "80:8080", "--port", "80:8080/udp"]
    created = exposedapp(namespace, "create", "hello", *words, "--wait")
    assert created.code == 0, created.err
    url = created.out.splitlines()[-1]

    waited = exposedapp(namespace, "wait", "hello", "--timeout", "60s")
    assert (waited.code, waited.out) == (0, f"hello is ready: {url}\n")

    ways = json.loads(exposedapp(namespace, "urls", "hello", "-o", "json").out)
    assert ways["url"] == url
    assert len(ways["urls"]) == 6


def test_kubectl_takes_what_render_and_dry_run_show(namespace: Namespace) -> None:
    words = ["--image", DEMO_IMAGE, "--port", "80:8080", "--replicas", "0"]
    shown = exposedapp(namespace, "create", "shown", *words, "--dry-run").out
    namespace.kubectl("apply", "--dry-run=server", "-f", "-", stdin=shown)

    rendered = exposedapp(namespace, "render", "-f", "-", stdin=shown).out
    assert [item["kind"] for item in yaml.safe_load_all(rendered)] == ["Deployment", "Service"]
    namespace.kubectl("apply", "--dry-run=server", "--validate=strict", "-f", "-", stdin=rendered)
