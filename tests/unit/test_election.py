# SPDX-License-Identifier: Apache-2.0
"""Leader election: of several candidates one leads, whatever their clocks say."""

import asyncio
import copy
import itertools
import sys
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from exposedapp import election as module
from exposedapp.api.meta import Json
from exposedapp.cache.versions import HistoryRewrittenError
from exposedapp.election import (
    Election,
    ElectionPeriods,
    LeaseLostError,
    lease_namespace,
    seconds_since_boot,
)
from exposedapp.kube.errors import ApiError
from support.virtual_time import in_virtual_time

PERIODS = ElectionPeriods()
TAKEOVER_SECONDS = 20.0
RELEASED_SECONDS = 3.0
EPOCH = datetime(2026, 1, 1, tzinfo=UTC)


class Leases:
    """The API server's part: one Lease, and optimistic locking."""

    def __init__(self) -> None:
        self.lease: Json | None = None
        self.hanging = 0
        """How many of the next requests are not answered."""
        self.is_down = False
        self._versions = itertools.count(1)
        self._backup: Json | None = None

    async def request(self, method: str, path: str, body: Json | None = None) -> Json:
        if self.is_down or self.hanging:
            self.hanging = max(0, self.hanging - 1)
            await asyncio.Event().wait() if not self.is_down else await asyncio.sleep(3600)
        if method == "GET":
            if self.lease is None:
                raise ApiError(404, "NotFound", "no such Lease")
            return copy.deepcopy(self.lease)
        assert body
        live = self.lease["metadata"]["resourceVersion"] if self.lease else None
        if body["metadata"].get("resourceVersion") != live:
            raise ApiError(409, "Conflict", "the Lease has changed")
        self.lease = copy.deepcopy(body)
        self.lease["metadata"]["resourceVersion"] = str(next(self._versions))
        return copy.deepcopy(self.lease)

    def back_up(self) -> None:
        self._backup = copy.deepcopy(self.lease)

    def restore(self) -> None:
        """As after the restore of etcd, when others have written so much that revisions are higher.

        The Lease is that of the backup.
        """
        self.lease = copy.deepcopy(self._backup)
        self._versions = itertools.count(next(self._versions) + 100)


@dataclass
class Candidate:
    leases: Leases
    name: str
    skew_seconds: float = 0.0
    stopped_seconds: float = 0.0
    """How much time has passed while the process was stopped, and its event loop with it."""
    led_at: float | None = None
    election: Election = field(init=False)

    def __post_init__(self) -> None:
        loop = asyncio.get_running_loop()
        self.election = Election(
            self.leases.request,
            "shop",
            "exposedapp",
            self.name,
            clock=lambda: loop.time() + self.stopped_seconds,
            wall_clock=lambda: EPOCH + timedelta(seconds=loop.time() + self.skew_seconds),
        )
        self.task = asyncio.create_task(self.election.run(self._lead))

    def _lead(self) -> None:
        self.led_at = asyncio.get_running_loop().time()

    async def kill(self) -> None:
        """End without a release, as by SIGKILL."""
        self.task.cancel()
        await asyncio.wait([self.task])

    async def until_leading(self) -> None:
        async with asyncio.timeout(600):
            while self.led_at is None:
                await asyncio.sleep(0.01)


def now() -> float:
    return asyncio.get_running_loop().time()


@pytest.mark.parametrize("skew", [0.0, 60.0, -60.0])
def test_a_standby_waits_while_the_leader_renews(skew: float) -> None:
    @in_virtual_time
    async def scenario() -> None:
        leases = Leases()
        leader = Candidate(leases, "leader")
        await leader.until_leading()
        standby = Candidate(leases, "standby", skew_seconds=skew)
        for _ in range(1000):
            await asyncio.sleep(0.3)
            assert leader.election.is_leader
            assert not standby.election.is_leader
        assert standby.led_at is None

    scenario()


@pytest.mark.parametrize("skew", [0.0, 60.0, -60.0])
def test_a_standby_takes_over_from_a_killed_leader(skew: float) -> None:
    @in_virtual_time
    async def scenario() -> None:
        leases = Leases()
        leader = Candidate(leases, "leader")
        await leader.until_leading()
        standby = Candidate(leases, "standby", skew_seconds=skew)
        await asyncio.sleep(33.3)
        killed_at = now()
        await leader.kill()
        await standby.until_leading()
        assert now() - killed_at <= TAKEOVER_SECONDS
        assert not leader.election.is_leader
        assert leases.lease
        assert leases.lease["spec"]["leaseTransitions"] == 1

    scenario()


@in_virtual_time
async def test_a_lease_that_is_released_is_taken_at_once() -> None:
    leases = Leases()
    leader = Candidate(leases, "leader")
    await leader.until_leading()
    standby = Candidate(leases, "standby")
    await asyncio.sleep(33.3)
    released_at = now()
    await leader.kill()
    await leader.election.release()
    assert not leader.election.is_leader
    await standby.until_leading()
    assert now() - released_at <= RELEASED_SECONDS


@in_virtual_time
async def test_a_leader_without_answers_stops_to_write_before_another_may_begin() -> None:
    leases = Leases()
    leader = Candidate(leases, "leader")
    await leader.until_leading()
    standby = Candidate(leases, "standby")
    await asyncio.sleep(33.3)
    leases.is_down = True
    cut_at = now()
    with pytest.raises(LeaseLostError, match="no answer"):
        await leader.task
    assert not leader.election.is_leader
    assert now() - cut_at <= PERIODS.renew_deadline_seconds
    leases.is_down = False
    ended_at = now()
    await standby.until_leading()
    seconds_between = PERIODS.lease_seconds - PERIODS.renew_deadline_seconds
    assert now() - ended_at >= seconds_between - PERIODS.retry_seconds


