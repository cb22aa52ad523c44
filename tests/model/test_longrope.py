"""LongRoPE models: a score is the same whatever else is asked, though llama.cpp would change it."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
from gguf import GGUFReader, GGUFValueType, GGUFWriter

from fastscore.errors import ModelError, UsageError
from fastscore.model import GenerationRequest, Model, Sampling
from fastscore.model.gguf_metadata import FileMetadata, read_metadata, read_tensors
from fastscore.model.longrope import LONG, SHORT, short_factors
from models.fixtures import TinyModel
from models.llama import PlainLlama

from .engine import open_tiny
from .plain_generation import greedy
from .test_against_plain import expected

PROMPT = "the river runs to the sea and the moon"
SHORT_TEXTS = 256  # cells come in multiples of this
LENGTHS = {"n_ctx_train": 4096, "n_ctx_original": SHORT_TEXTS}
N_WRITTEN = 40


def written_beside(path: Path, n_others: int) -> tuple[str, int]:
    """The text after PROMPT, and the cells of the run."""
    others = [f"{i} the cat sat on a mat " * 4 for i in range(n_others)]
    requests = [GenerationRequest(text, (0,), (), N_WRITTEN) for text in (PROMPT, *others)]
    with open_tiny(path, exact=True) as model:
        run = model.generating(requests, Sampling(temperature=0.0))
        texts = {one.request: one.generation.text for step in run for one in step}
        return texts[0], run.limits.context.n_cells


def plain_logprob(path: Path, n_ctx: int) -> float:
    """Log-likelihood of " the moon" after PROMPT in a context of ``n_ctx`` cells."""
    with PlainLlama(path, n_ctx=n_ctx) as plain:
        context = plain.tokenize(PROMPT)
        continuation = plain.tokenize(PROMPT + " the moon")[len(context) :]
        rows = expected(plain, context, continuation)
        return float(rows[np.arange(len(continuation)), continuation].sum())


def test_a_text_is_the_same_beside_others(tiny_model: TinyModel) -> None:
    path = tiny_model("longrope", **LENGTHS)
    written = {}
    for n_ctx in (SHORT_TEXTS, 2 * SHORT_TEXTS):
        with PlainLlama(path, n_ctx=n_ctx) as plain:
            written[n_ctx] = greedy(plain, plain.tokenize(PROMPT), N_WRITTEN).text
    assert written[SHORT_TEXTS] != written[2 * SHORT_TEXTS]  # what llama.cpp does by itself
    alone, few_cells = written_beside(path, 0)
    beside, many_cells = written_beside(path, 20)
    assert few_cells <= SHORT_TEXTS < many_cells
    assert alone == beside == written[SHORT_TEXTS]


def test_a_likelihood_is_the_same_beside_a_long_pair(tiny_model: TinyModel) -> None:
    path = tiny_model("longrope", **LENGTHS)
    short, long = (plain_logprob(path, n_ctx) for n_ctx in (SHORT_TEXTS, 2 * SHORT_TEXTS))
    assert abs(short - long) > 0.1
    pair = (PROMPT, " the moon")
    for others in ([], [("the sun " * 400, " a")]):
        with open_tiny(path, exact=True) as model:
            assert model.loglikelihood([pair, *others])[0].logprob == pytest.approx(short, abs=5e-3)


def test_the_window_ends_where_the_short_factors_do(tiny_model: TinyModel) -> None:
    path = tiny_model("longrope", **LENGTHS)
    with open_tiny(path) as model:
        assert model.settings.max_length == model.info.n_ctx_short == SHORT_TEXTS
        assert model.info.n_ctx_train == 4096
        assert model.settings.affecting_numbers()["rope_factors"] == "short"
    with open_tiny(path, n_ctx=100) as model:
        assert model.settings.max_length == 100
    with pytest.raises(UsageError, match=r"n_ctx is 257.* up to 256 tokens; .*by the size of the"):
        open_tiny(path, n_ctx=SHORT_TEXTS + 1)


def test_yarn_is_left_alone(tiny_model: TinyModel) -> None:
    """It uses the same key, and other numbers would come of another value."""
    path = tiny_model("yarn", **LENGTHS)
    with open_tiny(path, exact=True) as model:
        assert model.info.n_ctx_short is None
        assert model.settings.max_length == 4096
        assert "rope_factors" not in model.settings.affecting_numbers()
        found = model.loglikelihood([(PROMPT, " the moon")])[0].logprob
    assert found == pytest.approx(plain_logprob(path, SHORT_TEXTS), abs=5e-3)
    other = tiny_model("yarn", n_ctx_train=4096 * 8, n_ctx_original=SHORT_TEXTS * 8)
    assert abs(found - plain_logprob(other, SHORT_TEXTS)) > 0.02


def test_factors_in_another_part_of_a_split_model(tiny_model: TinyModel, tmp_path: Path) -> None:
    whole = tiny_model("longrope", **LENGTHS)
    first = write_in_two_parts(whole, tmp_path)
    assert LONG not in names_of_tensors(first)
    with open_tiny(first, exact=True) as model, open_tiny(whole, exact=True) as other:
        assert model.info.n_ctx_short == SHORT_TEXTS
        pairs = [(PROMPT, " the moon"), ("the sun " * 400, " a")]
        assert model.loglikelihood(pairs) == other.loglikelihood(pairs)


def write_in_two_parts(whole: Path, folder: Path) -> Path:
    """Copy a model, its rotary factors in a second file; returns the first."""
    reader = GGUFReader(whole)
    paths = [folder / f"split-{i}-of-00002.gguf" for i in ("00001", "00002")]
    for i, path in enumerate(paths):
        writer = GGUFWriter(path, "llama")
        for name, field in reader.fields.items():
            if i == 0 and not name.startswith("GGUF.") and name != "general.architecture":
                inner = field.types[1] if field.types[0] is GGUFValueType.ARRAY else None
                writer.add_key_value(name, field.contents(), field.types[0], inner)
        writer.add_uint16("split.no", i)
        writer.add_uint16("split.count", 2)
        writer.add_int32("split.tensors.count", len(reader.tensors))
        for tensor in reader.tensors:
            if (tensor.name in (LONG, SHORT)) == (i == 1):
                writer.add_tensor(tensor.name, np.array(tensor.data))
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()
    return paths[0]


def metadata_with(**values: object) -> FileMetadata:
    named = {f"hal.{key.replace('__', '.')}": value for key, value in values.items()}
    return FileMetadata({"general.architecture": "hal", **named})  # type: ignore[dict-item]


def test_which_models_are_meant() -> None:
    path = Path("model.gguf")
    both = {LONG, SHORT, "output.weight"}
    lengths = {"context_length": 4096, "rope__scaling__original_context_length": 512}
    assert short_factors(path, metadata_with(**lengths), {"output.weight"}) is None
    found = short_factors(path, metadata_with(**lengths), both)
    assert found is not None
    assert (found.key, found.n_ctx) == ("hal.rope.scaling.original_context_length", 512)
    # llama.cpp's default for a file that does not say.
    found = short_factors(path, metadata_with(context_length=4096), both)
    assert found is not None
    assert found.n_ctx == 4096


@pytest.mark.parametrize(
    ("values", "tensors", "named"),
    [
        ({"context_length": 4096}, {LONG}, "holds rope_factors_long.weight without its"),
        ({"rope__scaling__original_context_length": 0}, {LONG, SHORT}, "context_length is 0"),
        ({}, {LONG, SHORT}, "context_length is None"),
        ({"context_length": 64, "rope__scaling__type": "yarn"}, {LONG, SHORT}, "for YaRN"),
        (
            {"context_length": 64, "attention__temperature_scale": 0.1},
            {LONG, SHORT},
            "for an attention temperature",
        ),
    ],
)
def test_a_file_that_does_not_say_which_factors(
    values: dict[str, object], tensors: set[str], named: str
) -> None:
    with pytest.raises(ModelError, match=r"model\.gguf is damaged or was converted") as error:
        short_factors(Path("model.gguf"), metadata_with(**values), tensors)
    assert named in str(error.value)


def names_of_tensors(path: Path) -> set[str]:
    return {tensor.name for tensor in read_tensors(path, read_metadata(path))}


def test_names_of_tensors(tiny_model: TinyModel, tmp_path: Path) -> None:
    whole = tiny_model("longrope", **LENGTHS)
    end = read_metadata(whole).end
    names = names_of_tensors(whole)
    assert {LONG, SHORT, "token_embd.weight", "blk.1.ffn_down.weight"} <= names
    content = whole.read_bytes()
    first = len(GGUFReader(whole).tensors[0].name)
    path = tmp_path / "damaged.gguf"
    for damaged, said in (
        (content[: end + 20], "cannot be read after the metadata"),
        (content[:end] + struct.pack("<Q", 2**63) + content[end + 8 :], "a name of 9223372036854"),
        (content[: end + 8 + first] + b"\5" + content[end + 9 + first :], "has 5 dimensions"),
    ):
        path.write_bytes(damaged)
        with pytest.raises(ModelError, match=said):
            Model(path)
