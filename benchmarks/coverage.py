"""How often intervals that one may look at whenever one likes hold, over many random orders.

The scores are real: of runs on disk, each task's primary metric, and the differences between two
runs of the same task; beside them 0/1 vectors of hellaswag's size. In each of 2,000 random orders a
run with `--until ci=H` is played through with its own looks. "held" is the share of orders in which
the value of all items was inside of the interval after every single item to the last one, "to
stop" after every one until the run stopped. The former is 95 % or little more, as a sequence that
wastes nothing must be, so that a simulation may show somewhat less. "fixed n" is the share in which
the usual interval for a number of items chosen beforehand held at all looks of the same run: what
stopping by it would cost. No timing, so the machine may be busy.

  python -m benchmarks.coverage RESULTS...
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.report.figures import Figure, conclude
from benchmarks.report.header import print_header, provenance
from benchmarks.report.options import parser
from fastscore import Results, _core
from fastscore.evaluation.until import ALPHA, HalfWidth
from fastscore.results.primary import primary_metric
from fastscore.statistics.means import Z95
from fastscore.statistics.sequential import bets

COVERAGE = 0.95
SHARE_OF_ITEMS = 0.30
"""Of hellaswag's 10,042 items, to know its accuracy to 2.5 points."""

Values = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Scores:
    """The scores of all items, in [low, high], and the half width to stop at."""

    name: str
    values: Values
    low: float
    half_width: float


@dataclass(slots=True)
class Counts:
    """What became of the random orders."""

    missed: int = 0
    missed_before_stop: int = 0
    missed_fixed: int = 0
    items: int = 0


def main(arguments: Sequence[str] | None = None) -> int:
    options = _options(arguments)
    facts = provenance()
    print_header("Coverage: intervals that stay valid at every look", facts)
    print(
        f"\n  {'scores':<44}{'items':>7}{'-+':>7}{'held':>8}{'to stop':>9}{'fixed n':>9}"
        f"{'scored':>8}"
    )
    figures: list[Figure] = []
    details: dict[str, Any] = {}
    for scores in _inputs(options.results):
        n = options.replications
        counts = _play(scores, n)
        size = scores.values.size
        held, to_stop = 1 - counts.missed / n, 1 - counts.missed_before_stop / n
        fixed, share = 1 - counts.missed_fixed / n, counts.items / n / size
        print(
            f"  {scores.name:<44}{size:>7,}{scores.half_width:>7g}{held:>8.4f}{to_stop:>9.4f}"
            f"{fixed:>9.4f}{share:>8.1%}"
        )
        details[scores.name] = {
            "items": size, "half_width": scores.half_width, "replications": n, "held": held,
            "held_to_stop": to_stop, "held_fixed_n": fixed, "share_scored": share,
        }  # fmt: skip
        noise = 3 * math.sqrt(COVERAGE * (1 - COVERAGE) / n)
        figures += [
            Figure(f"{scores.name}, held until it stopped", to_stop, "at least", COVERAGE),
            Figure(
                f"{scores.name}, held to the last item", held, "at least", COVERAGE - noise,
                note="three standard errors of the simulation below 0.95",
            ),
        ]  # fmt: skip
        if size == 10_042 and scores.half_width == 0.025:
            figures.append(Figure(f"{scores.name}, items scored", share, "at most", SHARE_OF_ITEMS))
    return conclude(figures, facts, details, options.report)


def _play(scores: Scores, replications: int) -> Counts:
    """Play runs through in so many random orders."""
    counts = Counts()
    rng = np.random.default_rng(1234)
    size, span = scores.values.size, 1 - scores.low
    unit = (scores.values - scores.low) / span
    mean = math.fsum(unit) / size
    rule = HalfWidth("", scores.half_width / span)
    staked = bets(size, ALPHA, rule.half_width)
    for _ in range(replications):
        values = rng.permutation(unit)
        looks = _looks(values, rule)
        missed_at = _core.first_exclusion(values, size, ALPHA, staked, mean)
        counts.missed += missed_at > 0
        counts.missed_before_stop += 0 < missed_at <= looks[-1]
        counts.missed_fixed += _fixed_misses(values, np.array(looks), mean)
        counts.items += looks[-1]
    return counts


def _looks(values: Values, rule: HalfWidth) -> list[int]:
    """Return after how many items a run looks; it stops at the last of them."""
    looks = [rule.next_size("", [], values.size)]
    while (size := rule.next_size("", values[: looks[-1]].tolist(), values.size)) > looks[-1]:
        looks.append(size)
    return looks


def _fixed_misses(values: Values, looks: npt.NDArray[np.int64], mean: float) -> bool:
    """Whether the normal 95 % interval for a number chosen beforehand misses at any look."""
    size = values.size
    means = np.cumsum(values)[looks - 1] / looks
    variances = np.maximum(np.cumsum(values**2)[looks - 1] / looks - means**2, 0)
    errors = np.sqrt(variances / looks * (1 - looks / size))
    return bool((np.abs(means - mean) > Z95 * errors + 1e-12).any())


def _inputs(directories: Sequence[str]) -> Iterator[Scores]:
    for share in (0.43, 0.1):
        values = np.zeros(10_042)
        values[: round(share * 10_042)] = 1
        yield Scores(f"0/1, {share:.0%} right", values, 0, 0.025)
    runs = {directory: Results.load(directory) for directory in directories}
    found: dict[str, dict[str, Values]] = {}
    for directory, results in runs.items():
        for name, task in results.tasks.items():
            metric = primary_metric(task.metrics)
            values = np.array([one.scores[metric].value for one in task.samples])
            found.setdefault(name, {})[directory] = values
    for name, by_run in found.items():
        for directory, values in by_run.items():
            half_width = 0.025 if values.size > 5_000 else 0.05
            yield Scores(f"{name} of {_short(directory)}", values, 0, half_width)
        for one, other in combinations(by_run, 2):
            if by_run[one].size == by_run[other].size:
                name_of_both = f"{name}, {_short(other)} - {_short(one)}"
                yield Scores(name_of_both, by_run[other] - by_run[one], -1, 0.02)


def _short(directory: str) -> str:
    return directory.rstrip("/").rpartition("/")[2]


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    options = parser(__doc__ or "")
    options.add_argument("results", nargs="*", metavar="RESULTS", help="directories of results")
    options.add_argument("--replications", type=int, default=2000, metavar="N")
    return options.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