@in_virtual_time
async def test_one_request_without_an_answer_is_not_the_end() -> None:
    leases = Leases()
    leader = Candidate(leases, "leader")
    await leader.until_leading()
    for _ in range(20):
        leases.hanging = 1
        await asyncio.sleep(15)
        assert leader.election.is_leader


@in_virtual_time
async def test_a_process_that_was_stopped_may_not_write_when_it_goes_on() -> None:
    leader = Candidate(Leases(), "leader")
    await leader.until_leading()
    assert leader.election.is_leader
    leader.stopped_seconds = 30.0
    assert not leader.election.is_leader
    with pytest.raises(LeaseLostError):
        await leader.task


@in_virtual_time
async def test_a_lease_with_another_holder_is_lost() -> None:
    leases = Leases()
    leader = Candidate(leases, "leader")
    await leader.until_leading()
    assert leases.lease
    leases.lease["spec"]["holderIdentity"] = "somebody-else"
    with pytest.raises(LeaseLostError, match="somebody-else"):
        await leader.task
    await leader.election.release()
    assert leases.lease["spec"]["holderIdentity"] == "somebody-else"


@in_virtual_time
async def test_a_lease_that_is_deleted_is_left_to_its_holder() -> None:
    leases = Leases()
    leader = Candidate(leases, "leader")
    await leader.until_leading()
    standby = Candidate(leases, "standby")
    await asyncio.sleep(33.3)
    leases.lease = None
    while leases.lease is None:
        await asyncio.sleep(0.01)
        assert not standby.election.is_leader
    assert leases.lease["spec"]["holderIdentity"] == "leader"
    await asyncio.sleep(60)
    assert leader.election.is_leader
    assert standby.led_at is None


async def ended(candidate: Candidate) -> None:
    """As in runtime.py: the Lease is released after the election."""
    async with asyncio.timeout(PERIODS.lease_seconds):
        with pytest.raises(HistoryRewrittenError, match=r"Lease shop/exposedapp: resourceV"):
            await candidate.task
    await candidate.election.release()


async def restored_beside(*names: str) -> tuple[Leases, list[Candidate]]:
    """A Lease and its candidates, the first of which leads, just after the restore of etcd."""
    leases, candidates = Leases(), list[Candidate]()
    for name in names:
        candidates.append(Candidate(leases, name))
        await candidates[0].until_leading()
    leases.back_up()
    await asyncio.sleep(60)
    leases.restore()
    return leases, candidates


@in_virtual_time
async def test_each_candidate_notices_a_restored_etcd() -> None:
    """No watch breaks, and the revisions have passed what they were before the restore."""
    _, candidates = await restored_beside("leader", "standby")
    for candidate in candidates:
        await ended(candidate)
        assert not candidate.election.is_leader


@in_virtual_time
async def test_whoever_ends_because_of_a_restore_leaves_the_lease_to_be_seen() -> None:
    """Released, it would have a revision that is higher than what a standby has seen."""
    leases, (leader,) = await restored_beside("leader")
    restored = copy.deepcopy(leases.lease)
    await ended(leader)
    assert leases.lease == restored


@in_virtual_time
async def test_a_restore_that_is_first_noticed_at_the_end_is_no_error_then() -> None:
    leases, (leader,) = await restored_beside("leader")
    restored = copy.deepcopy(leases.lease)
    await leader.kill()
    await leader.election.release()
    assert leases.lease == restored


@in_virtual_time
async def test_a_response_that_is_no_lease_is_not_the_end() -> None:
    """As the page of a load balancer."""
    leases = Leases()
    leader = Candidate(leases, "leader")
    await leader.until_leading()
    lease, leases.lease = leases.lease, {"message": "maintenance"}
    await asyncio.sleep(PERIODS.retry_seconds)
    leases.lease = lease
    await asyncio.sleep(60)
    assert leader.election.is_leader


@in_virtual_time
async def test_two_that_start_together_do_not_both_lead() -> None:
    leases = Leases()
    candidates = [Candidate(leases, name) for name in ("a", "b", "c")]
    await asyncio.sleep(60)
    assert len([candidate for candidate in candidates if candidate.election.is_leader]) == 1


@in_virtual_time
async def test_the_record_is_what_kubectl_shows() -> None:
    leases = Leases()
    leader = Candidate(leases, "leader")
    await leader.until_leading()
    await asyncio.sleep(60.5)
    assert leases.lease
    spec = leases.lease["spec"]
    assert spec["acquireTime"] == "2026-01-01T00:00:00.000000Z"
    assert spec["renewTime"] > "2026-01-01T00:00:57"
    assert (spec["holderIdentity"], spec["leaseDurationSeconds"]) == ("leader", 15)
    assert spec["leaseTransitions"] == 0


def test_the_namespace_is_the_configured_one_or_the_pod_s(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "namespace"
    monkeypatch.setattr(module, "POD_NAMESPACE_FILE", file)
    assert lease_namespace(None) == "default"
    file.write_text("operators\n")
    assert lease_namespace(None) == "operators"
    assert lease_namespace("mine") == "mine"


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere time.monotonic is such a clock")
def test_the_clock_goes_on_while_the_machine_is_suspended(monkeypatch: pytest.MonkeyPatch) -> None:
    clocks = {time.CLOCK_MONOTONIC: 100.0, time.CLOCK_BOOTTIME: 400.0}
    monkeypatch.setattr(time, "clock_gettime", clocks.__getitem__)
    assert seconds_since_boot() == 400.0
