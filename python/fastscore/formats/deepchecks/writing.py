"""Results as a file for Deepchecks' LLM product: JSON lines for programs, CSV for its upload page.

A line of JSON is what Deepchecks' client sends for an interaction. The columns of the CSV are those
that the upload page documents, ``CP_`` columns for scores, and ``metadata`` as JSON. Deepchecks
itself is not needed.

Texts are written as they are, whatever they begin with. A spreadsheet takes a cell that begins with
``=``, ``+``, ``-`` or ``@`` for a formula, and a model or a data set may have written one; but an
apostrophe before it, as spreadsheets want it, would be judged as part of the text. So the file is
for the upload, and `Export.n_formulas` says whether it should not be opened in a spreadsheet.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from fastscore.formats.deepchecks.interactions import Interaction, interactions
from fastscore.results import Results
from fastscore.results.files import write_file
from fastscore.results.lines import write_line

COLUMNS = (
    "user_interaction_id",
    "session_id",
    "input",
    "output",
    "full_prompt",
    "expected_output",
    "interaction_type",
    "annotation",
    "annotation_reason",
    "model",
    "metadata",
)
"""The columns of every CSV; those of the scores follow."""

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True, slots=True)
class Export:
    """A file that was written.

    ``n`` is the number of interactions, ``n_formulas`` the number of cells of a CSV that a
    spreadsheet would take for a formula.
    """

    path: Path
    n: int
    n_formulas: int = 0


def write_jsonl(results: Results, directory: str | Path, *, metric: str | None = None) -> Export:
    """Write ``interactions.jsonl`` into a directory; see `interactions` for ``metric``.

    Raises UsageError where the run kept no prompts or a task does not report the metric,
    ResultsError where nothing can be written.
    """
    lines = [write_line(one.to_dict()) for one in interactions(results, metric=metric)]
    return Export(write_file(Path(directory) / "interactions.jsonl", lines), len(lines))


def write_csv(results: Results, directory: str | Path, *, metric: str | None = None) -> Export:
    """Write ``interactions.csv`` into a directory, in UTF-8; see `write_jsonl`."""
    found = list(interactions(results, metric=metric))
    columns = [*COLUMNS, *dict.fromkeys(name for one in found for name in one.properties)]
    rows = [_row(one) for one in found]
    n_formulas = sum(cell.startswith(_FORMULA) for row in rows for cell in row.values())
    path = write_file(Path(directory) / "interactions.csv", _lines(columns, rows))
    return Export(path, len(rows), n_formulas)


def _row(one: Interaction) -> dict[str, str]:
    fields = one.to_dict()
    properties = fields.pop("custom_props")
    return {
        **fields,
        "metadata": json.dumps(fields["metadata"], ensure_ascii=False),
        # As the page writes it.
        "annotation": (one.annotation or "").capitalize(),
        **{name: repr(value) for name, value in properties.items()},
    }


def _lines(columns: list[str], rows: list[dict[str, str]]) -> Iterator[bytes]:
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, restval="")
    writer.writeheader()
    for row in [None, *rows]:
        if row is not None:
            writer.writerow(row)
        # Half of a surrogate pair has no UTF-8 form.
        yield text.getvalue().encode("utf-8", "backslashreplace")
        text.seek(0)
        text.truncate()
