"""Confidence sequences: the definition, what they promise, and what they are worth."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sequence_twin import refuted

from fastscore import UsageError, _core, confidence_sequence
from fastscore.statistics.sequential import bets, items_foreseen

Values = npt.NDArray[np.float64]


def shuffled(values: npt.ArrayLike, seed: int) -> Values:
    return np.random.default_rng(seed).permutation(np.asarray(values, dtype=np.float64))


def shares(n: int, share: float) -> Values:
    values = np.zeros(n)
    values[: round(n * share)] = 1
    return values


def miss_rate(population: Values, alpha: float, half_width: float | None, n: int = 2000) -> float:
    """Share of random orders in which the sequence excludes the true mean at any time."""
    staked = bets(population.size, alpha, half_width)
    mean = math.fsum(population) / population.size
    missed = sum(
        _core.first_exclusion(shuffled(population, seed), population.size, alpha, staked, mean) > 0
        for seed in range(n)
    )
    return missed / n


def clt_miss_rate(population: Values, n: int = 2000) -> float:
    """The same of the usual interval for a fixed number of items, looked at again and again."""
    size = population.size
    counts = np.arange(1, size + 1)
    missed = 0
    for seed in range(n):
        values = shuffled(population, seed)
        means = np.cumsum(values) / counts
        squares = np.maximum(np.cumsum(values**2) / counts - means**2, 0)
        errors = np.sqrt(squares / counts * (1 - counts / size))
        outside = np.abs(means - population.mean()) > 1.96 * errors
        missed += bool(outside[29:-1].any())
    return missed / n


POPULATIONS = {
    "even": shares(300, 0.5),
    "rare": shares(400, 0.03),
    "graded": np.random.default_rng(7).beta(0.4, 0.8, 250),
    "differences": np.repeat([0.0, 0.5, 1.0], [25, 250, 20]),
    "tiny": shares(12, 0.4),
}


@pytest.mark.parametrize("half_width", [0.05, None])
@pytest.mark.parametrize("name", POPULATIONS)
def test_the_true_mean_is_inside_at_every_look(name: str, half_width: float | None) -> None:
    assert miss_rate(POPULATIONS[name], 0.05, half_width) <= 0.05


def test_the_simulation_finds_out_an_interval_for_a_fixed_number() -> None:
    assert clt_miss_rate(POPULATIONS["even"]) > 0.15


def test_the_simulation_finds_out_a_sequence_that_promises_too_much() -> None:
    # A capital of 2 / 0.4 instead of 2 / 0.05: the promise of 0.05 is then broken, as it must be.
    staked = bets(300, 0.05, 0.05)
    values = POPULATIONS["even"]
    missed = sum(
        _core.first_exclusion(shuffled(values, seed), 300, 0.4, staked, 0.5) > 0
        for seed in range(500)
    )
    assert missed / 500 > 0.1


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.sampled_from([0.0, 0.25, 1.0]), min_size=1, max_size=30),
    st.integers(0, 40),
    st.sampled_from([0.01, 0.05, 0.3]),
    st.sampled_from([0.02, 0.2, None]),
)
def test_the_ends_are_where_the_definition_changes_its_mind(
    values: list[float], left: int, alpha: float, half_width: float | None
) -> None:
    n_total = len(values) + left
    staked = [tuple(row) for row in bets(n_total, alpha, half_width).tolist()]
    low, high = confidence_sequence(values, n_total, alpha, half_width=half_width).interval
    assert -1e-12 <= low <= high <= 1 + 1e-12
    if left == 0:
        assert low == high == pytest.approx(np.mean(values), abs=1e-15)
        return
    for inside in (low + 1e-6, high - 1e-6):
        if low < inside < high:
            assert not refuted(values, n_total, alpha, staked, inside)
    for outside in (low - 1e-6, high + 1e-6):
        if sum(values) / n_total < outside < (sum(values) + left) / n_total:
            assert refuted(values, n_total, alpha, staked, outside)


def test_looks_are_those_of_shorter_calls_and_intervals_only_shrink() -> None:
    values = shuffled(shares(500, 0.3), 5)
    looks = [1, 17, 100, 250, 499, 500]
    all_at_once = confidence_sequence(values, 500, looks=looks)
    for i, n in enumerate(looks):
        alone = confidence_sequence(values[:n], 500).interval
        assert alone == pytest.approx((all_at_once.low[i], all_at_once.high[i]), abs=2e-9)
    assert (np.diff(all_at_once.low) >= -1e-9).all()
    assert (np.diff(all_at_once.high) <= 1e-9).all()
    assert all_at_once.interval == (0.3, 0.3)


def test_intervals_move_and_stretch_with_the_bounds() -> None:
    values = shuffled(shares(200, 0.4), 1)[:80]
    plain = confidence_sequence(values, 200, half_width=0.1)
    wide = confidence_sequence(4 * values - 3, 200, bounds=(-3, 1), half_width=0.4)
    assert wide.interval == pytest.approx([4 * end - 3 for end in plain.interval], abs=1e-12)
    assert wide.half_width == pytest.approx(4 * plain.half_width)


def test_what_the_values_leave_possible_is_never_exceeded() -> None:
    nearly = confidence_sequence([1.0] * 99, 100)
    assert 0.99 - 1e-9 <= nearly.low[-1] <= nearly.high[-1] <= 1


def test_a_benchmark_of_10000_items_is_known_to_2_5_points_after_a_fifth() -> None:
    population = shares(10_042, 0.43)
    looks = np.arange(1_000, 3_001, 50)
    needed = []
    for seed in range(8):
        found = confidence_sequence(
            shuffled(population, seed)[:3_000], 10_042, looks=looks.tolist(), half_width=0.025
        )
        needed.append(int(looks[np.argmax(found.high - found.low <= 0.05)]))
    assert np.mean(needed) < 0.22 * 10_042
    assert max(needed) < 0.25 * 10_042
    foreseen = items_foreseen(0.025, 0.43 * 0.57, 10_042, 0.05)
    assert 0.75 * foreseen < np.mean(needed) < foreseen


def test_stakes_without_a_half_width_are_good_at_all_times() -> None:
    values = shuffled(shares(4_000, 0.5), 3)
    for n in (60, 250, 1_000, 3_000):
        anyway = confidence_sequence(values[:n], 4_000).half_width
        # The width to be had at n, if one knew beforehand that n is the moment.
        foreseen = math.sqrt(math.log(2 / 0.05) / 2 * (1 / n - 1 / 4_000))
        best = confidence_sequence(values[:n], 4_000, half_width=foreseen).half_width
        assert best < anyway < 1.35 * best


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([], 10), "there are 0 values"),
        (([0.5] * 11, 10), "11 values of n_total = 10"),
        (([0.5, 1.5], 10), r"values\[1\] is 1.5, outside of the bounds 0 to 1"),
        (([0.5, math.nan], 10), r"values\[1\] is nan"),
        (([0.5], 0), "n_total must be a whole number"),
        (([0.5], 10, 1.5), "alpha must lie between 0 and 1"),
    ],
)
def test_what_is_no_sample_is_refused(arguments: tuple[object, ...], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        confidence_sequence(*arguments)  # type: ignore[arg-type]


@pytest.mark.parametrize("looks", [[], [0, 1], [2, 2], [1, 4]])
def test_looks_must_rise_within_the_values(looks: list[int]) -> None:
    with pytest.raises(UsageError, match="looks must rise from 1 to 3"):
        confidence_sequence([0.1, 0.2, 0.3], 10, looks=looks)


def test_bounds_and_widths_must_be_some() -> None:
    with pytest.raises(UsageError, match="bounds are"):
        confidence_sequence([0.5], 10, bounds=(1, 0))
    with pytest.raises(UsageError, match="half_width"):
        confidence_sequence([0.5], 10, half_width=0)
