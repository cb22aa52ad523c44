"""Tango's score test and interval for the difference of two paired proportions.

Tango 1998, https://doi.org/10.1002/(SICI)1097-0258(19980430)17:8<891::AID-SIM780>3.0.CO;2-B. Of n
items the candidate gains some, loses some, and the rest say nothing. The difference is held against
a value d with the variance that the data leave likeliest if d were true, and not with the observed
one, which is 0 where two models agree on everything. So the interval keeps its coverage for few
items and few changes (Fagerland, Lydersen and Laake 2014, https://doi.org/10.1002/sim.6148,
recommend it), stays within -1 and 1, and the same statistic tests equivalence.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from fastscore.statistics.means import Z95


def score_z(gained: int, lost: int, n: int, difference: float) -> float:
    """Return the standard normal statistic for the true difference being ``difference``.

    It falls as ``difference`` rises, and is 0 at the observed ``(gained - lost) / n``.
    ``difference`` lies between -1 and 1, both excluded.
    """
    d = difference
    # The likeliest share of losses q given d is the larger root of a q^2 + b q + c.
    a = 2 * n
    b = (2 * n - gained + lost) * d - (gained + lost)
    c = -lost * d * (1 - d)
    root = math.sqrt(max(0.0, b * b - 4 * a * c))
    # Of the two forms of the root the one that subtracts nothing.
    q = (root - b) / (2 * a) if b <= 0 else -2 * c / (b + root)
    q = max(q, -d, 0.0)  # no share is negative, nor that of gains, which is q + d
    return (gained - lost - n * d) / math.sqrt(n * (2 * q + d * (1 - d)))


def score_interval(gained: int, lost: int, n: int, z: float = Z95) -> tuple[float, float]:
    """Return the differences that the score test does not reject, low and high; 95 % as it stands.

    ``z`` is the normal quantile that a statistic must pass to be rejected.
    """
    observed = (gained - lost) / n
    low = -1.0 if observed == -1 else _root(lambda d: z - score_z(gained, lost, n, d), -1, observed)
    high = 1.0 if observed == 1 else _root(lambda d: -z - score_z(gained, lost, n, d), observed, 1)
    return low, high


def _root(rising: Callable[[float], float], low: float, high: float) -> float:
    """Bisect to where a rising function changes sign, as near as floats are to each other."""
    while True:
        middle = (low + high) / 2
        if not low < middle < high:
            return middle
        if rising(middle) < 0:
            low = middle
        else:
            high = middle
