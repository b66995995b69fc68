# SPDX-License-Identifier: Apache-2.0
"""When the URLs are tried, and when their answers are news. All time is virtual."""

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
BEHIND = BackendFingerprint(1, 1)
PERIOD = 60.0
SOON = 2.0
"""Within this a failure of a URL that has answered is confirmed."""


def target(
    url: str = "a", period: float = PERIOD, threshold: int = 2, backend: BackendFingerprint = BEHIND
) -> Target:
    return Target(url, "10.0.0.1", 30001, False, period, 2.0, threshold, backend)


def now() -> float:
    return asyncio.get_running_loop().time()


class Network:
    """What the URLs answer; everything else answers well."""

    def __init__(self, lasts: float = 0.0) -> None:
        self.lasts = lasts
        self.answers: dict[str, ProbeResult] = {}
        self.script: list[ProbeResult] = []
        """What is answered first, whatever is tried."""
        self.tries: list[tuple[float, str]] = []
        self.at_once = 0
        self.most_at_once = 0

    async def __call__(self, target: Target) -> ProbeResult:
        self.tries.append((now(), target.url))
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        await asyncio.sleep(self.lasts)
        self.at_once -= 1
        return self.script.pop(0) if self.script else self.answers.get(target.url, OK)

    def times(self) -> list[float]:
        return [time for time, _ in self.tries]

    def urls(self) -> list[str]:
        return [url for _, url in self.tries]

    def pauses(self) -> list[float]:
        return [later - earlier for earlier, later in pairwise(self.times())]


class Trying:
    """A prober at work, and the news it tells."""

    def __init__(self, network: Network, rate: float, in_flight: int) -> None:
        self.told: list[tuple[float, NamespacedName]] = []
        self.prober = Prober(rate, in_flight, self._changed, network, now)

    def _changed(self, key: NamespacedName) -> None:
        self.told.append((now(), key))

    def want(self, *targets: Target, key: NamespacedName = WEB) -> ProbeResults:
        return self.prober.set_targets(key, targets)


@asynccontextmanager
async def trying(
    network: Network, rate: float = 1000.0, in_flight: int = 10
) -> AsyncIterator[Trying]:
    found = Trying(network, rate, in_flight)
    async with running(found.prober.run()):
        yield found


# --- when a URL is tried --------------------------------------------------------------------------


@in_virtual_time
async def test_until_the_first_answer_it_is_tried_often_at_first() -> None:
    network = Network()
    network.answers["a"] = REFUSED
    async with trying(network) as it:
        it.want(target())
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
    async with trying(network) as it:
        it.want(target())
        await asyncio.sleep(10 * PERIOD)
    soon, later = network.pauses()[:2], network.pauses()[2:]
    assert max(soon) < 1
    assert later == pytest.approx([PERIOD] * len(later), rel=JITTER + 0.01)
    assert len(set(later)) == len(later), "jittered"


@in_virtual_time
async def test_a_short_period_is_never_exceeded() -> None:
    network = Network()
    network.answers["a"] = REFUSED
    async with trying(network) as it:
        it.want(target(period=0.25))
        await asyncio.sleep(10)
    assert max(network.pauses()) <= 0.25 * (1 + JITTER) + 0.01


@in_virtual_time
async def test_after_a_recovery_the_next_failure_is_looked_at_as_soon() -> None:
    network = Network()
    network.script = [REFUSED] * 8 + [OK] + [REFUSED] * 2
    async with trying(network, rate=1000) as it:
        it.want(target())
        await asyncio.sleep(5 * PERIOD)
    assert network.pauses()[8] == pytest.approx(PERIOD, rel=JITTER + 0.01)
    assert network.pauses()[9] == pytest.approx(INITIAL_BACKOFF_SECONDS, rel=JITTER + 0.01)


# --- when an answer is news -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("script", "threshold", "news"),
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
    script: list[ProbeResult], threshold: int, news: list[int]
) -> None:
    """`news`: after which of the tries, counted from one, the app is looked at."""
    network = Network()
    network.script, network.answers["a"] = list(script), script[-1]
    async with trying(network) as it:
        it.want(target(threshold=threshold))
        await asyncio.sleep(PERIOD * len(script) * (1 + JITTER))
    assert not network.script
    assert [time for time, _ in it.told] == [network.times()[n - 1] for n in news]
    assert {key for _, key in it.told} == {WEB}
    assert it.want(target(threshold=threshold)).by_url["a"] == script[-1]


