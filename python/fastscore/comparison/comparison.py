"""The outcome of a comparison: what ``compare`` returns, and what a saved one is read back to."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fastscore.comparison.values import Candidate, Contender
from fastscore.results.values import Named

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderResult

METHOD = (
    (
        "Paired, over the items that both have. The interval is 95 %, unless a note gives another: "
        "Tango's score interval where scores are 0 or 1, Student's otherwise. p is McNemar's exact "
        "test, or the paired t test, after Holm's correction over all comparisons that were asked "
        "for; other metrics, and the tasks of groups, are corrected among themselves. Equivalent "
        "means that two one-sided tests, corrected likewise, show the difference to be smaller "
        "than the margin."
    ),
)
"""How the numbers come about, for the foot of a report."""


@dataclass(frozen=True)
class Comparison:
    """Candidates held against a base, on the same items.

    ``comparison["Q8_0"]["arc_easy"].difference`` is one number; ``print(comparison)`` shows all.

    Attributes:
        base: The model that the others are held against.
        candidates: The others.
        margin: Differences smaller than this are held for none.
        tasks: The tasks and groups that were asked for; None for all that the runs share.
        warnings: What the models' results do not have in common, in whole sentences; the failures
            first.
        failures: What was asked for and could not be had: candidates that could not be scored,
            distances and costs that could not be measured.
        method: How the numbers were computed, in whole sentences.

    """

    base: Contender
    candidates: tuple[Candidate, ...]
    margin: float
    tasks: tuple[str, ...] | None = None
    warnings: tuple[str, ...] = ()
    failures: tuple[str, ...] = ()
    method: tuple[str, ...] = METHOD

    def without(self, failures: Iterable[str]) -> Comparison:
        """Return the same, with sentences about what could not be had."""
        others = self.warnings[len(self.failures) :]
        all_failures = (*self.failures, *failures)
        return replace(self, warnings=(*all_failures, *others), failures=all_failures)

    def __getitem__(self, label: str) -> Candidate:
        """Return a candidate by its label; the error for another name says what there is."""
        return Named("candidate", {one.label: one for one in self.candidates})[label]

    def __iter__(self) -> Iterator[Candidate]:
        return iter(self.candidates)

    def __len__(self) -> int:
        return len(self.candidates)

    def __str__(self) -> str:
        return self.table()

    def __repr__(self) -> str:
        return self.table()

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        from fastscore.comparison.table import to_lines

        return to_lines(self, verbose=False, width=options.max_width)

    def _repr_html_(self) -> str:
        from fastscore.comparison.html import to_html

        return to_html(self)

    def table(self, *, verbose: bool = False, width: int | None = None) -> str:
        """Return what was found, and what must be known about it, as plain text.

        ``verbose`` shows every metric and task, and how the log-likelihoods of the right answers
        moved. ``width`` is in characters; if not given, that of the terminal, and unlimited where
        the output is none. Names are shortened to fit, numbers never.
        """
        from fastscore.comparison.table import to_text

        if width is None and sys.stdout is not None and sys.stdout.isatty():
            width = shutil.get_terminal_size().columns
        return to_text(self, verbose=verbose, width=width)

    def to_dict(self) -> dict[str, Any]:
        """Return what ``comparison.json`` holds, but for the references to the models' results.

        Plain values of strict JSON: what is undefined is None, its reason beside it.
        """
        from fastscore.comparison.document import to_document

        return to_document(self)

    def save(self, directory: str | Path) -> Path:
        """Write ``comparison.json`` into a directory, and each model's results into a folder there.

        Files appear whole or not at all, ``comparison.json`` last; its path is returned.

        Raises:
            ResultsError: the directory cannot be written to.

        """
        from fastscore.comparison.document import save

        return save(self, Path(directory))

    @classmethod
    def load(cls, path: str | Path) -> Comparison:
        """Read a comparison back from its directory, or from ``comparison.json`` in it.

        Raises:
            ResultsError: there is none, a newer fastscore wrote it, or it is not whole.

        """
        from fastscore.comparison.document import load

        return load(Path(path))
