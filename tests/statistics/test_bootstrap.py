"""The bootstrap against its twin in Python, to the last bit, and against what theory says."""

from __future__ import annotations

import math
from typing import Any

import bootstrap_twin as twin
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from fastscore import Bootstrap, UsageError, _core, bootstrap_mean, standard_error
from fastscore.statistics.bootstrap import _middle

KERNELS = [*_core.index_kernels(), "auto"]
# Around the lanes, the blocks of 64 draws and the change to longer fields.
SIZES = [1, 2, 7, 8, 9, 63, 64, 65, 127, 128, 129, 164, 974, 3641, 4095, 4096, 4097, 5000]


def values_of(n: int) -> npt.NDArray[np.float64]:
    return np.random.default_rng(n).normal(size=n)


def assert_equals_twin(values: npt.NDArray[np.float64], seed: int, first: int, count: int) -> None:
    expected = twin.means(values.tolist(), seed, first, count)
    for kernel in KERNELS:
        for n_threads in (1, 3):
            pool = _core.ThreadPool(n_threads)
            got = _core.bootstrap_means(values, seed, first, count, pool, kernel)
            np.testing.assert_array_equal(got, expected)


@pytest.mark.parametrize("n", SIZES)
def test_the_core_draws_what_the_twin_draws(n: int) -> None:
    assert_equals_twin(values_of(n), seed=1234, first=0, count=3 if n > 200 else 20)


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=200),
    st.integers(0, 2**64 - 1),
    st.integers(0, 2**32 - 3),
)
def test_any_values_seeds_and_replicates(values: list[float], seed: int, first: int) -> None:
    assert_equals_twin(np.array(values), seed, first, count=3)


@pytest.mark.parametrize("n", [2, 3, 164, 5000])
@pytest.mark.parametrize("confidence", [0.95, 0.5])
def test_the_summary_is_that_of_the_twins_means(n: int, confidence: float) -> None:
    values, seed, n_resamples = values_of(n), 2**64 - 1, 25
    means = np.array(twin.means(values.tolist(), seed, 0, n_resamples))
    low, high = np.quantile(means, [(1 - confidence) / 2, 1 - (1 - confidence) / 2])
    for n_threads in (None, 1, 4):
        got = bootstrap_mean(values, n_resamples, seed, confidence, n_threads=n_threads)
        assert got.mean == math.fsum(values) / n
        assert got.stderr == means.std(ddof=1)
        assert got.interval == pytest.approx((low, high), rel=1e-13)
        assert got.confidence == confidence


def test_a_bootstrap_in_several_calls_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    values = values_of(100)
    whole = bootstrap_mean(values, 1000)
    monkeypatch.setattr("fastscore.statistics.bootstrap._DRAWS_A_CALL", 3333)
    assert bootstrap_mean(values, 1000) == whole


def test_seeds_differ_and_the_default_is_1234() -> None:
    values = values_of(50)
    assert bootstrap_mean(values) == bootstrap_mean(values, 10_000, 1234, 0.95)
    assert bootstrap_mean(values, seed=1) != bootstrap_mean(values, seed=2)


@pytest.mark.parametrize("n", [20, 164, 5000])
def test_the_error_is_that_of_a_mean_of_draws(n: int) -> None:
    """Of all resamples the standard deviation is sigma / sqrt(n); of 20,000 within 2.5 %."""
    values = values_of(n) ** 2
    got = bootstrap_mean(values, 20_000)
    assert got.stderr == pytest.approx(values.std() / math.sqrt(n), rel=0.025)
    if n >= 164:
        low, high = stats.norm.interval(0.95, values.mean(), got.stderr)
        assert got.interval == pytest.approx((low, high), abs=0.35 * got.stderr)


