"""Reports and plots as files, there as a whole or not at all."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from pathlib import Path

from fastscore.comparison.plots import difference_plots
from fastscore.errors import ResultsError, UsageError
from fastscore.plots import require_matplotlib
from fastscore.report.figures import interval_plots, tradeoff_plots
from fastscore.report.page import to_html
from fastscore.report.subject import Showable, subject_of
from fastscore.report.tables import to_csv, to_markdown

FORMATS = {"html": ".html", "md": ".md", "csv": ".csv"}
"""What a report can be, with the suffix of its file."""

PLOT_FORMATS = ("svg", "png")


def prepare(path: str | Path) -> Path:
    """Check that a report can be drawn and written, to know before a long run; return its path.

    Raises:
        UsageError: the suffix is none of `FORMATS`, or matplotlib is missing.
        ResultsError: nothing can be written there.

    """
    path = Path(path)
    form = format_of(path)
    if form == "html":
        require_matplotlib()
    if path.is_dir():
        raise ResultsError(
            f"{path} is a directory; the report is a file, such as {path}/report.html"
        )
    probe = _beside(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        probe.touch(exist_ok=False)
        probe.unlink()
    except OSError as error:
        raise _unwritable(path, error) from error
    return path


def write_report(shown: Showable, path: str | Path) -> Path:
    """Write a report of results, of several side by side, or of a comparison; return its path.

    The suffix says what it is: ``.html`` for a page that holds all of it and needs no network,
    ``.md`` for a model card, ``.csv`` for a spreadsheet.

    Raises:
        UsageError: another suffix, nothing to show, or a page is wanted and matplotlib is missing.
        ResultsError: the file cannot be written, or the results' samples cannot be read.

    """
    path = Path(path)
    make = {"html": to_html, "md": to_markdown, "csv": to_csv}[format_of(path)]
    write_whole(path, make(shown).encode("utf-8", "backslashreplace"))
    return path


def write_plots(
    shown: Showable, directory: str | Path, formats: Sequence[str] = PLOT_FORMATS
) -> list[Path]:
    """Write every plot as a file of its own, in each of the formats; return the paths.

    Raises:
        UsageError: a format is neither svg nor png, or matplotlib is missing.
        ResultsError: a file cannot be written.

    """
    unknown = [form for form in formats if form not in PLOT_FORMATS]
    if unknown or not formats:
        raise UsageError(f"plots are written as svg or png, not {', '.join(unknown) or 'nothing'}")
    require_matplotlib()
    subject = subject_of(shown)
    written = []
    differences = difference_plots(subject.comparison) if subject.comparison else ()
    for plot in [*differences, *tradeoff_plots(subject), *interval_plots(subject)]:
        for form in dict.fromkeys(formats):
            path = Path(directory) / f"{plot.name}.{form}"
            write_whole(path, plot.to_bytes("svg" if form == "svg" else "png"))
            written.append(path)
    return written


def format_of(path: Path) -> str:
    """Return the format that a path's suffix stands for."""
    for form, suffix in FORMATS.items():
        if path.suffix.lower() == suffix:
            return form
    raise UsageError(
        f"a report ends in {', '.join(FORMATS.values())}, which says what it is; {str(path)!r} "
        "does not"
    )


def write_whole(path: Path, content: bytes) -> None:
    """Write a file aside and rename it: who opens it finds the old one or the new one."""
    aside = _beside(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            aside.write_bytes(content)
            aside.replace(path)
        finally:
            aside.unlink(missing_ok=True)
    except OSError as error:
        raise _unwritable(path, error) from error


def _beside(path: Path) -> Path:
    return path.with_name(f".{path.name}.{secrets.token_hex(8)}.tmp")


def _unwritable(path: Path, error: OSError) -> ResultsError:
    return ResultsError(
        f"{path} cannot be written: {error.strerror or error}. Choose another place."
    )
