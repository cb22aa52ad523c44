"""What all plots have in common: a figure whose units are pixels, and how it is written."""

from __future__ import annotations

import io
import math
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Literal, cast

from fastscore.errors import UsageError
from fastscore.plots.palette import ROLES

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH = 360
"""Pixels: as wide as a phone shows without scaling."""

BACKGROUND = "background"
"""The id of the figure's own ground."""

_DPI = 72  # a point is a pixel

# Text stays text, names from files are no formulas, and the same input gives the same bytes.
# A style that a notebook has chosen must not change what is written.
_STYLE: Any = {
    "svg.fonttype": "none",
    "svg.hashsalt": "fastscore",
    # As tables write it: a number can be copied.
    "axes.unicode_minus": False,
    "savefig.bbox": None,
    "savefig.transparent": False,
    "text.parse_math": False,
    "font.family": ["sans-serif"],
    "font.size": 12,
    "path.simplify": False,
    "text.color": ROLES["ink"],
}


@dataclass(frozen=True)
class Plot:
    """A figure with its words.

    Attributes:
        name: For file names and ids: letters, digits, ``-`` and ``_``.
        title: What it shows, in a line.
        description: The same content as text, for who cannot see it.
        figure: Of matplotlib.
        aside: What belongs to the title, but is less than it.
        tips: By the id of a mark (its ``gid``), the text that explains it.

    """

    name: str
    title: str
    description: str
    figure: Figure
    tips: dict[str, str] = field(default_factory=dict)
    aside: str = ""

    def to_bytes(self, form: Literal["svg", "png"]) -> bytes:
        """Return the file: SVG with its texts as text, or PNG at 200 dots an inch of 72 pixels."""
        return write(self.figure, form)


def has_matplotlib() -> bool:
    """Say whether plots can be drawn here."""
    return find_spec("matplotlib") is not None


def require_matplotlib() -> None:
    """Refuse to go on where plots cannot be drawn.

    Raises:
        UsageError: matplotlib is not installed.

    """
    if not has_matplotlib():
        raise UsageError(
            "a report with plots needs matplotlib, which is not installed. Install it: "
            "pip install 'fastscore-gguf[report]'"
        )


def write(figure: Figure, form: Literal["svg", "png"]) -> bytes:
    """Draw a figure; the same figure gives the same bytes."""
    file = io.BytesIO()
    # Dates and the version of matplotlib would make equal plots differ.
    metadata: dict[str, Any] = (
        {"Date": None, "Creator": None} if form == "svg" else {"Software": None}
    )
    with _styled():
        figure.savefig(file, format=form, dpi=_DPI if form == "svg" else 200, metadata=metadata)
    return file.getvalue()


@contextmanager
def _styled() -> Iterator[None]:
    require_matplotlib()
    from matplotlib import rc_context

    with warnings.catch_warnings(), rc_context(_STYLE):
        # A name in a script that the font lacks is boxes in a PNG, and text in an SVG.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        yield


@contextmanager
def pixels(width: float, height: float, *, top: float, bottom: float) -> Iterator[Axes]:
    """Give axes over the full width, whose y runs downwards in pixels from ``top``.

    The figure is ``axes.figure``. ``bottom`` pixels are left for what stands below the x axis.
    """
    with _styled():
        from matplotlib.figure import Figure

        figure = Figure(figsize=(width / _DPI, height / _DPI), dpi=_DPI, facecolor=ROLES["paper"])
        figure.patch.set_gid(BACKGROUND)
        inner = height - top - bottom
        side = 10.0
        axes = figure.add_axes(
            (side / width, bottom / height, 1 - 2 * side / width, inner / height),
            facecolor="none",
        )
        axes.set_ylim(inner, 0)
        axes.yaxis.set_visible(False)
        for spine in axes.spines.values():
            spine.set_visible(False)
        axes.tick_params(axis="x", length=0, pad=5, labelsize=12, labelcolor=ROLES["muted"])
        axes.grid(visible=True, axis="x", color=ROLES["grid"], linewidth=1)
        axes.set_axisbelow(True)
        yield axes


def figure_of(axes: Axes) -> Figure:
    """Return the figure that `pixels` made the axes in."""
    return cast("Figure", axes.figure)


def x_axis(axes: Axes, low: float, high: float, label: str, *, n_ticks: int = 4) -> None:
    """Set limits with a little room, few ticks at round numbers, and the label."""
    from matplotlib.ticker import MaxNLocator

    room = 0.06 * (high - low) or max(abs(high) * 0.05, 0.01)
    axes.set_xlim(low - room, high + room)
    axes.xaxis.set_major_locator(MaxNLocator(n_ticks, steps=[1, 2, 2.5, 5, 10]))
    axes.set_xlabel(shortened(label, 40), fontsize=12, color=ROLES["muted"], labelpad=4)


def text_above(
    axes: Axes, y: float, left: str, right: str = "", *, muted: bool = False, bold: bool = False
) -> None:
    """Write a row's name at the left edge and its number at the right, baseline at ``y`` px."""
    at = axes.get_yaxis_transform()
    colour = ROLES["muted"] if muted else ROLES["ink"]
    weight = "bold" if bold else "normal"
    style: dict[str, Any] = {"transform": at, "fontsize": 13, "clip_on": False}
    axes.text(0, y, left, color=colour, ha="left", va="baseline", weight=weight, **style)
    if right:
        axes.text(1, y, right, color=ROLES["muted"], ha="right", va="baseline", **style)


def shortened(text: str, most: int) -> str:
    """Cut the middle out of a name that is too long: its two ends tell it from its neighbours."""
    text = "".join(c if c.isprintable() else "?" for c in text)
    if len(text) <= most:
        return text
    tail = (most - 1) // 2
    return f"{text[: most - 1 - tail]}…{text[-tail:]}"


def known(*numbers: float) -> bool:
    """Say whether all numbers are defined."""
    return not any(math.isnan(number) for number in numbers)
