"""``fastscore report``: show results that are on disk."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fastscore.cli import options
from fastscore.cli.failures import explained
from fastscore.reporters import say

if TYPE_CHECKING:
    from fastscore.report import Showable


class Format(str, Enum):
    """What a report can be."""

    HTML = "html"
    MARKDOWN = "md"
    CSV = "csv"


def report(
    directories: Annotated[
        list[Path],
        typer.Argument(
            metavar="DIR",
            help="Directories of runs, also lm-eval's, shown side by side, or one of a comparison.",
            show_default=False,
        ),
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="Write here; the suffix .html, .md or .csv says what (default: report.html in the "
            "first DIR; Markdown and CSV are printed)",
        ),
    ] = None,
    form: Annotated[
        Format | None,
        typer.Option("--format", metavar="html|md|csv", help="What to make, without --output."),
    ] = None,
    plots: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Write each plot as a file here, and no report."),
    ] = None,
    plot_formats: Annotated[
        str, typer.Option(metavar="A,B", help="What --plots writes: svg, png, or both.")
    ] = "svg,png",
    debug: options.Debug = False,
) -> None:
    """Show results: as a page for the browser, Markdown, CSV or plots.

    \b
    Examples:
      fastscore report results
      fastscore report q8 q4 q2 -o side_by_side.html
      fastscore report results --format md >> README.md
      fastscore report results --plots figures --plot-formats svg
    """  # noqa: D301
    with explained(debug):
        from fastscore.errors import UsageError
        from fastscore.report import prepare, to_csv, to_markdown, write_plots, write_report

        if output is not None and form is not None:
            raise UsageError("--output says by its suffix what to make; leave --format out")
        shown = _load(directories)
        if plots is not None:
            formats = [one.strip() for one in plot_formats.split(",")]
            say(f"{len(write_plots(shown, plots, formats))} files are in {plots}.")
            if output is None and form is None:
                return
        if form is Format.MARKDOWN:
            print(to_markdown(shown), end="")
        elif form is Format.CSV:
            print(to_csv(shown), end="")
        else:
            path = output or _folder(directories[0]) / "report.html"
            say(f"The report is {write_report(shown, prepare(path))}.")


def _load(directories: list[Path]) -> Showable:
    from fastscore.comparison.comparison import Comparison
    from fastscore.errors import UsageError
    from fastscore.formats.saved import read_saved
    from fastscore.results import Results

    compared = [one for one in directories if _folder(one).joinpath("comparison.json").is_file()]
    if compared and len(directories) > 1:
        raise UsageError(
            f"{compared[0]} holds a comparison, which is shown by itself; side by side go the "
            "directories of runs"
        )
    if compared:
        return Comparison.load(directories[0])
    several = []
    for directory in directories:
        found = read_saved(directory)
        several.append(Results.load(directory) if found is None else found)  # which says what lacks
    return several[0] if len(several) == 1 else several


def _folder(path: Path) -> Path:
    """Return the directory of results that may be named by their file, too."""
    return path if path.is_dir() else path.parent
