"""A comparison as small HTML tables with plots, for notebooks."""

from __future__ import annotations

from html import escape

from fastscore.comparison.comparison import Comparison
from fastscore.comparison.figure_tables import FigureTable, figure_tables
from fastscore.comparison.plots import difference_plots
from fastscore.comparison.rows import HEADINGS, contenders, notes, sections, summary
from fastscore.plots import fragment


def to_html(comparison: Comparison) -> str:
    """Return the report as an HTML fragment; every text in it is escaped."""
    rows = []
    for section in sections(comparison, verbose=False):
        rows.append(
            f'<tr><th colspan="{len(HEADINGS)}" style="text-align:left">'
            f"{escape(section.heading)}</th></tr>"
        )
        rows += [
            "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row.cells) + "</tr>"
            for row in section.rows
        ]
    further = "".join(_figures(table) for table in figure_tables(comparison, verbose=False))
    head = "".join(f"<th>{escape(heading)}</th>" for heading in HEADINGS)
    found = "<br>".join(escape(line) for line in summary(comparison))
    remarks = [*contenders(comparison), *notes(comparison, verbose=False), *comparison.method]
    return (
        f"<div><strong>{found}</strong>"
        f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>{further}"
        f"{fragment(lambda: difference_plots(comparison))}"
        f"<small>{'<br>'.join(escape(remark) for remark in remarks)}</small></div>"
    )


def _figures(table: FigureTable) -> str:
    head = "".join(f"<th>{escape(heading)}</th>" for heading in table.headings)
    rows = "".join(
        "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in table.rows
    )
    return (
        f"<table><caption>{escape(table.title)}</caption>"
        f"<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
    )
