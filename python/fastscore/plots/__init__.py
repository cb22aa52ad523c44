"""Plots of scores: values in, a matplotlib figure out, written as SVG or PNG.

matplotlib is an extra (``pip install 'fastscore-gguf[report]'``) and imported when a plot is drawn.
A layout is in pixels, for a column as wide as a phone: a report sets several side by side where
there is room. Colour never says anything that shape or text does not say too.
"""

from fastscore.plots.canvas import Plot, has_matplotlib, require_matplotlib
from fastscore.plots.differences import DifferenceRow, difference_plot
from fastscore.plots.intervals import IntervalRow, Score, interval_plot
from fastscore.plots.notebook import fragment
from fastscore.plots.svg import inline_svg
from fastscore.plots.tradeoff import TradeOffPoint, pareto_front, tradeoff_plot

__all__ = [
    "DifferenceRow",
    "IntervalRow",
    "Plot",
    "Score",
    "TradeOffPoint",
    "difference_plot",
    "fragment",
    "has_matplotlib",
    "inline_svg",
    "interval_plot",
    "pareto_front",
    "require_matplotlib",
    "tradeoff_plot",
]
