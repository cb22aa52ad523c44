"""The confidence sequence as one would write it down: no arrays, a candidate mean at a time."""

from __future__ import annotations

import math
from collections.abc import Sequence

Bet = tuple[float, float, float]


def capitals(
    values: Sequence[float], n_total: int, bets: Sequence[Bet], candidate: float
) -> list[float]:
    """Return the capital after each value of who bets that the mean is above ``candidate``.

    Infinite as soon as the values alone exceed what the candidate leaves for all.
    """
    shares = [weight for _, _, weight in bets]
    found = []
    for t, x in enumerate(values, 1):
        before = values[: t - 1]
        mean = (n_total * candidate - math.fsum(before)) / (n_total - t + 1)
        if mean < -1e-9:
            return found + [math.inf] * (len(values) - t + 1)
        # The variance of the values before, and of one more: first a quarter, then around the
        # means as they were, which start with a half.
        squares = 1 / 4
        for i, y in enumerate(before, 1):
            squares += (y - (1 / 2 + math.fsum(before[:i])) / (i + 1)) ** 2
        variance = squares / t
        for j, (half_width, intensity, _) in enumerate(bets):
            if mean > 1e-9:
                stake = half_width / variance + intensity / math.sqrt(variance)
                stake = min(stake * n_total / (n_total - t + 1), 3 / (4 * mean))
                shares[j] *= 1 + stake * (x - mean)
        found.append(sum(shares))
    return found


def refuted(
    values: Sequence[float], n_total: int, alpha: float, bets: Sequence[Bet], candidate: float
) -> bool:
    """Whether the sequence has excluded ``candidate``, from either side, at any of the values."""
    mirrored = [1 - x for x in values]
    return any(
        capital >= 2 / alpha
        for side, mean in ((values, candidate), (mirrored, 1 - candidate))
        for capital in capitals(side, n_total, bets, mean)
    )
