"""Paired statistics against scipy, statsmodels, published values and slow obvious twins."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import optimize, stats
from statsmodels.stats.contingency_tables import mcnemar as sm_mcnemar
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.weightstats import DescrStatsW, ttost_paired

from fastscore.statistics.means import Z95
from fastscore.statistics.multiplicity import holm
from fastscore.statistics.paired import (
    NO_SPREAD,
    ONE_ITEM,
    Paired,
    compare_paired,
    mcnemar,
    mean_change,
)
from fastscore.statistics.tango import score_interval, score_z

Vector = npt.NDArray[np.float64]

TIGHT: dict[str, Any] = {"rel": 1e-9, "abs": 1e-9}


@st.composite
def changes(draw: st.DrawFn) -> tuple[int, int, int]:
    """Counts of gained and lost items, and of all."""
    gained = draw(st.integers(0, 60))
    lost = draw(st.integers(0, 60))
    return gained, lost, draw(st.integers(max(1, gained + lost), 2000))


def binary_scores(gained: int, lost: int, n: int, seed: int = 0) -> tuple[Vector, Vector]:
    """Scores of 0 and 1 with so many changes, in any order."""
    same = (np.arange(n - gained - lost) % 3 == 0).astype(float)
    base = np.concatenate([np.zeros(gained), np.ones(lost), same])
    candidate = np.concatenate([np.ones(gained), np.zeros(lost), same])
    order = np.random.default_rng(seed).permutation(n)
    return base[order], candidate[order]


def like_mc2(n: int, seed: int) -> tuple[Vector, Vector]:
    """Shares of probability of a model and of one a little worse."""
    rng = np.random.default_rng(seed)
    base = rng.beta(2, 2, n)
    return base, np.clip(base + rng.normal(-0.01, 0.05, n), 0, 1)


@given(changes())
@settings(max_examples=60, deadline=None)
def test_binary_scores_have_mcnemar_s_exact_test(counts: tuple[int, int, int]) -> None:
    gained, lost, n = counts
    base, candidate = binary_scores(*counts)
    paired = compare_paired(base, candidate, 0.02)
    both = int((base * candidate).sum())
    table = [[both, lost], [gained, n - both - gained - lost]]
    assert paired.p_value == pytest.approx(float(sm_mcnemar(table, exact=True).pvalue), **TIGHT)
    assert (paired.n, paired.n_gained, paired.n_lost, paired.binary) == (n, gained, lost, True)
    assert paired.difference == pytest.approx(float((candidate - base).mean()), **TIGHT)
    if gained + lost:
        exact = stats.binomtest(gained, gained + lost).pvalue
        assert paired.p_value == pytest.approx(exact, **TIGHT)
    if n > 1:
        assert paired.stderr == pytest.approx(float(stats.sem(candidate - base)), **TIGHT)


def test_mcnemar_s_tail_is_summed_without_loss() -> None:
    def twin(gained: int, lost: int) -> float:
        n = gained + lost
        tail = sum(math.comb(n, i) for i in range(min(gained, lost) + 1))
        return float(min(Fraction(1), Fraction(2 * tail, 2**n)))

    for gained, lost in ((0, 1), (1, 0), (5, 5), (5, 6), (0, 40), (12, 300), (900, 1100)):
        assert mcnemar(gained, lost) == pytest.approx(twin(gained, lost), rel=1e-11)
    assert mcnemar(0, 0) == 1


def score_twin(gained: int, lost: int, n: int, d: float) -> float:
    """Tango's statistic, with the likelihood maximised by search and not by formula."""

    def loss(q: float) -> float:  # q: share lost; q + d gained; the rest unchanged
        shares = ((q + d, gained), (q, lost), (1 - 2 * q - d, n - gained - lost))
        return -sum(count * math.log(share) for share, count in shares if count)

    low, high = max(0.0, -d), (1 - d) / 2
    edge = 1e-13
    found = optimize.minimize_scalar(
        loss, bounds=(low + edge, high - edge), method="bounded", options={"xatol": 1e-13}
    )
    q = min((found.x, low + edge, high - edge), key=loss)
    return (gained - lost - n * d) / math.sqrt(n * (2 * q + d - d * d))


