"""From paired items to the figures of one task or group."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fastscore.results import MetricValue, Sample
from fastscore.results.values import AnySample
from fastscore.statistics.paired import Paired, compare_paired, mean_change

Pairs = Sequence[tuple[AnySample, AnySample]]
"""Items, base's and candidate's."""

_NAN = math.nan
_ROUNDING = 1e-12  # of scores, which are of the order of 1
_NO_CHOICES = "generated texts have no log-likelihoods of given answers"


@dataclass(frozen=True, slots=True)
class Changes:
    """How far the log-likelihoods of the right choice moved, and its lead over the others."""

    gold: MetricValue
    margin: MetricValue


def measure(pairs: Pairs, metric: str, margin: float) -> Paired:
    """Compare one metric over paired items; an undefined item makes all of it undefined."""
    scores = [(base.scores[metric], candidate.scores[metric]) for base, candidate in pairs]
    for side, name in enumerate(("base", "candidate")):
        undefined = [pair[side] for pair in scores if math.isnan(pair[side].value)]
        if undefined:
            reason = (
                f"undefined for {len(undefined):,} of {len(scores):,} items of the {name}; "
                f"{undefined[0].reason}"
            )
            return Paired(
                len(scores), _NAN, _NAN, _NAN, _NAN, (_NAN, _NAN), _NAN, _NAN, 0, 0, False, reason
            )
    values = np.array(
        [
            (one.value, one.value if same_score(one.value, other.value) else other.value)
            for one, other in scores
        ]
    ).reshape(-1, 2)
    return compare_paired(values[:, 0], values[:, 1], margin)


def same_score(base: float, candidate: float) -> bool:
    """Say whether two scores of an item are equal, but for the order in which they were summed.

    Another program's rounding of the same share of probability is no gain, and no loss.
    """
    return base == candidate or abs(candidate - base) <= _ROUNDING


def measure_changes(pairs: Pairs) -> Changes:
    """Average what happened to the right choice's log-likelihood and to its lead."""
    gold, margin = [], []
    for base, candidate in pairs:
        if not isinstance(base, Sample) or not isinstance(candidate, Sample):
            nothing = _undefined(_NO_CHOICES)
            return Changes(nothing, nothing)
        before, after = _gold_and_lead(base), _gold_and_lead(candidate)
        gold.append(after[0] - before[0])
        margin.append(after[1] - before[1])
    return Changes(_mean(gold), _mean(margin))


def _gold_and_lead(sample: Sample) -> tuple[float, float]:
    """Return the log-likelihood of the likeliest right choice, and that minus the best wrong one.

    NaN for a lead where every choice is right, or the best of both kinds have probability zero.
    """
    gold = max(sample.loglikelihoods[choice] for choice in sample.gold)
    wrong = [x for choice, x in enumerate(sample.loglikelihoods) if choice not in sample.gold]
    best = max(wrong, default=_NAN)
    return gold, _NAN if gold == best == -math.inf else gold - best


def _mean(changes: Sequence[float]) -> MetricValue:
    infinite = sum(not math.isfinite(change) for change in changes)
    if infinite:
        return _undefined(
            f"undefined for {infinite:,} of {len(changes):,} items: a choice has the probability "
            "zero, or none is wrong"
        )
    return mean_change(np.array(changes, dtype=np.float64))


def _undefined(reason: str) -> MetricValue:
    return MetricValue(_NAN, _NAN, (_NAN, _NAN), reason)
