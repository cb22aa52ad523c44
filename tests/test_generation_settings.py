from __future__ import annotations

from typing import Any

import pytest

from fastscore.errors import UsageError
from fastscore.generation_settings import (
    GenerationPlan,
    GenerationSettings,
    departure,
    describe_sampling,
    read_numbers,
)
from fastscore.types import Sampling

WARM = Sampling(temperature=0.2, top_p=0.95)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n": 0}, "n is 0; it must be a whole number from 1 to 100,000"),
        ({"n": 100_001}, "n is 100001; it must be"),
        ({"n": True}, "n is True"),
        ({"k": ()}, "k is empty"),
        ({"k": (1, 0), "n": 4}, "k is 1,0; it must be whole numbers"),
        (
            {"k": (100_001,), "n": 4},
            "k is 100001; it must be whole numbers, each from 1 to 100,000",
        ),
        ({"k": (1, 10)}, r"pass@10 cannot be estimated where 1 sample is drawn .* n of 10 or more"),
        ({"k": (8,), "n": 7}, r"pass@8 .* 7 samples are drawn .* a k of at most 7"),
        ({"temperature": -0.1}, "temperature is -0.1"),
        ({"temperature": float("nan")}, "temperature is nan"),
        ({"top_k": -1}, "top_k is -1"),
        ({"top_p": 0}, "top_p is 0"),
        ({"top_p": 1.01}, "top_p is 1.01"),
        ({"min_p": -1}, "min_p is -1"),
        ({"repeat_penalty": 0}, "repeat_penalty is 0"),
        ({"max_tokens": 0}, "max_tokens is 0"),
        ({"timeout": 0}, "timeout is 0; it must be seconds, above 0 and at most 3600"),
        ({"sandbox": "none"}, "sandbox is 'none'; it must be 'strong' or 'weak'"),
    ],
)
def test_wrong_values_are_named(options: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        GenerationSettings(**options)


def test_what_is_not_given_is_the_tasks_own() -> None:
    plan = GenerationSettings().plan("code", WARM, 5, executes_code=True)
    assert plan.sampling == Sampling(temperature=0.2, top_p=0.95, seed=5)
    assert (plan.n, plan.k, plan.max_tokens) == (1, (1,), None)
    given = GenerationSettings(n=4, k=(2, 1, 2), temperature=1.0, min_p=0.1, max_tokens=9)
    plan = given.plan("code", WARM, 5, executes_code=True)
    assert plan.sampling == Sampling(temperature=1.0, top_p=0.95, min_p=0.1, seed=5)
    assert (plan.n, plan.k, plan.max_tokens) == (4, (2, 1), 9)
    assert given.plan("qa", WARM, 5, executes_code=False).k == ()


def test_equal_samples_are_refused() -> None:
    with pytest.raises(UsageError, match=r"qa: n is 4 at temperature 0.*temperature such as 0.8"):
        GenerationSettings(n=4).plan("qa", Sampling(), 1, executes_code=False)
    with pytest.raises(UsageError, match=r"top_p is 0\.9 at temperature 0"):
        GenerationSettings(top_p=0.9, temperature=0).plan("qa", WARM, 1, executes_code=False)
    # A task's own filters are no request of the user's.
    GenerationSettings(temperature=0).plan("qa", WARM, 1, executes_code=False)


def test_options_that_nothing_uses_are_refused() -> None:
    GenerationSettings(allow_code_execution=True).check_use(any_texts=False, any_code=False)
    GenerationSettings(n=2, k=(2,)).check_use(any_texts=True, any_code=True)
    with pytest.raises(UsageError, match=r"n, temperature cannot be used here: none of the tasks"):
        GenerationSettings(n=2, temperature=1).check_use(any_texts=False, any_code=False)
    with pytest.raises(UsageError, match=r"k cannot be used here: .*writes code"):
        GenerationSettings(n=2, k=(2,)).check_use(any_texts=True, any_code=False)


@pytest.mark.parametrize(
    ("given", "read"),
    [(None, None), ("1,5, 10", (1, 5, 10)), ("7", (7,)), (3, (3,)), ([1, 2], (1, 2))],
)
def test_numbers(given: Any, read: Any) -> None:
    assert read_numbers(given, "k") == read


@pytest.mark.parametrize("given", ["", "1,,2", "1;2", "-1", "1.5", "\u0661", "9" * 5000])
def test_what_is_no_number(given: str) -> None:
    with pytest.raises(UsageError, match="k is") as error:
        read_numbers(given, "k")
    assert len(str(error.value)) < 140


def test_a_number_that_is_not_whole() -> None:
    with pytest.raises(UsageError, match=r"k is 1\.5; it must be whole numbers"):
        GenerationSettings(k=read_numbers(1.5, "k"))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("sampling", "words"),
    [
        (Sampling(), "greedy"),
        (Sampling(repeat_penalty=1.1), "greedy, repeat_penalty 1.1"),
        (WARM, "temperature 0.2, top_p 0.95, seed 1234"),
        (Sampling(1.0, 40, 1.0, 0.05, 1.2, 7),
         "temperature 1, top_k 40, min_p 0.05, repeat_penalty 1.2, seed 7"),
    ],
)  # fmt: skip
def test_sampling_in_words(sampling: Sampling, words: str) -> None:
    assert describe_sampling(sampling) == words


@pytest.mark.parametrize(
    ("sampling", "max_tokens", "words"),
    [
        (Sampling(seed=5), None, None),
        (Sampling(seed=5), 256, None),
        (Sampling(), 24, "at most 24 tokens a text: the task's own is at most 256"),
        (Sampling(0.8, seed=5), None, "temperature 0.8, seed 5: the task's own is greedy"),
        (
            Sampling(1.0, seed=5),
            9,
            "temperature 1, seed 5, at most 9 tokens a text: the task's own is greedy, at most 256",
        ),
    ],
)
def test_what_sets_texts_apart(
    sampling: Sampling, max_tokens: int | None, words: str | None
) -> None:
    assert departure(GenerationPlan(1, sampling, max_tokens, ()), Sampling(), 256) == words
