"""Several tests at once: the chance of any false claim among them kept to that of one."""

from __future__ import annotations

import math
from collections.abc import Sequence


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p-values adjusted by Holm's step-down method, in the order given.

    Holm 1979, https://www.jstor.org/stable/4615733. Claiming what is below 0.05 is wrong anywhere
    in the family with a chance of at most 0.05, however the tests depend on each other. A NaN is a
    test that could not be made: it stays NaN and is not counted.
    """
    order = sorted((p, i) for i, p in enumerate(p_values) if not math.isnan(p))
    adjusted = [math.nan] * len(p_values)
    highest = 0.0
    for rank, (p, i) in enumerate(order):
        highest = max(highest, min(1.0, p * (len(order) - rank)))
        adjusted[i] = highest
    return adjusted
