"""A comparison as a table for terminals and plain text.

As with results, numbers are never cut: names are shortened first, and where a terminal is too
narrow for a row its verdict goes onto the next line.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence

from rich.cells import cell_len
from rich.text import Text

from fastscore.comparison.comparison import Comparison
from fastscore.comparison.figure_tables import FigureTable, figure_tables
from fastscore.comparison.rows import HEADINGS, Section, contenders, notes, sections, summary
from fastscore.results.rows import printable
from fastscore.results.table import fit

_GAP = "  "
_LEFT = frozenset({"model", "95 % interval", "verdict"})
_NAMES = frozenset({"model", "task"})
_MIN_NAME = 8
_INDENT = "    "


def to_lines(comparison: Comparison, *, verbose: bool, width: int | None) -> Iterator[Text]:
    """Yield the report's lines: what was found, the models, the table, notes.

    ``width`` is in terminal cells; None leaves names and sentences as long as they are.
    """
    for line in summary(comparison):
        yield from _paragraph(line, width, style="bold")
    yield Text()
    for line in contenders(comparison):
        yield from _paragraph(line, width, style="")
    yield Text()
    yield from _table(list(sections(comparison, verbose=verbose)), width)
    for figures in figure_tables(comparison, verbose=verbose):
        yield Text()
        yield from _figures(figures, width)
    yield Text()
    for note in notes(comparison, verbose=verbose):
        yield from _paragraph(note, width, style="yellow")
    for line in comparison.method:
        yield from _paragraph(line, width, style="dim")


def to_text(comparison: Comparison, *, verbose: bool, width: int | None) -> str:
    """Return the report as plain text."""
    lines = to_lines(comparison, verbose=verbose, width=width)
    return "\n".join(line.plain.rstrip() for line in lines)


def _table(found: Sequence[Section], width: int | None) -> Iterator[Text]:
    rows = [row.cells for section in found for row in section.rows]
    widths = [max(map(cell_len, column)) for column in zip(HEADINGS, *rows, strict=True)]
    apart = False
    if width is not None:
        others = sum(widths[1:]) + len(_GAP) * (len(widths) - 1)
        apart = others + _MIN_NAME > width
        if apart:
            others -= widths[-1] + len(_GAP)
        widths[0] = min(widths[0], max(_MIN_NAME, width - others))
    shown = len(widths) - 1 if apart else len(widths)
    yield Text(_join(HEADINGS[:shown], widths), style="bold")
    yield Text(_GAP.join("-" * width for width in widths[:shown]), style="dim")
    for section in found:
        yield from _paragraph(section.heading, width, style="bold")
        for row in section.rows:
            yield Text(_join(row.cells[:shown], widths), style=_style(row.cells[-1]))
            if apart:
                yield Text(_INDENT + row.cells[-1], style=_style(row.cells[-1]))


def _figures(table: FigureTable, width: int | None) -> Iterator[Text]:
    yield from _paragraph(table.title, width, style="bold")
    columns = zip(table.headings, *table.rows, strict=True)
    widths = [max(map(cell_len, column)) for column in columns]
    if width is not None:
        for i in (i for i, heading in enumerate(table.headings) if heading in _NAMES):
            too_wide = sum(widths) + len(_GAP) * (len(widths) - 1) - width
            widths[i] = min(widths[i], max(_MIN_NAME, widths[i] - too_wide))
    for row, style in ((table.headings, "bold"), *((row, "") for row in table.rows)):
        cells = zip(table.headings, row, widths, strict=True)
        texts = [fit(text, cell, right=name not in _NAMES) for name, text, cell in cells]
        yield Text(_GAP.join(texts), style=style)
        if style:
            yield Text(_GAP.join("-" * cell for cell in widths), style="dim")


def _style(verdict: str) -> str:
    if verdict == "worse":
        return "red"
    return "green" if verdict.startswith(("equivalent", "better")) else ""


def _join(texts: Sequence[str], widths: Sequence[int]) -> str:
    return _GAP.join(
        fit(text, width, right=heading not in _LEFT)
        for heading, text, width in zip(HEADINGS, texts, widths, strict=False)
    )


def _paragraph(text: str, width: int | None, *, style: str) -> Iterator[Text]:
    text = printable(text)
    lines = textwrap.wrap(text, max(width, 40), subsequent_indent="  ") if width else [text]
    for line in lines:
        yield Text(line, style=style)
