"""Differences of paired scores, with the margin within which they count as none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

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
from fastscore.plots.palette import ROLES

_ROW = 38
_AXIS = 42

Outcome = Literal["better", "worse", "equivalent", "no difference found", "undefined"]

# Shape, colour, filled: what was found is filled, what was not is hollow.
_MARKS: dict[str, tuple[str, str, bool]] = {
    "better": ("^", "better", True),
    "worse": ("v", "worse", True),
    "equivalent": ("D", "equal", True),
    "no difference found": ("o", "axis", False),
    "undefined": ("x", "axis", False),
}


@dataclass(frozen=True, slots=True)
class DifferenceRow:
    """A candidate's score minus the base's on one task, with an interval and the verdict.

    ``interval`` is what the interval is called: that of a run that stopped early is another.
    """

    label: str
    difference: float
    low: float
    high: float
    outcome: Outcome
    interval: str = "95 % interval"


def difference_plot(
    name: str,
    title: str,
    rows: Sequence[DifferenceRow],
    margin: float,
    *,
    reach: tuple[float, float] | None = None,
) -> Plot:
    """Draw differences around zero, the margin as a band.

    ``reach`` is what the axis must span at least, so that plots side by side share it.
    """
    ends = [0.0, -margin, margin]
    ends += [x for r in rows if known(r.difference) for x in (r.difference, r.low, r.high)]
    ends = [x for x in [*ends, *(reach or ())] if known(x)]
    tips = {}
    inner = _ROW * max(1, len(rows))
    with pixels(WIDTH, inner + _AXIS + 8, top=4, bottom=_AXIS + 4) as axes:
        x_axis(axes, min(ends), max(ends), "difference of the score", n_ticks=5)
        axes.axvspan(-margin, margin, color=ROLES["band"], linewidth=0, zorder=0.5)
        axes.axvline(0, color=ROLES["axis"], linewidth=1.2, zorder=1)
        for i, row in enumerate(rows):
            gid = f"{name}-{i}"
            tips[gid] = _spoken(row)
            text_above(axes, i * _ROW + 13, shortened(row.label, 34), _signed(row.difference))
            if not known(row.difference):
                continue
            shape, role, filled = _MARKS[row.outcome]
            y, colour = i * _ROW + 27, ROLES[role]
            if known(row.low, row.high):
                axes.plot(
                    [row.low, row.high], [y, y], color=colour, linewidth=3, solid_capstyle="round"
                )
            axes.plot(
                [row.difference],
                [y],
                linestyle="none",
                clip_on=False,
                marker=shape,
                color=colour if filled else ROLES["paper"],
                markeredgecolor=ROLES["paper"] if filled else colour,
                markeredgewidth=1.2 if filled else 2,
                markersize=10,
                gid=gid,
            )
        return Plot(name, title, "; ".join(tips.values()), figure_of(axes), tips)


def _spoken(row: DifferenceRow) -> str:
    if not known(row.difference):
        return f"{row.label}: undefined"
    between = ""
    if known(row.low):
        between = f", {row.interval} {_signed(row.low)} to {_signed(row.high)}"
    return f"{row.label}: {_signed(row.difference)}{between}, {row.outcome}"


def _signed(number: float) -> str:
    """Write a change as tables do: without a sign where it rounds to nothing."""
    if not known(number):
        return "n/a"
    return f"{number:+.4f}" if round(number, 4) else "0.0000"
