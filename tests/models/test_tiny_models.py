from __future__ import annotations

import ctypes

import llama_cpp
import numpy as np
import pytest

from .fixtures import TinyModel
from .llama import PlainLlama
from .tiny import FAMILIES, REFUSED
from .vocab import CHAT_TEMPLATE, TURN_START

TEXT = "Question: Which of these is a source of energy?\nAnswer: the sun, 42 times é"


def some_tokens(n_tokens: int, n_vocab: int, seed: int = 0) -> list[int]:
    return [int(t) for t in np.random.default_rng(seed).integers(5, n_vocab, n_tokens)]


def test_logits_are_finite_and_spread(tiny_model: TinyModel, family: str) -> None:
    path = tiny_model(family)
    assert path.stat().st_size < 2_000_000
    with PlainLlama(path) as model:
        logits = model.alone(some_tokens(200, model.n_vocab))
    assert np.isfinite(logits).all()
    assert logits.std(axis=1).min() > 1.0
    assert logits.std(axis=1).max() < 4.0
    assert len(set(logits.argmax(axis=1))) > 20


@pytest.mark.parametrize("back", [1, 5, 20])
def test_earlier_tokens_matter(tiny_model: TinyModel, family: str, back: int) -> None:
    with PlainLlama(tiny_model(family)) as model:
        tokens = some_tokens(60, model.n_vocab)
        before = model.alone(tokens)[-1]
        tokens[-1 - back] = (tokens[-1 - back] + 7) % model.n_vocab
        after = model.alone(tokens)[-1]
    assert np.abs(after - before).max() > 0.02


def test_window_hides_what_lies_beyond_it(tiny_model: TinyModel) -> None:
    changes = {}
    for window in (16, 64):
        with PlainLlama(tiny_model("gemma3_window_only", window=window)) as model:
            tokens = some_tokens(60, model.n_vocab)
            before = model.alone(tokens)[-1]
            tokens[10] = 99
            changes[window] = float(np.abs(model.alone(tokens)[-1] - before).max())
    assert changes[16] == 0.0
    assert changes[64] > 0.02


def test_memory_is_of_the_kind_that_the_table_says(tiny_model: TinyModel, family: str) -> None:
    with PlainLlama(tiny_model(family)) as model:
        if llama_cpp.llama_model_is_recurrent(model.model):
            kind = "recurrent"
        elif llama_cpp.llama_model_is_hybrid(model.model):
            kind = "hybrid"
        else:
            kind = "window" if llama_cpp.llama_model_n_swa(model.model) else "attention"
    assert kind == FAMILIES[family].memory


@pytest.mark.parametrize(("family", "bos"), [("llama", None), ("llama_spm", 1)])
def test_text_survives_tokenising(tiny_model: TinyModel, family: str, bos: int | None) -> None:
    with PlainLlama(tiny_model(family)) as model:
        tokens = model.tokenize(TEXT)
        assert (tokens[0] == bos) == (bos is not None)
        words = tokens if bos is None else tokens[1:]
        assert model.pieces(words).removeprefix(" ") == TEXT
        assert len(words) < len(TEXT) * 0.6
        assert len(model.tokenize(TURN_START)) - (bos is not None) == 1


def test_bos_can_be_turned_on_and_off(tiny_model: TinyModel) -> None:
    for family, add_bos, bos in [("llama", True, 0), ("llama_spm", False, 1)]:
        with PlainLlama(tiny_model(family, add_bos=add_bos)) as model:
            assert (model.tokenize("the sun")[0] == bos) == add_bos


@pytest.mark.parametrize("family", ["llama", "gemma3"])
def test_vocabulary_can_be_large_or_absent(tiny_model: TinyModel, family: str) -> None:
    with PlainLlama(tiny_model(family, n_vocab=5000)) as model:
        assert model.n_vocab == 5000
        assert model.pieces(model.tokenize("the sun")).endswith("the sun")
        assert np.isfinite(model.alone([4999, 0])).all()
    with PlainLlama(tiny_model(family, vocab=False)) as model:
        assert llama_cpp.llama_vocab_type(model.vocab) == llama_cpp.LLAMA_VOCAB_TYPE_NONE
        assert np.isfinite(model.alone([5, 6])).all()


def test_training_length_and_chat_template_are_stored(tiny_model: TinyModel) -> None:
    path = tiny_model("llama", n_ctx_train=128, chat_template=CHAT_TEMPLATE)
    with PlainLlama(path) as model:
        assert llama_cpp.llama_model_n_ctx_train(model.model) == 128
        template = llama_cpp.llama_model_chat_template(model.model, None)
        assert template.decode() == CHAT_TEMPLATE
    with PlainLlama(tiny_model("llama")) as model:
        assert llama_cpp.llama_model_chat_template(model.model, None) is None


def test_half_precision_is_near_and_smaller(tiny_model: TinyModel, family: str) -> None:
    whole, half = tiny_model(family), tiny_model(family, half=True)
    assert half.stat().st_size < 0.75 * whole.stat().st_size
    with PlainLlama(whole) as model, PlainLlama(half) as near:
        tokens = some_tokens(20, model.n_vocab)
        difference = np.abs(model.alone(tokens) - near.alone(tokens))
    assert 0.0 < np.median(difference) < 0.02


def test_seed_decides_the_weights(tiny_model: TinyModel) -> None:
    first = tiny_model("llama", seed=1).read_bytes()
    assert tiny_model("llama", seed=1, n_ctx_train=256).read_bytes() == first
    assert tiny_model("llama", seed=2).read_bytes() != first


@pytest.mark.parametrize("family", list(REFUSED))
def test_models_to_be_refused_load_and_show_what_they_are(
    tiny_model: TinyModel, family: str
) -> None:
    with PlainLlama(tiny_model(family)) as model:
        encoder = llama_cpp.llama_model_has_encoder(model.model)
        signs = (bool(model.memory), encoder, _causal(model))
    expected = {
        "bert": (False, False, "false"),
        "t5": (True, True, ""),
        "embedder": (True, False, "false"),
    }
    assert signs == expected[family.removesuffix("_wpm")]


def _causal(model: PlainLlama) -> str:
    """The file's ``attention.causal``, empty if it does not say."""
    buffer = ctypes.create_string_buffer(64)
    for arch in ("bert", "qwen3"):
        key = f"{arch}.attention.causal".encode()
        if llama_cpp.llama_model_meta_val_str(model.model, key, buffer, len(buffer)) >= 0:
            return buffer.value.decode()
    return ""
