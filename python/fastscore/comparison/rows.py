"""Which rows and notes a report of a comparison has, whatever it is drawn with."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from fastscore.comparison.comparison import Comparison
from fastscore.comparison.values import Candidate, Difference
from fastscore.results.rows import by_text, printable, title

HEADINGS = ("model", "value", "difference", "95 % interval", "gained", "lost", "p", "verdict")


@dataclass(frozen=True, slots=True)
class ComparisonRow:
    """One candidate on one task and metric, as texts; ``cells`` in the order of ``HEADINGS``."""

    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Section:
    """One task or group and metric: what the base has there, and a row a candidate."""

    heading: str
    rows: tuple[ComparisonRow, ...]


def sections(comparison: Comparison, *, verbose: bool) -> Iterator[Section]:
    """Yield what was asked for, a section each; with ``verbose`` every task and metric."""
    found: dict[tuple[str, str], list[tuple[Candidate, Difference]]] = {}
    for candidate in comparison.candidates:
        for one in candidate.differences:
            if verbose or one.family:
                found.setdefault((one.task, one.metric), []).append((candidate, one))
    for (task, metric), members in found.items():
        yield Section(
            f"{printable(task)}, {printable(metric)}: {_base(comparison, members)}",
            tuple(_row(candidate, one) for candidate, one in members),
        )


def summary(comparison: Comparison) -> Iterator[str]:
    """Yield one sentence a candidate: what was found, worst first."""
    for candidate in comparison.candidates:
        verdicts: dict[str, list[str]] = {}
        asked = [one for one in candidate.differences if one.family]
        for one in sorted(asked, key=lambda one: _ORDER[one.verdict]):
            words: str = one.verdict
            if words == "equivalent":
                words = f"equivalent within {one.margin:g}"
            elif words in ("better", "worse") and one.within_margin:
                words = f"{words}, but by less than {one.margin:g},"
            verdicts.setdefault(words, []).append(printable(one.task))
        parts = [
            f"{words} on {_listed(tasks, len(asked), verdicts)}"
            for words, tasks in verdicts.items()
        ]
        yield f"{printable(candidate.label)}: {'; '.join(parts)}."


def contenders(comparison: Comparison) -> Iterator[str]:
    """Yield what each model is."""
    for one in (comparison.base, *comparison.candidates):
        size = one.results.model.get("file_bytes")
        parts = [title(one.results)]
        if isinstance(size, int) and size > 0:
            parts.append(f"{size / 1e6:,.0f} MB")
        role = " (base)" if one is comparison.base else ""
        yield printable(f"{one.label}{role}: {', '.join(parts)}")


def notes(comparison: Comparison, *, verbose: bool) -> Iterator[str]:
    """Yield what a reader must know to take the figures for what they are, a sentence each."""
    yield from comparison.warnings
    shown = [
        (candidate, one)
        for candidate in comparison.candidates
        for one in candidate.differences
        if verbose or one.family
    ]
    yield from by_text(
        (f"{candidate.label} on {one.task} ({one.metric})", one.reason)
        for candidate, one in shown
        if one.reason is not None
    )
    if any(one.verdict == "no difference found" for _, one in shown):
        yield (
            "No difference found: one may be there all the same, of any size that the interval "
            "holds."
        )
    if any(one.verdict == "no difference found" and one.possible != one.ci95 for _, one in shown):
        yield (
            "An interval without 0 beside 'no difference found': the interval is that of its row "
            "alone, while the test is corrected for the number of comparisons, and exact where "
            "scores are 0 or 1. It does not exclude 0."
        )
    hidden = sum(not one.family for each in comparison.candidates for one in each.differences)
    if hidden and not verbose:
        yield "Other metrics, and tasks of groups: --verbose, or comparison.table(verbose=True)."


_ORDER = {
    "undefined": 0,
    "worse": 1,
    "better": 2,
    "no difference found": 3,
    "equivalent": 4,
}


def _listed(tasks: list[str], n_asked: int, verdicts: dict[str, list[str]]) -> str:
    if len(verdicts) == 1 and n_asked > 2:
        return f"all of {n_asked} tasks"
    if len(tasks) > 6:
        return f"{', '.join(tasks[:5])} and {len(tasks) - 5} more"
    return ", ".join(tasks)


def _base(comparison: Comparison, members: list[tuple[Candidate, Difference]]) -> str:
    """Say the base's value; candidates may share other items with it, and then it has several."""
    label = printable(comparison.base.label)
    values = dict.fromkeys((number(one.base), one.n) for _, one in members)
    said = [f"{value} on {n:,} items" for value, n in values]
    return f"{label} {' and '.join(said)}"


def _row(candidate: Candidate, one: Difference) -> ComparisonRow:
    verdict: str = one.verdict
    if verdict in ("better", "worse") and one.within_margin:
        verdict = f"{verdict}, within {one.margin:g}"
    elif verdict == "equivalent":
        verdict = f"equivalent within {one.margin:g}"
    cells = (
        printable(candidate.label),
        number(one.candidate),
        signed(one.difference),
        interval(one.ci95),
        f"{one.n_gained:,}",
        f"{one.n_lost:,}",
        p_value(one.p_holm),
        verdict,
    )
    return ComparisonRow(cells)


def number(value: float) -> str:
    """Write a score with four decimals."""
    return "n/a" if math.isnan(value) else f"{value:.4f}"


def signed(value: float) -> str:
    """Write a change with its sign; no sign where it rounds to nothing."""
    if math.isnan(value):
        return "n/a"
    return f"{value:+.4f}" if round(value, 4) else "0.0000"


def interval(ends: tuple[float, float]) -> str:
    """Write an interval of changes."""
    return "n/a" if math.isnan(ends[0]) else f"{signed(ends[0])} to {signed(ends[1])}"


def p_value(value: float) -> str:
    """Write a p-value; none is ever 0."""
    if math.isnan(value):
        return "n/a"
    return "<0.0001" if value < 1e-4 else f"{value:.4f}"
