"""Bytes a token, from what was allocated and what the file says."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fastscore.model import Model, ModelInfo
from fastscore.model.allocations import Allocations, Cache
from fastscore.profiling.sizing import bytes_per_token, memory_of
from models.fixtures import TinyModel

MIB = 1 << 20


@pytest.fixture(scope="module")
def info(tiny_model: TinyModel) -> ModelInfo:
    """Eighteen layers of 1,024 bytes a token, as Gemma 3 270M has them."""
    with Model(tiny_model("llama"), n_threads=1) as model:
        return replace(model.info, n_layers=18, kv_bytes_per_token=18_432)


def test_what_the_file_says_is_exact_where_it_agrees(info: ModelInfo) -> None:
    # llama.cpp prints 0.29 MiB for 3 layers x 100 cells x 1,024 bytes
    printed = Cache(round(0.29 * MIB), 100, 3, windowed=False)
    assert bytes_per_token(printed, info) == 3072


def test_what_was_allocated_counts_where_the_file_says_otherwise(info: ModelInfo) -> None:
    # Latent attention keeps less than heads and their sizes would make.
    smaller = Cache(1000 * 4096, 4096, 18, windowed=False)
    assert bytes_per_token(smaller, info) == 1000
    assert bytes_per_token(Cache(0, 0, 0, windowed=False), info) == 0


def test_windows_are_told_from_layers_that_keep_everything(info: ModelInfo) -> None:
    caches = (
        Cache(round(2.25 * MIB), 768, 3, windowed=False),
        Cache(round(11.25 * MIB), 768, 15, windowed=True),
    )
    memory = memory_of(
        Allocations(kv={"CPU": round(13.5 * MIB)}, caches=caches),
        info,
        n_ctx=768,
        n_window=512,
        state_bytes=0,
        before_load=None,
    )
    assert (memory.kv_bytes_per_token, memory.window_bytes_per_token) == (3072, 15_360)
    assert memory.window_tokens == 512
    assert memory.cache_bytes(2048) == 2048 * 3072 + 512 * 15_360


def test_a_cache_of_an_unknown_kind_gives_no_number(info: ModelInfo) -> None:
    memory = memory_of(
        Allocations(kv={"CPU": MIB}), info, n_ctx=1, n_window=0, state_bytes=0, before_load=None
    )
    assert memory.kv_bytes_per_token is None
    assert memory.cache_bytes(10) is None
