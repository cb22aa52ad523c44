"""The figures against llama-perplexity's own formulas, and where they are undefined."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from perplexity_twin import Position, percentile, statistics

from fastscore.distance.figures import (
    DP_QUANTILES,
    KLD_QUANTILES,
    TokenValues,
    figures,
    quantiles,
)
from fastscore.distance.values import Estimate

LOGPROB = st.floats(-30, -1e-6)
POSITIONS = st.lists(
    st.builds(Position, st.floats(0, 20), LOGPROB, LOGPROB, st.booleans()), min_size=12, max_size=60
)


def values_of(found: list[Position]) -> TokenValues:
    return TokenValues(
        np.array([one.kl for one in found]),
        np.array([one.base for one in found]),
        np.array([one.candidate for one in found]),
        np.array([one.same_top for one in found]),
    )


def drawn(n: int, seed: int = 0) -> list[Position]:
    random = np.random.default_rng(seed)
    base = -random.exponential(2, n)
    candidate = np.minimum(base + random.normal(-0.1, 0.4, n), -1e-3)
    kl, same = random.exponential(0.1, n), random.uniform(size=n) < 0.9
    return [
        Position(*map(float, row), bool(hit))
        for *row, hit in zip(kl, base, candidate, same, strict=True)
    ]


@pytest.mark.parametrize("n", [12, 101, 2500])
def test_figures_are_llama_perplexitys(n: int) -> None:
    found = drawn(n, n)
    got, expected = figures(values_of(found)), statistics(found)
    for name, value in expected.items():
        one = got[name]
        assert isinstance(one, Estimate)
        numbers = value if isinstance(value, tuple) else (value,)
        assert (one.value, one.stderr)[: len(numbers)] == pytest.approx(numbers, rel=1e-7), name
        assert one.reason is None


@given(POSITIONS)
def test_means_of_any_values(found: list[Position]) -> None:
    got, expected = figures(values_of(found)), None
    try:
        expected = statistics(found)
    except ZeroDivisionError:  # no spread at all: what the program prints then is "nan"
        return
    for name in ("ppl", "ppl_base", "kld", "dp", "dp_rms", "same_top"):
        value, stderr = expected[name]  # type: ignore[misc]
        one = got[name]
        assert isinstance(one, Estimate)
        assert one.value == pytest.approx(value, rel=1e-9, abs=1e-12)
        # The program subtracts two nearly equal sums; that leaves it about 1e-8 of digits.
        assert one.stderr == pytest.approx(stderr, rel=1e-5, abs=1e-7 * (1 + abs(value)))


@given(st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=50))
def test_quantiles_are_numpys_linear_ones(values: list[float]) -> None:
    for wanted in (KLD_QUANTILES, DP_QUANTILES):
        found = quantiles(np.array(values), wanted)
        assert list(found) == list(wanted)
        for name, fraction in wanted.items():
            assert found[name] == pytest.approx(percentile(values, fraction), rel=1e-9, abs=1e-9)
            assert found[name] == pytest.approx(np.quantile(values, fraction), rel=1e-9, abs=1e-9)


def test_models_that_are_the_same() -> None:
    same = [Position(0.0, one.base, one.base, True) for one in drawn(50)]
    got = figures(values_of(same))
    for name in ("ln_ppl_ratio", "ppl_difference", "kld", "dp", "dp_rms"):
        assert got[name] == Estimate(0.0, 0.0), name
    assert got["ppl_ratio"] == Estimate(1.0, 0.0)
    assert got["same_top"] == Estimate(1.0, 0.0)
    correlation = got["correlation"]
    assert isinstance(correlation, Estimate)
    assert correlation.value == pytest.approx(1.0)


def test_one_position_has_no_errors() -> None:
    got = figures(values_of(drawn(1)))
    for name in ("ppl", "ln_ppl_ratio", "ppl_difference", "kld", "dp", "dp_rms", "same_top"):
        one = got[name]
        assert isinstance(one, Estimate)
        assert math.isfinite(one.value)
        assert math.isnan(one.stderr)
        assert one.reason or name == "ppl_difference"


def test_what_a_model_rules_out_is_infinitely_improbable() -> None:
    found = drawn(20)
    found[3] = Position(math.inf, -1.0, -math.inf, False)
    got = figures(values_of(found))
    for name in ("ppl", "ln_ppl_ratio", "ppl_ratio", "ppl_difference", "kld"):
        one = got[name]
        assert isinstance(one, Estimate)
        assert one.value == math.inf, name
        assert math.isnan(one.stderr), name
        assert one.reason, name
    correlation, dp, klds = got["correlation"], got["dp"], got["kld_quantiles"]
    assert isinstance(correlation, Estimate)
    assert isinstance(dp, Estimate)
    assert isinstance(klds, dict)
    assert math.isnan(correlation.value)
    assert correlation.reason
    assert math.isfinite(dp.value)
    assert klds["maximum"] == klds["99.9%"] == math.inf
    assert math.isfinite(klds["median"])


def test_two_models_that_both_rule_the_right_token_out() -> None:
    found = drawn(20)
    found[3] = Position(0.1, -math.inf, -math.inf, True)
    got = figures(values_of(found))
    for name in ("ln_ppl_ratio", "ppl_ratio", "ppl_difference", "correlation"):
        one = got[name]
        assert isinstance(one, Estimate)
        assert math.isnan(one.value), name
        assert one.reason, name


def test_a_perplexity_beyond_all_numbers() -> None:
    found = [Position(1.0, -1.0 - i, -1000.0 - i, False) for i in range(12)]
    one = figures(values_of(found))["ppl"]
    assert isinstance(one, Estimate)
    assert one.value == math.inf
    assert one.reason == "the perplexity exceeds 1e308"