@pytest.mark.parametrize("counts", [(1, 7, 21), (40, 20, 160), (0, 3, 50), (3, 0, 50), (9, 9, 18)])
@pytest.mark.parametrize("d", [-0.6, -0.1, -0.003, 0.0, 0.02, 0.5])
def test_the_score_statistic_is_at_the_likeliest_shares(
    counts: tuple[int, int, int], d: float
) -> None:
    if d == 0 and counts[0] + counts[1] == 0:
        return
    assert score_z(*counts, d) == pytest.approx(score_twin(*counts, d), rel=2e-5, abs=1e-6)


def test_the_score_interval_has_published_values() -> None:
    # Fagerland, Lydersen and Laake 2014: airway hyper-responsiveness, complete response.
    assert score_interval(1, 7, 21) == pytest.approx((-0.517, -0.026), abs=5e-4)
    assert score_interval(6, 16, 161) == pytest.approx((-0.124, -0.00543), abs=5e-4)


@given(changes())
@settings(max_examples=60, deadline=None)
def test_the_score_interval_is_what_the_score_test_does_not_reject(
    counts: tuple[int, int, int],
) -> None:
    gained, lost, n = counts
    low, high = score_interval(*counts)
    observed = (gained - lost) / n
    assert -1 <= low <= observed <= high <= 1
    edge = 1e-14
    if observed > -1:
        root = optimize.brentq(
            lambda d: score_z(*counts, d) - Z95, -1 + edge, observed - edge, xtol=1e-14
        )
        assert low == pytest.approx(root, **TIGHT)
    if observed < 1:
        root = optimize.brentq(
            lambda d: score_z(*counts, d) + Z95, observed + edge, 1 - edge, xtol=1e-14
        )
        assert high == pytest.approx(root, **TIGHT)
    mirrored = score_interval(lost, gained, n)
    assert mirrored == pytest.approx((-high, -low), abs=1e-12)


def test_the_score_interval_covers_where_the_normal_one_does_not() -> None:
    """200 items of which 1 % are lost and none gained: many a sample has a spread of 0."""
    n, share = 200, 0.01
    lost = np.arange(30)
    chance = stats.binom.pmf(lost, n, share)
    covered = normal = 0.0
    for k, p in zip(lost.tolist(), chance.tolist(), strict=True):
        low, high = score_interval(0, k, n)
        covered += p * (low <= -share <= high)
        paired = compare_paired(*binary_scores(0, k, n), 0.05)
        half = Z95 * paired.stderr
        normal += p * (abs(paired.difference + share) <= half)
    assert covered > 0.95 > 0.9 > normal


@given(changes(), st.floats(0.001, 0.3))
@settings(max_examples=60, deadline=None)
def test_equivalence_holds_where_the_90_percent_interval_is_within_the_margin(
    counts: tuple[int, int, int], margin: float
) -> None:
    paired = compare_paired(*binary_scores(*counts), margin)
    low, high = score_interval(*counts, float(stats.norm.ppf(0.95)))
    assume(min(abs(low + margin), abs(high - margin)) > 1e-9)
    assert (paired.equivalence_p < 0.05) == (-margin < low and high < margin)
    tails = stats.norm.sf(score_z(*counts, -margin)), stats.norm.cdf(score_z(*counts, margin))
    assert paired.equivalence_p == pytest.approx(float(max(tails)), **TIGHT)


def test_agreement_on_few_items_is_no_equivalence() -> None:
    """As many items without a change as exclude one lost in 100 take about 300."""
    for n, shown in ((1, False), (50, False), (250, False), (300, True), (5000, True)):
        paired = compare_paired(*binary_scores(0, 0, n), 0.01)
        assert (paired.equivalence_p < 0.05) is shown
        assert paired.p_value == 1
        assert paired.ci95[0] < 0 < paired.ci95[1]


@pytest.mark.parametrize(("n", "seed"), [(2, 0), (3, 1), (17, 2), (817, 3), (5000, 4)])
def test_other_scores_have_student_s(n: int, seed: int) -> None:
    base, candidate = like_mc2(n, seed)
    paired = compare_paired(base, candidate, 0.01)
    check_student(paired, base, candidate, 0.01)


