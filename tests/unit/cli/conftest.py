# SPDX-License-Identifier: Apache-2.0
"""The command line, run against a cluster that answers from a table."""

import pytest
from typer.testing import CliRunner

from exposedapp.cli.app import app
from exposedapp.cli.client import CliClient
from exposedapp.cli.connection import ConnectionOptions
from exposedapp.cli.doctor import collect
from exposedapp.cli.doctor.diagnosis.evidence import UrlProbe
from exposedapp.cli.doctor.pod_proxy import PodProxy
from exposedapp.exposure.probes import ProbeOutcome, ProbeResult
from support.cli import FakeKube, Run


@pytest.fixture
def kube(monkeypatch: pytest.MonkeyPatch) -> FakeKube:
    kube = FakeKube()

    async def connect(connection: ConnectionOptions) -> CliClient:
        return kube.client(connection.namespace)

    async def listens(proxy: PodProxy, pod: str, port: int) -> bool | None:
        return kube.listening

    monkeypatch.setattr(CliClient, "connect", connect)
    monkeypatch.setattr(PodProxy, "listens", listens)
    return kube


@pytest.fixture
def run(kube: FakeKube) -> Run:
    return lambda *words, stdin=None: CliRunner().invoke(app, words, input=stdin)


@pytest.fixture
def url_probes(monkeypatch: pytest.MonkeyPatch) -> dict[str, UrlProbe]:
    """What came of probing a URL, where it is not HTTP 200."""
    probes: dict[str, UrlProbe] = {}

    async def probe_url(url: str) -> UrlProbe:
        ok = UrlProbe(url, ProbeResult(ProbeOutcome.ANSWERED, 200), connected=True)
        return probes.get(url, ok)

    monkeypatch.setattr(collect, "probe_url", probe_url)
    return probes
