"""Intervals that stay valid however often one looks: confidence sequences for the mean of N values.

The values are those of all N items of a benchmark, seen one by one in random order. After each of
them there is an interval for the mean of all N, and with probability ``1 - alpha`` all these
intervals hold at once; so a run may look whenever it likes and stop at what it sees. See
``csrc/stats/confidence_sequence.h`` for method and sources.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fastscore import _core
from fastscore.errors import UsageError
from fastscore.statistics.bootstrap import finite_values, within

_LEAST_DRAWS = 16
"""Fewer tell next to nothing, whatever is staked on them."""


@dataclass(frozen=True, slots=True)
class ConfidenceSequence:
    """Intervals for the mean of ``n_total`` values after the first ``n[i]`` of them.

    Attributes:
        n: Numbers of values looked at, rising, [n_looks].
        low: Lower ends, [n_looks]; they only rise as values come in.
        high: Upper ends, [n_looks]; they only fall.
        n_total: How many values there are in all. After the last one both ends are the mean.
        alpha: The chance that any of the intervals misses the mean.

    """

    n: npt.NDArray[np.int64]
    low: npt.NDArray[np.float64]
    high: npt.NDArray[np.float64]
    n_total: int
    alpha: float

    @property
    def interval(self) -> tuple[float, float]:
        """The interval after all values seen so far."""
        return float(self.low[-1]), float(self.high[-1])

    @property
    def half_width(self) -> float:
        """Half the width of that interval."""
        return float(self.high[-1] - self.low[-1]) / 2


def confidence_sequence(
    values: npt.ArrayLike,
    n_total: int,
    alpha: float = 0.05,
    *,
    bounds: tuple[float, float] = (0.0, 1.0),
    looks: Sequence[int] | None = None,
    half_width: float | None = None,
) -> ConfidenceSequence:
    """Return intervals for the mean of ``n_total`` values of which the first ones are known.

    The order must be random: each of the values not yet seen is equally likely to be the next, as
    after ``random.shuffle``. Then, with probability ``1 - alpha``, every one of the intervals
    holds, those between the looks and those of later calls with more values included: one may call
    this after every value and stop as soon as the interval is narrow enough.

    Args:
        values: Those seen so far, in the order they were drawn, [n].
        n_total: How many there are in all.
        alpha: The chance of any miss that is put up with.
        bounds: The smallest and the largest value possible: ``(-1, 1)`` for differences of scores.
        looks: Numbers of values after which to give the interval; None for the last one only.
        half_width: What is to be reached, in the unit of the values. The intervals are then as
            narrow as can be at about that width; without it they are about a fifth wider there
            but good at all times. Like the order it must not depend on the values.

    Raises:
        UsageError: For values that are not finite numbers within ``bounds``, more than ``n_total``
            of them or none, and arguments out of range.

    """
    numbers = finite_values(values)
    n_total = within("n_total", n_total, 1, 2**53)
    if not 1 <= numbers.size <= n_total:
        raise UsageError(
            f"there are {numbers.size:,} values of n_total = {n_total:,}; there must be at least "
            "one, and at most all"
        )
    if not 0 < alpha < 1:
        raise UsageError(f"alpha must lie between 0 and 1, as 0.05 does; got {alpha!r}")
    least, most = bounds
    if not least < most:
        raise UsageError(f"bounds are {bounds!r}; the first must be below the second")
    outside = np.flatnonzero((numbers < least) | (numbers > most))
    if outside.size:
        first = outside[0]
        raise UsageError(
            f"values[{first}] is {numbers[first]}, outside of the bounds {least:g} to {most:g}"
        )
    span = most - least
    places = np.asarray([numbers.size] if looks is None else looks, dtype=np.int64)
    if (
        places.size == 0
        or places[0] < 1
        or places[-1] > numbers.size
        or (np.diff(places) < 1).any()
    ):
        raise UsageError(
            f"looks must rise from 1 to {numbers.size:,}, the number of values; got {looks!r}"
        )
    if half_width is not None and not 0 < half_width < span:
        raise UsageError(f"half_width must lie between 0 and {span:g}, got {half_width!r}")
    wanted = None if half_width is None else half_width / span
    low, high = _core.confidence_sequence(
        np.clip((numbers - least) / span, 0, 1),
        n_total,
        alpha,
        bets(n_total, alpha, wanted),
        places,
    )
    low, high = least + span * low, least + span * high
    if places[-1] == n_total:
        low[-1] = high[-1] = math.fsum(numbers) / n_total
    return ConfidenceSequence(places, low, high, n_total, alpha)


def bets(n_total: int, alpha: float, half_width: float | None = None) -> npt.NDArray[np.float64]:
    """Return how to stake on values in [0, 1], as the native core takes it: [n_bets, 3].

    With ``half_width`` the stake that grows fastest against means that far off. Without, equal
    shares on stakes that are best after 4/5, 1/2, 1/5, 1/17, ... of all values, which tell as much
    as 4 N, N, N/4, N/16, ... draws with replacement: times in between lose little, and the price
    of not having chosen one is a factor of their number in the capital, which enters the width by
    the root of its logarithm.
    """
    if half_width is not None:
        return np.array([[half_width, 0.0, 1.0]])
    draws = [4.0 * n_total]
    while draws[-1] / 4 >= _LEAST_DRAWS:
        draws.append(draws[-1] / 4)
    evidence = 2 * math.log(2 / alpha)
    return np.array([[0.0, math.sqrt(evidence / n), 1 / len(draws)] for n in draws])


def items_foreseen(half_width: float, variance: float, n_total: int, alpha: float) -> int:
    """Return about how many values it takes until the interval has this half width.

    From the growth of the capital against means that far off, ``half_width**2 / (2 variance)`` a
    draw with replacement: somewhat too many, because an interval also keeps what it was lucky to
    exclude earlier. ``variance`` is that of the values.
    """
    if half_width <= 0:
        return n_total
    draws = 2 * variance * math.log(2 / alpha) / half_width**2
    return max(1, min(n_total, math.ceil(draws * n_total / (n_total + draws))))
