# SPDX-License-Identifier: Apache-2.0
"""Two operators as real processes: one leads, and the other takes over."""

import copy
import signal
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from exposedapp.election import ElectionPeriods
from exposedapp.runtime import Periods
from support.http_api_server import HttpApiServer
from support.operator_process import OperatorProcess, until

PERIODS = Periods(
    election=ElectionPeriods(
        lease_seconds=4.0, renew_deadline_seconds=2.5, retry_seconds=0.4, attempt_seconds=1.0
    )
)
Start = Callable[[str], OperatorProcess]


@pytest.fixture
async def server() -> AsyncIterator[HttpApiServer]:
    async with HttpApiServer() as http_api_server:
        http_api_server.app("web")
        yield http_api_server


@pytest.fixture
def start(server: HttpApiServer, tmp_path: Path) -> Start:
    return lambda name: OperatorProcess(server, tmp_path, name, PERIODS)


async def leads(server: HttpApiServer, name: str) -> None:
    await until(lambda: server.leader == name, f"{name} leads")


async def test_one_writes_and_both_are_ready(server: HttpApiServer, start: Start) -> None:
    async with start("first") as first:
        await leads(server, "first")
        async with start("second") as second:
            await first.until_ready()
            await second.until_ready()
            server.app("later")
            await until(lambda: server.url_of("later"), "the app has a URL")
            assert set(server.writers()) == {"first"}
            assert await first.metric("leader_election_master_status") == 1
            assert await second.metric("leader_election_master_status") == 0
            assert await second.metric("workqueue_depth") == 0
            assert await second.terminate() == 0
        assert first.is_running


async def test_a_killed_leader_is_replaced(server: HttpApiServer, start: Start) -> None:
    async with start("first") as first:
        await leads(server, "first")
        server.app("drifting")
        await until(lambda: server.url_of("web") and server.url_of("drifting"), "both have URLs")
        async with start("second") as second:
            await second.until_ready()
            first.send(signal.SIGKILL)
            await first.end()
            sent = len(server.requests)
            server.app("later")
            server.delete("services", "drifting")
            await leads(server, "second")
            await until(lambda: server.get("services", "drifting"), "drift is repaired")
            await until(lambda: server.url_of("later"), "the new app has a URL")
            # The caches were warm, and what is right is not written again.
            requests = server.requests[sent:]
            plurals = ("deployments", "services", "endpointslices", "nodes")
            assert not [
                request
                for request in requests
                if request.path.endswith(plurals) and "limit" in request.query
            ]
            assert "/web" not in "".join(
                request.path for request in requests if request.method != "GET"
            )


async def test_a_leader_that_is_asked_to_end_hands_over(
    server: HttpApiServer, start: Start
) -> None:
    async with start("first") as first:
        await leads(server, "first")
        async with start("second") as second:
            await second.until_ready()
            assert await first.terminate() == 0
            # Not by expiry: the Lease was released before the process ended.
            assert server.leader in ("", "second")
            await leads(server, "second")


async def test_a_leader_that_was_stopped_writes_nothing_when_it_goes_on(
    server: HttpApiServer, start: Start
) -> None:
    async with start("first") as first:
        await leads(server, "first")
        await first.until_ready()
        async with start("second") as second:
            await second.until_ready()
            first.send(signal.SIGSTOP)
            await leads(server, "second")
            names = [f"app-{number}" for number in range(20)]
            for name in names:
                server.app(name)  # waits in the sockets of both
            await until(lambda: all(map(server.url_of, names)), "the apps have URLs")
            for name in names:
                server.app(name, suspend=False)  # the first one's caches are old now
            sent = len(server.requests)
            first.send(signal.SIGCONT)
            assert await first.end() == 1
            assert "first" not in server.writers(since=sent)
            [line] = [line for line in first.log.splitlines() if "CRITICAL" in line]
            assert "Lease default/exposedapp was not renewed" in line
            assert second.is_running


async def test_a_new_leader_knows_the_newest_specs(server: HttpApiServer, start: Start) -> None:
    """A change was not delivered: the connection of the standby's watch is dead, say."""
    async with start("first") as first:
        await leads(server, "first")
        await until(lambda: server.url_of("web"), "the app has a URL")
        async with start("second") as second:
            await second.until_ready()
            changed = copy.deepcopy(server.get("exposedapps", "web"))
            assert changed
            changed["spec"]["replicas"] = 5
            server.put("exposedapps", changed, silently=True)
            assert await first.terminate() == 0

            def is_applied() -> bool:
                deployment = server.get("deployments", "web")
                return deployment is not None and deployment["spec"]["replicas"] == 5

            await until(is_applied, "the new leader applies the change")


async def test_a_leader_without_answers_ends_and_the_standby_goes_on(
    server: HttpApiServer, start: Start
) -> None:
    async with start("first") as first:
        await leads(server, "first")
        async with start("second") as second:
            await second.until_ready()
            server.is_black_hole = True
            server.app("later")
            assert await first.end() == 1
            server.is_black_hole = False
            await leads(server, "second")
            await until(lambda: server.url_of("later"), "the new app has a URL")


async def test_a_lease_that_may_not_be_written_is_logged_and_waited_for(
    server: HttpApiServer, start: Start
) -> None:
    server.refuses_leases = True
    async with start("first") as first:
        await until(lambda: "Lease default/exposedapp" in first.log, "it is logged")
        await first.until_ready()
        assert server.writers() == []
        server.refuses_leases = False
        await leads(server, "first")
        await until(lambda: server.url_of("web"), "the app has a URL")
