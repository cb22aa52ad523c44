"""From the right samples of each problem to pass@k of a task, with its error and interval."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from fastscore.errors import UsageError
from fastscore.statistics.bootstrap import bootstrap_mean, standard_error
from fastscore.statistics.means import MetricValue, interval
from fastscore.statistics.passk import Whole, counts, pass_at_k


@dataclass(frozen=True, slots=True)
class PassRate:
    """pass@k over all problems for one k.

    Attributes:
        k: The number of draws.
        value: The mean over the problems with its standard error (the problem is the unit) and
            95 % interval; NaN with the reason where ``n_undefined`` is not 0.
        method: How the interval was made: ``"bootstrap"`` over problems, or ``"wilson"`` where
            every problem has just k samples and so scores 0 or 1.
        by_problem: The estimate of each problem, [n_problems]; NaN for fewer than k samples.
        n_undefined: Problems with fewer than k samples.

    """

    k: int
    value: MetricValue
    method: Literal["bootstrap", "wilson"]
    by_problem: list[float]
    n_undefined: int


@dataclass(frozen=True, slots=True)
class PassRates:
    """pass@k over the problems of a task, for every k that was asked for.

    ``none_right`` and ``all_right`` are the shares of problems with c = 0 and c = n, NaN for no
    problems; problems without samples are neither.
    """

    n_problems: int
    none_right: float
    all_right: float
    by_k: Mapping[int, PassRate]


def pass_rates(n: npt.ArrayLike, c: npt.ArrayLike, ks: Sequence[int]) -> PassRates:
    """Return pass@k over problems with c right of n samples, for each of ``ks``.

    See :func:`pass_rate`, which has one k.
    """
    samples, right = _problems(n, c)
    sampled = samples > 0
    there_are = right.size > 0
    return PassRates(
        right.size,
        float(np.mean(sampled & (right == 0))) if there_are else math.nan,
        float(np.mean(sampled & (right == samples))) if there_are else math.nan,
        {int(k): pass_rate(samples, right, k) for k in ks},
    )


def pass_rate(n: npt.ArrayLike, c: npt.ArrayLike, k: int) -> PassRate:
    """Return pass@k over problems with c right of n samples.

    Wilson's interval is for shares of problems and so, in general, wrong for means of estimates:
    the interval is that of :func:`~fastscore.statistics.bootstrap.bootstrap_mean` with its
    defaults. Where resampling shows nothing, because all problems have the same value or there is
    only one, it is NaN and the reason says so.
    """
    samples, right = _problems(n, c)
    values = np.asarray(pass_at_k(samples, right, k))
    n_problems, n_undefined = values.size, int(np.isnan(values).sum())
    binary = bool((samples == k).all())
    mean, stderr, ci95 = math.nan, math.nan, (math.nan, math.nan)
    reason: str | None = None
    if n_problems == 0:
        reason = "there are no problems"
    elif n_undefined:
        reason = f"{n_undefined} of {n_problems} problems have fewer than {k} samples"
    else:
        mean, stderr = math.fsum(values) / n_problems, standard_error(values)
        if n_problems == 1:
            reason = "one problem has no standard error; it takes at least 2"
        if binary:
            ci95 = interval(mean, stderr, n_problems, binary=True)
        elif n_problems > 1 and (values == values[0]).all():
            reason = "all problems have the same value, so resampling them gives no interval"
        elif n_problems > 1:
            ci95 = bootstrap_mean(values).interval
    return PassRate(
        k=int(k),
        value=MetricValue(mean, stderr, ci95, reason),
        method="wilson" if binary else "bootstrap",
        by_problem=values.tolist(),
        n_undefined=n_undefined,
    )


def _problems(n: npt.ArrayLike, c: npt.ArrayLike) -> tuple[Whole, Whole]:
    """Return n and c, one entry a problem."""
    samples, right, _ = counts(n, c, 1)
    samples, right = np.broadcast_arrays(samples, right)
    if right.ndim != 1:
        raise UsageError(
            f"n and c must have one dimension, a number for each problem; got shape {right.shape}"
        )
    return samples, right
