"""Requests at the edges of what can be asked."""

from __future__ import annotations

import json
import math
import shutil
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gguf import GGUFWriter

from fastscore import _core
from fastscore.errors import DecodeError, ModelError, TokenizerError, UsageError
from fastscore.tokenise import encode_windows
from models import tiny
from models.fixtures import TinyModel
from models.tiny import FAMILIES

from .engine import finish, logprobs, one_at_a_time, open_tiny

ONE_OF_EACH_KIND = ["llama", "gemma3", "mamba", "lfm2"]


def test_kinds_cover_all_memories() -> None:
    assert {FAMILIES[name].memory for name in ONE_OF_EACH_KIND} == {
        family.memory for family in FAMILIES.values()
    }


@pytest.mark.parametrize("family", ONE_OF_EACH_KIND)
def test_one_choice_and_a_hundred(tiny_model: TinyModel, family: str) -> None:
    with open_tiny(tiny_model(family), exact=True, n_batch=64) as model:
        one = [("the sun is", " high")]
        assert len(model.loglikelihood(one)) == 1
        hundred = [("the sun is", f" {i} and {'the ' * (i % 5)}moon") for i in range(100)]
        np.testing.assert_allclose(
            logprobs(model.loglikelihood(hundred)),
            logprobs(one_at_a_time(model, hundred)),
            rtol=1e-3,
        )


@pytest.mark.parametrize("family", ONE_OF_EACH_KIND)
def test_every_token_of_the_vocabulary_as_an_answer(tiny_model: TinyModel, family: str) -> None:
    """More leaves than llama.cpp has sequences, all at one row of logits."""
    with open_tiny(tiny_model(family), exact=True) as model:
        context = np.array(model.tokenize("the sun is"), np.int32)
        answers = [np.array([token], np.int32) for token in range(model.info.n_vocab)]
        run = model.scoring(encode_windows([(context, answer) for answer in answers], 256))
        assert run.work.logit_rows == 1
        assert run.work.tokens == len(context)
        probabilities = np.exp(list(finish(run).values()))
        assert probabilities.sum() == pytest.approx(1.0)


def test_no_pair_at_all(tiny_model: TinyModel) -> None:
    with open_tiny(tiny_model("llama")) as model:
        assert model.loglikelihood([]) == []
        assert model.scoring(model.encode([])).work.tokens == 0


@pytest.mark.parametrize("pairs", [[("a", "")], [("", "")], [("a", " b"), ("a", "")]])
def test_an_empty_choice(tiny_model: TinyModel, pairs: list[tuple[str, str]]) -> None:
    with open_tiny(tiny_model("llama")) as model:
        number = len(pairs) - 1
        with pytest.raises(TokenizerError, match=f"pair {number} has an empty continuation"):
            model.loglikelihood(pairs)


def test_a_choice_of_white_space_is_scored(tiny_model: TinyModel) -> None:
    with open_tiny(tiny_model("llama")) as model:
        space, spaces = model.loglikelihood([("the sun", " "), ("the sun ", " ")])
        assert space.n_tokens == 1
        assert spaces.n_tokens >= 1


def test_a_choice_longer_than_the_window(tiny_model: TinyModel) -> None:
    with (
        open_tiny(tiny_model("llama"), n_ctx=16) as model,
        pytest.raises(TokenizerError, match="more than the window of 16; raise n_ctx or shorten"),
    ):
        model.loglikelihood([("the", " sun" * 30)])


@pytest.mark.parametrize("text", ["\ud800", "a\udc00b"])
def test_half_of_a_utf16_pair_is_no_text(tiny_model: TinyModel, tmp_path: Path, text: str) -> None:
    from .hf_tokenizer import write_tokenizer

    path = tiny_model("llama")
    for options in ({}, {"tokenizer": write_tokenizer(tmp_path / "tokenizer.json")}):
        with open_tiny(path, **options) as model:
            for pair in [("a", f" {text}"), (text, " b")]:
                with pytest.raises(TokenizerError, match="half of a UTF-16 pair"):
                    model.loglikelihood([pair])


