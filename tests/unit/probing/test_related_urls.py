# SPDX-License-Identifier: Apache-2.0
"""A host or an app that is down is noticed soon, also when probes are overdue. Virtual time."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager

import pytest

from exposedapp.api.meta import NamespacedName
from exposedapp.exposure.probes import ProbeResult, Target
from exposedapp.probing.control import ControlledAttempt
from exposedapp.probing.host_failures import HOST_DOWN_APPS, HostFailures
from exposedapp.probing.prober import Prober
from exposedapp.settings import Settings
from support.probes import LATE, OK, REFUSED
from support.tasks import running
from support.virtual_time import in_virtual_time

PERIOD = 60.0
KUBELET = 10250


def now() -> float:
    return asyncio.get_running_loop().time()


def app_key(number: int) -> NamespacedName:
    return NamespacedName(f"ns-{number % 10}", f"app-{number}")


def target(app: int, host: int) -> Target:
    url = f"http://app-{app}.host-{host}"
    return Target(url, f"host-{host}", 1, False, PERIOD, 2.0, 2, control_port=KUBELET)


class Cluster:
    """Apps with a URL at each host; all URLs answer for which fails() returns no result."""

    def __init__(self, apps: int, hosts: int, rate: float, in_flight: int = 50) -> None:
        self.fails: Callable[[Target], ProbeResult | None] = lambda _: None
        self.probes: list[tuple[float, Target]] = []
        self.targets = {
            app_key(app): [target(app, host) for host in range(hosts)] for app in range(apps)
        }
        attempt = ControlledAttempt(self._attempt, now)
        self.prober = Prober(rate, in_flight, lambda _: None, attempt, now)
        for key, targets in self.targets.items():
            self.prober.set_targets(key, targets)

    async def _attempt(self, target: Target) -> ProbeResult:
        if target.port != KUBELET:
            self.probes.append((now(), target))
        result = self.fails(target) or OK
        await asyncio.sleep(target.timeout if result is LATE else 0.005)
        return result

    def outdated(self) -> Iterator[str]:
        """The URLs whose known result is not the one that a probe has now."""
        for key, targets in self.targets.items():
            by_url = self.prober.set_targets(key, targets).by_url
            for target in targets:
                result = by_url[target.url]
                if result is None or result.outcome != (self.fails(target) or OK).outcome:
                    yield target.url

    async def seconds_until_correct(self) -> float:
        started = now()
        while any(self.outdated()):
            await asyncio.sleep(1)
            assert now() - started < 1000
        return now() - started


@asynccontextmanager
async def cluster(apps: int, hosts: int, rate: float) -> AsyncIterator[Cluster]:
    world = Cluster(apps, hosts, rate)
    async with running(world.prober.run()):
        await world.seconds_until_correct()
        await asyncio.sleep(5 * PERIOD)
        yield world


def down_host(result: ProbeResult) -> Callable[[Target], ProbeResult | None]:
    return lambda target: result if target.host == "host-3" else None


def down_app(target: Target) -> ProbeResult | None:
    return REFUSED if target.url.startswith("http://app-5.") else None


@pytest.mark.parametrize(
    "fails", [down_host(LATE), down_host(REFUSED), down_app], ids=["silent", "refuses", "app"]
)
@in_virtual_time
async def test_1000_apps_on_16_nodes_at_the_default_rate(
    fails: Callable[[Target], ProbeResult | None],
) -> None:
    async with cluster(apps=1000, hosts=16, rate=Settings().probe_rate) as world:
        assert world.prober.state().overdue > PERIOD
        world.fails = fails
        assert await world.seconds_until_correct() <= 90
        # The rate allows no additional probes, and no URL has lost its turn to others.
        world.fails = lambda _: None
        assert await world.seconds_until_correct() <= 90


@in_virtual_time
async def test_an_app_that_is_down_brings_nothing_but_its_own_urls_forward() -> None:
    async with cluster(apps=20, hosts=4, rate=50) as world:
        world.probes.clear()
        world.fails = down_app
        started = now()
        await asyncio.sleep(PERIOD)
        others = [probed.url for _, probed in world.probes if not down_app(probed)]
        assert len(others) < 2 * 19 * 4
        failed = [time for time, probed in world.probes if down_app(probed)]
        assert failed[0] - started <= PERIOD * 1.15
        first_failed = {
            probed.url: time for time, probed in reversed(world.probes) if down_app(probed)
        }
        assert max(first_failed.values()) - failed[0] < 2


@in_virtual_time
async def test_a_url_at_a_host_that_is_down_is_not_retried_more_often_than_others() -> None:
    async with cluster(apps=20, hosts=4, rate=50) as world:
        world.fails = down_host(REFUSED)
        await world.seconds_until_correct()
        world.probes.clear()
        await asyncio.sleep(PERIOD)
        retried = [probed.url for _, probed in world.probes if probed.host == "host-3"]
        # URLs that failed before the host was known to be down have their usual back-off.
        assert len(retried) < 20 * 2 + HOST_DOWN_APPS * 10


@in_virtual_time
async def test_a_new_app_at_a_host_that_is_down_is_still_retried_soon() -> None:
    async with cluster(apps=20, hosts=4, rate=50) as world:
        world.fails = down_host(REFUSED)
        await world.seconds_until_correct()
        world.probes.clear()
        world.prober.set_targets(app_key(99), [target(99, 3)])
        await asyncio.sleep(10)
        assert len([probed for _, probed in world.probes if probed == target(99, 3)]) > 3


def test_a_host_is_down_when_urls_of_several_apps_fail_and_none_answers() -> None:
    failures = HostFailures()
    for _ in range(5):
        failures.add("a", app_key(0))
    assert not failures.is_down("a")
    failures.add("a", app_key(1))
    failures.remove("a")
    for app in range(HOST_DOWN_APPS):
        assert not failures.is_down("a")
        failures.add("a", app_key(app))
    assert failures.is_down("a")
    assert not failures.is_down("b")
    failures.remove("a")
    assert not failures.is_down("a")