@in_virtual_time
async def test_a_failure_is_confirmed_quickly() -> None:
    network = Network()
    network.script = [OK]
    network.answers["a"] = LATE
    async with trying(network) as it:
        it.want(target(threshold=3))
        await asyncio.sleep(2 * PERIOD)
        first_failed = network.times()[1]
        assert it.told[1][0] == network.times()[3]
        assert it.told[1][0] - first_failed < SOON
        assert it.want(target(threshold=3)).by_url == {"a": LATE}


@in_virtual_time
async def test_each_app_is_told_its_own_news() -> None:
    network = Network()
    async with trying(network) as it:
        it.want(target("a"))
        it.want(target("b"), target("c"), key=API)
        await asyncio.sleep(1)
        assert Counter(key for _, key in it.told) == {WEB: 1, API: 2}
        assert it.want(target("a")).by_url == {"a": OK}
        assert it.want(target("b"), target("c"), key=API).by_url == {"b": OK, "c": OK}


# --- what is wanted -------------------------------------------------------------------------------


@in_virtual_time
async def test_at_first_nothing_is_known() -> None:
    async with trying(Network()) as it:
        assert it.want() == NOTHING_PROBED
        await asyncio.sleep(5)
        assert it.want(target("a"), target("b")) == ProbeResults(5.0, {"a": None, "b": None})
        await asyncio.sleep(1)
        assert it.want(target("a"), target("b")) == ProbeResults(5.0, {"a": OK, "b": OK})


@in_virtual_time
async def test_what_stays_is_still_known_and_not_tried_anew() -> None:
    network = Network()
    network.answers["b"] = REFUSED
    async with trying(network) as it:
        it.want(target("a"), target("b"))
        await asyncio.sleep(1)
        count = Counter(network.urls())["a"]
        for _ in range(5):
            found = it.want(target("a"), target("b"))
            assert found == ProbeResults(0.0, {"a": OK, "b": REFUSED})
            await asyncio.sleep(0.1)
        assert Counter(network.urls())["a"] == count == 1
        # One more and one less: the others are not looked at again for that.
        assert it.want(target("a"), target("c")) == ProbeResults(0.0, {"a": OK, "c": None})
        await asyncio.sleep(1)
        assert Counter(network.urls())["a"] == 1
        assert it.want(target("a"), target("c")).by_url == {"a": OK, "c": OK}


@in_virtual_time
async def test_what_is_dropped_is_tried_no_more() -> None:
    network = Network()
    network.answers["b"] = REFUSED
    async with trying(network) as it:
        it.want(target("a"), target("b"))
        await asyncio.sleep(1)
        it.want(target("a"))
        network.tries.clear()
        await asyncio.sleep(3 * PERIOD)
        assert set(network.urls()) == {"a"}
        assert it.want() == NOTHING_PROBED
        network.tries.clear()
        await asyncio.sleep(3 * PERIOD)
        assert network.urls() == []
        # Wanted again, it starts anew.
        assert it.want(target("a")) == ProbeResults(now(), {"a": None})
        await asyncio.sleep(1)
        assert network.urls() == ["a"]


@in_virtual_time
async def test_the_answer_to_a_dropped_one_is_no_news() -> None:
    network = Network(lasts=1.0)
    async with trying(network) as it:
        it.want(target())
        await asyncio.sleep(0.5)
        assert network.at_once == 1
        it.want()
        await asyncio.sleep(3 * PERIOD)
        assert it.told == []
        assert len(network.tries) == 1


@in_virtual_time
async def test_what_is_tried_otherwise_is_tried_anew() -> None:
    network = Network()
    async with trying(network) as it:
        it.want(target())
        await asyncio.sleep(1)
        moved = Target("a", "10.0.0.2", 30001, False, PERIOD, 2.0, 2)
        assert it.want(moved).by_url == {"a": None}
        await asyncio.sleep(1)
        assert len(network.tries) == 2


@in_virtual_time
async def test_other_urls_have_their_own_time() -> None:
    async with trying(Network()) as it:
        it.want(target("a"), target("b"))
        await asyncio.sleep(100)
        assert it.want(target("b"), target("c")).started_at == 0.0
        assert it.want(target("d")).started_at == 100.0
        assert it.want(target("d")).started_at == 100.0


@in_virtual_time
async def test_an_unforeseen_error_does_not_end_the_tries() -> None:
    network = Network()

    async def attempt(target: Target) -> ProbeResult:
        if await network(target) == LATE:
            raise ValueError
        return OK

    network.script = [LATE]
    async with trying(network) as it:
        it.prober._attempt = attempt
        it.want(target())
        await asyncio.sleep(SOON)
        assert len(network.tries) == 2
        assert it.want(target()).by_url == {"a": OK}


