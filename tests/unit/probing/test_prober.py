# SPDX-License-Identifier: Apache-2.0
"""When the URLs are probed, and which results are reported. All time is virtual."""

import asyncio
import math
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import pairwise

import pytest

from exposedapp.api.meta import NamespacedName
from exposedapp.exposure.backend import BackendFingerprint
from exposedapp.exposure.probes import (
    NOTHING_PROBED,
    ProbeResult,
    ProbeResults,
    Target,
)
from exposedapp.probing.prober import (
    JITTER,
    MAX_APP_SHARE,
    MIN_COMPACTION_SIZE,
    MIN_RETRY_SECONDS,
    Prober,
)
from exposedapp.probing.state import (
    BACKOFF_FACTOR,
    INITIAL_BACKOFF_SECONDS,
    RECHECK_SECONDS,
    ProbeState,
)
from support.probes import LATE, OK, REFUSED
from support.tasks import running
from support.virtual_time import in_virtual_time

WEB, API = NamespacedName("shop", "web"), NamespacedName("shop", "api")
OTHER = NamespacedName("other", "web")
BACKEND = BackendFingerprint(1, 1)
PERIOD = 60.0
SOON = 2.0
"""Within this a failure of a URL that has answered is confirmed."""


def target(
    url: str = "a",
    period: float = PERIOD,
    threshold: int = 2,
    backend: BackendFingerprint = BACKEND,
) -> Target:
    return Target(url, "10.0.0.1", 30001, False, period, 2.0, threshold, backend)


def now() -> float:
    return asyncio.get_running_loop().time()


class Network:
    """The results of the URLs; those without one of their own answer."""

    def __init__(self, lasts: float = 0.0) -> None:
        self.lasts = lasts
        """The duration of each probe in seconds."""
        self.answers: dict[str, ProbeResult] = {}
        self.script: list[ProbeResult] = []
        """The results of the first probes, whatever their URLs."""
        self.probes: list[tuple[float, str]] = []
        self.in_flight = 0
        self.max_in_flight = 0

    async def __call__(self, target: Target) -> ProbeResult:
        self.probes.append((now(), target.url))
        self.in_flight += 1
        self.max_in_flight = max(self.max_in_flight, self.in_flight)
        await asyncio.sleep(self.lasts)
        self.in_flight -= 1
        return self.script.pop(0) if self.script else self.answers.get(target.url, OK)

    def times(self) -> list[float]:
        return [time for time, _ in self.probes]

    def urls(self) -> list[str]:
        return [url for _, url in self.probes]

    def pauses(self) -> list[float]:
        return [later - earlier for earlier, later in pairwise(self.times())]


class RecordingProber(Prober):
    """A prober that records when it reports which app."""

    def __init__(self, network: Network, rate: float, in_flight: int) -> None:
        super().__init__(rate, in_flight, self._record_report, network, now)
        self.reports: list[tuple[float, NamespacedName]] = []

    def _record_report(self, key: NamespacedName) -> None:
        self.reports.append((now(), key))

    def probe(self, *targets: Target, key: NamespacedName = WEB) -> ProbeResults:
        """Sets the targets of an app."""
        return self.set_targets(key, targets)


@asynccontextmanager
async def running_prober(
    network: Network, rate: float = 1000.0, in_flight: int = 10
) -> AsyncIterator[RecordingProber]:
    prober = RecordingProber(network, rate, in_flight)
    async with running(prober.run()):
        yield prober


# --- when a URL is probed -------------------------------------------------------------------------


@in_virtual_time
async def test_until_the_first_answer_it_is_tried_often_at_first() -> None:
    network = Network()
    network.answers["a"] = REFUSED
    async with running_prober(network) as prober:
        prober.probe(target())
        await asyncio.sleep(600)
        pauses = network.pauses()
        expected = [
            min(INITIAL_BACKOFF_SECONDS * BACKOFF_FACTOR**n, PERIOD) for n in range(len(pauses))
        ]
        assert pauses == pytest.approx(expected, rel=JITTER + 0.01)
        assert network.times()[0] == 0.0
        assert len([time for time in network.times() if time < 5]) >= 4
        assert expected[-1] == PERIOD


