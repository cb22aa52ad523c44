"""Two models on the same items: how far apart they are, and how sure that is.

Everything follows from the items' differences, so what both models find easy or hard cancels out.
Where every score is 0 or 1 only the items that one of the two gets right say anything: McNemar's
exact test, and Tango's score interval and score tests of equivalence. Other scores (a share of
probability, the mean over several samples) have Student's.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fastscore.statistics.means import MetricValue
from fastscore.statistics.tango import score_interval, score_z

Scores = npt.NDArray[np.float64]
"""A score for each item, [n]."""

NO_SPREAD = (
    "all items differ by the same amount, so nothing shows how much other items would differ"
)
ONE_ITEM = "one item has no standard error; it takes at least 2"


@dataclass(frozen=True, slots=True)
class Paired:
    """A difference of two means over the same items; what is undefined is NaN with a ``reason``.

    ``difference`` is that of ``candidate - base`` and ``stderr`` its standard error, ``ci95`` its
    95 % interval. ``p_value`` is two-sided, of no difference; ``equivalence_p`` that of a
    difference of at least the margin, in either direction. ``n_gained`` and ``n_lost`` count the
    items where the candidate scores higher and lower; ``binary`` says that every score is 0 or 1.
    """

    n: int
    base: float
    candidate: float
    difference: float
    stderr: float
    ci95: tuple[float, float]
    p_value: float
    equivalence_p: float
    n_gained: int
    n_lost: int
    binary: bool
    reason: str | None = None


def compare_paired(base: Scores, candidate: Scores, margin: float) -> Paired:
    """Compare the scores of two models on the same items, in the same order.

    The equivalence test is two one-sided ones (Schuirmann 1987,
    https://doi.org/10.1007/BF01068419): ``equivalence_p`` is the larger p-value of the two, and
    below 0.05 exactly where the 90 % interval lies within the margin.

    Args:
        base: Scores, finite.
        candidate: Scores of the same items.
        margin: Above 0 and below 1.

    """
    n = len(base)
    if n == 0:
        nan = math.nan
        return Paired(
            0, nan, nan, nan, nan, (nan, nan), nan, nan, 0, 0, False, "there are no items"
        )
    changes = candidate - base
    gained, lost = int((changes > 0).sum()), int((changes < 0).sum())
    binary = bool((((base == 0) | (base == 1)) & ((candidate == 0) | (candidate == 1))).all())
    mean = math.fsum(changes) / n
    stderr = _stderr(changes, mean)
    reason: str | None = None
    if n == 1:
        reason = ONE_ITEM
    if binary:
        mean = (gained - lost) / n
        interval = score_interval(gained, lost, n)
        p_value, equivalence_p = mcnemar(gained, lost), _score_equivalence(gained, lost, n, margin)
    elif n == 1:
        interval, p_value, equivalence_p = (math.nan, math.nan), math.nan, math.nan
    elif stderr == 0:
        # Student's t has no value here. That nothing changed is no sign of a change, though.
        reason = NO_SPREAD
        interval, equivalence_p = (math.nan, math.nan), math.nan
        p_value = 1.0 if mean == 0 else math.nan
    else:
        interval = _student_interval(mean, stderr, n)
        p_value, equivalence_p = _student_tests(mean, stderr, n, margin)
    return Paired(
        n=n,
        base=math.fsum(base) / n,
        candidate=math.fsum(candidate) / n,
        difference=mean,
        stderr=stderr,
        ci95=interval,
        p_value=p_value,
        equivalence_p=equivalence_p,
        n_gained=gained,
        n_lost=lost,
        binary=binary,
        reason=reason,
    )


def mcnemar(gained: int, lost: int) -> float:
    """Return the two-sided p-value of McNemar's exact test that gains are as likely as losses.

    McNemar 1947, https://doi.org/10.1007/BF02295996; exact by the binomial distribution of the
    gains among the items that changed. 1 where none did.
    """
    from scipy.special import bdtr

    changed = gained + lost
    if changed == 0:
        return 1.0
    return float(min(1.0, 2 * bdtr(min(gained, lost), changed, 0.5)))


def mean_change(changes: Scores) -> MetricValue:
    """Return the mean of items' changes with its standard error and Student's 95 % interval."""
    n = len(changes)
    if n == 0:
        return MetricValue(math.nan, math.nan, (math.nan, math.nan), "there are no items")
    mean = math.fsum(changes) / n
    if n == 1:
        return MetricValue(mean, math.nan, (math.nan, math.nan), ONE_ITEM)
    stderr = _stderr(changes, mean)
    if stderr == 0:
        return MetricValue(mean, 0.0, (math.nan, math.nan), NO_SPREAD)
    return MetricValue(mean, stderr, _student_interval(mean, stderr, n))


def _stderr(changes: Scores, mean: float) -> float:
    """Return the sample standard deviation over the root of n; NaN for one item."""
    n = len(changes)
    if n == 1:
        return math.nan
    if np.ptp(changes) <= 1e-12 * np.abs(changes).max():
        return 0.0  # equal but for rounding, which is no spread
    return math.sqrt(math.fsum((changes - mean) ** 2) / (n - 1) / n)


def _student_interval(mean: float, stderr: float, n: int) -> tuple[float, float]:
    from scipy.special import stdtrit

    half = float(stdtrit(n - 1, 0.975)) * stderr
    return mean - half, mean + half


def _student_tests(mean: float, stderr: float, n: int, margin: float) -> tuple[float, float]:
    """Return the p-values of the paired t test and of the two one-sided ones together."""
    from scipy.special import stdtr

    below = float(stdtr(n - 1, -(mean + margin) / stderr))
    above = float(stdtr(n - 1, (mean - margin) / stderr))
    return 2 * float(stdtr(n - 1, -abs(mean) / stderr)), max(below, above)


def _score_equivalence(gained: int, lost: int, n: int, margin: float) -> float:
    from scipy.special import ndtr

    below = float(ndtr(-score_z(gained, lost, n, -margin)))
    above = float(ndtr(score_z(gained, lost, n, margin)))
    return max(below, above)
