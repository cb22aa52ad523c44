"""Every kernel that compares two rows against the float64 oracle, refusals included."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from row_pairs_oracle import compare_rows as oracle

from fastscore import _core

KERNELS = [*_core.kernels(), "auto"]
VOCABULARIES = [1, 2, 7, 8, 15, 16, 17, 31, 32, 33, 63, 64, 65, 130]

ORDINARY = st.floats(-60, 60, width=32)
MASKED = st.just(-np.inf)
EXTREME = st.floats(-(2.0**122), 2.0**122, width=32)
NOT_FINITE = st.sampled_from([np.nan, np.inf, -np.inf])

Rows = npt.NDArray[np.float32]
Arguments = tuple[Rows, Rows, npt.NDArray[np.int64], npt.NDArray[np.int32]]


@st.composite
def arguments(draw: st.DrawFn, elements: st.SearchStrategy[float]) -> Arguments:
    shape = (draw(st.integers(0, 3)), draw(st.sampled_from(VOCABULARIES)))
    base = draw(hnp.arrays(np.float32, shape, elements=elements))
    candidate = draw(hnp.arrays(np.float32, shape, elements=elements))
    targets = draw(hnp.arrays(np.int32, shape[0], elements=st.integers(0, shape[1] - 1)))
    return base, candidate, np.arange(shape[0] + 1, dtype=np.int64), targets


def near(n_rows: int, n_vocab: int, distance: float, spread: float = 4.0) -> Arguments:
    """Logits as models have them, and a candidate whose logits differ by about ``distance``."""
    random = np.random.default_rng([n_rows, n_vocab, round(1 / distance)])
    base = (random.standard_normal((n_rows, n_vocab)) * spread).astype(np.float32)
    noise = random.standard_normal((n_rows, n_vocab)) * distance
    candidate = (base + noise + random.uniform(-5, 5, (n_rows, 1))).astype(np.float32)
    targets = random.integers(0, n_vocab, n_rows).astype(np.int32)
    return base, candidate, np.arange(n_rows + 1, dtype=np.int64), targets


def outcome(function: Any, *args: Any, **options: Any) -> Any:
    """What the function returns, or the type and message of its error."""
    try:
        return function(*args, **options)
    except ValueError as error:
        return type(error), str(error)


def assert_near(kl: npt.NDArray[np.float64], expected: npt.NDArray[np.float64]) -> None:
    """Within the error that the kernel promises; the oracle itself has 1e-15."""
    assert (kl >= 0).all()
    np.testing.assert_array_equal(np.isinf(kl), np.isinf(expected))
    finite = np.isfinite(expected)
    exact = np.maximum(expected[finite], 0)
    error = np.abs(kl[finite] - exact)
    assert (error <= 5e-6 * np.sqrt(exact) + 2e-5 * exact + 1e-15).all(), (kl, expected)


def assert_kernels_agree_with_oracle(args: Arguments) -> None:
    expected = outcome(oracle, *args)
    for kernel in KERNELS:
        got = outcome(_core.compare_rows, *args, n_threads=2, kernel=kernel)
        if isinstance(expected[0], type) or isinstance(got[0], type):
            # The oracle does not say whose row it is.
            assert got[0] == expected[0], (got, expected)
            assert "is no distribution" in got[1]
            assert "is no distribution" in expected[1]
            continue
        assert_near(got[0], expected[0])
        for i in (1, 2):
            np.testing.assert_allclose(got[i], expected[i], rtol=1e-15, atol=1e-6)
        np.testing.assert_array_equal(got[3], expected[3])


@given(arguments(ORDINARY))
def test_ordinary_logits(args: Arguments) -> None:
    assert_kernels_agree_with_oracle(args)


@given(arguments(ORDINARY | MASKED))
def test_masked_entries(args: Arguments) -> None:
    assert_kernels_agree_with_oracle(args)


@given(arguments(EXTREME | ORDINARY | MASKED))
def test_any_magnitude(args: Arguments) -> None:
    assert_kernels_agree_with_oracle(args)


@given(arguments(ORDINARY | NOT_FINITE))
def test_rows_that_are_no_distribution(args: Arguments) -> None:
    assert_kernels_agree_with_oracle(args)


@pytest.mark.parametrize("n_vocab", [33, 2049, 49152, 262144])
@pytest.mark.parametrize("distance", [1e-5, 1e-3, 0.1, 1.0, 10.0])
def test_near_and_far_rows_of_a_vocabulary(n_vocab: int, distance: float) -> None:
    args = near(2, n_vocab, distance)
    expected = oracle(*args)
    for kernel in KERNELS:
        assert_near(_core.compare_rows(*args, kernel=kernel)[0], expected[0])


def test_small_divergences_keep_their_digits() -> None:
    """Subtracting two entropies in float would leave nothing of 1e-9."""
    args = near(4, 49152, 3e-5)
    expected = oracle(*args)[0]
    assert (expected < 2e-9).all()
    for kernel in KERNELS:
        kl = _core.compare_rows(*args, kernel=kernel)[0]
        np.testing.assert_allclose(kl, expected, rtol=0.05)


def test_equal_rows_are_at_distance_zero() -> None:
    base, _, offsets, targets = near(5, 3001, 1.0)
    base[:, ::7] = -np.inf
    for kernel in KERNELS:
        kl, p, q, same = _core.compare_rows(base, base, offsets, targets, kernel=kernel)
        assert kl.tolist() == [0.0] * 5
        assert p.tobytes() == q.tobytes()
        assert same.tolist() == [1] * 5


def test_a_constant_added_to_a_row_changes_nothing() -> None:
    base = np.arange(64, dtype=np.float32)[None] / 8
    moved = base + np.float32(16)
    for kernel in KERNELS:
        kl, *_ = _core.compare_rows(base, moved, np.array([0, 0]), np.empty(0, np.int32), 1, kernel)
        assert kl[0] == 0.0


def test_what_the_candidate_rules_out_is_infinitely_far() -> None:
    base = np.zeros((1, 40), np.float32)
    candidate = base.copy()
    candidate[0, 3] = -np.inf
    nothing = (np.array([0, 0]), np.empty(0, np.int32))
    for kernel in KERNELS:
        assert _core.compare_rows(base, candidate, *nothing, 1, kernel)[0][0] == np.inf
        # The other way round a fortieth of the candidate's mass is spread elsewhere.
        back = _core.compare_rows(candidate, base, *nothing, 1, kernel)[0][0]
        assert back == pytest.approx(np.log(40 / 39), rel=1e-5)


def test_a_token_beyond_all_probability_does_not_count() -> None:
    base = np.zeros((1, 33), np.float32)
    candidate = base.copy()
    base[0, 5], candidate[0, 5] = -3e37, -1e37
    nothing = (np.array([0, 0]), np.empty(0, np.int32))
    for kernel in KERNELS:
        assert _core.compare_rows(base, candidate, *nothing, 1, kernel)[0][0] == 0.0


@pytest.mark.parametrize("kernel", KERNELS)
def test_the_result_does_not_depend_on_the_number_of_threads(kernel: str) -> None:
    args = near(40, 3001, 0.1)
    alone = _core.compare_rows(*args, n_threads=1, kernel=kernel)
    for n_threads in (2, 3, 8):
        shared = _core.compare_rows(*args, n_threads=n_threads, kernel=kernel)
        assert [a.tobytes() for a in alone] == [b.tobytes() for b in shared]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"base": np.zeros((3, 4), np.float32)}, "must have the same shape"),
        ({"candidate": np.zeros((2, 5), np.float32)}, "must have the same shape"),
        ({"candidate": np.zeros(4, np.float32)}, "candidate must have 2 dimensions, got 1"),
        ({"offsets": np.array([0, 3, 2])}, "offsets must ascend from 0 .* 2; got 0 to 2"),
        ({"targets": np.array([0, 4], np.int32)}, "target 1 is token 4"),
        ({"n_threads": 0}, "n_threads must be from 1 to 1024, got 0"),
        ({"kernel": "fastest"}, "no log-softmax kernel 'fastest'"),
        ({"base": np.full((2, 4), np.inf, np.float32)}, "row 0 of base is no .*a logit is \\+inf"),
        ({"candidate": np.full((2, 4), np.nan, np.float32)}, "row 0 of candidate is no .*NaN"),
    ],
)
def test_what_does_not_fit_is_refused(change: dict[str, Any], message: str) -> None:
    fitting = {
        "base": np.zeros((2, 4), np.float32),
        "candidate": np.zeros((2, 4), np.float32),
        "offsets": np.array([0, 1, 2]),
        "targets": np.array([0, 3], np.int32),
    }
    _core.compare_rows(**fitting)
    with pytest.raises(ValueError, match=message):
        _core.compare_rows(**{**fitting, **change})
