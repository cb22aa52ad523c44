"""What cannot be generated is refused with the value and the limit."""

from __future__ import annotations

import math

import pytest

from fastscore.errors import MemoryLimitError, TokenizerError, UsageError
from fastscore.model import GenerationRequest, Model, contexts
from fastscore.model import context as context_module
from models.fixtures import TinyModel

from .engine import open_tiny


@pytest.fixture
def model(tiny_model: TinyModel) -> Model:
    return open_tiny(tiny_model("llama"))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"n": 0}, "n is 0"),
        ({"n": "2"}, "n is '2'; it is a whole number"),
        ({"max_tokens": 0}, "^max_tokens is 0; it is a whole number, at least 1"),
        ({"max_tokens": 2.5}, "max_tokens is 2.5"),
        ({"max_tokens": 256}, "max_tokens is 256 and the window 256 .* at most 255"),
        ({"temperature": "warm"}, "temperature is 'warm', which is no number"),
        ({"top_p": None}, "top_p is None, which is no number"),
        ({"top_k": 1.5}, "top_k is 1.5, which is no whole number"),
        ({"seed": 0.5}, "seed is 0.5, which is no whole number"),
        ({"temperature": -0.5}, "temperature is -0.5"),
        ({"temperature": 1e-9}, "temperature is 1e-09"),
        ({"temperature": math.nan}, "temperature is nan"),
        ({"temperature": math.inf}, "temperature is inf"),
        ({"top_k": -1}, "top_k is -1"),
        ({"top_k": 2**31}, "top_k is 2147483648"),
        ({"top_p": 0.0}, "top_p is 0.0"),
        ({"top_p": 1.01}, "top_p is 1.01"),
        ({"top_p": math.nan}, "top_p is nan"),
        ({"min_p": -0.1}, "min_p is -0.1"),
        ({"min_p": 1.1}, "min_p is 1.1"),
        ({"repeat_penalty": 0.0}, "repeat_penalty is 0.0"),
        ({"repeat_penalty": math.inf}, "repeat_penalty is inf"),
        ({"seed": -1}, "seed is -1"),
        ({"seed": 2**64}, "seed is 18446744073709551616"),
        ({"stop": ["a", ""]}, "stop holds ''"),
        ({"stop": "abc"}, r'stop is one text, \'abc\'; write stop=\["..."\]'),
        ({"stop": [3]}, "stop holds 3"),
        ({"stop": None}, "stop is None; write stop="),
        ({"stop": iter(["a"])}, "stop is <list_iterator .*; write stop="),
        ({"stop": ["a\ud800"]}, "stop holds .* half of a UTF-16 pair"),
        ({"n": True}, "n is True; it is a whole number"),
        ({"max_tokens": True}, "max_tokens is True; it is a whole number"),
        ({"temperature": True}, "temperature is True, which is no number"),
        ({"top_k": True}, "top_k is True, which is no whole number"),
        ({"repeat_penalty": 1e-30}, "repeat_penalty is 1e-30; .* from 0.001 to 1000"),
        ({"n_parallel": True}, "n_parallel is True; at least 1"),
        ({"n_parallel": "2"}, "n_parallel is '2'; at least 1"),
        ({"n_parallel": 2.5}, "n_parallel is 2.5; at least 1"),
        ({"grammar": 5}, "grammar is 5; give GBNF as a text"),
        ({"grammar": 'root ::= "\ud800"'}, "the grammar holds .* half of a UTF-16 pair"),
        ({"n_parallel": 0}, "n_parallel is 0"),
        ({"n_parallel": 300}, r"n_parallel is 300, and at most \d+ samples at a time fit"),
    ],
    ids=str,
)
def test_options_beyond_their_limits(model: Model, options: dict[str, object], said: str) -> None:
    with model, pytest.raises(UsageError, match=said):
        model.generate("the sun", **({"max_tokens": 8} | options))  # type: ignore[call-overload]


@pytest.mark.parametrize("prompts", [None, 5, b"the", {"the": 1}, {"the"}, ["the", None]], ids=repr)
def test_what_is_no_prompt(model: Model, prompts: object) -> None:
    with model, pytest.raises(UsageError, match=r"is no |is one text"):
        model.generate(prompts, max_tokens=2)  # type: ignore[call-overload]


