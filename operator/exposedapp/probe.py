"""Tries the URLs that are listed, from where the operator runs.

Users choose hosts and paths, so as little as possible is done with them: a connection, or one GET
without redirects, proxies, cookies or credentials, whose body is not read. How many tries there are
in a second and at one time is bounded for the operator as a whole.
"""

import asyncio
import errno
import heapq
import logging
import random
import socket
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import count

import aiohttp

from exposedapp.cache import Key
from exposedapp.hooks import ProbeState
from exposedapp.reach import Answers, Target

log = logging.getLogger(__name__)

FIRST_PAUSE_SECONDS = 0.2
PAUSE_FACTOR = 1.6
JITTER = 0.15
OK = ""
CLOSED = (errno.ECONNRESET, errno.EPIPE)


@dataclass(slots=True, eq=False)
class _State:
    """What is known of one URL."""

    key: Key
    target: Target
    answer: str | None = None
    """OK, or why it does not answer; None while nothing is known."""
    failures: int = 0
    pause: float = FIRST_PAUSE_SECONDS
    dropped: bool = False


Attempt = Callable[[Target], Awaitable[str]]
"""Tries a URL; returns OK or what is wrong, in words that stay the same."""


class Prober:
    """Tries URLs again and again, and says when an app's answers have changed."""

    def __init__(
        self,
        rate: float,
        in_flight: int,
        changed: Callable[[Key], None],
        attempt: Attempt | None = None,
        clock: Callable[[], float] = time.monotonic,
        tried: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._spacing = 1 / rate
        self._free = asyncio.Semaphore(in_flight)
        self._changed = changed
        self._attempt = attempt or try_once
        self._tried = tried
        self._in_flight = 0
        self._clock = clock
        self._states: dict[Key, dict[str, _State]] = {}
        self._since: dict[Key, float] = {}
        # What is waited for goes before what is only looked after.
        self._soon: list[tuple[float, int, _State]] = []
        self._later: list[tuple[float, int, _State]] = []
        self._order: Iterator[int] = count()
        self._news = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()

    def want(self, key: Key, targets: Iterable[Target]) -> Answers:
        """Has these URLs of an app tried from now on, and no others; what is known of them."""
        before, after = self._states.get(key, {}), {}
        for target in targets:
            known = before.get(target.url)
            if known and known.target == target:
                after[target.url] = known
            else:
                state = after[target.url] = _State(key, target)
                self._schedule(state, 0.0)
        for url, state in before.items():
            state.dropped = after.get(url) is not state
        if not after:
            self._states.pop(key, None)
            self._since.pop(key, None)
            return Answers(None, {})
        self._states[key] = after
        if not any(after.get(url) is it for url, it in before.items()):
            self._since[key] = self._clock()  # other URLs, which have their own time to answer
        since = self._since[key]
        return Answers(since, {url: it.answer for url, it in after.items()})

    def state(self) -> ProbeState:
        """How busy it is."""
        heaps = [heap for heap in (self._soon, self._later) if heap]
        first = min((heap[0][0] for heap in heaps), default=self._clock())
        targets = sum(len(it) for it in self._states.values())
        return ProbeState(targets, self._in_flight, max(0.0, self._clock() - first))

    def start(self) -> None:
        """Starts to try."""
        self._spawn(self._run())

    async def stop(self) -> None:
        """Ends all tries."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _spawn(self, work: Awaitable[None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _schedule(self, state: _State, seconds: float) -> None:
        heap = self._later if state.answer == OK and not state.failures else self._soon
        heapq.heappush(heap, (self._clock() + seconds, next(self._order), state))
        self._news.set()

    async def _run(self) -> None:
        while True:
            await self._free.acquire()
            state = await self._next_due()
            self._spawn(self._try(state))
            await asyncio.sleep(self._spacing)

    async def _next_due(self) -> _State:
        while True:
            self._news.clear()
            wait: float | None = None
            for heap in (self._soon, self._later):
                while heap and heap[0][2].dropped:
                    heapq.heappop(heap)
                if heap:
                    left = heap[0][0] - self._clock()
                    if left <= 0:
                        return heapq.heappop(heap)[2]
                    wait = left if wait is None else min(wait, left)
            # Not wait_for, which in Python 3.11 forgets that it was cancelled when there is news.
            with suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    await self._news.wait()

    async def _try(self, state: _State) -> None:
        self._in_flight += 1
        try:
            found = await self._attempt(state.target)
        except Exception:
            # Whatever it was, the URL must be tried again.
            log.exception("cannot try %s", state.target.url)
            found = "cannot be tried"
        finally:
            self._in_flight -= 1
            self._free.release()
        self._tried(found)
        if state.dropped:
            return
        state.failures = 0 if found == OK else state.failures + 1
        # One that has answered gets a second chance before it counts as failing.
        known = found == OK or state.failures >= state.target.threshold or state.answer is None
        changed = known and found != state.answer
        if known:
            state.answer = found
        period = state.target.period
        if state.failures:
            state.pause = min(state.pause * PAUSE_FACTOR, period)
            pause = state.pause
        else:
            state.pause, pause = FIRST_PAUSE_SECONDS, period
        self._schedule(state, pause * random.uniform(1 - JITTER, 1 + JITTER))  # noqa: S311
        if changed:
            self._changed(state.key)


async def try_once(target: Target) -> str:
    """One try, within the target's time."""
    try:
        async with asyncio.timeout(target.timeout):
            return await (_get(target) if target.http else _connect(target))
    except TimeoutError:
        return "timed out"
    except UnicodeError:
        return "unknown host"  # one that is no name at all
    except (OSError, aiohttp.ClientError) as error:
        return _words(error)


async def _connect(target: Target) -> str:
    _, writer = await asyncio.open_connection(target.host, target.port)
    writer.close()
    return OK


async def _get(target: Target) -> str:
    connector = aiohttp.TCPConnector(ssl=False)  # a certificate names a host, not a node's address
    async with (
        aiohttp.ClientSession(
            connector=connector, cookie_jar=aiohttp.DummyCookieJar(), trust_env=False
        ) as session,
        session.get(target.url, allow_redirects=False) as answer,
    ):
        return OK if answer.status < 400 else f"HTTP {answer.status}"


def _words(error: Exception) -> str:
    """What went wrong, without addresses and numbers that differ from one try to the next."""
    cause = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error
    text = str(cause).lower()
    if isinstance(cause, ConnectionRefusedError) or "refused" in text:
        return "connection refused"
    if isinstance(cause, socket.gaierror):
        return "unknown host"
    number = cause.errno if isinstance(cause, OSError) else None
    if number in (errno.EHOSTUNREACH, errno.ENETUNREACH):
        return "no route to host"
    if number in CLOSED or isinstance(cause, aiohttp.ServerDisconnectedError):
        return "connection closed"
    return "no answer that is HTTP" if isinstance(cause, aiohttp.ClientError) else "no connection"
