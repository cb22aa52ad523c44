"""Which file to ship, and how sure that is: a comparison in a few sentences."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from fastscore.comparison.comparison import Comparison
from fastscore.comparison.rows import notes
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
        sentence = f"{candidate.label} is worse {_listed(worse)}."
    elif asked and len(shown) == len(asked) and better:
        standing = "better"
        sentence = f"{candidate.label} is better {_listed(better)}."
    elif asked and len(shown) == len(asked):
        standing = "equivalent"
        sentence = (
            f"{candidate.label} is as good as {comparison.base.label}, within "
            f"{_points(comparison.margin)} on {_tasks(asked)}."
        )
    else:
        standing = "open"
        sentence = _open(candidate, shown, [one for one in asked if one not in shown])
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
        share = f"{100 * (1 - best.bytes / base_bytes):.0f} %"
        return f"Ship {best.label}: {what} {base.label}{within} and {share} smaller, {sure}."
    better = [one for one in good if one.standing == "better"]
    if better:
        label = better[0].label
        return f"Ship {label} if quality counts most: it is better than {base.label}, {sure}."
    if good:
        names = (
            f"{conjoined([one.label for one in good])} {'is' if len(good) == 1 else 'are'} as good"
        )
        if any(math.isnan(size) for size in (base_bytes, *(one.bytes for one in good))):
            return f"{names} as {base.label} within {_points(comparison.margin)}, {sure}."
        return f"Keep {base.label}: {names}, but not smaller, {sure}."
    undecided = [one for one in judged if one.standing == "open"]
    if undecided:
        names = conjoined([one.label for one in undecided])
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


def remarks(comparison: Comparison) -> Iterator[str]:
    """Yield what must be known of the findings beside the warnings, and how they were found."""
    for note in notes(comparison, verbose=True):
        if note not in comparison.warnings:
            yield note
    yield from comparison.method


def _open(candidate: Candidate, shown: list[Difference], unknown: list[Difference]) -> str:
    """Say what is shown, and what is possible where nothing is."""
    parts = []
    if shown:
        parts.append(f"is as good within {_points(shown[0].margin)} on {_names(shown)}")
    known = [one for one in unknown if not math.isnan(one.ci95[0])]
    if known:
        widest = max(known, key=lambda one: max(map(abs, one.ci95)))
        low, high = (f"{100 * end:+.1f}" for end in widest.possible)
        where = _names(known) if len(known) == 1 else f"{_names(known)}; on {widest.task}"
        parts.append(f"shows no difference on {where}, where {low} to {high} points are possible")
    return f"{candidate.label} {', and '.join(parts) or 'has no score to compare'}."


def _names(differences: list[Difference]) -> str:
    names = [one.task for one in differences]
    return conjoined(names if len(names) <= 4 else [*names[:3], f"{len(names) - 3} more"])


def _listed(found: list[Difference]) -> str:
    """Say by how much, the largest differences first."""
    parts = []
    for one in sorted(found, key=lambda one: -abs(one.difference)):
        low, high = (f"{100 * end:+.1f}" for end in one.ci95)
        size = _points(abs(one.difference))
        parts.append(f"by {size} on {one.task} ({one.interval_name} {low} to {high})")
    more = len(parts) - 3
    return conjoined(parts[:3] + ([f"on {more} more"] if more > 0 else []))


def _points(difference: float) -> str:
    """Return a difference of scores as people say it: 0.02 is two points."""
    number = f"{100 * difference:.1f}".removesuffix(".0")
    return f"{number} point" if number == "1" else f"{number} points"


def _tasks(asked: list[Difference]) -> str:
    return asked[0].task if len(asked) == 1 else f"all {len(asked)} tasks"


def conjoined(names: list[str]) -> str:
    """Return names as one says them: a, b and c."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _bytes(model: Mapping[str, Any]) -> float:
    value = model.get("file_bytes")
    return float(value) if isinstance(value, (int, float)) and value > 0 else math.nan