@in_virtual_time
async def test_one_dropped_while_it_waits_for_its_turn_is_not_tried() -> None:
    network = Network(lasts=1.0)
    async with trying(network, in_flight=1) as it:
        it.want(target("a"), target("b"))
        await asyncio.sleep(0.5)
        it.want(target("a"))
        await asyncio.sleep(5)
        assert network.urls() == ["a"]


# --- bounds ---------------------------------------------------------------------------------------


@in_virtual_time
async def test_no_more_are_in_flight_than_may_be() -> None:
    network = Network(lasts=1.0)
    async with trying(network, in_flight=3) as it:
        for i in range(30):
            it.want(target(str(i)), key=NamespacedName("shop", str(i)))
        await asyncio.sleep(9.5)
        assert len(network.tries) == 30
        assert network.most_at_once == 3
        await asyncio.sleep(1)
        assert network.at_once == 0


@pytest.mark.parametrize("answer", [OK, REFUSED])
@in_virtual_time
async def test_no_more_are_tried_in_a_second_than_may_be(answer: ProbeResult) -> None:
    network = Network()
    network.answers = {str(i): answer for i in range(100)}
    async with trying(network, rate=10, in_flight=100) as it:
        for key in (WEB, API):
            it.want(*(target(str(i), period=1.0) for i in range(100)), key=key)
        await asyncio.sleep(30)
    assert len(network.tries) == pytest.approx(300, abs=2)
    assert min(network.pauses()) >= 0.1 - 1e-9


@in_virtual_time
async def test_what_is_waited_for_goes_first() -> None:
    network = Network()
    async with trying(network, rate=10) as it:
        old = [target(f"old-{i}", period=1.0) for i in range(50)]
        it.want(*old)
        await asyncio.sleep(20)
        assert network.urls()[-1].startswith("old")
        # All of the old ones are due now, and some are late.
        network.tries.clear()
        it.want(*(target(f"new-{i}") for i in range(5)), key=API)
        await asyncio.sleep(2)
        first_new = next(n for n, url in enumerate(network.urls()) if url.startswith("new"))
        assert first_new <= 1
        # One turn in four is theirs who are only looked after.
        assert sum(url.startswith("new") for url in network.urls()[first_new : first_new + 7]) == 5
        # The old ones come to their turn again.
        assert network.urls()[-1].startswith("old")


@in_virtual_time
async def test_all_get_their_turn_when_there_are_too_many() -> None:
    network = Network()
    async with trying(network, rate=10) as it:
        it.want(*(target(str(i), period=1.0) for i in range(50)))
        await asyncio.sleep(60)
    tries = Counter(network.urls())
    assert len(tries) == 50
    assert max(tries.values()) - min(tries.values()) <= 3


@in_virtual_time
async def test_the_end_ends_all_tries() -> None:
    network = Network(lasts=math.inf)
    async with trying(network) as found, asyncio.timeout(2):
        found.want(target("a"), target("b"))
        await asyncio.sleep(1)
        assert network.at_once == 2
    assert len(asyncio.all_tasks()) == 1
    assert found.told == []


async def test_the_end_comes_also_when_there_is_news() -> None:
    network = Network()
    async with asyncio.timeout(10), trying(network) as found:
        found.want(target("a"))
        while not found.told:
            await asyncio.sleep(0.01)
        found.want(target("a"), target("b"))
    assert len(asyncio.all_tasks()) == 1


# --- nobody is starved ----------------------------------------------------------------------------


@pytest.mark.parametrize("other", [API, OTHER], ids=["in one namespace", "elsewhere"])
@pytest.mark.parametrize("lasts", [0.0, 2.0], ids=["refused", "dropped"])
@in_virtual_time
async def test_an_app_with_many_urls_that_fail_starves_nobody(
    lasts: float, other: NamespacedName
) -> None:
    network = Network(lasts=lasts)
    network.answers = {f"bad-{i}": REFUSED for i in range(1024)}
    async with trying(network, rate=50, in_flight=50) as it:
        it.want(target("good", period=5.0), key=other)
        await asyncio.sleep(20)
        it.want(*(target(f"bad-{i}", period=5.0) for i in range(1024)))
        await asyncio.sleep(100)
        began = now()
        it.want(target("new"), key=NamespacedName("new", "new"))
        await asyncio.sleep(30)
    good = [time for time, url in network.tries if url == "good"]
    late = 5.0 * (1 + JITTER) + lasts + 1.0
    assert max(later - earlier for earlier, later in pairwise(good)) <= late
    assert next(time for time, url in network.tries if url == "new") - began <= 1.0