@in_virtual_time
async def test_one_that_answers_is_tried_once_in_a_period() -> None:
    network = Network()
    network.script = [REFUSED, REFUSED]
    async with running_prober(network) as prober:
        prober.probe(target())
        await asyncio.sleep(10 * PERIOD)
    soon, later = network.pauses()[:2], network.pauses()[2:]
    assert max(soon) < 1
    assert later == pytest.approx([PERIOD] * len(later), rel=JITTER + 0.01)
    assert len(set(later)) == len(later), "jittered"


@in_virtual_time
async def test_a_short_period_is_never_exceeded() -> None:
    network = Network()
    network.answers["a"] = REFUSED
    async with running_prober(network) as prober:
        prober.probe(target(period=0.25))
        await asyncio.sleep(10)
    assert max(network.pauses()) <= 0.25 * (1 + JITTER) + 0.01


@in_virtual_time
async def test_after_a_recovery_the_next_failure_is_looked_at_as_soon() -> None:
    network = Network()
    network.script = [REFUSED] * 8 + [OK] + [REFUSED] * 2
    async with running_prober(network, rate=1000) as prober:
        prober.probe(target())
        await asyncio.sleep(5 * PERIOD)
    assert network.pauses()[8] == pytest.approx(PERIOD, rel=JITTER + 0.01)
    assert network.pauses()[9] == pytest.approx(INITIAL_BACKOFF_SECONDS, rel=JITTER + 0.01)


# --- which results are reported -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("script", "threshold", "reporting_probes"),
    [
        ([OK], 2, [1]),
        ([OK, OK, OK], 2, [1]),
        ([REFUSED, REFUSED, REFUSED], 2, [1]),
        ([REFUSED, LATE, LATE], 2, [1, 2]),
        ([REFUSED, OK, OK], 2, [1, 2]),
        ([OK, REFUSED, OK, OK], 2, [1]),
        ([OK, REFUSED, OK, REFUSED, OK], 2, [1]),
        ([OK, REFUSED, REFUSED, REFUSED], 2, [1, 3]),
        ([OK, REFUSED, LATE, LATE], 2, [1, 3]),
        ([OK, REFUSED, REFUSED, REFUSED], 1, [1, 2]),
        ([OK, LATE, LATE, LATE, LATE], 4, [1, 5]),
        ([OK, LATE, LATE, LATE, OK], 4, [1]),
        ([OK, REFUSED, REFUSED, OK], 2, [1, 3, 4]),
    ],
)
@in_virtual_time
async def test_only_another_answer_is_news(
    script: list[ProbeResult], threshold: int, reporting_probes: list[int]
) -> None:
    """`reporting_probes`: after which of the probes, counted from one, the app is reported."""
    network = Network()
    network.script, network.answers["a"] = list(script), script[-1]
    async with running_prober(network) as prober:
        prober.probe(target(threshold=threshold))
        await asyncio.sleep(PERIOD * len(script) * (1 + JITTER))
    assert not network.script
    assert [time for time, _ in prober.reports] == [
        network.times()[n - 1] for n in reporting_probes
    ]
    assert {key for _, key in prober.reports} == {WEB}
    assert prober.probe(target(threshold=threshold)).by_url["a"] == script[-1]


@in_virtual_time
async def test_a_failure_is_confirmed_quickly() -> None:
    network = Network()
    network.script = [OK]
    network.answers["a"] = LATE
    async with running_prober(network) as prober:
        prober.probe(target(threshold=3))
        await asyncio.sleep(2 * PERIOD)
        first_failed = network.times()[1]
        assert prober.reports[1][0] == network.times()[3]
        assert prober.reports[1][0] - first_failed < SOON
        assert prober.probe(target(threshold=3)).by_url == {"a": LATE}


