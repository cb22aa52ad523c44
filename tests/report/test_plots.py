"""What plots show: names clear of each other, and numbers as the tables have them."""

from __future__ import annotations

from itertools import combinations

import pytest

from fastscore.plots import DifferenceRow, TradeOffPoint, difference_plot, tradeoff_plot

pytest.importorskip("matplotlib", reason="plots need matplotlib")


def point(series: int, label: str, x: float, score: float) -> TradeOffPoint:
    return TradeOffPoint(series, label, x, score, score - 0.02, score + 0.02)


@pytest.mark.parametrize(
    "points",
    [
        # A mark right where the name of its neighbour would go, and a name too long for its side.
        [("SmolLM2-135M-F16", 270, 0.32), ("Q8_0", 145, 0.319), ("Q4_K_M", 105, 0.317)],
        [(f"candidate-{i}", 100.0, 0.5) for i in range(5)],
        [(f"model-{i}", 100 + 9 * i, 0.5 + 0.001 * (i % 2)) for i in range(6)],
    ],
)
def test_names_beside_marks_are_clear_of_each_other(points: list[tuple[str, float, float]]) -> None:
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    drawn = [point(i, *one) for i, one in enumerate(points)]
    plot = tradeoff_plot("t", "score against size", drawn, "file size, MB", less_is_better=True)
    FigureCanvasAgg(plot.figure).draw()
    (axes,) = plot.figure.axes
    names = {text.get_text(): text.get_window_extent() for text in axes.texts}
    assert set(names) == {label for label, _, _ in points}
    for one, other in combinations(names.values(), 2):
        assert not one.overlaps(other)
    for label, x, score in points:
        at = axes.transData.transform((x, score))
        covering = [name for name, box in names.items() if box.contains(*at)]
        assert covering == [], label
    for box in names.values():
        assert 0 <= box.x0 < box.x1 <= plot.figure.bbox.width
        assert 0 <= box.y0 < box.y1 <= plot.figure.bbox.height


def test_a_difference_of_nothing_has_no_sign_and_an_interval_its_own_name() -> None:
    rows = [
        DifferenceRow("same", -0.00001, -0.03, 0.03, "no difference found"),
        DifferenceRow("early", 0.04, 0.01, 0.07, "better", "97.5 % interval"),
        DifferenceRow("none", float("nan"), float("nan"), float("nan"), "undefined"),
    ]
    plot = difference_plot("d", "b minus a", rows, 0.02)
    assert plot.description == (
        "same: 0.0000, 95 % interval -0.0300 to +0.0300, no difference found; "
        "early: +0.0400, 97.5 % interval +0.0100 to +0.0700, better; none: undefined"
    )
