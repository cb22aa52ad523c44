"""Results as a table for terminals and plain text.

Laid out here and not by rich's own table, which cuts numbers off where a terminal is narrow: a
number that lost a digit is another number. Only names are shortened.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence

from rich.cells import cell_len, set_cell_size
from rich.text import Text

from fastscore.results.results import Results
from fastscore.results.rows import (
    HEADINGS,
    TableRow,
    footer,
    notes,
    printable,
    table_rows,
    title,
)

_GAP = "  "
_RIGHT = frozenset({"n", "shots", "value", "stderr"})
_MIN_NAME = 20


def to_lines(results: Results, *, verbose: bool, width: int | None) -> Iterator[Text]:
    """Yield the report's lines: model, table, notes, work.

    ``width`` is in terminal cells; None leaves names and sentences as long as they are.
    """
    yield Text(printable(title(results)), style="bold")
    yield Text()
    yield from _table(list(table_rows(results, verbose=verbose)), width)
    yield Text()
    for note in notes(results, verbose=verbose):
        yield from _paragraph(note, width, style="yellow")
    for line in footer(results):
        yield from _paragraph(line, width, style="dim")


def to_text(results: Results, *, verbose: bool, width: int | None) -> str:
    """Return the report as plain text."""
    lines = to_lines(results, verbose=verbose, width=width)
    return "\n".join(line.plain.rstrip() for line in lines)


def _table(rows: Sequence[TableRow], width: int | None) -> Iterator[Text]:
    cells = [_cells(row) for row in rows]
    widths = [max(map(cell_len, column)) for column in zip(HEADINGS, *cells, strict=True)]
    if width is not None:
        others = sum(widths[1:]) + len(_GAP) * (len(widths) - 1)
        widths[0] = min(widths[0], max(_MIN_NAME, width - others))
    yield Text(_join(HEADINGS, widths), style="bold")
    yield Text(_GAP.join("-" * width for width in widths), style="dim")
    for row, texts in zip(rows, cells, strict=True):
        yield Text(_join(texts, widths), style="bold" if row.is_group else "")


def _cells(row: TableRow) -> tuple[str, ...]:
    name = "  " * row.depth + row.name
    return name, row.n, row.shots, row.metric, row.value, row.stderr, row.interval


def _join(texts: Sequence[str], widths: Sequence[int]) -> str:
    return _GAP.join(
        fit(text, width, right=heading in _RIGHT)
        for heading, text, width in zip(HEADINGS, texts, widths, strict=True)
    )


def fit(text: str, width: int, *, right: bool) -> str:
    """Bring a text to a width in cells: with spaces, or by leaving out its middle."""
    space = width - cell_len(text)
    if space < 0:
        # The end of a name tells it from its neighbours (mmlu_high_school_...): keep both ends.
        tail = (width - 2) // 2
        return set_cell_size(text, width - 2 - tail) + ".." + text[-tail:]
    return " " * space + text if right else text + " " * space


def _paragraph(text: str, width: int | None, *, style: str) -> Iterator[Text]:
    text = printable(text)
    lines = textwrap.wrap(text, max(width, 40), subsequent_indent="  ") if width else [text]
    for line in lines:
        yield Text(line, style=style)