@pytest.mark.parametrize("text", ["\0", "a\0b", "\x7f\u0085\ufeff", "e\u0301", "\U0001f9d1\u200d"])
def test_odd_characters_are_text(tiny_model: TinyModel, text: str) -> None:
    for family in ("llama", "llama_spm"):
        with open_tiny(tiny_model(family)) as model:
            (found,) = model.loglikelihood([("the sun", f" {text}")])
            assert np.isfinite(found.logprob)
            assert found.n_tokens >= len(text.encode()) - 1


@pytest.mark.parametrize("token", [400, 2**31 - 1, -1, -(2**31)])
@pytest.mark.parametrize("where", ["context", "scored", "last"])
def test_token_ids_out_of_range(tiny_model: TinyModel, token: int, where: str) -> None:
    context = np.array([5, token if where == "context" else 6], np.int32)
    continuation = np.array(
        [token if where == "scored" else 7, token if where == "last" else 8], np.int32
    )
    with open_tiny(tiny_model("llama")) as model:
        requests = encode_windows([(context, continuation)], 256)
        with pytest.raises(ValueError, match=f"token id {token} is out of range|not negative"):
            finish(model.scoring(requests))
        # The model is as good as before.
        assert model.loglikelihood([("the", " sun")])[0].logprob < 0


ONE_LONG_ANSWER = [([7], list(range(10, 130)))]
MANY_ANSWERS = [([7], [10 + i, 5]) for i in range(90)]


@pytest.mark.parametrize(
    ("requests", "n_batch", "n_rows", "n_seqs", "message"),
    [
        (ONE_LONG_ANSWER, 64, 64, 26, "does not fit the context: 32 tokens"),
        (ONE_LONG_ANSWER, 30, 30, 26, "30 logit rows does not fit the context: .* 26 rows"),
        (MANY_ANSWERS, 32, 26, 60, "the plan was made for (another context|a context of more)"),
    ],
)
def test_a_plan_for_a_larger_context_is_refused(
    tiny_model: TinyModel,
    requests: list[tuple[list[int], list[int]]],
    n_batch: int,
    n_rows: int,
    n_seqs: int,
    message: str,
) -> None:
    """llama.cpp would end the process over a batch or rows beyond what the context was made for."""
    with open_tiny(tiny_model("llama", n_vocab=5000), n_batch=32, logits_mb=1) as model:
        limits = model.scoring(model.encode([("the", " sun")])).limits
        assert (limits.n_batch, limits.n_rows, limits.n_seqs) == (32, 26, 26)
        trie = _core.TokenTrie()
        for context, continuation in requests:
            trie.add(np.array(context, np.int32), np.array(continuation, np.int32))
        plan = _core.Plan(
            trie, n_batch=n_batch, n_cells=256, n_seqs=n_seqs, n_rows=n_rows, sharing="prefix"
        )
        scorer = _core.Scorer(model._decoder(limits), plan, _core.ThreadPool(1))
        with pytest.raises(ValueError, match=message):
            scorer.step()


