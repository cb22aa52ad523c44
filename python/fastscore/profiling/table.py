"""A profile as a table for terminals and plain text."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence

from rich.cells import cell_len
from rich.text import Text

from fastscore.profiling import rows
from fastscore.profiling.values import Profile
from fastscore.results.rows import printable

_GAP = "  "
_LEFT = frozenset({"test", "batch"})
_LEAST_WIDTH = 40


def to_lines(profile: Profile, *, width: int | None) -> Iterator[Text]:
    """Yield title, speeds, facts and notes; ``width`` in cells, None to leave lines as long."""
    yield Text(printable(rows.title(profile)), style="bold")
    yield Text()
    yield from _speeds(rows.headings(profile), list(rows.speed_rows(profile)))
    yield Text()
    facts = [(name, printable(value)) for name, value in rows.facts(profile)]
    indent = max(len(name) for name, _ in facts) + len(_GAP)
    for name, value in facts:
        lines = _wrapped(value, width, indent)
        yield Text.assemble((name.ljust(indent), "dim"), lines[0])
        for line in lines[1:]:
            yield Text(" " * indent + line)
    remarks = [printable(note) for note in rows.notes(profile)]
    if remarks:
        yield Text()
    for remark in remarks:
        for number, line in enumerate(_wrapped(remark, width, 2)):
            yield Text("  " * (number > 0) + line, style="yellow")


def _speeds(headings: Sequence[str], table: Sequence[Sequence[str]]) -> Iterator[Text]:
    widths = [max(map(cell_len, column)) for column in zip(headings, *table, strict=True)]

    def line(cells: Sequence[str]) -> str:
        return _GAP.join(
            cell.ljust(width) if heading in _LEFT else cell.rjust(width)
            for heading, cell, width in zip(headings, cells, widths, strict=True)
        )

    yield Text(line(headings), style="bold")
    yield Text(_GAP.join("-" * width for width in widths), style="dim")
    for cells in table:
        yield Text(line(cells))


def _wrapped(text: str, width: int | None, indent: int) -> list[str]:
    if width is None:
        return [text]
    return textwrap.wrap(text, max(width - indent, _LEAST_WIDTH)) or [""]
