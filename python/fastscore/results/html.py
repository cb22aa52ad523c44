"""Results as a small HTML table with a plot, for notebooks."""

from __future__ import annotations

import math
from collections.abc import Iterator
from html import escape

from fastscore.plots import IntervalRow, Plot, Score, fragment, interval_plot
from fastscore.results.primary import primary_metric
from fastscore.results.results import Results
from fastscore.results.rows import HEADINGS, footer, notes, table_rows, title

_INDENT_EM = 1.2


def to_html(results: Results) -> str:
    """Return the report as an HTML fragment; every text in it is escaped."""
    rows = []
    for row in table_rows(results, verbose=False):
        cells = (row.name, row.n, row.shots, row.metric, row.value, row.stderr, row.interval)
        style = f"text-align:left;padding-left:{_INDENT_EM * row.depth + 0.5:.1f}em"
        weight = ";font-weight:bold" if row.is_group else ""
        first, *rest = (escape(cell) for cell in cells)
        rows.append(
            f'<tr><td style="{style}{weight}">{first}</td>'
            + "".join(f"<td>{cell}</td>" for cell in rest)
            + "</tr>"
        )
    head = "".join(f"<th>{escape(heading)}</th>" for heading in HEADINGS)
    remarks = [*notes(results, verbose=False), *footer(results)]
    return (
        f"<div><strong>{escape(title(results))}</strong>"
        f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"
        f"{fragment(lambda: _plots(results))}"
        f"<small>{'<br>'.join(escape(remark) for remark in remarks)}</small></div>"
    )


def _plots(results: Results) -> Iterator[Plot]:
    """Yield one plot: the groups and the tasks of no group, in the metric to look at first."""
    below = {member for group in results.groups.values() for member in group.members}
    rows = []
    for name in [*results.groups, *results.tasks]:
        metrics = results[name].metrics
        if name not in below and metrics:
            metric = primary_metric(metrics)
            one = metrics[metric]
            score = Score(0, one.value, *one.ci95)
            note = "n/a" if math.isnan(one.value) else f"{one.value:.4f}"
            rows.append(IntervalRow(f"{name} {metric}", [score], note))
    if rows:
        yield interval_plot("scores", title(results), rows, [title(results)], "score")