def test_prompts_may_come_one_after_another(model: Model) -> None:
    with model:
        listed = model.generate(["the", "sun"], max_tokens=3)
        texts = [[one.text for one in written] for written in listed]
        again = model.generate((text for text in ("the", "sun")), max_tokens=3)  # type: ignore[call-overload]
        assert [[one.text for one in written] for written in again] == texts


@pytest.mark.parametrize(
    ("request_", "said"),
    [
        (GenerationRequest(3, max_tokens=4), "request 1: the prompt 3 is no text"),  # type: ignore[arg-type]
        (GenerationRequest("a", (0, -1), max_tokens=4), "sample numbers .0, -1. must be from 0"),
        (GenerationRequest("a", (2, 2), max_tokens=4), "stands twice"),
        (GenerationRequest("a", stop=("",), max_tokens=4), "request 1: stop holds ''"),
    ],
)
def test_requests_that_cannot_be(model: Model, request_: GenerationRequest, said: str) -> None:
    with model, pytest.raises(UsageError, match=said):
        model.generating([GenerationRequest("fine", max_tokens=4), request_])


def test_nothing_to_write_is_written_without_a_context(model: Model) -> None:
    with model:
        assert model.generate([], max_tokens=4) == []
        run = model.generating([GenerationRequest("the", (), max_tokens=4)])
        assert (list(run), run.n_samples, run.tokens_generated) == ([], 0, 0)


def test_an_empty_prompt_is_the_token_that_texts_begin_with(tiny_model: TinyModel) -> None:
    with open_tiny(tiny_model("llama"), exact=True) as model:
        (empty,) = model.generate("", max_tokens=5)
        (named,) = model.generate("<|bos|>", max_tokens=5)
        assert empty.n_prompt_tokens == 1
        assert empty.text == named.text
    with open_tiny(tiny_model("gemma2"), exact=True) as model:
        (empty,) = model.generate("", max_tokens=5)
        assert empty.n_prompt_tokens == 1


def test_half_of_a_utf16_pair_is_no_text(model: Model) -> None:
    with model, pytest.raises(TokenizerError, match="half of a UTF-16 pair"):
        model.generate("a\ud800", max_tokens=4)


def test_a_file_without_a_vocabulary_cannot_write(tiny_model: TinyModel) -> None:
    with (
        pytest.raises(TokenizerError, match="tokenizer"),
        open_tiny(tiny_model("llama", vocab=False)) as model,
    ):
        model.generate("the", max_tokens=4)


def test_a_run_that_does_not_fit_into_memory_is_refused(
    model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(context_module, "available_memory", lambda: 10_000)
    assert contexts.check_memory is context_module.check_memory
    with model, pytest.raises(MemoryLimitError, match="MB of KV cache"):
        model.generate("the", max_tokens=4)


def test_little_memory_means_fewer_cells_and_the_same_texts(
    tiny_model: TinyModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    prompts = [f"{i} the river runs to the sea" for i in range(20)]
    with open_tiny(tiny_model("llama"), exact=True) as model:
        plenty = model.generating([GenerationRequest(p, (0, 1), max_tokens=60) for p in prompts])
        texts = {(d.request, d.sample): d.generation.text for step in plenty for d in step}
    monkeypatch.setattr(
        "fastscore.model.generation_limits.available_memory", lambda: 4 * 100 * 2 * 1024
    )
    with open_tiny(tiny_model("llama"), exact=True) as model:
        little = model.generating([GenerationRequest(p, (0, 1), max_tokens=60) for p in prompts])
        assert little.limits.context.n_cells < plenty.limits.context.n_cells
        assert texts == {(d.request, d.sample): d.generation.text for step in little for d in step}


def test_the_batch_and_the_sequences_bound_what_runs_at_once(tiny_model: TinyModel) -> None:
    for n_batch in (32, 64, 512):
        with open_tiny(tiny_model("llama"), n_batch=n_batch) as model:
            with pytest.raises(UsageError, match=r"at most (\d+)") as error:
                model.generate("the", max_tokens=3, n_parallel=10_000)
            most = int(str(error.value).split("at most ")[1].split()[0])
            texts = model.generate("the", n=most + 5, max_tokens=3, n_parallel=most)
            assert len({one.text for one in texts}) == 1
            with pytest.raises(UsageError, match="n_parallel"):
                model.generate("the", max_tokens=3, n_parallel=most + 1)
