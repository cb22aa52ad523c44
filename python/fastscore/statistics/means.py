"""From the scores of items to a mean, its standard error and its 95 % interval.

Mean, standard error and their pooling over a group are lm-evaluation-harness 0.4.13's
(``lm_eval/api/metrics.py``: ``mean``, ``mean_stderr``, ``aggregate_subtask_metrics``,
``pooled_sample_stderr``). The interval is fastscore's own, the harness gives none.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

from fastscore.metrics import Score

Z95 = NormalDist().inv_cdf(0.975)
"""The normal quantile that leaves 2.5 % above it: 1.95996."""


@dataclass(frozen=True, slots=True)
class MetricValue:
    """A mean over items, in the metric's own unit (a fraction, not per cent).

    ``stderr`` is the standard error of ``value``, ``ci95`` its 95 % interval, low and high. What
    is undefined is NaN, and ``reason`` says why.
    """

    value: float
    stderr: float
    ci95: tuple[float, float]
    reason: str | None = None


def summarise(scores: Sequence[Score], *, binary: bool) -> MetricValue:
    """Return the mean of item scores, with standard error and interval.

    The standard error is the sample standard deviation (``n - 1``) over ``sqrt(n)``; one item has
    none. A single undefined item makes the mean undefined: leaving it out would be the mean of
    something else. For the interval see :func:`interval`.
    """
    n = len(scores)
    if n == 0:
        return _undefined("there are no items")
    undefined = [score for score in scores if math.isnan(score.value)]
    if undefined:
        return _undefined(f"undefined for {len(undefined)} of {n} items; {undefined[0].reason}")
    values = [score.value for score in scores]
    mean = math.fsum(values) / n
    if n == 1:
        stderr, reason = math.nan, "one item has no standard error; it takes at least 2"
    else:
        variance = math.fsum((value - mean) ** 2 for value in values) / (n - 1)
        stderr, reason = math.sqrt(variance / n), None
    return MetricValue(mean, stderr, interval(mean, stderr, n, binary=binary), reason)


def pool(members: Sequence[MetricValue], sizes: Sequence[int], *, binary: bool) -> MetricValue:
    """Return a group's value from those of its tasks; ``sizes`` are their numbers of items.

    The value is the mean weighted by size, which is the mean over all items. The standard error
    is pooled within the tasks, ``sqrt(sum((n_i - 1) * n_i * se_i**2) / (N - k) / N)`` for k tasks
    of N items in all: it answers how far the value would move with other questions of the same
    subjects in the same numbers. It is undefined as soon as one task has no standard error.

    The interval of a binary metric is Wilson's over all N items, not one from the pooled error:
    it stays within 0 and 1, stands where a task of few items is all right or all wrong (its
    standard error is then 0, or undefined), and errs on the wide side, because the variance over
    all items is that within the tasks plus that between them.
    """
    if len(members) != len(sizes):
        raise ValueError(f"{len(members)} members, but {len(sizes)} sizes")
    total = sum(sizes)
    if total == 0:
        return _undefined("there are no items")
    unknown = next((member for member in members if math.isnan(member.value)), None)
    if unknown is not None:
        return _undefined(f"undefined for one of its tasks: {unknown.reason}")
    weighted = zip(members, sizes, strict=True)
    mean = math.fsum(member.value * size for member, size in weighted) / total
    if any(math.isnan(member.stderr) for member in members):
        stderr, reason = math.nan, "one of its tasks has no standard error"
    else:
        squares = math.fsum(
            (size - 1) * size * member.stderr**2
            for member, size in zip(members, sizes, strict=True)
        )
        stderr, reason = math.sqrt(squares / (total - len(sizes)) / total), None
    return MetricValue(mean, stderr, interval(mean, stderr, total, binary=binary), reason)


def interval(mean: float, stderr: float, n: int, *, binary: bool) -> tuple[float, float]:
    """Return the 95 % interval of a mean over ``n`` items.

    For 0/1 scores Wilson's score interval (Wilson 1927, https://doi.org/10.2307/2276774;
    recommended by Brown, Cai and DasGupta 2001, https://doi.org/10.1214/ss/1009213286): it needs
    no standard error, keeps its coverage near 0 and 1 and for few items, and never leaves [0, 1].
    For other scores the normal interval ``mean +- 1.96 stderr``, not clipped to the metric's
    range: an end outside it says that the items are too few for this interval.
    """
    if not binary:
        return mean - Z95 * stderr, mean + Z95 * stderr
    shrink = 1 / (1 + Z95**2 / n)
    centre = shrink * (mean + Z95**2 / (2 * n))
    half = shrink * Z95 * math.sqrt(mean * (1 - mean) / n + Z95**2 / (4 * n**2))
    # At 0 and 1 the formula's end is exactly 0 or 1, but rounding misses it by a little.
    return (
        0.0 if mean <= 0 else max(0.0, centre - half),
        1.0 if mean >= 1 else min(1.0, centre + half),
    )


def _undefined(reason: str) -> MetricValue:
    return MetricValue(math.nan, math.nan, (math.nan, math.nan), reason)
