"""The differences of a comparison as plots."""

from __future__ import annotations

import math
from collections.abc import Iterator

from fastscore.comparison.comparison import Comparison
from fastscore.comparison.values import Candidate, Difference
from fastscore.plots import DifferenceRow, Plot, difference_plot
from fastscore.results.rows import printable

MAX_ROWS = 24


def primary_differences(candidate: Candidate) -> list[Difference]:
    """Return a candidate's differences in the metrics to look at first, one a task or group.

    Where these are very many, as the subjects of MMLU are, those that were not asked for are left
    out.
    """
    all_of_them = [candidate[name] for name in dict.fromkeys(d.task for d in candidate.differences)]
    return [d for d in all_of_them if d.family or len(all_of_them) <= MAX_ROWS]


def difference_plots(comparison: Comparison) -> Iterator[Plot]:
    """Yield a plot a candidate: its differences from the base, over axes that span the same."""
    ends = [x for each in comparison for one in primary_differences(each) for x in one.ci95]
    ends = [x for x in ends if not math.isnan(x)]
    reach = (min(ends), max(ends)) if ends else None
    for i, candidate in enumerate(comparison):
        rows = [
            DifferenceRow(
                printable(one.task), one.difference, *one.ci95, one.verdict, one.interval_name
            )
            for one in primary_differences(candidate)
        ]
        if rows:
            title = f"{printable(candidate.label)} minus {printable(comparison.base.label)}"
            yield difference_plot(f"difference-{i}", title, rows, comparison.margin, reach=reach)
