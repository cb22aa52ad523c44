"""Which file to ship, and how sure that is: a comparison in a few sentences."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from fastscore.comparison.comparison import Comparison
from fastscore.comparison.values import Candidate, Difference

Standing = Literal["equivalent", "better", "worse", "open"]


@dataclass(frozen=True, slots=True)
class Judged:
    """A candidate, what is found of it over all tasks, and the sentence that says so."""

    label: str
    standing: Standing
    sentence: str
    bytes: float


def family(candidate: Candidate) -> list[Difference]:
    """Return the differences that were asked for."""
    return [one for one in candidate.differences if one.family]


def judge(comparison: Comparison, candidate: Candidate) -> Judged:
    """Take a candidate's differences together.

    One task on which it is worse, by more than could be within the margin, makes it worse. It is as
    good as the base where that is shown for every task. Else the question is open.
    """
    asked = family(candidate)
    worse = [one for one in asked if one.verdict == "worse" and not one.within_margin]
    shown = [one for one in asked if one.within_margin or one.verdict == "better"]
    better = [one for one in asked if one.verdict == "better" and not one.within_margin]
    if worse:
        standing: Standing = "worse"
        sentence = f"{candidate.label} is worse: {_listed(worse)}."
    elif asked and len(shown) == len(asked) and better:
        standing = "better"
        sentence = f"{candidate.label} is better: {_listed(better)}."
    elif asked and len(shown) == len(asked):
        standing = "equivalent"
        sentence = (
            f"{candidate.label} is as good as {comparison.base.label}, within "
            f"{_points(comparison.margin)} on {_tasks(len(asked))}."
        )
    else:
        standing = "open"
        sentence = _open(comparison, candidate, [one for one in asked if one not in shown])
    return Judged(candidate.label, standing, sentence, _bytes(candidate.results.model))


def headline(comparison: Comparison) -> str:
    """Say which file to ship: of those that are shown to be as good, the smallest."""
    base = comparison.base
    judged = [judge(comparison, candidate) for candidate in comparison]
    good = [one for one in judged if one.standing in ("equivalent", "better")]
    base_bytes = _bytes(base.results.model)
    smaller = [one for one in good if one.bytes < base_bytes]
    n = sum(len(family(candidate)) for candidate in comparison)
    sure = "shown with 95 % confidence" + (f" over all {n} comparisons together" if n > 1 else "")
    if smaller:
        best = min(smaller, key=lambda one: one.bytes)
        within = "" if best.standing == "better" else f" within {_points(comparison.margin)}"
        what = "better than" if best.standing == "better" else "as good as"
        share = 1 - best.bytes / base_bytes
        return f"Ship {best.label}: {what} {base.label}{within} and {share:.0%} smaller, {sure}."
    better = [one for one in good if one.standing == "better"]
    if better:
        label = better[0].label
        return f"Ship {label} if quality counts most: it is better than {base.label}, {sure}."
    if good:
        names = f"{_and([one.label for one in good])} {'is' if len(good) == 1 else 'are'} as good"
        if any(math.isnan(size) for size in (base_bytes, *(one.bytes for one in good))):
            return f"{names} as {base.label} within {_points(comparison.margin)}, {sure}."
        return f"Keep {base.label}: {names}, but not smaller, {sure}."
    undecided = [one for one in judged if one.standing == "open"]
    if undecided:
        names = _and([one.label for one in undecided])
        return (
            f"Not decided: these items neither show that {names} "
            f"{'is' if len(undecided) == 1 else 'are'} as good as {base.label} within "
            f"{_points(comparison.margin)}, nor the contrary. More items would tell."
        )
    return f"Keep {base.label}: every other file is worse, {sure}."


def sentences(comparison: Comparison) -> Iterator[Judged]:
    """Yield each candidate's sentence."""
    for candidate in comparison:
        yield judge(comparison, candidate)


def _open(comparison: Comparison, candidate: Candidate, unknown: list[Difference]) -> str:
    known = [one for one in unknown if not math.isnan(one.ci95[0])]
    if not known:
        return f"{candidate.label}: nothing can be said of it."
    lowest = min(known, key=lambda one: one.ci95[0])
    possible = f"a loss of {_points(-lowest.ci95[0])} on {lowest.task}"
    return (
        f"{candidate.label}: no difference found, but none within {_points(comparison.margin)} "
        f"shown either; {possible} is still possible."
    )


def _listed(found: list[Difference]) -> str:
    parts = [
        f"{_points(one.difference, signed=True)} on {one.task} "
        f"(95 % interval {100 * one.ci95[0]:+.1f} to {100 * one.ci95[1]:+.1f})"
        for one in sorted(found, key=lambda one: -abs(one.difference))
    ]
    more = len(parts) - 3
    return _and(parts[:3] + ([f"{more} more"] if more > 0 else []))


def _points(difference: float, *, signed: bool = False) -> str:
    """Return a difference of scores as people say it: 0.02 is two points."""
    number = f"{100 * difference:+.1f}" if signed else f"{100 * difference:.1f}"
    number = number.removesuffix(".0")
    return f"{number} point" if number in ("1", "+1", "-1") else f"{number} points"


def _tasks(n: int) -> str:
    return "the task" if n == 1 else f"all {n} tasks"


def _and(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _bytes(model: Mapping[str, Any]) -> float:
    value = model.get("file_bytes")
    return float(value) if isinstance(value, (int, float)) and value > 0 else math.nan