@in_virtual_time
async def test_each_app_is_told_its_own_news() -> None:
    network = Network()
    async with running_prober(network) as prober:
        prober.probe(target("a"))
        prober.probe(target("b"), target("c"), key=API)
        await asyncio.sleep(1)
        assert Counter(key for _, key in prober.reports) == {WEB: 1, API: 2}
        assert prober.probe(target("a")).by_url == {"a": OK}
        assert prober.probe(target("b"), target("c"), key=API).by_url == {"b": OK, "c": OK}


# --- targets that are added and removed -----------------------------------------------------------


@in_virtual_time
async def test_at_first_nothing_is_known() -> None:
    async with running_prober(Network()) as prober:
        assert prober.probe() == NOTHING_PROBED
        await asyncio.sleep(5)
        assert prober.probe(target("a"), target("b")) == ProbeResults(5.0, {"a": None, "b": None})
        await asyncio.sleep(1)
        assert prober.probe(target("a"), target("b")) == ProbeResults(5.0, {"a": OK, "b": OK})


@in_virtual_time
async def test_what_stays_is_still_known_and_not_tried_anew() -> None:
    network = Network()
    network.answers["b"] = REFUSED
    async with running_prober(network) as prober:
        prober.probe(target("a"), target("b"))
        await asyncio.sleep(1)
        count = Counter(network.urls())["a"]
        for _ in range(5):
            results = prober.probe(target("a"), target("b"))
            assert results == ProbeResults(0.0, {"a": OK, "b": REFUSED})
            await asyncio.sleep(0.1)
        assert Counter(network.urls())["a"] == count == 1
        # One more and one less: the others are not probed again for that.
        assert prober.probe(target("a"), target("c")) == ProbeResults(0.0, {"a": OK, "c": None})
        await asyncio.sleep(1)
        assert Counter(network.urls())["a"] == 1
        assert prober.probe(target("a"), target("c")).by_url == {"a": OK, "c": OK}


@in_virtual_time
async def test_what_is_dropped_is_tried_no_more() -> None:
    network = Network()
    network.answers["b"] = REFUSED
    async with running_prober(network) as prober:
        prober.probe(target("a"), target("b"))
        await asyncio.sleep(1)
        prober.probe(target("a"))
        network.probes.clear()
        await asyncio.sleep(3 * PERIOD)
        assert set(network.urls()) == {"a"}
        assert prober.probe() == NOTHING_PROBED
        network.probes.clear()
        await asyncio.sleep(3 * PERIOD)
        assert network.urls() == []
        # A target that is set again starts from the beginning.
        assert prober.probe(target("a")) == ProbeResults(now(), {"a": None})
        await asyncio.sleep(1)
        assert network.urls() == ["a"]


@in_virtual_time
async def test_the_answer_to_a_dropped_one_is_no_news() -> None:
    network = Network(lasts=1.0)
    async with running_prober(network) as prober:
        prober.probe(target())
        await asyncio.sleep(0.5)
        assert network.in_flight == 1
        prober.probe()
        await asyncio.sleep(3 * PERIOD)
        assert prober.reports == []
        assert len(network.probes) == 1


@in_virtual_time
async def test_what_is_tried_otherwise_is_tried_anew() -> None:
    network = Network()
    async with running_prober(network) as prober:
        prober.probe(target())
        await asyncio.sleep(1)
        moved = Target("a", "10.0.0.2", 30001, False, PERIOD, 2.0, 2)
        assert prober.probe(moved).by_url == {"a": None}
        await asyncio.sleep(1)
        assert len(network.probes) == 2


