"""Score against what it costs, with the models that nothing beats in both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fastscore.plots.canvas import WIDTH, Plot, figure_of, known, pixels, shortened
from fastscore.plots.palette import ROLES, series_colour, series_marker

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_HEIGHT, _TOP, _AXIS = 250, 10, 40
_LINE, _LETTER, _BESIDE = 16.0, 7.8, 10.0  # px: two labels, a letter, from mark to label
_MARK, _GAP, _STEP, _DESCENT = 6.0, 6.0, 8.0, 3.0  # px: half a mark, between names, shift, below


@dataclass(frozen=True, slots=True)
class TradeOffPoint:
    """A model: its cost (or its speed), its score and the score's 95 % interval."""

    series: int
    label: str
    x: float
    score: float
    low: float
    high: float


def pareto_front(points: Sequence[TradeOffPoint], *, less_is_better: bool) -> list[int]:
    """Return the indices of the points that no other equals or beats in both, by rising x.

    Of points with the same cost and score the first is kept.
    """
    sign = 1 if less_is_better else -1
    order = sorted(range(len(points)), key=lambda i: (sign * points[i].x, -points[i].score, i))
    front: list[int] = []
    for i in order:
        if not front or points[i].score > points[front[-1]].score:
            front.append(i)
    return sorted(front, key=lambda i: points[i].x)


def tradeoff_plot(
    name: str,
    title: str,
    points: Sequence[TradeOffPoint],
    x_label: str,
    *,
    less_is_better: bool,
) -> Plot:
    """Draw score over cost; models on the front are filled and joined, the others hollow."""
    points = [p for p in points if known(p.x, p.score)]
    front = pareto_front(points, less_is_better=less_is_better)
    tips = {}
    with pixels(WIDTH, _HEIGHT, top=_TOP, bottom=_AXIS + 4) as axes:
        _limits(axes, points, x_label)
        if len(front) > 1:
            steps = "steps-post" if less_is_better else "steps-pre"
            axes.plot(
                [points[i].x for i in front],
                [points[i].score for i in front],
                drawstyle=steps,
                color=ROLES["axis"],
                linewidth=1.5,
                linestyle=(0, (4, 3)),
                zorder=1.5,
            )
        for i, point in enumerate(points):
            gid = f"{name}-{i}"
            tips[gid] = _spoken(point, x_label, on_front=i in front)
            _draw(axes, point, gid, filled=i in front)
        _label(axes, points)
        return Plot(name, title, "; ".join(tips.values()), figure_of(axes), tips)


def _limits(axes: Axes, points: Sequence[TradeOffPoint], x_label: str) -> None:
    from matplotlib.ticker import MaxNLocator

    xs = [p.x for p in points] or [1.0]
    ys = [y for p in points for y in (p.score, p.low, p.high) if known(y)] or [0.0, 1.0]
    x_room = 0.12 * (max(xs) - min(xs)) or 0.2 * max(xs)
    y_room = 0.06 * (max(ys) - min(ys)) or 0.05
    axes.set_xlim(max(0.0, min(xs) - 1.5 * x_room), max(xs) + x_room)
    axes.set_ylim(min(ys) - y_room, max(ys) + y_room)
    axes.xaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 2.5, 5, 10]))
    axes.set_xlabel(x_label, fontsize=12, color=ROLES["muted"], labelpad=4)
    axes.yaxis.set_visible(True)
    axes.yaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 2.5, 5, 10]))
    axes.grid(visible=True, axis="y", color=ROLES["grid"], linewidth=1)
    # Inside, above their lines: a column beside the plot would take a sixth of a phone.
    axes.tick_params(
        axis="y", length=0, pad=-2, labelsize=11.5, labelcolor=ROLES["muted"], direction="in"
    )
    for tick in axes.get_yticklabels():
        tick.set_horizontalalignment("left")
        tick.set_verticalalignment("bottom")


def _draw(axes: Axes, point: TradeOffPoint, gid: str, *, filled: bool) -> None:
    colour = series_colour(point.series)
    if known(point.low, point.high):
        axes.plot([point.x] * 2, [point.low, point.high], color=colour, linewidth=2, alpha=0.45)
    axes.plot(
        [point.x],
        [point.score],
        linestyle="none",
        clip_on=False,
        marker=series_marker(point.series),
        color=colour if filled else ROLES["paper"],
        markeredgecolor=ROLES["paper"] if filled else colour,
        markeredgewidth=1.2 if filled else 2,
        markersize=10,
        zorder=3,
        gid=gid,
    )


def _label(axes: Axes, points: Sequence[TradeOffPoint]) -> None:
    """Write each name beside its mark, clear of the other marks and of names already there."""
    at = {id(p): tuple(map(float, axes.transData.transform((p.x, p.score)))) for p in points}
    marks = {key: _Box(x - _MARK, x + _MARK, y - _MARK, y + _MARK) for key, (x, y) in at.items()}
    names: list[_Box] = []
    for point in sorted(points, key=lambda p: -p.score):
        x, y = at[id(point)]
        name = shortened(point.label, 22)
        taken = [*names, *(box for key, box in marks.items() if key != id(point))]
        place = _free_place(x, y, _LETTER * len(name), taken)
        names.append(place)
        right = place.left > x
        axes.annotate(
            name,
            (point.x, point.score),
            ((place.left if right else place.right) - x, place.low + _DESCENT - y),
            textcoords="offset points",
            ha="left" if right else "right",
            va="baseline",
            fontsize=13,
            color=ROLES["ink"],
        )


@dataclass(frozen=True, slots=True)
class _Box:
    """A part of the plot, in pixels from its lower left corner."""

    left: float
    right: float
    low: float
    high: float

    def meets(self, other: _Box) -> bool:
        beside = self.right + _GAP <= other.left or other.right + _GAP <= self.left
        return not (beside or self.high <= other.low or other.high <= self.low)


def _free_place(x: float, y: float, width: float, taken: Sequence[_Box]) -> _Box:
    """Return the nearest place for a name beside a mark, on its right rather than its left."""
    sides = [left for left in (x + _BESIDE, x - _BESIDE - width) if 6 < left < WIDTH - 6 - width]
    steps = [0.0]
    for n in range(1, 2 * len(taken) + 1):
        steps += [-n * _STEP, n * _STEP]
    places = [
        _Box(left, left + width, y + step - _LINE / 2, y + step + _LINE / 2)
        for step in steps
        for left in sides or [x + _BESIDE]
        if _AXIS + _LINE / 2 < y + step < _HEIGHT - _LINE / 2 or step == 0
    ]
    return next((one for one in places if not any(map(one.meets, taken))), places[0])


def _spoken(point: TradeOffPoint, x_label: str, *, on_front: bool) -> str:
    between = f" ({point.low:.4f} to {point.high:.4f})" if known(point.low) else ""
    beaten = "on the Pareto front" if on_front else "beaten by another"
    return f"{point.label}: score {point.score:.4f}{between}, {x_label} {point.x:,.4g}, {beaten}"
