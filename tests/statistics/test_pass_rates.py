"""pass@k over problems: value, error and interval from what is tested below them, and reasons."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from fastscore import UsageError, bootstrap_mean, pass_at_k
from fastscore.statistics.pass_rates import PassRate, pass_rate, pass_rates

problems = st.lists(
    st.integers(1, 20).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n))),
    min_size=2,
    max_size=40,
)


def is_nan(rate: PassRate) -> bool:
    return all(math.isnan(x) for x in (rate.value.value, rate.value.stderr, *rate.value.ci95))


@settings(deadline=None)
@given(problems, st.integers(1, 22))
def test_a_rate_is_the_mean_over_problems(of: list[tuple[int, int]], k: int) -> None:
    n, c = map(list, zip(*of, strict=True))
    got = pass_rate(n, c, k)
    estimates = [pass_at_k(n_i, c_i, k) for n_i, c_i in of]
    np.testing.assert_array_equal(got.by_problem, estimates)
    assert got.n_undefined == sum(n_i < k for n_i in n)
    if got.n_undefined:
        assert is_nan(got)
        assert got.value.reason == (
            f"{got.n_undefined} of {len(of)} problems have fewer than {k} samples"
        )
        return
    assert got.value.value == math.fsum(estimates) / len(of)
    assert got.value.stderr == pytest.approx(stats.sem(estimates), rel=1e-9, abs=1e-15)
    if all(n_i == k for n_i in n):
        wilson = stats.binomtest(sum(map(int, estimates)), len(of)).proportion_ci(method="wilson")
        assert got.method == "wilson"
        assert got.value.ci95 == pytest.approx((wilson.low, wilson.high), abs=1e-12)
    else:
        assert got.method == "bootstrap"
        if len(set(estimates)) > 1:
            assert got.value.reason is None
            assert got.value.ci95 == bootstrap_mean(estimates).interval


def test_every_k_and_the_shares_of_problems_with_none_and_all_right() -> None:
    got = pass_rates([10, 10, 5, 10, 0], [0, 10, 5, 3, 0], [1, 5])
    assert (got.n_problems, got.none_right, got.all_right) == (5, 0.2, 0.4)
    assert list(got.by_k) == [1, 5]
    assert got.by_k[5].n_undefined == 1  # a problem without samples is neither, and has no rate
    assert pass_rates(10, [0, 10, 3], [1, 5]).by_k[5] == pass_rate([10] * 3, [0, 10, 3], 5)


def test_none_right_at_all_has_no_bootstrap_but_wilsons_interval_where_that_is_right() -> None:
    several = pass_rate(10, [0] * 20, 5)
    assert several.value.value == several.value.stderr == 0
    assert all(math.isnan(end) for end in several.value.ci95)
    assert several.value.reason == (
        "all problems have the same value, so resampling them gives no interval"
    )
    greedy = pass_rate(1, [0] * 20, 1)
    assert greedy.method == "wilson"
    assert greedy.value.ci95 == pytest.approx((0, 0.1611), abs=1e-4)


def test_one_problem_has_a_value_but_no_error() -> None:
    got = pass_rate(4, [1], 2)
    assert got.value.value == 0.5
    assert math.isnan(got.value.stderr)
    assert all(math.isnan(end) for end in got.value.ci95)
    assert got.value.reason == "one problem has no standard error; it takes at least 2"


def test_no_problems_have_no_rate() -> None:
    got = pass_rates(4, [], [1])
    assert got.n_problems == 0
    assert math.isnan(got.none_right)
    assert math.isnan(got.all_right)
    assert is_nan(got.by_k[1])
    assert got.by_k[1].value.reason == "there are no problems"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((5, [1, 6], [1]), "c[1] is 6, but n there is 5"),
        ((5, [1, 2], [1, 0]), "k is 0, but must be from 1"),
        ((5, 1, [1]), "n and c must have one dimension"),
        ((5, [[1]], [1]), "n and c must have one dimension"),
        (([5, 5], [1, 1, 1], [1]), "n and c have shapes that do not broadcast"),
    ],
)
def test_what_cannot_be_is_refused(arguments: Any, message: str) -> None:
    with pytest.raises(UsageError) as error:
        pass_rates(*arguments)
    assert str(error.value).startswith(message)
