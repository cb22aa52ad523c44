"""Texts to vectors: against plain numpy, one at a time, and at the edges."""

from __future__ import annotations

import shutil
import threading
from pathlib import Path

import numpy as np
import pytest

from bert_twin import BertTwin
from fastscore import Model
from fastscore.embedding import Embedder, Vectors
from fastscore.errors import DecodeError, ModelError, UsageError
from models.broken import spoil_token
from models.fixtures import BrokenModel, TinyModel
from models.vocab import wpm_vocab

TEXTS = ["the river rises", "In spring the snow melts.", "a", "Where do the birds sleep? " * 4]


def _wpm_ids(words: str) -> list[int]:
    tokens = wpm_vocab().tokens
    return [2, *(tokens.index(f"▁{word}") for word in words.split()), 3]


def _with_pooling(path: Path, pooling: int, folder: Path) -> Path:
    """Write a copy of a file whose pooling_type is another number."""
    content = bytearray(path.read_bytes())
    value = content.index(b".pooling_type") + len(b".pooling_type") + 4  # past the value's type
    content[value : value + 4] = pooling.to_bytes(4, "little")
    copy = folder / f"pooling-{pooling}.gguf"
    copy.write_bytes(content)
    return copy


@pytest.mark.parametrize(("pooling", "name"), [(1, "mean"), (2, "cls"), (3, "last")])
def test_bert_gives_what_its_weights_say(
    pooling: int, name: str, tiny_model: TinyModel, tmp_path: Path
) -> None:
    path = _with_pooling(tiny_model("bert_wpm"), pooling, tmp_path)
    words = ["the river rises in the hills", "snow", "the moon is made of cheese"]
    with Embedder(path, n_threads=1, normalise=False) as embedder:
        found = embedder.embed(words)
    assert embedder.pooling == name
    pool = {1: lambda x: x.mean(axis=0), 2: lambda x: x[0], 3: lambda x: x[-1]}[pooling]
    twin = BertTwin(path)
    expected = [pool(twin.outputs(_wpm_ids(one))) for one in words]
    # GELU is a table of half precision in ggml.
    np.testing.assert_allclose(found, expected, atol=5e-3)


@pytest.mark.filterwarnings("ignore:.*names no pooling")
@pytest.mark.parametrize("family", ["bert", "embedder", "llama_spm", "gemma3", "mamba", "lfm2"])
def test_texts_read_together_give_what_each_gives_alone(family: str, tiny_model: TinyModel) -> None:
    texts = [f"{text} {i}" for i in range(40) for text in TEXTS]  # several steps
    with Embedder(tiny_model(family), n_threads=1) as embedder:
        together = embedder.embed(texts)
        for i in (0, 3, 77, 159):  # not exact: GELU is a table of half precision
            np.testing.assert_allclose(together[i], embedder.embed([texts[i]])[0], atol=1e-4)
    assert together.dtype == np.float32
    assert together.shape == (160, embedder.n_dims)
    np.testing.assert_allclose(np.linalg.norm(together, axis=1), 1, atol=1e-6)
    assert np.abs(together[0] - together[1]).max() > 0.01


def test_a_text_longer_than_the_window_is_refused_or_cut_on_request(tiny_model: TinyModel) -> None:
    path, long = tiny_model("bert_wpm", n_ctx_train=8), "the river rises in the hills and runs"
    with Embedder(path) as embedder, pytest.raises(UsageError, match=r"text 1 has 10 tokens.* 8;"):
        embedder.embed(["the sea", long])
    with Embedder(path, truncate=True) as embedder:
        cut, whole = embedder.embed([long, "the river rises in the hills"])
    np.testing.assert_allclose(cut, whole, atol=1e-6)  # SEP stays at the end


def test_a_text_longer_than_a_step_gets_a_larger_context(tiny_model: TinyModel) -> None:
    long = "the river rises in the hills " * 200
    with Embedder(tiny_model("bert_wpm", n_ctx_train=2048), n_threads=1) as embedder:
        first = embedder.embed(["the sea"])
        both = embedder.embed(["the sea", long])
        assert not np.allclose(both[0], both[1], atol=1e-3)
        np.testing.assert_allclose(both[0], first[0], atol=1e-5)


def test_text_that_spells_a_special_token_stays_text(tiny_model: TinyModel) -> None:
    with Embedder(tiny_model("bert_wpm", n_ctx_train=8)) as embedder:
        embedder.embed(["sea sea sea sea sea sea"])  # six and the frame of two: just fits
        with pytest.raises(UsageError, match="text 0 has"):
            embedder.embed(["sea [SEP] sea [SEP] sea"])  # five, if the brackets meant the token


