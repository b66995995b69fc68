# SPDX-License-Identifier: Apache-2.0
"""Draws the diagrams of the manual as SVG files in docs/images, which follow the reader's colors.

Boxes stand in a grid, and arrows lead from side to side. The pages of docs/explanation show them.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from pathlib import Path

from generated_page import update

IMAGES = Path(__file__).parent / "images"
COLUMN, ROW = 235, 92
WIDTH, HEIGHT, LINE = 155, 60, 18
MARGIN = 12
STYLE = """\
<style>
rect { fill: #eef1fb; stroke: #4051b5; }
text { font: 13px system-ui, sans-serif; fill: #222; text-anchor: middle; }
text.label { font-size: 11px; fill: #555; }
path { stroke: #4051b5; fill: none; marker-end: url(#head); }
marker path { fill: #4051b5; marker-end: none; }
@media (prefers-color-scheme: dark) {
rect { fill: #2b3050; stroke: #8c9eff; }
text { fill: #eee; }
text.label { fill: #bbb; }
path { stroke: #8c9eff; }
marker path { fill: #8c9eff; }
}
</style>
<defs><marker id="head" markerWidth="8" markerHeight="8" refX="7" refY="3" orient="auto">\
<path d="M0,0 L7,3 L0,6 z"/></marker></defs>"""


@dataclass(frozen=True, slots=True)
class Box:
    """A box with lines of text, at a place of the grid."""

    column: float
    row: float
    lines: tuple[str, ...]

    @property
    def left(self) -> float:
        """The x of its left side."""
        return MARGIN + self.column * COLUMN

    @property
    def top(self) -> float:
        """The y of its upper side."""
        return MARGIN + self.row * ROW

    @property
    def middle(self) -> tuple[float, float]:
        """The x and y of its center."""
        return self.left + WIDTH / 2, self.top + HEIGHT / 2

    def draw(self) -> Iterator[str]:
        """The box and its text."""
        yield f'<rect x="{self.left:g}" y="{self.top:g}" width="{WIDTH}" height="{HEIGHT}" rx="6"/>'
        x, y = self.middle
        y -= (len(self.lines) - 1) * LINE / 2
        for number, line in enumerate(self.lines):
            yield f'<text x="{x:g}" y="{y + 4 + number * LINE:g}">{escape(line)}</text>'


@dataclass(frozen=True, slots=True)
class Arrow:
    """An arrow from one box to another: to the right, or within a column down or up."""

    start: str
    end: str
    label: str = ""

    def draw(self, boxes: dict[str, Box]) -> Iterator[str]:
        """The arrow and its label."""
        start, end = boxes[self.start], boxes[self.end]
        (x1, y1), (x2, y2) = start.middle, end.middle
        if start.column == end.column:
            half = HEIGHT / 2 if y2 > y1 else -HEIGHT / 2
            y1, y2 = y1 + half, y2 - half
        else:
            half = WIDTH / 2 if x2 > x1 else -WIDTH / 2
            x1, x2 = x1 + half, x2 - half
        yield f'<path d="M{x1:g},{y1:g} L{x2:g},{y2:g}"/>'
        if self.label:
            x, y = (x1 + x2) / 2, (y1 + y2) / 2 - 6
            yield f'<text class="label" x="{x:g}" y="{y:g}">{escape(self.label)}</text>'


@dataclass(frozen=True, slots=True)
class Diagram:
    """Boxes by name, and arrows between them; the title is for those who do not see it."""

    title: str
    boxes: dict[str, Box]
    arrows: tuple[Arrow, ...]

    def page(self, _old: str) -> str:
        """The file, whatever it was before."""
        width = max(box.left for box in self.boxes.values()) + WIDTH + MARGIN
        height = max(box.top for box in self.boxes.values()) + HEIGHT + MARGIN
        lines = [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" '
            f'width="{width:g}" height="{height:g}" role="img">',
            f"<title>{escape(self.title)}</title>",
            STYLE,
        ]
        for box in self.boxes.values():
            lines += box.draw()
        for arrow in self.arrows:
            lines += arrow.draw(self.boxes)
        return "\n".join([*lines, "</svg>", ""])


DIAGRAMS = {
    "operator": Diagram(
        "From an ExposedApp to an address",
        {
            "app": Box(0, 0.5, ("ExposedApp", "hello")),
            "deployment": Box(1, 0, ("Deployment", "hello")),
            "service": Box(1, 1, ("Service", "node port 31764")),
            "pods": Box(2, 0, ("Pods", "port 8080")),
            "nodes": Box(1, 2, ("Nodes", "172.18.0.2 .3 .4")),
            "urls": Box(2, 1.5, ("status.urls", "172.18.0.2:31764 ...")),
        },
        (
            Arrow("app", "deployment", "creates"),
            Arrow("app", "service", "creates"),
            Arrow("deployment", "pods"),
            Arrow("service", "pods"),
            Arrow("service", "urls", "port"),
            Arrow("nodes", "urls", "addresses"),
        ),
    ),
    "node-port": Diagram(
        "The way of a request through a node port",
        {
            "client": Box(0, 1, ("You", "172.18.0.3:31764")),
            "node1": Box(1, 0, ("Node 172.18.0.2", "port 31764")),
            "node2": Box(1, 1, ("Node 172.18.0.3", "port 31764")),
            "node3": Box(1, 2, ("Node 172.18.0.4", "port 31764")),
            "service": Box(2, 1, ("Service hello", "port 80")),
            "pod1": Box(3, 0.5, ("Pod", "targetPort 8080")),
            "pod2": Box(3, 1.5, ("Pod", "targetPort 8080")),
        },
        (
            Arrow("client", "node2", "request"),
            Arrow("node1", "service"),
            Arrow("node2", "service", "kube-proxy"),
            Arrow("node3", "service"),
            Arrow("service", "pod1"),
            Arrow("service", "pod2"),
        ),
    ),
    "local-traffic": Diagram(
        "externalTrafficPolicy Local: only nodes with a pod answer",
        {
            "client": Box(0, 0.5, ("You",)),
            "node1": Box(1, 0, ("Node with a pod", "172.18.0.2:31764")),
            "node2": Box(1, 1, ("Node without", "not in status.urls")),
            "pod1": Box(2, 0, ("Pod", "sees your address")),
        },
        (Arrow("client", "node1", "request"), Arrow("node1", "pod1")),
    ),
}


def draw() -> None:
    """Write each diagram, or compare it with --check."""
    for name, diagram in DIAGRAMS.items():
        update(IMAGES / f"{name}.svg", diagram.page)


if __name__ == "__main__":
    draw()
