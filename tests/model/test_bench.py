"""The context of the speed tests decodes what it says, in every family."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import llama_cpp
import numpy as np
import pytest

from fastscore import DecodeError, Model, ModelError
from fastscore.model.bench import Bench, BenchSettings
from fastscore.model.weights import Weights
from models.fixtures import TinyModel

IDS = np.arange(5, 45, dtype=np.int32)


@contextmanager
def _bench(tiny_model: TinyModel, family: str, n_ctx: int = 128, **changes: int) -> Iterator[Bench]:
    sizes = {"n_batch": 64, "n_ubatch": 32, "n_parallel": 1, "n_threads": 1} | changes
    weights = Weights(tiny_model(family), 0)
    with Bench(weights, BenchSettings(n_ctx, **sizes, flash_attention="off")) as bench:
        yield bench
    weights.close()


def _length(bench: Bench, seq: int = 0) -> int:
    memory = llama_cpp.llama_get_memory(bench._context)
    return int(llama_cpp.llama_memory_seq_pos_max(memory, seq)) + 1


def test_what_is_read_is_what_the_model_reads(tiny_model: TinyModel, family: str) -> None:
    with _bench(tiny_model, family) as bench:
        assert bench.read_ids(IDS) > 0
        likeliest = bench.likeliest()
        assert _length(bench) == len(IDS)
    plain = llama_cpp.llama_context_default_params()
    plain.n_ctx = plain.n_batch = plain.n_ubatch = 128
    weights = Weights(tiny_model(family), 0)
    context = llama_cpp.llama_init_from_model(weights.pointer, plain)
    tokens = (llama_cpp.llama_token * len(IDS))(*IDS.tolist())
    llama_cpp.llama_decode(context, llama_cpp.llama_batch_get_one(tokens, len(IDS)))
    row = np.ctypeslib.as_array(
        llama_cpp.llama_get_logits_ith(context, -1), (weights.info.n_vocab,)
    ).copy()
    llama_cpp.llama_free(context)
    weights.close()
    assert row[likeliest] == pytest.approx(row.max(), abs=0.05)


@pytest.mark.parametrize("n_parallel", [1, 3])
def test_a_depth_is_put_back_into_every_sequence(
    tiny_model: TinyModel, family: str, n_parallel: int
) -> None:
    with _bench(tiny_model, family, n_parallel=n_parallel) as bench:
        bench.read(70)  # more than a batch
        kept = bench.state()
        bench.clear()
        assert _length(bench) == 0
        assert bench.restore(kept)
        assert [_length(bench, seq) for seq in range(n_parallel)] == [70] * n_parallel
        assert bench.write(5) > 0
        assert [_length(bench, seq) for seq in range(n_parallel)] == [75] * n_parallel


def test_states_are_sized_for_those_who_have_them(tiny_model: TinyModel) -> None:
    sizes = {}
    for family in ("llama", "mamba", "lfm2"):
        with _bench(tiny_model, family) as bench:
            bench.read(3)
            sizes[family] = bench.state_bytes()
    assert sizes["llama"] == 0
    assert 19_456 <= sizes["mamba"] < 19_456 + 100  # by the formula of its hyperparameters
    assert sizes["lfm2"] > 0


def test_random_tokens_are_the_same_every_time(tiny_model: TinyModel) -> None:
    likeliest = set()
    for _ in range(2):
        with _bench(tiny_model, "llama") as bench:
            bench.read(40)
            likeliest.add(bench.likeliest())
    assert len(likeliest) == 1


def test_what_does_not_fit_is_an_error(tiny_model: TinyModel) -> None:
    with _bench(tiny_model, "llama", n_ctx=64) as bench, pytest.raises(DecodeError, match="1"):
        bench.read(1000)
    with (
        pytest.raises(ModelError, match="cannot make a context"),
        _bench(tiny_model, "llama", n_parallel=1000, n_batch=2048),
    ):
        pass
    with Model(tiny_model("llama"), n_threads=1) as model:  # nothing is broken by it
        assert model.loglikelihood([("a", "b")])