def test_the_interval_is_scipys() -> None:
    values = values_of(60)
    got = bootstrap_mean(values, 40_000)
    theirs = stats.bootstrap(
        (values,), np.mean, n_resamples=40_000, method="percentile", rng=np.random.default_rng(0)
    )
    interval = theirs.confidence_interval
    assert got.interval == pytest.approx((interval.low, interval.high), abs=0.06 * got.stderr)
    assert got.stderr == pytest.approx(theirs.standard_error, rel=0.02)


def test_values_all_alike_have_an_interval_without_width() -> None:
    got = bootstrap_mean([0.25] * 30)
    assert got == Bootstrap(0.25, 0.0, (0.25, 0.25), 0.95)


def test_one_value_says_nothing_of_its_spread() -> None:
    got = bootstrap_mean([0.3])
    assert got.mean == 0.3
    assert all(math.isnan(x) for x in (got.stderr, *got.interval))


@given(st.lists(st.floats(-1e3, 1e3), min_size=2, max_size=50))
def test_the_standard_error_is_scipys(values: list[float]) -> None:
    assert standard_error(values) == pytest.approx(stats.sem(values), rel=1e-9, abs=1e-12)
    assert _core.mean_and_error(np.array(values))[0] == pytest.approx(
        math.fsum(values) / len(values), rel=1e-15, abs=1e-300
    )


def test_fewer_than_two_values_have_no_standard_error() -> None:
    assert math.isnan(standard_error([]))
    assert math.isnan(standard_error([1]))
    assert standard_error([True, False]) == 0.5


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"values": []}, "values is empty"),
        ({"values": [0, math.nan, 1]}, "values[1] is nan"),
        ({"values": [0, 1, -math.inf]}, "values[2] is -inf"),
        ({"values": [[0, 1]]}, "values must have one dimension"),
        ({"values": 3}, "values must have one dimension"),
        ({"values": ["a"]}, "values must be real numbers"),
        ({"values": [1j]}, "values must be real numbers"),
        ({"values": [None]}, "values must be real numbers"),
        ({"values": [[1], [1, 2]]}, "values must be real numbers"),
        ({"n_resamples": 1}, "n_resamples must be a whole number from 2 to 10,000,000, got 1"),
        ({"n_resamples": 10**8}, "n_resamples must be a whole number from 2"),
        ({"n_resamples": 2.5}, "n_resamples must be a whole number from 2"),
        ({"seed": -1}, "seed must be a whole number from 0 to 18,446,744,073,709,551,615, got -1"),
        ({"seed": 2**64}, "seed must be a whole number from 0"),
        ({"confidence": 0}, "confidence must lie between 0 and 1"),
        ({"confidence": 95}, "confidence must lie between 0 and 1"),
        ({"confidence": math.nan}, "confidence must lie between 0 and 1"),
        ({"confidence": "95%"}, "confidence must lie between 0 and 1"),
        ({"n_threads": 0}, "n_threads must be a whole number from 1 to 1,024, got 0"),
    ],
)
def test_what_cannot_be_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError) as error:
        bootstrap_mean(**{"values": [0.0, 1.0], **options})
    assert str(error.value).startswith(message)


def test_the_core_checks_for_itself() -> None:
    pool = _core.ThreadPool(1)
    for values, first, kernel, message in [
        ([], 0, "auto", "takes from 1 to"),
        ([0, math.nan], 0, "auto", "value 1 is nan"),
        ([0, 1], 2**32 - 1, "auto", "replicates are numbered below"),
        ([0, 1], 0, "avx1024", "no index kernel 'avx1024'"),
    ]:
        with pytest.raises(ValueError, match=message):
            _core.bootstrap_means(np.array(values, float), 1, first, 2, pool, kernel)


@given(st.lists(st.floats(-1, 1), min_size=2, max_size=30), st.floats(0.001, 0.999))
def test_the_ends_are_numpys_quantiles(means: list[float], confidence: float) -> None:
    got = _middle(np.array(means), confidence)
    expected = np.quantile(means, [(1 - confidence) / 2, (1 + confidence) / 2])
    assert got == pytest.approx(expected, rel=1e-12, abs=1e-14)
