"""Means against scipy, and against the same quantities computed from all items at once."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from fastscore.metrics import Score
from fastscore.statistics.means import MetricValue, pool, summarise


def scores(values: list[float]) -> list[Score]:
    return [Score(float(value)) for value in values]


@given(st.lists(st.integers(0, 1), min_size=2, max_size=400))
def test_a_binary_metric_has_scipys_stderr_and_wilson_interval(values: list[int]) -> None:
    got = summarise(scores(list(values)), binary=True)
    wilson = stats.binomtest(sum(values), len(values)).proportion_ci(0.95, method="wilson")
    assert got.value == pytest.approx(np.mean(values), abs=1e-15)
    assert got.stderr == pytest.approx(stats.sem(values), rel=1e-12, abs=1e-15)
    assert got.ci95 == pytest.approx((wilson.low, wilson.high), abs=1e-12)
    assert 0 <= got.ci95[0] <= got.value <= got.ci95[1] <= 1
    assert got.reason is None


@given(st.lists(st.floats(0, 1), min_size=2, max_size=100))
def test_another_metric_has_the_normal_interval(values: list[float]) -> None:
    got = summarise(scores(values), binary=False)
    half = stats.norm.ppf(0.975) * stats.sem(values)
    assert got.stderr == pytest.approx(stats.sem(values), rel=1e-9, abs=1e-15)
    assert got.ci95 == pytest.approx((np.mean(values) - half, np.mean(values) + half), abs=1e-12)


def test_the_normal_interval_is_not_clipped() -> None:
    assert summarise(scores([0.0, 1.0]), binary=False).ci95 == pytest.approx(
        (0.5 - 1.959964 * 0.5, 0.5 + 1.959964 * 0.5), abs=1e-6
    )


@pytest.mark.parametrize("value", [0, 1])
def test_all_alike_has_no_spread_but_an_interval(value: int) -> None:
    got = summarise(scores([value] * 10), binary=True)
    assert got.stderr == 0
    assert got.ci95[value] == value
    assert got.ci95[1] - got.ci95[0] == pytest.approx(0.2775, abs=1e-4)  # 3.8416 / 13.8416


def test_one_item_has_a_value_and_a_wilson_interval_but_no_stderr() -> None:
    got = summarise(scores([1]), binary=True)
    assert got.value == 1
    assert math.isnan(got.stderr)
    assert got.ci95 == pytest.approx((0.2065, 1), abs=1e-4)
    assert got.reason == "one item has no standard error; it takes at least 2"
    assert all(math.isnan(end) for end in summarise(scores([0.3]), binary=False).ci95)


def test_no_items_have_no_value() -> None:
    for got in (summarise([], binary=True), pool([], [], binary=True)):
        assert all(math.isnan(x) for x in (got.value, got.stderr, *got.ci95))
        assert got.reason == "there are no items"


def test_one_undefined_item_makes_the_mean_undefined_and_says_why() -> None:
    got = summarise([Score(1), Score(math.nan, "doc_id 4: why"), Score(0)], binary=True)
    assert all(math.isnan(x) for x in (got.value, got.stderr, *got.ci95))
    assert got.reason == "undefined for 1 of 3 items; doc_id 4: why"


binary_groups = st.lists(
    st.lists(st.integers(0, 1), min_size=2, max_size=60), min_size=1, max_size=8
)


@given(binary_groups)
def test_a_group_is_the_mean_over_all_its_items_with_the_variance_within_tasks(
    groups: list[list[int]],
) -> None:
    members = [summarise(scores(list(values)), binary=True) for values in groups]
    got = pool(members, [len(values) for values in groups], binary=True)
    together = [value for values in groups for value in values]
    n, k = len(together), len(groups)

    # The pooled variance, from the deviations themselves instead of the tasks' standard errors.
    within = sum(float(np.sum((np.array(v) - np.mean(v)) ** 2)) for v in groups)
    assert got.value == pytest.approx(np.mean(together), abs=1e-12)
    assert got.stderr == pytest.approx(math.sqrt(within / (n - k) / n), rel=1e-9, abs=1e-12)
    wilson = stats.binomtest(sum(together), n).proportion_ci(0.95, method="wilson")
    assert got.ci95 == pytest.approx((wilson.low, wilson.high), abs=1e-9)


def test_a_group_by_the_harness_s_formula_and_figures() -> None:
    members = [
        MetricValue(0.3, 0.05, (0, 1)),
        MetricValue(0.6, 0.02, (0, 1)),
        MetricValue(0.45, 0.04, (0, 1)),
    ]
    got = pool(members, [100, 50, 270], binary=False)
    assert got.value == pytest.approx((30 + 30 + 121.5) / 420, rel=1e-15)
    variance = (99 * 0.0025 * 100 + 49 * 0.0004 * 50 + 269 * 0.0016 * 270) / 417
    assert got.stderr == pytest.approx(math.sqrt(variance / 420), rel=1e-15)
    # What lm_eval.api.metrics.pooled_sample_stderr of 0.4.13 returns for these.
    assert got.stderr == pytest.approx(0.028467981048158633, rel=1e-12)
    assert got.ci95 == pytest.approx(
        (got.value - 1.959964 * got.stderr, got.value + 1.959964 * got.stderr), abs=1e-8
    )


def test_a_group_of_one_task_is_that_task() -> None:
    member = summarise(scores([1, 0, 0, 1, 1]), binary=True)
    assert pool([member], [5], binary=True).stderr == pytest.approx(member.stderr)
    assert pool([member], [5], binary=True).ci95 == pytest.approx(member.ci95)


def test_a_group_with_a_task_of_one_item_has_no_stderr_but_value_and_interval() -> None:
    members = [summarise(scores([1]), binary=True), summarise(scores([0, 1]), binary=True)]
    got = pool(members, [1, 2], binary=True)
    assert got.value == pytest.approx(2 / 3)
    assert math.isnan(got.stderr)
    assert got.reason == "one of its tasks has no standard error"
    assert 0 < got.ci95[0] < got.value < got.ci95[1] <= 1


def test_a_group_with_an_undefined_task_is_undefined() -> None:
    members = [summarise([Score(math.nan, "doc_id 4: why")], binary=True)] * 2
    got = pool(members, [1, 1], binary=True)
    assert math.isnan(got.value)
    assert got.reason == "undefined for one of its tasks: undefined for 1 of 1 items; doc_id 4: why"


def test_sizes_must_match() -> None:
    with pytest.raises(ValueError, match="1 members, but 2 sizes"):
        pool([summarise(scores([1, 0]), binary=True)], [2, 3], binary=True)
