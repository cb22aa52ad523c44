"""Scores with their 95 % intervals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fastscore.plots.canvas import (
    WIDTH,
    Plot,
    figure_of,
    known,
    pixels,
    shortened,
    text_above,
    x_axis,
)
from fastscore.plots.palette import ROLES, series_colour, series_marker

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_ROW, _POINT = 19, 17  # px: the line with the name, and the room of each interval below it
_AXIS = 42


@dataclass(frozen=True, slots=True)
class Score:
    """A value with its 95 % interval, of one series (a model): NaN where undefined."""

    series: int
    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class IntervalRow:
    """A line of text with intervals below it, one a series.

    ``note`` stands at the right end of the line.
    """

    label: str
    scores: Sequence[Score]
    note: str = ""


def interval_plot(
    name: str, title: str, rows: Sequence[IntervalRow], series: Sequence[str], label: str
) -> Plot:
    """Draw rows of intervals over one axis, which spans what is there and not 0 to 1.

    ``series`` are the names of the models, ``label`` the axis's.
    """
    heights = [_ROW + _POINT * max(1, len(row.scores)) for row in rows]
    ends = [x for row in rows for s in row.scores if known(s.value) for x in _ends(s)]
    tips = {}
    with pixels(WIDTH, sum(heights) + _AXIS + 8, top=4, bottom=_AXIS + 4) as axes:
        x_axis(axes, min(ends, default=0.0), max(ends, default=1.0), label)
        y = 0.0
        for i, (row, height) in enumerate(zip(rows, heights, strict=True)):
            text_above(axes, y + 13, shortened(row.label, 36), row.note)
            for j, score in enumerate(row.scores):
                gid = f"{name}-{i}-{j}"
                tips[gid] = _spoken(row, score, series)
                _draw(axes, score, y + _ROW + _POINT * (j + 0.5), gid)
            y += height
        return Plot(name, title, "; ".join(tips.values()), figure_of(axes), tips)


def _ends(score: Score) -> tuple[float, ...]:
    return (score.low, score.value, score.high) if known(score.low) else (score.value,)


def _draw(axes: Axes, score: Score, y: float, gid: str) -> None:
    colour = series_colour(score.series)
    if not known(score.value):
        at = axes.get_yaxis_transform()
        axes.text(
            0, y, "undefined", transform=at, color=ROLES["muted"], fontsize=12, va="center", gid=gid
        )
        return
    if known(score.low):
        axes.plot(
            [score.low, score.high], [y, y], color=colour, linewidth=3, solid_capstyle="round"
        )
    axes.plot(
        [score.value],
        [y],
        linestyle="none",
        clip_on=False,
        marker=series_marker(score.series),
        color=colour,
        markeredgecolor=ROLES["paper"],
        markeredgewidth=1.2,
        markersize=10,
        gid=gid,
    )


def _spoken(row: IntervalRow, score: Score, series: Sequence[str]) -> str:
    who = series[score.series]
    about = row.label if row.label == who else f"{row.label}, {who}"
    if not known(score.value):
        return f"{about}: undefined"
    between = f", 95 % interval {score.low:.4f} to {score.high:.4f}" if known(score.low) else ""
    return f"{about}: {score.value:.4f}{between}"
