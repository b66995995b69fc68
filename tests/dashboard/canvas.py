# SPDX-License-Identifier: Apache-2.0
"""A picture whose coordinates are pixels from the left and the top, as a dashboard's grid needs it.

Called by picture.py. It is a figure of matplotlib, whose own coordinates are shares of its size.
"""

from dataclasses import dataclass
from io import BytesIO
from typing import Any

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch
from matplotlib.transforms import IdentityTransform
from PIL import Image

DPI = 100


@dataclass(frozen=True)
class Box:
    """A rectangle in pixels, from the left and the top."""

    x: float
    y: float
    width: float
    height: float

    def inner(self, left: float, top: float, right: float, bottom: float) -> "Box":
        """What is left of it within margins."""
        width, height = self.width - left - right, self.height - top - bottom
        return Box(self.x + left, self.y + top, width, height)


class Canvas:
    """A figure whose coordinates are pixels."""

    def __init__(self, width: int, height: int, color: str) -> None:
        self._figure = Figure(figsize=(width / DPI, height / DPI), dpi=DPI, facecolor=color)
        FigureCanvasAgg(self._figure)  # it measures texts
        self._width, self._height = width, height

    def text(self, x: float, y: float, text: str, size: float, **options: Any) -> None:
        """Write, with the vertical middle at y."""
        self._figure.text(
            x / self._width,
            1 - y / self._height,
            text,
            fontsize=size,
            va="center_baseline",
            **options,
        )

    def text_width(self, text: str, size: float) -> float:
        """How wide a text would be."""
        artist = self._figure.text(0, 0, text, fontsize=size)
        width = artist.get_window_extent().width
        artist.remove()
        return width

    def box(self, box: Box, fill: str, edge: str, radius: float = 4) -> None:
        """A filled rectangle with round corners."""
        self._figure.add_artist(
            FancyBboxPatch(
                (box.x, self._height - box.y - box.height),
                box.width,
                box.height,
                boxstyle=f"round,pad=0,rounding_size={radius}",
                facecolor=fill,
                edgecolor=edge,
                linewidth=0.8,
                transform=IdentityTransform(),
                zorder=-1,  # under the coordinate systems
            )
        )

    def axes(self, box: Box) -> Axes:
        """A coordinate system in a rectangle."""
        return self._figure.add_axes(self._shares(box), facecolor="none")

    def move(self, axes: Axes, box: Box) -> None:
        """Move a coordinate system to another rectangle."""
        axes.set_position(self._shares(box))

    def picture(self) -> Image.Image:
        """What is drawn so far."""
        buffer = BytesIO()
        self._figure.savefig(buffer, format="png", dpi=DPI)
        return Image.open(buffer)

    def _shares(self, box: Box) -> tuple[float, float, float, float]:
        """Left, bottom, width and height as matplotlib has them."""
        return (
            box.x / self._width,
            1 - (box.y + box.height) / self._height,
            box.width / self._width,
            box.height / self._height,
        )
