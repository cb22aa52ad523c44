"""Files that are broken, or no model that can be scored: an error, never the end of the process."""

from __future__ import annotations

import random
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from gguf import GGUFReader

from fastscore.errors import DecodeError, ModelError, TokenizerError, UsageError
from fastscore.model import Model
from models.broken import BROKEN
from models.fixtures import BrokenModel, TinyModel
from models.tiny import REFUSED

from .engine import open_tiny
from .open_each import outcomes

# What each message must say, where it is fastscore that says it.
SAYS = {
    "empty": "is empty (0 bytes)",
    "text": "begins with b'This', not b'GGUF'",
    "cut_in_header": "ends inside its header (16 bytes)",
    "cut_in_metadata": "damaged or incomplete",
    "cut_in_data": "is incomplete",
    "version_1": "is GGUF version 1",
    "big_endian_version": "written for a big-endian machine",
    "absurd_tensor_count": "claims 4611686018427387904 tensors",
    "unknown_architecture": "unknown model architecture: 'hal9000'",
    "zero_blocks": "llama.block_count is 0",
    "negative_epsilon": "layer_norm_rms_epsilon is -1.0",
    "same_token_twice": "is there a second time",
    "zero_context": "give the window with n_ctx",
    "bos_out_of_range": "names token 1000000 as its BOS",
    "eos_out_of_range": "names token 1000000 as its EOS",
    "vocab_less": "holds no tokenizer; give a tokenizer.json",
    "nan_logits": "request 0: a logit is NaN",
    "infinite_logits": "request 0: every logit is -inf",
}
OTHER_ERRORS = {
    "vocab_less": "TokenizerError", "nan_logits": "DecodeError", "infinite_logits": "DecodeError",
}  # fmt: skip


def test_each_broken_file_gives_an_error(broken_model: BrokenModel) -> None:
    found = outcomes([broken_model(kind) for kind in BROKEN])
    for path, said in found.items():
        kind = path.stem
        assert said["error"] == OTHER_ERRORS.get(kind, "ModelError"), (kind, said)
        assert SAYS.get(kind, ".gguf") in said["message"], (kind, said)


def test_damaged_numbers_never_end_the_process(tiny_model: TinyModel, tmp_path: Path) -> None:
    rng = random.Random(1)
    paths = []
    for i in range(60):
        path = tmp_path / f"damaged-{i}.gguf"
        shutil.copy(tiny_model(rng.choice(("llama", "gemma3", "gpt2"))), path)
        change_a_number(path, rng)
        paths.append(path)
    errors = [said["error"] for said in outcomes(paths).values()]
    assert 10 < errors.count("ModelError") < 60
    assert set(errors) <= {"", "ModelError", "DecodeError", "TokenizerError"}


def change_a_number(path: Path, rng: random.Random) -> None:
    """Overwrite one scalar of the metadata."""
    fields = [
        field
        for name, field in GGUFReader(path, "r+").fields.items()
        if not name.startswith("GGUF.") and len(field.data) == 1 and field.types[0].name != "STRING"
    ]
    field = rng.choice(fields)
    part = field.parts[field.data[0]]
    if field.types[0].name == "FLOAT32":
        value: float = rng.choice([-1.0, 0.0, 1e30, float("nan"), float("inf")])
    elif field.types[0].name == "BOOL":
        value = rng.choice([0, 1])
    else:
        value = rng.choice([0, 1, 3, 7, 255, 65535, 2**31 - 1, 2**31, 2**32 - 2, 2**32 - 1])
    part[:] = np.asarray(value, part.dtype)


@pytest.mark.parametrize(
    ("family", "kind"),
    [
        ("bert", "a text encoder without causal attention"),
        ("t5", "an encoder-decoder or encoder-only model"),
        ("embedder", "a text encoder without causal attention"),
    ],
)
def test_models_that_predict_no_next_token_are_refused(
    tiny_model: TinyModel, family: str, kind: str
) -> None:
    assert family in REFUSED
    with pytest.raises(ModelError, match=f"is {kind}.*predicts the next token"):
        open_tiny(tiny_model(family))


