"""A profile that nobody measured, for tests of what is done with one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from fastscore.profiling import (
    Energy,
    FirstToken,
    Loading,
    Memory,
    Profile,
    Skipped,
    Speed,
    Workload,
)


def example(**changes: Any) -> Profile:
    """A processor's profile with all there can be in it."""
    profile = Profile(
        model={
            "name": "Tiny",
            "path": "tiny.gguf",
            "fingerprint": "ab" * 32,
            "quantisation": "Q4_1",
            "n_params": 134_515_008,
            "file_bytes": 98_362_432,
            "weights_bytes": 96_576_768,
        },
        loading=Loading(0.25, 16_384),
        first_token=FirstToken(512, (2.5, 2.7)),
        speeds=(
            Speed(Workload(512, 0), (180.0, 200.0), 190_000_000, 0.25),
            Speed(Workload(0, 128), (30.0, 34.0), 200_000_000, 1.5),
            Speed(Workload(0, 128, 1024), (25.0,), 230_000_000, None),
            Speed(Workload(0, 128, n_parallel=4), (70.0, 70.0), 240_000_000, 0.5),
        ),
        skipped=(Skipped("pp512 @ d1024", "it would not fit into 60 s"),),
        memory=Memory(
            peak_bytes=200_000_000,
            before_load_bytes=50_000_000,
            n_ctx=512,
            weights={"CPU_Mapped": 96_573_850},
            kv={"CPU": 11_796_480},
            states={},
            compute={"CPU": 103_221_821},
            kv_bytes_per_token=23_040,
            window_bytes_per_token=0,
            window_tokens=0,
            state_bytes=0,
        ),
        energy=Energy("RAPL: package-0"),
        settings={
            "n_threads": 2,
            "n_gpu_layers": -1,
            "flash_attention": "auto",
            "repetitions": 2,
            "offloaded": None,
        },
        devices=("CPU",),
        warnings=("The processor was slowed down against overheating",),
        versions={"fastscore": "0.1.0", "llama.cpp": "0.5.0"},
        machine={"cpu": "Some CPU", "n_cores": 2},
        seconds=41.5,
        date="2026-01-02T03:04:05+00:00",
    )
    return replace(profile, **changes)