@in_virtual_time
async def test_other_urls_have_their_own_time() -> None:
    async with running_prober(Network()) as prober:
        prober.probe(target("a"), target("b"))
        await asyncio.sleep(100)
        assert prober.probe(target("b"), target("c")).started_at == 0.0
        assert prober.probe(target("d")).started_at == 100.0
        assert prober.probe(target("d")).started_at == 100.0


@in_virtual_time
async def test_an_unforeseen_error_does_not_end_the_tries() -> None:
    network = Network()

    async def attempt(target: Target) -> ProbeResult:
        if await network(target) == LATE:
            raise ValueError
        return OK

    network.script = [LATE]
    async with running_prober(network) as prober:
        prober._attempt = attempt
        prober.probe(target())
        await asyncio.sleep(SOON)
        assert len(network.probes) == 2
        assert prober.probe(target()).by_url == {"a": OK}


@in_virtual_time
async def test_one_dropped_while_it_waits_for_its_turn_is_not_tried() -> None:
    network = Network(lasts=1.0)
    async with running_prober(network, in_flight=1) as prober:
        prober.probe(target("a"), target("b"))
        await asyncio.sleep(0.5)
        prober.probe(target("a"))
        await asyncio.sleep(5)
        assert network.urls() == ["a"]


# --- bounds ---------------------------------------------------------------------------------------


@in_virtual_time
async def test_no_more_are_in_flight_than_may_be() -> None:
    network = Network(lasts=1.0)
    async with running_prober(network, in_flight=3) as prober:
        for i in range(30):
            prober.probe(target(str(i)), key=NamespacedName("shop", str(i)))
        await asyncio.sleep(9.5)
        assert len(network.probes) == 30
        assert network.max_in_flight == 3
        await asyncio.sleep(1)
        assert network.in_flight == 0


@pytest.mark.parametrize("answer", [OK, REFUSED])
@in_virtual_time
async def test_no_more_are_tried_in_a_second_than_may_be(answer: ProbeResult) -> None:
    network = Network()
    network.answers = {str(i): answer for i in range(100)}
    async with running_prober(network, rate=10, in_flight=100) as prober:
        for key in (WEB, API):
            prober.probe(*(target(str(i), period=1.0) for i in range(100)), key=key)
        await asyncio.sleep(30)
    assert len(network.probes) == pytest.approx(300, abs=2)
    assert min(network.pauses()) >= 0.1 - 1e-9


@in_virtual_time
async def test_what_is_waited_for_goes_first() -> None:
    network = Network()
    async with running_prober(network, rate=10) as prober:
        old = [target(f"old-{i}", period=1.0) for i in range(50)]
        prober.probe(*old)
        await asyncio.sleep(20)
        assert network.urls()[-1].startswith("old")
        # All of the old ones are due now, and some are late.
        network.probes.clear()
        prober.probe(*(target(f"new-{i}") for i in range(5)), key=API)
        await asyncio.sleep(2)
        first_new = next(n for n, url in enumerate(network.urls()) if url.startswith("new"))
        assert first_new <= 1
        # One turn in four is for URLs that have answered.
        assert sum(url.startswith("new") for url in network.urls()[first_new : first_new + 7]) == 5
        # The old ones have their turn again.
        assert network.urls()[-1].startswith("old")


@in_virtual_time
async def test_all_get_their_turn_when_there_are_too_many() -> None:
    network = Network()
    async with running_prober(network, rate=10) as prober:
        prober.probe(*(target(str(i), period=1.0) for i in range(50)))
        await asyncio.sleep(60)
    probes = Counter(network.urls())
    assert len(probes) == 50
    assert max(probes.values()) - min(probes.values()) <= 3


@in_virtual_time
async def test_the_end_ends_all_tries() -> None:
    network = Network(lasts=math.inf)
    async with running_prober(network) as prober, asyncio.timeout(2):
        prober.probe(target("a"), target("b"))
        await asyncio.sleep(1)
        assert network.in_flight == 2
    assert len(asyncio.all_tasks()) == 1
    assert prober.reports == []


