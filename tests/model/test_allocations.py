"""Sizes of buffers, read out of llama.cpp's log."""

from __future__ import annotations

import llama_cpp
import pytest

from fastscore.model import library
from fastscore.model.allocations import Allocations, Cache, allocations
from fastscore.model.bench import Bench, BenchSettings
from fastscore.model.weights import Weights
from models.fixtures import TinyModel

MIB = 1 << 20

GPU_LOG = """\
llama_prepare_model_devices: using device CUDA0 (NVIDIA Some GPU) (0000:01:00.0) - 8000 MiB free
load_tensors: offloading 12 repeating layers to GPU
load_tensors: offloaded 12/25 layers to GPU
load_tensors:   CPU_Mapped model buffer size =   500.25 MiB
load_tensors:        CUDA0 model buffer size =  1000.50 MiB
llama_context:  CUDA_Host  output buffer size =     0.50 MiB
llama_kv_cache_iswa: creating non-SWA KV cache, size = 768 cells
llama_kv_cache:        CPU KV buffer size =     1.00 MiB
llama_kv_cache:      CUDA0 KV buffer size =     1.25 MiB
llama_kv_cache: size =    2.25 MiB (   768 cells,   3 layers,  1/1 seqs), K (f16): 1.12 MiB, ...
llama_kv_cache_iswa: creating     SWA KV cache, size = 512 cells
llama_kv_cache:        CPU KV buffer size =     7.50 MiB
llama_kv_cache: size =    7.50 MiB (   512 cells,  15 layers,  1/1 seqs), K (f16): 3.75 MiB, ...
llama_memory_recurrent:        CPU RS buffer size =     2.75 MiB
llama_memory_recurrent: size =    2.75 MiB (     1 cells,  24 layers,  1 seqs  0 rs_seq), R ...
sched_reserve:      CUDA0 compute buffer size =    98.25 MiB
sched_reserve:        CPU compute buffer size =     4.00 MiB
"""


def test_a_log_with_everything_in_it() -> None:
    assert allocations(GPU_LOG.splitlines()) == Allocations(
        weights={"CPU_Mapped": int(500.25 * MIB), "CUDA0": int(1000.5 * MIB)},
        kv={"CPU": int(8.5 * MIB), "CUDA0": int(1.25 * MIB)},
        states={"CPU": int(2.75 * MIB)},
        compute={"CUDA_Host": MIB // 2, "CUDA0": int(98.25 * MIB), "CPU": 4 * MIB},
        caches=(
            Cache(int(2.25 * MIB), 768, 3, windowed=False),
            Cache(int(7.5 * MIB), 512, 15, windowed=True),
        ),
        devices=("CUDA0 (NVIDIA Some GPU)",),
        offloaded=(12, 25),
    )


def test_other_lines_say_nothing() -> None:
    lines = ["llama_model_loader: - kv 6: general.size_label str = 135M", "", "size = 3 MiB"]
    assert allocations(lines) == Allocations()


def test_the_installed_llama_cpp_logs_so(tiny_model: TinyModel) -> None:
    with library.listening() as log:
        weights = Weights(tiny_model("llama"), 0)
        bench = Bench(weights, BenchSettings(64, 64, 64, 1, 1, "auto"))
    bench.close()
    found = allocations(log)
    size = llama_cpp.llama_model_size(weights.pointer)
    weights.close()
    assert sum(found.weights.values()) == pytest.approx(size, rel=0.02)
    assert found.kv
    assert found.compute
    assert [cache.n_layers for cache in found.caches] == [2]


def test_errors_are_heard_while_listening(tiny_model: TinyModel) -> None:
    """A failure explains itself as it does otherwise, and only once."""
    api, _ = library.load()
    weights = Weights(tiny_model("llama"), 0)
    params = api.llama_context_default_params()
    params.n_seq_max = 1000  # more than llama.cpp has
    library.take_log()
    with library.listening():
        assert not api.llama_init_from_model(weights.pointer, params)
    assert "n_seq_max" in library.take_log()
    assert library.take_log() == ""
    assert not api.llama_init_from_model(weights.pointer, params)
    assert "n_seq_max" in library.take_log()
    weights.close()
