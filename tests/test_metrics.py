"""metrics.py against lm-evaluation-harness's own lines, written out plainly."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastscore.errors import DataError, DecodeError, UsageError
from fastscore.metrics import METRICS, get_metric, prediction, shares
from fastscore.types import Item, Likelihood


def item(choices: Sequence[str], gold: Sequence[int] = (0,), doc_id: int = 7) -> Item:
    return Item(
        doc_id=doc_id,
        contexts=("Q:",),
        continuations=tuple(f" {choice}" for choice in choices),
        choices=tuple(choices),
        gold=tuple(gold),
    )


def likelihoods(*logprobs: float, greedy: Sequence[int] = ()) -> list[Likelihood]:
    return [Likelihood(value, i in greedy, 1) for i, value in enumerate(logprobs)]


def score(name: str, of: Item, said: Sequence[Likelihood]) -> float:
    return METRICS[name].score(of, said).value


def harness(of: Item, said: Sequence[Likelihood]) -> dict[str, float]:
    """`process_results` of lm-eval 0.4.13 for multiple choice, and `process_results_mc2`."""
    lls = [likelihood.logprob for likelihood in said]
    pred = np.argmax(lls)
    pred_norm = np.argmax(lls / np.array([float(len(c)) for c in of.choices]))
    pred_byte = np.argmax(lls / np.array([float(len(c.encode("utf-8"))) for c in of.choices]))
    probs = np.exp(np.array(lls))
    labels = np.array([int(i in of.gold) for i in range(len(of.choices))])
    return {
        "acc": 1.0 if pred in of.gold else 0.0,
        "acc_norm": 1.0 if pred_norm in of.gold else 0.0,
        "acc_bytes": 1.0 if pred_byte in of.gold else 0.0,
        "exact_match": int(any(said[i].is_greedy for i in of.gold)),
        "mc2": np.sum((probs / np.sum(probs))[labels == 1]),
    }


@st.composite
def scored_items(draw: st.DrawFn) -> tuple[Item, list[Likelihood]]:
    # Two-decimal values make ties common; "ß" and "猫" have more bytes than characters.
    n = draw(st.integers(1, 6))
    choices = draw(st.lists(st.text("ab ß猫", min_size=1, max_size=5), min_size=n, max_size=n))
    gold = draw(st.lists(st.integers(0, n - 1), min_size=1, max_size=n, unique=True))
    lls = draw(st.lists(st.integers(-3000, -1), min_size=n, max_size=n))
    greedy = draw(st.lists(st.booleans(), min_size=n, max_size=n))
    said = [Likelihood(ll / 100, g, 1) for ll, g in zip(lls, greedy, strict=True)]
    return item(choices, gold), said


@given(scored_items())
def test_every_metric_is_the_harness_s(scored: tuple[Item, list[Likelihood]]) -> None:
    for name, expected in harness(*scored).items():
        assert score(name, *scored) == pytest.approx(expected, abs=1e-12), name


def test_the_lengths_are_of_the_choice_without_its_delimiter() -> None:
    # With the delimiter: -2/2 > -4.2/4, so choice 0; without: -2/1 < -4.2/3, so choice 1.
    of = item(["a", "bcd"], gold=[1])
    said = likelihoods(-2.0, -4.2)
    assert score("acc", of, said) == 0
    assert score("acc_norm", of, said) == 1


def test_characters_and_bytes_differ() -> None:
    # 3 characters against 2; 3 bytes against 6.
    of = item(["abc", "猫猫"], gold=[1])
    said = likelihoods(-3.0, -2.5)
    assert score("acc_norm", of, said) == 0  # -1.00 > -1.25
    assert score("acc_bytes", of, said) == 1  # -1.00 < -0.42


def test_of_equal_choices_the_first_wins() -> None:
    said = likelihoods(-1.0, -1.0, -1.0)
    assert prediction(item("abc"), said) == 0
    assert [score("acc", item("abc", [gold]), said) for gold in range(3)] == [1, 0, 0]


def test_any_of_several_gold_choices_counts() -> None:
    said = likelihoods(-3.0, -1.0, -2.0, greedy=[2])
    assert score("acc", item("abc", [0, 1]), said) == 1
    assert score("acc", item("abc", [0, 2]), said) == 0
    assert score("exact_match", item("abc", [0, 2]), said) == 1
    assert score("exact_match", item("abc", [0, 1]), said) == 0


def test_mc2_survives_log_likelihoods_whose_exponential_is_zero() -> None:
    said = likelihoods(-2000.0, -2000.0 + math.log(3))
    assert score("mc2", item("ab", [1]), said) == pytest.approx(0.75)


def test_mc2_of_an_impossible_choice() -> None:
    assert score("mc2", item("ab", [0]), likelihoods(-5.0, -math.inf)) == 1
    assert score("mc2", item("ab", [1]), likelihoods(-5.0, -math.inf)) == 0


@pytest.mark.parametrize("name", ["acc", "acc_norm", "acc_bytes", "mc2"])
def test_no_metric_guesses_when_every_choice_is_impossible(name: str) -> None:
    got = METRICS[name].score(item("ab"), likelihoods(-math.inf, -math.inf))
    assert math.isnan(got.value)
    assert got.reason == "doc_id 7: the model gives every choice the probability zero"


def test_there_is_no_prediction_when_every_choice_is_impossible() -> None:
    assert prediction(item("ab"), likelihoods(-math.inf, -math.inf)) is None
    assert prediction(item("ab"), likelihoods(-math.inf, -9.0)) == 1


@pytest.mark.parametrize("name", ["acc_norm", "acc_bytes"])
def test_an_empty_choice_has_no_normalised_value(name: str) -> None:
    with pytest.raises(DataError, match="item 7: choice 1 is empty"):
        METRICS[name].score(item(["a", ""]), likelihoods(-1.0, -2.0))
    assert score("acc", item(["a", ""]), likelihoods(-1.0, -2.0)) == 1


@pytest.mark.parametrize("name", METRICS)
@pytest.mark.parametrize("gold", [[], [2], [0, 2], [-1]])
def test_a_gold_answer_that_is_no_choice_is_refused(name: str, gold: list[int]) -> None:
    with pytest.raises(DataError, match="item 7: the gold answer"):
        METRICS[name].score(item("ab", gold), likelihoods(-1.0, -2.0))


@pytest.mark.parametrize("name", METRICS)
@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_what_is_no_log_likelihood_is_refused(name: str, value: float) -> None:
    with pytest.raises(DecodeError, match=f"choice 1 is {value}"):
        METRICS[name].score(item("ab"), likelihoods(-1.0, value))


@pytest.mark.parametrize("name", METRICS)
def test_a_likelihood_too_few_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="2 choices, but 1 likelihoods"):
        METRICS[name].score(item("ab"), likelihoods(-1.0))


def test_an_unknown_metric_names_the_nearest() -> None:
    assert get_metric("acc_norm") is METRICS["acc_norm"]
    with pytest.raises(UsageError, match="there is no metric 'acc_nrom'; did you mean acc_norm"):
        get_metric("acc_nrom")


def test_binary_metrics_give_zero_or_one_and_the_other_does_not() -> None:
    said = likelihoods(-1.0, -2.0)
    binary = {name for name, metric in METRICS.items() if metric.binary}
    assert {name for name in METRICS if score(name, item("ab"), said) in (0, 1)} == binary


def test_shares_are_those_of_the_probabilities() -> None:
    assert shares([-math.inf, -1.0]) == (0.0, 1.0)
    assert shares([-math.inf, -math.inf]) is None
    assert shares([math.log(0.3) - 900, math.log(0.1) - 900]) == pytest.approx((0.75, 0.25))