async def test_the_end_comes_also_when_there_is_news() -> None:
    network = Network()
    async with asyncio.timeout(10), running_prober(network) as prober:
        prober.probe(target("a"))
        while not prober.reports:
            await asyncio.sleep(0.01)
        prober.probe(target("a"), target("b"))
    assert len(asyncio.all_tasks()) == 1


# --- no app is starved ----------------------------------------------------------------------------


@pytest.mark.parametrize("other", [API, OTHER], ids=["in one namespace", "elsewhere"])
@pytest.mark.parametrize("lasts", [0.0, 2.0], ids=["refused", "dropped"])
@in_virtual_time
async def test_an_app_with_many_urls_that_fail_starves_nobody(
    lasts: float, other: NamespacedName
) -> None:
    network = Network(lasts=lasts)
    network.answers = {f"bad-{i}": REFUSED for i in range(1024)}
    async with running_prober(network, rate=50, in_flight=50) as prober:
        prober.probe(target("good", period=5.0), key=other)
        await asyncio.sleep(20)
        prober.probe(*(target(f"bad-{i}", period=5.0) for i in range(1024)))
        await asyncio.sleep(100)
        began = now()
        prober.probe(target("new"), key=NamespacedName("new", "new"))
        await asyncio.sleep(30)
    good = [time for time, url in network.probes if url == "good"]
    late = 5.0 * (1 + JITTER) + lasts + 1.0
    assert max(later - earlier for earlier, later in pairwise(good)) <= late
    assert next(time for time, url in network.probes if url == "new") - began <= 1.0


@in_virtual_time
async def test_what_is_looked_after_is_not_starved_by_what_is_waited_for() -> None:
    """Also not by URLs of the same app."""
    network = Network()
    network.answers = {f"bad-{i}": REFUSED for i in range(1024)}
    async with running_prober(network, rate=50, in_flight=50) as prober:
        good = [target(f"good-{i}", period=5.0) for i in range(20)]
        prober.probe(*good)
        await asyncio.sleep(20)
        prober.probe(*good, *(target(f"bad-{i}", period=600.0) for i in range(1024)))
        await asyncio.sleep(20)
    for i in range(20):
        times = [time for time, url in network.probes if url == f"good-{i}"]
        assert max(later - earlier for earlier, later in pairwise(times)) <= 5.0 * (1 + JITTER) + 1


