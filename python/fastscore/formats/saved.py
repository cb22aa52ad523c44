"""Results that a path names, fastscore's own or lm-eval's."""

from __future__ import annotations

from pathlib import Path

from fastscore.formats.lm_eval.reading import holds_lm_eval, read_lm_eval
from fastscore.results import Results
from fastscore.results.files import RESULTS_FILE


def read_saved(path: Path) -> Results | None:
    """Read the results that ``path`` is, or is the directory of; None where it holds none.

    fastscore's own come first: what `fastscore export` wrote beside them is a copy that tells less.

    Raises ResultsError for results that cannot be read, UsageError for several of lm-eval's.
    """
    if path.name == RESULTS_FILE or (path / RESULTS_FILE).is_file():
        return Results.load(path)
    return read_lm_eval(path) if holds_lm_eval(path) else None