@pytest.mark.parametrize(
    ("function", "value", "why"),
    [
        ("llama_model_is_diffusion", True, "a diffusion language model"),
        ("llama_model_has_decoder", False, "encoder-decoder or encoder-only"),
    ],
)
def test_what_llama_cpp_calls_no_decoder_is_refused(
    tiny_model: TinyModel, monkeypatch: pytest.MonkeyPatch, function: str, value: bool, why: str
) -> None:
    from llama_cpp import llama_cpp as api

    monkeypatch.setattr(api, function, lambda model: value)
    with pytest.raises(ModelError, match=why):
        open_tiny(tiny_model("llama"))


def test_an_embedding_model_that_says_so_only_by_its_pooling(
    tiny_model: TinyModel, tmp_path: Path
) -> None:
    content = tiny_model("embedder").read_bytes()
    path = tmp_path / "pooled.gguf"
    path.write_bytes(content.replace(b".attention.causal", b".attention.casual"))
    with pytest.raises(ModelError, match=r"an embedding model \(it pools its outputs\)"):
        open_tiny(path)


@pytest.mark.parametrize("n_rotated", [0, 3, 18, 2**32 - 2])
def test_a_rotation_that_would_end_the_process(
    tiny_model: TinyModel, tmp_path: Path, n_rotated: int
) -> None:
    path = tmp_path / "rotated.gguf"
    shutil.copy(tiny_model("gptneox"), path)
    set_number(path, "gptneox.rope.dimension_count", n_rotated)
    with pytest.raises(ModelError, match=f"rope.dimension_count is {n_rotated}, and must be an"):
        open_tiny(path)


def set_number(path: Path, key: str, value: int) -> None:
    field = GGUFReader(path, "r+").fields[key]
    part = field.parts[field.data[0]]
    part[:] = np.asarray(value, part.dtype)


def test_a_window_can_be_given_where_the_file_has_none(broken_model: BrokenModel) -> None:
    with open_tiny(broken_model("zero_context"), n_ctx=32) as model:
        assert model.settings.max_length == 32
        assert model.loglikelihood([("the sun", " is high")])[0].logprob < 0


def test_a_missing_file_a_folder_and_a_bad_name(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no file"):
        Model(tmp_path / "nothing.gguf")
    with pytest.raises(UsageError, match="is a directory, not a GGUF file; it holds no GGUF file"):
        Model(tmp_path)
    with pytest.raises(UsageError, match="does not name a file; write hf://"):
        Model("hf://owner/repo")
    for name in ("", "~nobody-of-that-name/model.gguf", "a" * 5000, "zero\0byte", "~zero\0byte/a"):
        with pytest.raises(UsageError, match="there is no file"):
            Model(name)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such files")
def test_a_device_is_no_model() -> None:
    with pytest.raises(ModelError, match="/dev/zero is no file but a device"):
        Model("/dev/zero")


def test_nan_is_named_by_the_callers_number(broken_model: BrokenModel) -> None:
    with open_tiny(broken_model("nan_logits")) as model:
        requests = model.encode([("a", " b"), ("the sun", " is high"), ("c", " d")])
        with pytest.raises(DecodeError, match="request 1: a logit is NaN"):
            for _ in model.scoring(requests, np.array([1], np.int64)):
                pass


def test_a_model_without_vocabulary_scores_with_a_tokenizer_file(
    tiny_model: TinyModel, tmp_path: Path
) -> None:
    from .hf_tokenizer import write_tokenizer

    file = write_tokenizer(tmp_path / "tokenizer.json")
    vocab_less = tiny_model("llama", vocab=False)
    with pytest.raises(TokenizerError, match="holds no tokenizer"):
        open_tiny(vocab_less)
    pair = ("the sun is", " high")
    with (
        open_tiny(vocab_less, tokenizer=file, exact=True) as without,
        open_tiny(tiny_model("llama"), exact=True) as complete,
    ):
        assert without.loglikelihood([pair])[0] == complete.loglikelihood([pair])[0]
        with pytest.raises(TokenizerError, match="an empty context needs a BOS or EOS token"):
            without.loglikelihood([("", "the sun")])
