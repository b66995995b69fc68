# SPDX-License-Identifier: Apache-2.0
"""A Prometheus server on this machine (tests/kind/prometheus.sh), and queries to it."""

import json
import subprocess
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError

import yaml

from support.programs import process
from support.sockets import free_port

PROGRAM = Path(__file__).parents[2] / "build" / "bin" / "prometheus"
START_SECONDS = 30.0


class QueryError(Exception):
    """Prometheus refused a query, or has a doubt about it."""


@dataclass(frozen=True)
class Span:
    """From when to when, and how far apart; seconds."""

    start: float
    end: float
    step: float

    @property
    def times(self) -> list[float]:
        """The moments of which Prometheus tells the value."""
        return [
            self.start + index * self.step
            for index in range(int((self.end - self.start) // self.step) + 1)
        ]


@dataclass(frozen=True)
class Series:
    """One line of a graph: a value for each moment of the span; NaN where there is none."""

    labels: dict[str, str]
    values: list[float]


@dataclass(frozen=True)
class Prometheus:
    """A server that is ready for queries."""

    url: str

    def query(self, expression: str, span: Span) -> list[Series]:
        """The series of an expression over a span; raises QueryError, also for a warning."""
        answer = self._get(
            "query_range", query=expression, start=span.start, end=span.end, step=span.step
        )
        return [
            Series(result["metric"], _spread(result["values"], span))
            for result in answer["data"]["result"]
        ]

    def down_targets(self) -> list[str]:
        """The instances of which the last scrape failed, or that have not been scraped."""
        return [
            f"{target['labels']['instance']}: {target['health']} {target['lastError']}".strip()
            for target in self._get("targets")["data"]["activeTargets"]
            if target["health"] != "up"
        ]

    def _get(self, path: str, **parameters: object) -> dict[str, Any]:
        url = f"{self.url}/api/v1/{path}?{urllib.parse.urlencode(parameters)}"
        try:
            with urllib.request.urlopen(url, timeout=30) as response:  # noqa: S310 - this machine
                answer: dict[str, Any] = json.load(response)
        except HTTPError as error:
            raise QueryError(f"{parameters}: {error.read().decode()}") from None
        if notes := [*answer.get("warnings", ()), *answer.get("infos", ())]:
            raise QueryError(f"{parameters}: {notes}")
        return answer


def _spread(samples: list[tuple[float, str]], span: Span) -> list[float]:
    """The samples on the moments of the span: Prometheus leaves out those without a value."""
    values = {round((moment - span.start) / span.step): float(value) for moment, value in samples}
    return [values.get(index, float("nan")) for index in range(len(span.times))]


@contextmanager
def prometheus(folder: Path, scrape: dict[str, Any]) -> Iterator[Prometheus]:
    """Run a server with one scrape configuration, until the end; its files are in a folder."""
    (folder / "prometheus.yaml").write_text(yaml.safe_dump({"scrape_configs": [scrape]}))
    address = f"127.0.0.1:{free_port()}"
    command: list[str | Path] = [PROGRAM, f"--web.listen-address={address}"]
    command += [f"--config.file={folder}/prometheus.yaml", f"--storage.tsdb.path={folder}/data"]
    with process(command, folder / "log") as started:
        _wait_until_ready(f"http://{address}", started, folder / "log")
        yield Prometheus(f"http://{address}")


def _wait_until_ready(url: str, started: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + START_SECONDS
    while True:
        try:
            urllib.request.urlopen(f"{url}/-/ready", timeout=5).close()  # noqa: S310 - this machine
        except URLError:
            if started.poll() is not None or time.monotonic() > end:
                raise AssertionError(f"Prometheus is not ready:\n{log.read_text()}") from None
            time.sleep(0.2)
        else:
            return