def test_nothing_has_no_vector(tiny_model: TinyModel) -> None:
    with Embedder(tiny_model("embedder")) as embedder:
        assert embedder.embed([]).shape == (0, 64)
        with pytest.raises(UsageError, match="text 1 is empty"):
            embedder.embed(["the sea", ""])
        with pytest.raises(UsageError, match="one text and no list"):
            embedder.embed("the sea")
    with Embedder(tiny_model("bert_wpm")) as embedder:
        assert embedder.embed([""]).shape == (1, 64)  # its frame is something


def test_a_model_that_names_no_pooling_says_so(tiny_model: TinyModel) -> None:
    with (
        pytest.warns(UserWarning, match="tiny llama .* names no pooling"),
        Embedder(tiny_model("llama")) as embedder,
    ):
        assert "mean (the file names none)" in repr(embedder)


@pytest.mark.parametrize(
    ("pooling", "why"), [(4, "is a reranker"), (9, r"does not know \(bert.pooling_type is 9\)")]
)
def test_pooling_that_gives_no_embedding_is_refused(
    pooling: int, why: str, tiny_model: TinyModel, tmp_path: Path
) -> None:
    with pytest.raises(ModelError, match=why):
        Embedder(_with_pooling(tiny_model("bert"), pooling, tmp_path))


def test_files_that_cannot_embed_are_refused(
    tiny_model: TinyModel, broken_model: BrokenModel
) -> None:
    with pytest.raises(ModelError, match="encoder-decoder"):
        Embedder(tiny_model("t5"))
    with pytest.raises(ModelError, match="holds no tokenizer"):
        Embedder(tiny_model("embedder", vocab=False))
    for kind in ("cut_in_data", "too_many_blocks", "random_bytes"):  # llama.cpp would abort
        with pytest.raises(ModelError):
            Embedder(broken_model(kind))
    with pytest.raises(UsageError, match="no file"):
        Embedder("nowhere.gguf")


def test_weights_that_are_no_numbers_are_found_out(broken_model: BrokenModel) -> None:
    with (
        pytest.warns(UserWarning, match="names no pooling"),
        Embedder(broken_model("nan_logits")) as embedder,
        pytest.raises(DecodeError, match="NaN"),
    ):
        embedder.embed(TEXTS)


@pytest.mark.filterwarnings("ignore:.*names no pooling")
@pytest.mark.parametrize("exact", [True, False])
def test_a_text_that_cannot_be_read_spoils_no_later_one(
    tiny_model: TinyModel, tmp_path: Path, exact: bool
) -> None:
    path = Path(shutil.copy(tiny_model("llama"), tmp_path))
    with Model(path, n_threads=1) as model:
        *_, river = model.plain_ids("the river")
    spoil_token(path, river)
    with Embedder(path, n_threads=1, exact=exact) as embedder:
        before = embedder.embed(["the sun"])
        with pytest.raises(DecodeError, match="NaN"):
            embedder.embed(["the river"])
        assert np.array_equal(embedder.embed(["the sun"]), before)


def test_a_window_too_small_for_the_frame_is_refused(tiny_model: TinyModel) -> None:
    with pytest.raises(UsageError, match="2 tokens are put around every text"):
        Embedder(tiny_model("bert_wpm"), n_ctx=2)
    for wrong in ("4096", True, 40.5):
        with pytest.raises(UsageError, match="n_ctx"):
            Embedder(tiny_model("bert_wpm"), n_ctx=wrong)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="n_threads is 0"):
        Embedder(tiny_model("bert_wpm"), n_threads=0)


def test_threads_may_share_an_embedder(tiny_model: TinyModel) -> None:
    found: dict[int, Vectors] = {}
    with Embedder(tiny_model("bert_wpm"), n_threads=1) as embedder:
        expected = embedder.embed(TEXTS)

        def work(i: int) -> None:
            found[i] = embedder.embed(TEXTS[: i + 1])

        threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    for i in range(4):
        np.testing.assert_allclose(found[i], expected[: i + 1], atol=1e-5)


def test_what_is_no_list_of_texts_is_refused(tiny_model: TinyModel) -> None:
    with Embedder(tiny_model("bert_wpm"), n_threads=1) as embedder:
        for wrong in ("the sea", [1]):
            with pytest.raises(UsageError, match=r"write embed\(\["):
                embedder.embed(wrong)  # type: ignore[arg-type]


def test_a_closed_embedder_says_so(tiny_model: TinyModel) -> None:
    embedder = Embedder(tiny_model("bert_wpm"))
    embedder.close()
    embedder.close()
    with pytest.raises(ModelError, match="closed"):
        embedder.embed(["the sea"])
    assert "closed" in repr(embedder)


@pytest.mark.filterwarnings("ignore:.*names no pooling")
def test_the_demo_model_puts_like_texts_near_each_other(demo_model: Path) -> None:
    with Embedder(demo_model, n_threads=1) as embedder:
        cats, kittens, stocks = embedder.embed(
            ["Cats are nice animals.", "I like kittens.", "The stock market fell today."]
        )
    assert cats @ kittens > cats @ stocks
