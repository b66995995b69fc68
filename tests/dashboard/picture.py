# SPDX-License-Identifier: Apache-2.0
"""Draws the panels of the dashboard: where its file places them, with its titles and units.

Called by __main__.py. Colours and letters are this module's; Grafana has its own.
"""

import math
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import cycle
from pathlib import Path

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, Locator, MaxNLocator, MultipleLocator
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from dashboard.canvas import Box, Canvas
from dashboard.panels import Line, Panel
from dashboard.units import format_value

WIDTH, COLUMNS = 1400, 24
UNIT_HEIGHT = 30
MARGIN = 16
TOP = MARGIN + 34
"""Where the grid begins, under the title."""
GAP = 8
PADDING = 10
TITLE_HEIGHT = 26
AXIS_HEIGHT = 20
LEGEND_HEIGHT = 18
SMALL = 8.5
"""Size of the letters of axes and legends."""
MAX_COLORS = 256
"""A third of the bytes of a picture with all its shades."""

PAGE, PAPER, FRAME, GRID = "#f4f5f7", "#ffffff", "#dcdfe4", "#e9ebef"
TEXT, FAINT = "#1f2328", "#59636e"
COLORS = (
    "#2e9e5b", "#d99a00", "#2f6fdb", "#e0662b", "#cf3049", "#1f9eb3", "#8250c4", "#c04f9b",
    "#6e7781", "#7d5f2e",
)  # fmt: skip
NAMED_COLORS = {"green": "#2e9e5b", "orange": "#d97a00", "red": "#cf3049"}
"""Those that the dashboard's thresholds name."""


def draw(panels: Sequence[Panel], times: Sequence[float], title: str) -> Image.Image:
    """The whole dashboard under a title; times are seconds since the epoch."""
    rows = max(y + height for _, y, _, height in (panel.place for panel in panels))
    with mpl.rc_context({"font.family": "DejaVu Sans", "text.color": TEXT}):
        canvas = Canvas(WIDTH, TOP + rows * UNIT_HEIGHT + MARGIN, PAGE)
        canvas.text(MARGIN + GAP / 2, MARGIN + 12, title, 14, weight="bold")
        clock = f"{_clock(times[0])} to {_clock(times[-1])} UTC"
        canvas.text(WIDTH - MARGIN - GAP / 2, MARGIN + 12, clock, 10, color=FAINT, ha="right")
        for panel in panels:
            _draw_panel(canvas, panel, box_of(panel), times)
        return canvas.picture()


def _clock(time: float) -> str:
    return f"{datetime.fromtimestamp(time, UTC):%H:%M}"


def save(picture: Image.Image, file: Path, dashboard: str) -> None:
    """Write a picture, and into it the digest of the dashboard that it is of."""
    information = PngInfo()
    information.add_text("dashboard", dashboard)
    picture.convert("RGB").quantize(MAX_COLORS).save(file, optimize=True, pnginfo=information)


def box_of(panel: Panel) -> Box:
    """Where a panel is in the picture."""
    x, y, width, height = panel.place
    column = (WIDTH - 2 * MARGIN) / COLUMNS
    outer = Box(MARGIN + x * column, TOP + y * UNIT_HEIGHT, width * column, height * UNIT_HEIGHT)
    return outer.inner(GAP / 2, GAP / 2, GAP / 2, GAP / 2)


def _draw_panel(canvas: Canvas, panel: Panel, box: Box, times: Sequence[float]) -> None:
    if panel.kind == "row":
        canvas.text(box.x, box.y + box.height / 2, f"▾  {panel.title}", 11.5, weight="bold")
        return
    canvas.box(box, PAPER, FRAME)
    canvas.text(box.x + PADDING, box.y + TITLE_HEIGHT / 2 + 3, panel.title, 10)
    {"stat": _draw_stat, "timeseries": _draw_time_series}[panel.kind](canvas, panel, box, times)


def _draw_stat(canvas: Canvas, panel: Panel, box: Box, times: Sequence[float]) -> None:
    """The last value, coloured by the thresholds, over its course."""
    [line] = panel.lines
    last = next(value for value in reversed(line.values) if not math.isnan(value))
    steps = panel.defaults["thresholds"]["steps"]
    names = [step["color"] for step in steps if step["value"] is None or last >= step["value"]]
    color = NAMED_COLORS[names[-1]]
    axes = canvas.axes(box.inner(1, TITLE_HEIGHT + 14, 1, 1))
    axes.axis("off")
    axes.set_xlim(times[0], times[-1])
    values = [0 if math.isnan(value) else value for value in line.values]
    axes.set_ylim(0, max(*values, 1) * 2)  # under the number
    axes.fill_between(times, values, color=color, alpha=0.15, linewidth=0)
    axes.plot(times, values, color=color, linewidth=1, alpha=0.6)
    middle = box.y + (TITLE_HEIGHT + box.height) / 2
    text = format_value(last, panel.defaults["unit"])
    canvas.text(box.x + box.width / 2, middle, text, 26, color=color, weight="bold", ha="center")