@given(
    st.lists(
        st.tuples(st.floats(0, 1, width=32), st.floats(0, 1, width=32)), min_size=2, max_size=40
    ),
    st.floats(0.001, 0.5),
)
@settings(max_examples=80, deadline=None)
def test_whatever_the_scores_student_s_are_scipy_s(
    pairs: list[tuple[float, float]], margin: float
) -> None:
    base, candidate = np.array(pairs).T
    spread = np.ptp(candidate - base)
    assume(spread > 1e-6)
    paired = compare_paired(base, candidate, margin)
    assume(not paired.binary)
    check_student(paired, base, candidate, margin)


def check_student(paired: Paired, base: Vector, candidate: Vector, margin: float) -> None:
    test = stats.ttest_rel(candidate, base)
    interval = test.confidence_interval(0.95)
    assert not paired.binary
    assert paired.p_value == pytest.approx(float(test.pvalue), **TIGHT)
    assert paired.ci95 == pytest.approx((float(interval.low), float(interval.high)), **TIGHT)
    assert paired.stderr == pytest.approx(float(stats.sem(candidate - base)), **TIGHT)
    assert paired.difference == pytest.approx(float(np.mean(candidate - base)), **TIGHT)
    both = ttost_paired(candidate, base, -margin, margin)
    assert paired.equivalence_p == pytest.approx(float(both[0]), **TIGHT)
    assert paired.n_gained == int((candidate > base).sum())
    assert paired.n_lost == int((candidate < base).sum())
    described = DescrStatsW(candidate - base)
    value = mean_change(candidate - base)
    assert value.ci95 == pytest.approx(described.tconfint_mean(), **TIGHT)
    assert value.stderr == pytest.approx(float(described.std_mean), **TIGHT)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
@settings(max_examples=12, deadline=None)  # statsmodels takes 0.1 s for each
def test_holm_s_adjustment_is_that_of_statsmodels(p_values: list[float]) -> None:
    expected = multipletests(p_values, method="holm")[1]
    assert holm(p_values) == pytest.approx(expected.tolist(), **TIGHT)


def test_a_test_that_could_not_be_made_is_not_counted() -> None:
    adjusted = holm([0.02, math.nan, 0.01])
    assert adjusted[0] == pytest.approx(0.02)
    assert adjusted[2] == pytest.approx(0.02)
    assert math.isnan(adjusted[1])
    assert holm([]) == []


def test_one_item_has_no_standard_error() -> None:
    binary = compare_paired(np.array([0.0]), np.array([1.0]), 0.01)
    assert math.isnan(binary.stderr)
    assert binary.reason == ONE_ITEM
    assert binary.p_value == 1  # one change in one item is no evidence
    assert binary.ci95[1] == 1
    other = compare_paired(np.array([0.2]), np.array([0.6]), 0.01)
    assert other.difference == pytest.approx(0.4)
    assert all(map(math.isnan, (other.stderr, *other.ci95, other.p_value, other.equivalence_p)))
    assert other.reason == ONE_ITEM


@pytest.mark.parametrize("n", [2, 30])
def test_equal_changes_have_no_spread_to_judge_by(n: int) -> None:
    base = np.linspace(0.1, 0.7, n)
    same = compare_paired(base, base.copy(), 0.01)
    assert (same.difference, same.p_value, same.reason) == (0.0, 1.0, NO_SPREAD)
    assert math.isnan(same.equivalence_p)
    assert math.isnan(same.ci95[0])
    shifted = compare_paired(base, base + 0.2, 0.01)  # equal but for rounding
    assert shifted.difference == pytest.approx(0.2)
    assert (shifted.stderr, shifted.reason) == (0.0, NO_SPREAD)
    assert all(map(math.isnan, (shifted.p_value, shifted.equivalence_p, *shifted.ci95)))
    assert mean_change(np.full(n, 0.25)).reason == NO_SPREAD


def test_no_items_are_no_difference() -> None:
    nothing = compare_paired(np.array([]), np.array([]), 0.01)
    assert math.isnan(nothing.difference)
    assert nothing.reason == "there are no items"
    assert mean_change(np.array([])).reason == "there are no items"
