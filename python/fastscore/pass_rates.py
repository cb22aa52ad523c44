"""pass@k over problems, as results report it: a value for each, their mean and its interval."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from fastscore.metrics import Score
from fastscore.statistics import MetricValue, summarise


class PassRate(NamedTuple):
    """The estimate for each problem, and what they say together."""

    by_problem: list[float]
    value: MetricValue


def pass_rate(n: Sequence[int], c: Sequence[int], k: int) -> PassRate:
    """Estimate pass@k where ``c`` of ``n`` samples passed, one entry a problem.

    The estimator of Chen et al. 2021 (https://arxiv.org/abs/2107.03374) for each problem.
    """
    by_problem = [
        1.0 - math.comb(n_i - c_i, k) / math.comb(n_i, k) for n_i, c_i in zip(n, c, strict=True)
    ]
    is_binary = all(n_i == 1 for n_i in n)
    return PassRate(by_problem, summarise([Score(v) for v in by_problem], binary=is_binary))
