# SPDX-License-Identifier: Apache-2.0
"""Who writes what the replicas share, and in which order."""

import asyncio
import copy

import pytest

from exposedapp.admission import certificate_keeper
from exposedapp.admission.certificate_keeper import CertificateKeeper, WebhookNames
from exposedapp.api.meta import Json

NAMES = WebhookNames("operators", "reviews", has_own_certificate=True)


class Objects:
    """The Secret and the ValidatingWebhookConfiguration, and the requests for them."""

    def __init__(self) -> None:
        client = {"service": {"name": "reviews", "namespace": "operators", "port": 443}}
        self.bodies: dict[str, Json] = {
            NAMES.secret_path(): {"metadata": {"name": "reviews"}},
            NAMES.webhook_path: {"webhooks": [{"name": "a", "clientConfig": client}]},
        }
        self.writes: list[str] = []
        self.reads = 0

    async def request(self, method: str, path: str, body: Json | None = None) -> Json:
        if method != "GET":
            assert body
            self.writes.append(path)
            self.bodies[path] = body
        else:
            self.reads += 1
        return copy.deepcopy(self.bodies[path])


@pytest.fixture
def objects() -> Objects:
    return Objects()


def keeper_of(objects: Objects, *, leads: bool) -> CertificateKeeper:
    return CertificateKeeper(objects.request, NAMES, lambda: leads)


async def test_a_standby_writes_nothing(objects: Objects) -> None:
    standby = keeper_of(objects, leads=False)
    await standby._check()
    assert objects.writes == []
    assert not standby.is_ready.is_set()


async def test_a_standby_that_waits_says_so_once(
    objects: Objects, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(certificate_keeper, "FIRST_CHECK_SECONDS", 0)
    task = asyncio.create_task(keeper_of(objects, leads=False).run())
    async with asyncio.timeout(5):
        while objects.reads < 3:
            await asyncio.sleep(0)
    task.cancel()
    assert caplog.text.count("has no certificate yet") == 1


async def test_what_the_leader_serves_is_trusted_before_any_replica_has_it(
    objects: Objects,
) -> None:
    leader, standby = keeper_of(objects, leads=True), keeper_of(objects, leads=False)
    await leader._check()
    assert objects.writes == [NAMES.webhook_path, NAMES.secret_path()]
    await leader._check()
    assert len(objects.writes) == 2
    await standby._check()
    assert standby.token == leader.token != ""
    assert standby.is_ready.is_set()
