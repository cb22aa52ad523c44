"""lm-eval's ``generation_kwargs``: how texts are to be written, by its own rules."""

from __future__ import annotations

from typing import Any

import pytest

from fastscore.errors import UsageError
from fastscore.types import Sampling

pytest.importorskip("lm_eval", reason="lm-eval is not installed: pip install lm-eval")

from fastscore.integrations.lm_eval.generation import read_generation_kwargs


@pytest.mark.parametrize(
    ("given", "sampling"),
    [
        ({}, Sampling()),
        ({"do_sample": False, "temperature": 0.7, "top_p": 0.9}, Sampling()),
        ({"temperature": 0.7}, Sampling(temperature=0.7, seed=5)),
        (
            {"do_sample": True, "temperature": 1, "top_p": 0.9, "top_k": 3, "seed": 9},
            Sampling(temperature=1, top_p=0.9, top_k=3, seed=9),
        ),
        ({"repeat_penalty": 1.1, "num_beams": 1, "use_cache": True}, Sampling(repeat_penalty=1.1)),
    ],
)
def test_generation_kwargs_are_read_as_lm_eval_does(
    given: dict[str, Any], sampling: Sampling
) -> None:
    assert read_generation_kwargs(given, 256, 5).sampling == sampling


def test_stops_and_room_of_generation_kwargs() -> None:
    wanted = read_generation_kwargs({"until": "\n\n", "max_new_tokens": 7}, 256, 5)
    assert (wanted.stop, wanted.max_tokens) == (("\n\n",), 7)
    wanted = read_generation_kwargs({"until": ["a", "", "a"]}, 256, 5)
    assert (wanted.stop, wanted.max_tokens) == (("a",), 256)


def test_what_eos_spells_ends_a_text_too() -> None:
    stops = ["\n"]
    wanted = read_generation_kwargs({"until": stops}, 256, 5, end="</s>")
    assert wanted.stop == ("\n", "</s>")
    assert stops == ["\n"]  # of lm-eval's request, which its cache knows it by


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"num_beams": 4}, "leave it out"),
        ({"repetition_penalty": 1.2}, "repeat_penalty"),
        ({"max_length": 400}, "write max_gen_toks"),
        ({"temprature": 1}, "did you mean temperature"),
        ({"stop": ["a"]}, "the texts to stop at is until"),
        ({"do_sample": True}, "temperature 0"),
        ({"do_sample": "no", "temperature": 0.5}, "do_sample: 'no'; give True or False"),
        ({"temperature": "warm"}, "temperature: 'warm'; give a number"),
        ({"temperature": None}, "temperature: None; give a number"),
        ({"temperature": -1}, "temperature: -1; give a number, 0 or more"),
        ({"until": 5}, "until: 5; give texts"),
        ({"until": [None]}, r"until: \[None\]; give texts"),
        ({"max_gen_toks": "x"}, "max_gen_toks: 'x'; give a whole number"),
        ({"max_new_tokens": 0}, "max_new_tokens: 0; give a whole number, 1 or more"),
        ({"max_gen_toks": 64}, "max_gen_toks is 64 and the window 64 tokens"),
    ],
)
def test_generation_kwargs_that_are_refused(given: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        read_generation_kwargs(given, 16, 5, window=64)