def _draw_time_series(canvas: Canvas, panel: Panel, box: Box, times: Sequence[float]) -> None:
    inside = box.inner(PADDING, TITLE_HEIGHT + 8, PADDING + 4, 8)
    lines = list(zip(panel.lines, cycle(COLORS), strict=False))
    rows = list(_legend_rows(canvas, lines, inside.width))
    for number, row in enumerate(rows):
        y = inside.y + inside.height - (len(rows) - number - 0.5) * LEGEND_HEIGHT
        _draw_legend_row(canvas, row, inside.x, y)
    unit = panel.defaults["unit"]
    plot = inside.inner(0, 0, 0, len(rows) * LEGEND_HEIGHT + AXIS_HEIGHT)
    axes = canvas.axes(plot)
    _plot(axes, panel, lines, times)
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: format_value(value, unit)))
    axes.yaxis.set_major_locator(_value_locator(panel, axes.get_ylim()[1]))
    axes.xaxis.set_major_locator(MultipleLocator(60 if plot.width > 400 else 120))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: _clock(value)))
    axes.tick_params(labelsize=SMALL, labelcolor=FAINT, length=0, pad=5)
    axes.grid(color=GRID, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[:].set_visible(False)
    _make_room_for_labels(canvas, axes, plot)


def _value_locator(panel: Panel, highest: float) -> Locator:
    """Where the lines across are; whole numbers where all values are, and powers of 2 of bytes."""
    if panel.defaults["unit"] == "bytes":
        return MultipleLocator(2 ** math.ceil(math.log2(highest / 4)))
    return MaxNLocator(4, integer=panel.defaults["unit"] == "short" and _are_whole(panel))


def _are_whole(panel: Panel) -> bool:
    values = [value for line in panel.lines for value in line.values if not math.isnan(value)]
    return all(value == int(value) for value in values)


def _plot(axes: Axes, panel: Panel, lines: list[tuple[Line, str]], times: Sequence[float]) -> None:
    """The lines, on each other where the panel stacks them."""
    custom = panel.defaults["custom"]
    stacked = custom["stacking"]["mode"] == "normal"
    floor = [0.0] * len(times)
    highest = 0.0
    for line, color in lines:
        tops = [low + value for low, value in zip(floor, line.values, strict=True)]
        alpha = custom["fillOpacity"] / 100
        axes.fill_between(times, floor, tops, color=color, alpha=alpha, linewidth=0)
        axes.plot(times, tops, color=color, linewidth=1.2 * custom["lineWidth"])
        highest = max(highest, *(value for value in tops if not math.isnan(value)))
        if stacked:  # a series without a value adds nothing to those above
            floor = [low if math.isnan(top) else top for low, top in zip(floor, tops, strict=True)]
    axes.set_xlim(times[0], times[-1])
    axes.set_ylim(panel.defaults["min"], highest * 1.08 or 1)


def _make_room_for_labels(canvas: Canvas, axes: Axes, plot: Box) -> None:
    """Move the left end of the coordinates to the right of the widest label."""
    low, high = axes.get_ylim()
    axes.set_yticks([tick for tick in axes.get_yticks() if low <= tick <= high])
    labels = [label.get_text() for label in axes.get_yticklabels()]
    widest = max(canvas.text_width(label, SMALL) for label in labels)
    canvas.move(axes, plot.inner(widest + 8, 0, 0, 0))


def _legend_rows(
    canvas: Canvas, lines: list[tuple[Line, str]], width: float
) -> Iterator[list[tuple[float, str, str]]]:
    """The entries of the legend in rows that fit: x, colour and name of each."""
    row: list[tuple[float, str, str]] = []
    x = 0.0
    for line, color in lines:
        entry = 20 + canvas.text_width(line.name, SMALL) + 14
        if row and x + entry - 14 > width:
            yield row
            row, x = [], 0.0
        row.append((x, color, line.name))
        x += entry
    yield row


def _draw_legend_row(
    canvas: Canvas, row: list[tuple[float, str, str]], left: float, y: float
) -> None:
    for x, color, name in row:
        canvas.box(Box(left + x, y - 2, 14, 4), color, color, 2)
        canvas.text(left + x + 20, y, name, SMALL)