@in_virtual_time
async def test_what_is_looked_after_is_not_starved_by_what_is_waited_for() -> None:
    """Also not by URLs of the same app."""
    network = Network()
    network.answers = {f"bad-{i}": REFUSED for i in range(1024)}
    async with trying(network, rate=50, in_flight=50) as it:
        well = [target(f"good-{i}", period=5.0) for i in range(20)]
        it.want(*well)
        await asyncio.sleep(20)
        it.want(*well, *(target(f"bad-{i}", period=600.0) for i in range(1024)))
        await asyncio.sleep(20)
    for i in range(20):
        times = [time for time, url in network.tries if url == f"good-{i}"]
        assert max(later - earlier for earlier, later in pairwise(times)) <= 5.0 * (1 + JITTER) + 1


@pytest.mark.parametrize("in_flight", [1, 3, 40])
@in_virtual_time
async def test_one_app_has_a_part_of_the_tries_at_one_time(in_flight: int) -> None:
    network = Network(lasts=1.0)
    async with trying(network, in_flight=in_flight) as it:
        for round_ in range(3):
            it.want(*(target(f"{round_}-{i}") for i in range(100)))
            await asyncio.sleep(0.5)
            it.want()  # one that comes and goes has no more
        assert network.most_at_once == max(1, in_flight // MAX_APP_SHARE)
        it.want(target("other"), key=API)
        await asyncio.sleep(1.1)
        assert "other" in network.urls()


@in_virtual_time
async def test_how_busy_it_is() -> None:
    network = Network(lasts=10.0)
    async with trying(network, in_flight=4) as it:
        assert it.prober.state() == ProbeState(0, 0, 0.0)
        it.want(*(target(str(i)) for i in range(3)))
        it.want(target(), key=API)
        await asyncio.sleep(1)
        # One of each app; the others have been due all the while.
        assert it.prober.state() == ProbeState(4, 2, 1.0)
        it.want()
        assert it.prober.state() == ProbeState(1, 2, 0.0)
        await asyncio.sleep(10)
        assert it.prober.state() == ProbeState(1, 0, 0.0)
        assert WEB not in it.prober._apps


@in_virtual_time
async def test_namespaces_take_turns() -> None:
    network = Network()
    network.answers = {f"bad-{i}": REFUSED for i in range(500)}
    async with trying(network, rate=50, in_flight=50) as it:
        for i in range(500):
            it.want(target(f"bad-{i}"), key=NamespacedName("many", str(i)))
        await asyncio.sleep(1)
        began = now()
        it.want(target("new"), key=OTHER)
        await asyncio.sleep(5)
    assert next(time for time, url in network.tries if url == "new") - began <= 0.1


@pytest.mark.parametrize(("lasts", "rate"), [(0.0, 1e5), (1.0, 1e3)], ids=["tried", "waiting"])
@in_virtual_time
async def test_what_was_dropped_takes_no_room(lasts: float, rate: float) -> None:
    network = Network(lasts)
    async with trying(network, rate, in_flight=4) as it:
        it.want(target("kept", period=2.6), key=API)  # due before all that is dropped
        for service in range(40):
            it.want(*(target(str(i), backend=BackendFingerprint(service)) for i in range(100)))
            await asyncio.sleep(0.05)
        assert len(it.prober._scheduled) <= MIN_COMPACTION_SIZE + 200
        assert sum(len(due) for due in it.prober._apps[WEB].due.values()) <= 100


@in_virtual_time
async def test_two_equal_urls_are_one() -> None:
    network = Network()
    async with trying(network) as it:
        assert it.want(target("a"), target("a")).by_url == {"a": None}
        await asyncio.sleep(1)
        assert network.urls() == ["a"]
        it.want()
        await asyncio.sleep(3 * PERIOD)
        assert network.urls() == ["a"]


# --- something else is behind a URL ---------------------------------------------------------------

ANOTHER_SERVICE, OTHER_PODS, ON_THEIR_WAY = (
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
    async with trying(network) as it:
        it.want(target())
        await asyncio.sleep(600)
        network.answers["a"] = OK
        network.tries.clear()
        changed = now()
        # What is known stays, but is marked.
        assert it.want(target(backend=other)) == ProbeResults(
            0.0, {"a": REFUSED}, frozenset({"a"}), changed
        )
        await asyncio.sleep(0.1)
        assert network.times() == [changed]
        assert it.told[-1] == (changed, WEB)
        assert it.want(target(backend=other)) == ProbeResults(0.0, {"a": OK}, frozenset(), changed)
        # The nodes may not have known yet: once more, and then as always.
        await asyncio.sleep(3 * PERIOD)
        second, third = network.pauses()[:2]
        assert second == pytest.approx(RECHECK_SECONDS, rel=JITTER + 0.01)
        assert third == pytest.approx(PERIOD, rel=JITTER + 0.01)


@in_virtual_time
async def test_a_mended_url_that_needs_a_moment_is_tried_often_again() -> None:
    network = Network()
    network.answers["a"] = REFUSED
    async with trying(network) as it:
        it.want(target())
        await asyncio.sleep(600)
        network.tries.clear()
        it.want(target(backend=ANOTHER_SERVICE))
        await asyncio.sleep(5)
    assert len(network.tries) >= 4
    assert network.pauses()[0] == pytest.approx(INITIAL_BACKOFF_SECONDS, rel=JITTER + 0.01)


@in_virtual_time
async def test_the_same_answer_as_before_is_news_after_a_change() -> None:
    async with trying(Network()) as it:
        it.want(target())
        await asyncio.sleep(10)
        it.want(target(backend=ANOTHER_SERVICE))
        await asyncio.sleep(RECHECK_SECONDS * 2)
        assert [time for time, _ in it.told] == [0.0, 10.0]


@in_virtual_time
async def test_what_broke_by_a_change_is_told_soon() -> None:
    """Also when the first try after it went by the old rules."""
    network = Network()
    async with trying(network) as it:
        it.want(target())
        await asyncio.sleep(10)
        network.tries.clear()
        network.script = [OK]
        network.answers["a"] = REFUSED
        it.want(target(backend=ANOTHER_SERVICE))
        await asyncio.sleep(RECHECK_SECONDS * (1 + JITTER) + SOON)
        assert it.want(target(backend=ANOTHER_SERVICE)).by_url == {"a": REFUSED}


@in_virtual_time
async def test_a_try_from_before_the_change_does_not_count() -> None:
    network = Network(lasts=1.0)
    async with trying(network) as it:
        it.want(target())
        await asyncio.sleep(0.5)
        it.want(target(backend=ANOTHER_SERVICE))
        await asyncio.sleep(0.7)
        assert it.want(target(backend=ANOTHER_SERVICE)).by_url == {"a": None}
        assert it.told == []
        await asyncio.sleep(0.5)
        assert it.want(target(backend=ANOTHER_SERVICE)).by_url == {"a": OK}


@in_virtual_time
async def test_a_rollout_is_one_early_try() -> None:
    network = Network()
    async with trying(network) as it:
        it.want(target())
        await asyncio.sleep(10)
        for _ in range(20):
            found = it.want(target(backend=ON_THEIR_WAY))
            assert (found.by_url, found.stale) == ({"a": OK}, frozenset())
            await asyncio.sleep(0.5)
        assert len(network.tries) == 1
        it.want(target(backend=OTHER_PODS))
        await asyncio.sleep(1)
        assert len(network.tries) == 2
        # A new Service while the pods are on their way, and then the pods.
        it.want(target(backend=BackendFingerprint(2, None)))
        await asyncio.sleep(2)
        assert len(network.tries) == 3
        assert it.want(target(backend=BackendFingerprint(2, 3))).stale == {"a"}


@in_virtual_time
async def test_pods_that_change_all_the_time_do_not_have_it_tried_all_the_time() -> None:
    network = Network()
    async with trying(network) as it:
        for pods in range(1000):
            it.want(target(backend=BackendFingerprint(1, pods)))
            await asyncio.sleep(0.01)
    assert min(network.pauses()) >= MIN_RETRY_SECONDS - 1e-6
    assert len(network.tries) == pytest.approx(10 / MIN_RETRY_SECONDS, abs=2)


@in_virtual_time
async def test_the_first_pods_are_no_change() -> None:
    """Those of a new app become ready one after the other."""
    network = Network()
    async with trying(network) as it:
        it.want(target(backend=ON_THEIR_WAY))
        await asyncio.sleep(1)
        assert it.want(target(backend=OTHER_PODS)).stale == frozenset()
        await asyncio.sleep(1)
    assert len(network.tries) == 1


@in_virtual_time
async def test_that_a_url_has_answered_is_remembered() -> None:
    """Whatever is behind it: the way to it is open."""
    network = Network()
    network.script = [OK]
    network.answers["a"] = REFUSED
    async with trying(network) as it:
        assert it.want(target()).answered_before == frozenset()
        await asyncio.sleep(5 * PERIOD)
        assert it.want(target()) == ProbeResults(0.0, {"a": REFUSED})
        assert it.want(target()).answered_before == {"a"}
        assert it.want(target(backend=ANOTHER_SERVICE)).answered_before == {"a"}
