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


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"num_beams": 4}, "leave it out"),
        ({"repetition_penalty": 1.2}, "repeat_penalty"),
        ({"max_length": 400}, "write max_gen_toks"),
        ({"temprature": 1}, "did you mean temperature"),
        ({"do_sample": True}, "temperature 0"),
    ],
)
def test_generation_kwargs_that_are_refused(given: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        read_generation_kwargs(given, 256, 5)
