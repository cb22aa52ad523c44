"""Figures beside the scores: log-likelihoods, distance of distributions, cost on the machine."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from fastscore.comparison.comparison import Comparison
from fastscore.comparison.rows import interval, signed
from fastscore.results.rows import printable


@dataclass(frozen=True, slots=True)
class FigureTable:
    """A small table of texts; the first column is the name of a model."""

    title: str
    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def figure_tables(comparison: Comparison, *, verbose: bool) -> Iterator[FigureTable]:
    """Yield a table for each kind of figures that was measured; ``verbose`` as in `sections`."""
    yield from _log_likelihoods(comparison, verbose=verbose)
    yield from _distances(comparison)
    yield from _costs(comparison)


def _log_likelihoods(comparison: Comparison, *, verbose: bool) -> Iterator[FigureTable]:
    """A score changes only where a choice changes sides; this moves with every item."""
    rows = [
        (
            printable(candidate.label),
            printable(one.task),
            signed(one.gold_change.value),
            interval(one.gold_change.ci95),
            signed(one.margin_change.value),
            interval(one.margin_change.ci95),
        )
        for candidate in comparison.candidates
        for one in candidate.differences
        if (one.family or (verbose and candidate[one.task] is one))
        and not math.isnan(one.gold_change.value)
    ]
    if rows:
        yield FigureTable(
            "Mean change of the right answer's log-likelihood, and of its lead over the others "
            "(nats an item)",
            ("model", "task", "right", "95 % interval", "lead", "95 % interval"),
            tuple(rows),
        )


def _distances(comparison: Comparison) -> Iterator[FigureTable]:
    rows = []
    for one in comparison.candidates:
        found = one.divergence
        if found is not None:
            rows.append(
                (
                    printable(one.label),
                    f"{found.n:,}",
                    _fixed(found.kld.value, 5),
                    _fixed(found.kld.stderr, 5),
                    _percent(found.same_top.value),
                    _percent(found.dp_rms.value),
                    _fixed(found.ppl_ratio.value, 4),
                )
            )
    if rows:
        first = next(one.divergence for one in comparison.candidates if one.divergence)
        about = f"{first.source}, {first.positions}" if first.n_ctx else first.positions
        yield FigureTable(
            f"Distance of distributions from {printable(comparison.base.label)} ({about})",
            ("model", "positions", "mean KL", "stderr", "same top", "RMS Δp", "PPL ratio"),
            tuple(rows),
        )


def _costs(comparison: Comparison) -> Iterator[FigureTable]:
    profiles = {
        one.label: one.profile
        for one in (comparison.base, *comparison.candidates)
        if one.profile is not None
    }
    if not profiles:
        return
    first = next(iter(profiles.values()))
    tests = first.prefill, first.decode
    headings = [f"{test.name} t/s" for test in tests if test is not None]
    rows = []
    for label, found in profiles.items():
        speeds = {speed.name: speed.tokens_per_second for speed in reversed(found.speeds)}
        joules = {speed.name: speed.joules_per_token for speed in reversed(found.speeds)}
        written = None if tests[1] is None else joules.get(tests[1].name)
        peak = found.memory.peak_bytes
        rows.append(
            (
                printable(label),
                _megabytes(found.file_bytes),
                _fixed(found.bits_per_weight, 2),
                *(_fixed(speeds.get(test.name, math.nan), 1) for test in tests if test),
                "n/a" if found.first_token is None else f"{found.first_token.seconds:.3f} s",
                "n/a" if peak is None else _megabytes(peak),
                "n/a" if written is None else f"{written:.3f}",
            )
        )
    names = ("model", "file", "bits/weight", *headings, "first token", "peak memory", "J/token")
    if all(row[-1] == "n/a" for row in rows):
        names, rows = names[:-1], [row[:-1] for row in rows]
    yield FigureTable(
        f"Cost on {printable(str(first.machine.get('cpu', 'this machine')))}", names, tuple(rows)
    )


def _fixed(value: float, digits: int) -> str:
    return "n/a" if math.isnan(value) else f"{value:,.{digits}f}"


def _percent(value: float) -> str:
    return "n/a" if math.isnan(value) else f"{100 * value:.2f} %"


def _megabytes(n_bytes: int) -> str:
    return f"{n_bytes / 1e6:,.0f} MB"