@pytest.mark.parametrize("in_flight", [1, 3, 40])
@in_virtual_time
async def test_one_app_has_a_part_of_the_tries_at_one_time(in_flight: int) -> None:
    network = Network(lasts=1.0)
    async with running_prober(network, in_flight=in_flight) as prober:
        for round_ in range(3):
            prober.probe(*(target(f"{round_}-{i}") for i in range(100)))
            await asyncio.sleep(0.5)
            prober.probe()  # an app whose targets come and go has no larger part
        assert network.max_in_flight == max(1, in_flight // MAX_APP_SHARE)
        prober.probe(target("other"), key=API)
        await asyncio.sleep(1.1)
        assert "other" in network.urls()


@in_virtual_time
async def test_how_busy_it_is() -> None:
    network = Network(lasts=10.0)
    async with running_prober(network, in_flight=4) as prober:
        assert prober.state() == ProbeState(0, 0, 0.0)
        prober.probe(*(target(str(i)) for i in range(3)))
        prober.probe(target(), key=API)
        await asyncio.sleep(1)
        # One of each app is in flight; the others have been due for all of the second.
        assert prober.state() == ProbeState(4, 2, 1.0)
        prober.probe()
        assert prober.state() == ProbeState(1, 2, 0.0)
        await asyncio.sleep(10)
        assert prober.state() == ProbeState(1, 0, 0.0)
        assert WEB not in prober._apps


@in_virtual_time
async def test_namespaces_take_turns() -> None:
    network = Network()
    network.answers = {f"bad-{i}": REFUSED for i in range(500)}
    async with running_prober(network, rate=50, in_flight=50) as prober:
        for i in range(500):
            prober.probe(target(f"bad-{i}"), key=NamespacedName("many", str(i)))
        await asyncio.sleep(1)
        began = now()
        prober.probe(target("new"), key=OTHER)
        await asyncio.sleep(5)
    assert next(time for time, url in network.probes if url == "new") - began <= 0.1


@pytest.mark.parametrize(("lasts", "rate"), [(0.0, 1e5), (1.0, 1e3)], ids=["tried", "waiting"])
@in_virtual_time
async def test_what_was_dropped_takes_no_room(lasts: float, rate: float) -> None:
    network = Network(lasts)
    async with running_prober(network, rate, in_flight=4) as prober:
        prober.probe(target("kept", period=2.6), key=API)  # due before all targets that are dropped
        for service in range(40):
            prober.probe(*(target(str(i), backend=BackendFingerprint(service)) for i in range(100)))
            await asyncio.sleep(0.05)
        assert len(prober._scheduled) <= MIN_COMPACTION_SIZE + 200
        assert sum(len(due) for due in prober._apps[WEB].due.values()) <= 100


@in_virtual_time
async def test_two_equal_urls_are_one() -> None:
    network = Network()
    async with running_prober(network) as prober:
        assert prober.probe(target("a"), target("a")).by_url == {"a": None}
        await asyncio.sleep(1)
        assert network.urls() == ["a"]
        prober.probe()
        await asyncio.sleep(3 * PERIOD)
        assert network.urls() == ["a"]


# --- another backend of a URL ---------------------------------------------------------------------

ANOTHER_SERVICE, OTHER_PODS, IN_ROLLOUT = (
    BackendFingerprint(2, 1),
    BackendFingerprint(1, 2),
    BackendFingerprint(1, None),
)


@pytest.mark.parametrize("other", [ANOTHER_SERVICE, OTHER_PODS], ids=["Service", "pods"])
@in_virtual_time
async def test_when_something_else_is_behind_it_a_url_is_tried_at_once(
    other: BackendFingerprint,
) -> None:
    network = Network()
    network.answers["a"] = REFUSED
    async with running_prober(network) as prober:
        prober.probe(target())
        await asyncio.sleep(600)
        network.answers["a"] = OK
        network.probes.clear()
        changed = now()
        # The result stays, but is marked as stale.
        assert prober.probe(target(backend=other)) == ProbeResults(
            0.0, {"a": REFUSED}, frozenset({"a"}), changed
        )
        await asyncio.sleep(0.1)
        assert network.times() == [changed]
        assert prober.reports[-1] == (changed, WEB)
        assert prober.probe(target(backend=other)) == ProbeResults(
            0.0, {"a": OK}, frozenset(), changed
        )
        # The nodes may still have had the former rules: once more, and then every period.
        await asyncio.sleep(3 * PERIOD)
        second, third = network.pauses()[:2]
        assert second == pytest.approx(RECHECK_SECONDS, rel=JITTER + 0.01)
        assert third == pytest.approx(PERIOD, rel=JITTER + 0.01)


@in_virtual_time
async def test_a_mended_url_that_needs_a_moment_is_tried_often_again() -> None:
    network = Network()
    network.answers["a"] = REFUSED
    async with running_prober(network) as prober:
        prober.probe(target())
        await asyncio.sleep(600)
        network.probes.clear()
        prober.probe(target(backend=ANOTHER_SERVICE))
        await asyncio.sleep(5)
    assert len(network.probes) >= 4
    assert network.pauses()[0] == pytest.approx(INITIAL_BACKOFF_SECONDS, rel=JITTER + 0.01)


@in_virtual_time
async def test_the_same_answer_as_before_is_news_after_a_change() -> None:
    async with running_prober(Network()) as prober:
        prober.probe(target())
        await asyncio.sleep(10)
        prober.probe(target(backend=ANOTHER_SERVICE))
        await asyncio.sleep(RECHECK_SECONDS * 2)
        assert [time for time, _ in prober.reports] == [0.0, 10.0]


@in_virtual_time
async def test_what_broke_by_a_change_is_told_soon() -> None:
    """Also when the first probe after it went by the old rules of the node."""
    network = Network()
    async with running_prober(network) as prober:
        prober.probe(target())
        await asyncio.sleep(10)
        network.probes.clear()
        network.script = [OK]
        network.answers["a"] = REFUSED
        prober.probe(target(backend=ANOTHER_SERVICE))
        await asyncio.sleep(RECHECK_SECONDS * (1 + JITTER) + SOON)
        assert prober.probe(target(backend=ANOTHER_SERVICE)).by_url == {"a": REFUSED}


@in_virtual_time
async def test_a_try_from_before_the_change_does_not_count() -> None:
    network = Network(lasts=1.0)
    async with running_prober(network) as prober:
        prober.probe(target())
        await asyncio.sleep(0.5)
        prober.probe(target(backend=ANOTHER_SERVICE))
        await asyncio.sleep(0.7)
        assert prober.probe(target(backend=ANOTHER_SERVICE)).by_url == {"a": None}
        assert prober.reports == []
        await asyncio.sleep(0.5)
        assert prober.probe(target(backend=ANOTHER_SERVICE)).by_url == {"a": OK}


@in_virtual_time
async def test_a_rollout_is_one_early_try() -> None:
    network = Network()
    async with running_prober(network) as prober:
        prober.probe(target())
        await asyncio.sleep(10)
        for _ in range(20):
            results = prober.probe(target(backend=IN_ROLLOUT))
            assert (results.by_url, results.stale) == ({"a": OK}, frozenset())
            await asyncio.sleep(0.5)
        assert len(network.probes) == 1
        prober.probe(target(backend=OTHER_PODS))
        await asyncio.sleep(1)
        assert len(network.probes) == 2
        # A new Service during the rollout, and then the pods.
        prober.probe(target(backend=BackendFingerprint(2, None)))
        await asyncio.sleep(2)
        assert len(network.probes) == 3
        assert prober.probe(target(backend=BackendFingerprint(2, 3))).stale == {"a"}


@in_virtual_time
async def test_pods_that_change_all_the_time_do_not_have_it_tried_all_the_time() -> None:
    network = Network()
    async with running_prober(network) as prober:
        for pods in range(1000):
            prober.probe(target(backend=BackendFingerprint(1, pods)))
            await asyncio.sleep(0.01)
    assert min(network.pauses()) >= MIN_RETRY_SECONDS - 1e-6
    assert len(network.probes) == pytest.approx(10 / MIN_RETRY_SECONDS, abs=2)


@in_virtual_time
async def test_the_first_pods_are_no_change() -> None:
    """The pods of a new app become ready one after the other."""
    network = Network()
    async with running_prober(network) as prober:
        prober.probe(target(backend=IN_ROLLOUT))
        await asyncio.sleep(1)
        assert prober.probe(target(backend=OTHER_PODS)).stale == frozenset()
        await asyncio.sleep(1)
    assert len(network.probes) == 1


@in_virtual_time
async def test_that_a_url_has_answered_is_remembered() -> None:
    """Whatever its backend: the way to it is open."""
    network = Network()
    network.script = [OK]
    network.answers["a"] = REFUSED
    async with running_prober(network) as prober:
        assert prober.probe(target()).answered_before == frozenset()
        await asyncio.sleep(5 * PERIOD)
        assert prober.probe(target()) == ProbeResults(0.0, {"a": REFUSED})
        assert prober.probe(target()).answered_before == {"a"}
        assert prober.probe(target(backend=ANOTHER_SERVICE)).answered_before == {"a"}
