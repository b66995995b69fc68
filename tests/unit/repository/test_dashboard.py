# SPDX-License-Identifier: Apache-2.0
"""The picture of the dashboard: what is drawn, what is refused, and that it is of today's file."""

import json
import math
from pathlib import Path

import pytest
from PIL import Image

from dashboard.canvas import Box
from dashboard.panels import (
    FILE,
    EmptyPanelError,
    Json,
    check_other_queries,
    digest,
    fill_in,
    legend,
    rate_interval,
    read_panels,
)
from dashboard.picture import COLORS, PAPER, box_of, draw, save
from dashboard.prometheus import QueryError, Series, Span
from dashboard.units import format_value

ROOT = Path(__file__).parents[3]
PICTURE = ROOT / "docs" / "images" / "dashboard.png"
MAX_BYTES = 400_000
DASHBOARD: Json = json.loads(FILE.read_text())
SPAN = Span(0, 300, 5)
SCRAPE_SECONDS = 5
UNKNOWN = math.nan


def answer(expression: str, span: Span) -> list[Series]:
    """Two series, as most panels have; stats have one."""
    labels = ["one", "two"] if "by (" in expression or "by(" in expression else ["one"]
    base = len(expression) % 10 / 20  # so that the lines of two queries are apart
    steps = [base + index // 20 for index in range(1, len(span.times))]
    return [
        Series({"reason": label}, [UNKNOWN, *(step + height for step in steps)])
        for height, label in enumerate(labels)
    ]


def test_the_picture_is_of_the_file_as_it_is() -> None:
    with Image.open(PICTURE) as picture:
        assert picture.info["dashboard"] == digest(FILE.read_text()), "run make dashboard"
    assert PICTURE.stat().st_size < MAX_BYTES


def colors(picture: Image.Image, box: Box) -> set[bytes]:
    """The colours in a rectangle: red, green and blue of each."""
    part = picture.convert("RGB").crop(
        (round(box.x), round(box.y), round(box.x + box.width), round(box.y + box.height))
    )
    pixels = part.tobytes()
    return {pixels[start : start + 3] for start in range(0, len(pixels), 3)}


def has(there: set[bytes], color: str) -> bool:
    """Whether there is a colour, or what the area of another line makes of it."""
    channels = bytes.fromhex(color[1:])
    return any(
        all(abs(one - other) < 40 for one, other in zip(channels, pixel, strict=True))
        for pixel in there
    )


def test_each_panel_is_drawn_in_its_place(tmp_path: Path) -> None:
    panels = read_panels(DASHBOARD, answer, SPAN, SCRAPE_SECONDS)
    file = tmp_path / "picture.png"
    save(draw(panels, SPAN.times, "ExposedApp operator"), file, "some digest")
    with Image.open(file) as picture:
        assert picture.info["dashboard"] == "some digest"
        for panel in panels:
            there = colors(picture, box_of(panel))
            assert len(there) > 5, panel.title
            assert (bytes.fromhex(PAPER[1:]) in there) == (panel.kind != "row"), panel.title


def test_each_line_is_drawn_above_the_legend() -> None:
    panels = read_panels(DASHBOARD, answer, SPAN, SCRAPE_SECONDS)
    picture = draw(panels, SPAN.times, "ExposedApp operator")
    for panel in panels:
        if panel.kind == "timeseries":
            there = colors(picture, box_of(panel).inner(0, 0, 0, 60))
            for color, _ in zip(COLORS, panel.lines, strict=False):
                assert has(there, color), (panel.title, color)


@pytest.mark.parametrize(
    ("title", "is_stacked"), [("Ready, by reason", True), ("Requests, by method", False)]
)
def test_equal_lines_are_apart_where_the_panel_stacks_them(title: str, is_stacked: bool) -> None:
    def equal(expression: str, span: Span) -> list[Series]:
        return [Series({}, [1.0] * len(span.times)) for _ in range(2)]

    panels = read_panels(DASHBOARD, equal, SPAN, SCRAPE_SECONDS)
    [panel] = [panel for panel in panels if panel.title == title]
    picture = draw([panel], SPAN.times, "ExposedApp operator")
    there = colors(picture, box_of(panel).inner(0, 0, 0, 60))
    assert has(there, COLORS[1])
    assert has(there, COLORS[0]) == is_stacked


def test_a_query_without_an_answer_is_an_error() -> None:
    def silent(expression: str, span: Span) -> list[Series]:
        return [] if "workqueue_retries_total" in expression else answer(expression, span)

    with pytest.raises(EmptyPanelError, match=r"^Put into the queue: no data for sum\(rate"):
        read_panels(DASHBOARD, silent, SPAN, SCRAPE_SECONDS)


def test_values_that_are_no_numbers_are_no_answer() -> None:
    """A quantile over no observation is NaN."""

    def unknown(expression: str, span: Span) -> list[Series]:
        if "reconcile_time" in expression:
            return [Series({}, [UNKNOWN] * len(span.times))]
        return answer(expression, span)

    with pytest.raises(EmptyPanelError, match=r"^How long a reconcile takes"):
        read_panels(DASHBOARD, unknown, SPAN, SCRAPE_SECONDS)


@pytest.mark.parametrize("metric", ["process_start_time_seconds", "exposedapp_build_info"])
def test_annotations_and_variables_are_queried_too(metric: str) -> None:
    def refuse(expression: str, span: Span) -> list[Series]:
        if expression.startswith(metric):
            raise QueryError(expression)
        return answer(expression, span)

    with pytest.raises(QueryError):
        check_other_queries(DASHBOARD, refuse, SPAN)


def test_variables_are_replaced_as_grafana_does() -> None:
    expression = 'rate(a{job=~"$job"}[$__rate_interval])'
    assert fill_in(expression, DASHBOARD, 20) == 'rate(a{job=~".*"}[20s])'
    with pytest.raises(ValueError, match="a variable that is not known here"):
        fill_in("rate(a[$__interval])", DASHBOARD, 20)


@pytest.mark.parametrize(("step", "seconds"), [(5, 20), (15, 20), (15.5, 21), (60, 65)])
def test_the_interval_of_rates(step: float, seconds: int) -> None:
    """The step and one scrape more, and never less than four scrapes."""
    assert rate_interval(Span(0, 300, step), SCRAPE_SECONDS) == seconds


def test_the_legend_names_labels() -> None:
    assert legend("{{status}} {{ reason }}", {"status": "True", "reason": "A"}) == "True A"
    assert legend("{{status}} {{reason}}", {"status": "True"}) == "True"


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0, "s", "0 s"),
        (0.0025, "s", "2.5 ms"),
        (90, "s", "1.5 min"),
        (64 * 2**20, "bytes", "64 MiB"),
        (1500, "short", "1.5 K"),
        (7, "short", "7"),
        (0.5, "ops", "0.5 ops/s"),
        (2000, "reqps", "2 K req/s"),
    ],
)
def test_units(value: float, unit: str, text: str) -> None:
    assert format_value(value, unit) == text
