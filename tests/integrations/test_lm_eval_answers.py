"""What the model answers lm-eval: likelihoods, windows of long texts, texts and their ends."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from fastscore import Model
from fastscore.errors import TokenizerError, UsageError
from fastscore.tokenise import encode_windows
from models.fixtures import TinyModel

pytest.importorskip("lm_eval", reason="lm-eval is not installed: pip install lm-eval")

from lm_eval.api.model import TemplateLM
from lm_eval.models.utils import postprocess_generated_text
from lm_eval.utils import get_rolling_token_windows, make_disjoint_window
from lm_eval_instances import PAIRS, TEXT, asked

from fastscore.integrations.lm_eval import FastscoreLM

pytestmark = pytest.mark.filterwarnings("ignore")


def plain(model: Model, context: list[int], continuation: list[int]) -> float:
    """lm-eval's rule for what the model reads, each token scored in a run of its own."""
    window = model.settings.max_length
    read = (context + continuation)[-(window + 1) :]
    n = len(continuation)
    windows = [
        (np.array(read[:end], np.int32), np.array(read[end : end + 1], np.int32))
        for end in range(len(read) - n, len(read))
    ]
    runs = [model.scoring(encode_windows([one], window + 1)) for one in windows]
    return sum(float(done.logprob.sum()) for run in runs for done in run)


def test_likelihoods_are_those_of_lm_evals_own_tokenisation(small_lm: FastscoreLM) -> None:
    """Against what lm-eval's base class makes of the pairs with our tokenizer, one by one."""
    ours = small_lm.loglikelihood(asked("loglikelihood", *PAIRS), disable_tqdm=True)
    encoded: list[Any] = []

    class Reading(FastscoreLM):
        def __init__(self) -> None:
            self._model = small_lm.model

        def _loglikelihood_tokens(self, requests: Any, **_: Any) -> list[Any]:
            encoded.extend(requests)
            return []

    TemplateLM.loglikelihood(Reading(), asked("loglikelihood", *PAIRS), disable_tqdm=True)
    assert len(encoded) == len(PAIRS)
    for (_, context, continuation), (logprob, _greedy) in zip(encoded, ours, strict=True):
        assert logprob == pytest.approx(plain(small_lm.model, context, continuation), abs=1e-3)
    by_ids = small_lm._loglikelihood_tokens(encoded, disable_tqdm=True)
    assert [greedy for _, greedy in by_ids] == [greedy for _, greedy in ours]
    assert [value for value, _ in by_ids] == pytest.approx([value for value, _ in ours], abs=1e-3)


def test_long_texts_are_read_in_lm_evals_windows(small_lm: FastscoreLM) -> None:
    texts = [f"{TEXT} " * 5, TEXT, ""]
    ours = small_lm.loglikelihood_rolling(
        asked("rolling", *((t,) for t in texts)), disable_tqdm=True
    )
    for text, value in zip(texts, ours, strict=True):
        windows = map(
            make_disjoint_window,
            get_rolling_token_windows(
                token_list=small_lm.tok_encode(text),
                prefix_token=small_lm.prefix_token_id,
                max_seq_len=small_lm.max_length,
                context_len=1,
            ),
        )
        expected = sum(plain(small_lm.model, *map(list, window)) for window in windows)
        assert value == pytest.approx(expected, abs=1e-3)


def test_nothing_to_score_is_an_error(small_lm: FastscoreLM) -> None:
    with pytest.raises(TokenizerError, match="empty continuation"):
        small_lm.loglikelihood(asked("loglikelihood", ("The", "")), disable_tqdm=True)
    with pytest.raises(TokenizerError, match="nothing to score"):
        small_lm._loglikelihood_tokens([(None, [], [1])], disable_tqdm=True)
    assert small_lm.loglikelihood([], disable_tqdm=True) == []
    assert small_lm.generate_until([], disable_tqdm=True) == []


def test_texts_end_where_lm_eval_ends_them(small_lm: FastscoreLM) -> None:
    (free,) = small_lm.generate_until(asked("g", (TEXT, {"until": []})), disable_tqdm=True)
    # Of the model's own text: two letters that are no part of a torn character.
    stop = next(free[i : i + 2] for i in range(1, len(free)) if free[i : i + 2].isascii())
    settings = {"until": [stop, ""], "max_gen_toks": 12}
    (text,) = small_lm.generate_until(asked("g", (TEXT, settings)), disable_tqdm=True)
    assert text == postprocess_generated_text(free, [stop], None)
    assert stop not in text


def test_prompts_lose_what_the_text_needs(small_lm: FastscoreLM) -> None:
    prompt = f"{TEXT} " * 3
    assert len(small_lm.tok_encode(prompt)) > small_lm.max_length
    settings = {"until": [], "max_gen_toks": 8}
    (text,) = small_lm.generate_until(asked("g", (prompt, settings)), disable_tqdm=True)
    (alone,) = small_lm.model.generate(prompt, max_tokens=8)
    assert alone.n_prompt_tokens == small_lm.max_length - 8
    assert text == alone.text


def test_samples_of_one_prompt_differ_and_greedy_texts_do_not(small_lm: FastscoreLM) -> None:
    sampled = (TEXT, {"until": [], "do_sample": True, "temperature": 1.0})
    greedy = (TEXT, {"until": [], "do_sample": False})
    requests = asked("g", sampled, greedy, sampled, greedy, sampled)
    texts = small_lm.generate_until(requests, disable_tqdm=True)
    assert len({texts[0], texts[2], texts[4]}) > 1
    assert texts[1] == texts[3]
    assert texts == small_lm.generate_until(requests, disable_tqdm=True)


def test_thoughts_are_no_answer(tiny_model: TinyModel) -> None:
    path = tiny_model("llama", add_bos=True)
    with FastscoreLM(path, n_threads=1, max_gen_toks=12) as lm:
        (free,) = lm.generate_until(asked("g", (TEXT, {"until": []})), disable_tqdm=True)
    with FastscoreLM(path, n_threads=1, max_gen_toks=12, think_end_token=free[3]) as lm:
        (text,) = lm.generate_until(asked("g", (TEXT, {"until": []})), disable_tqdm=True)
    assert text == postprocess_generated_text(free, None, free[3])
    with pytest.raises(UsageError, match="think_end_token is 7; give a text"):
        FastscoreLM(path, think_end_token=7)  # type: ignore[arg-type]