def test_a_cache_too_small_for_the_plan_gives_an_error(tiny_model: TinyModel) -> None:
    with open_tiny(tiny_model("llama"), n_batch=32) as model:
        limits = model.scoring(model.encode([("the", " sun")])).limits
        trie = _core.TokenTrie()
        trie.add(np.arange(1, 399, dtype=np.int32), np.array([5], dtype=np.int32))
        plan = _core.Plan(trie, n_batch=32, n_cells=512, n_seqs=8, n_rows=8, sharing="prefix")
        scorer = _core.Scorer(model._decoder(limits), plan, _core.ThreadPool(1))
        for _ in range(limits.n_cells // 32):
            scorer.step()
        with pytest.raises(DecodeError, match="returned 1: no room in the KV cache"):
            scorer.step()
        assert model.loglikelihood([("the", " sun")])[0].logprob < 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_ctx": 0}, "a window holds at least 1 token"),
        ({"n_ctx": 257}, "was trained with 256 tokens; choose at most 256"),
        ({"n_batch": 31}, "a batch holds at least 32 tokens"),
        ({"n_threads": 0}, "decoding takes at least 1 thread"),
        ({"logits_mb": 0}, "logit rows need at least 1 MiB"),
        ({"n_threads": 1025}, "at least 1 thread, and at most 1024"),
        ({"n_gpu_layers": -2}, "n_gpu_layers is -2; it is a number of layers, or -1 for all"),
        ({"n_gpu_layers": 2**40}, "n_gpu_layers is 1099511627776; it is a number of layers"),
        ({"n_ctx": "128"}, "n_ctx is '128', which is no whole number; a window"),
        ({"n_ctx": True}, "n_ctx is True, which is no whole number"),
        ({"n_ctx": math.nan}, "n_ctx is nan, which is no whole number"),
        ({"n_threads": 1.5}, "n_threads is 1.5, which is no whole number"),
        ({"n_batch": 64.0}, "n_batch is 64.0, which is no whole number"),
        ({"logits_mb": None}, "logits_mb is None, which is no whole number"),
        ({"n_gpu_layers": "all"}, "n_gpu_layers is 'all', which is no whole number"),
        ({"exact": "no"}, "exact is 'no'; give True, False, or None"),
        ({"tune": "no"}, "tune is 'no'; give True or False"),
        ({"tokenizer": 5}, "tokenizer is 5; give the path of a Hugging Face tokenizer.json"),
    ],
    ids=str,
)
def test_options_that_no_context_can_be_made_with(
    tiny_model: TinyModel, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        open_tiny(tiny_model("llama"), **options)


def test_numpys_whole_numbers_are_whole_numbers(tiny_model: TinyModel) -> None:
    sizes = {"n_ctx": np.int64(64), "n_batch": np.int32(32), "n_threads": np.uint8(1)}
    with open_tiny(tiny_model("llama"), **sizes) as model:
        settings = json.loads(json.dumps(model.settings.to_dict()))
        assert (settings["max_length"], settings["n_batch"], settings["n_threads"]) == (64, 32, 1)
        assert model.loglikelihood([("the", " sun")])[0].logprob < 0


def test_a_path_with_spaces_and_other_alphabets(tiny_model: TinyModel, tmp_path: Path) -> None:
    folder = tmp_path / "modèles d'été" / "数 据"
    folder.mkdir(parents=True)
    path = folder / "крошка ☃ 1.gguf"
    shutil.copy(tiny_model("llama"), path)
    with open_tiny(path) as model:
        assert model.loglikelihood([("the", " sun")])[0].logprob < 0
        assert model.info.path == str(path)


def test_a_model_in_parts(
    tiny_model: TinyModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tiny_model("llama")
    monkeypatch.setattr(tiny, "GGUFWriter", partial(GGUFWriter, split_max_tensors=8))
    tiny.write_tiny("llama", tmp_path / "part.gguf")
    parts = sorted(tmp_path.glob("*.gguf"))
    assert len(parts) == 3
    with open_tiny(path, exact=True) as whole, open_tiny(parts[1], exact=True) as model:
        pair = [("the", " sun")]
        assert model.loglikelihood(pair) == whole.loglikelihood(pair)
        assert model.info.file_bytes == sum(part.stat().st_size for part in parts)
    unnumbered = shutil.copy(path, tmp_path / "other-00001-of-00000.gguf")
    with open_tiny(unnumbered, exact=True) as model:
        assert model.loglikelihood(pair)[0].logprob < 0
    parts[2].unlink()
    with pytest.raises(
        ModelError, match=r"part of a split model and .*00003-of-00003.gguf is missing"
    ):
        open_tiny(parts[0])
