"""``fastscore.profile``: asks a process of its own to measure a model, and gathers what it says."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, get_args

from fastscore.errors import UsageError
from fastscore.machine import describe
from fastscore.model import Model, library
from fastscore.model.bench import FlashAttention
from fastscore.model.fingerprint import fingerprint
from fastscore.model.locate import locate
from fastscore.model.settings import NATIVE, WeightMode
from fastscore.model.threads import default_threads
from fastscore.model.weight_choice import WeightChoice
from fastscore.profiling.asking import ask, check_engine
from fastscore.profiling.child import measured_by_child
from fastscore.profiling.disturbances import load_before, spread
from fastscore.profiling.document import FORMAT_VERSION, from_document
from fastscore.profiling.values import Profile
from fastscore.profiling.worker import write_request
from fastscore.progress import Progress
from fastscore.reporters import make_reporter


def profile(
    model: str | Path | Model,
    *,
    n_prompt: int | Sequence[int] | None = None,
    n_gen: int | Sequence[int] | None = None,
    n_depth: int | Sequence[int] | None = None,
    n_batch: int | Sequence[int] = 2048,
    n_ubatch: int | Sequence[int] = 512,
    n_parallel: int | Sequence[int] | None = None,
    repetitions: int | None = None,
    n_threads: int | None = None,
    n_gpu_layers: int | None = None,
    flash_attention: FlashAttention = "auto",
    weights: WeightMode | None = None,
    quick: bool = False,
    seconds: float | None = 60.0,
    progress: bool | Callable[[Progress], object] | None = None,
) -> Profile:
    """Measure what a model costs on this machine: time, memory, and energy where it is told.

    The tests are those of llama.cpp's ``llama-bench``, with its defaults and under its names:
    ``pp512`` reads a prompt of 512 tokens, ``tg128`` writes 128, ``@ d4096`` with so many tokens
    in the cache already. Everything is measured in a fresh process, which loads the model anew; an
    open model is named by its file, threads and layers, and should be idle meanwhile.

    Parameters
    ----------
    model
        What `fastscore.Model` takes, or an open model.
    n_prompt, n_gen, n_depth, n_batch, n_ubatch
        As ``-p``, ``-n``, ``-d``, ``-b``, ``-ub`` of llama-bench: tokens read, written, in the
        cache beforehand, of a ``llama_decode``, and through the model at a time. 0 for no such
        test. Default: 512, 128 and 0, and other depths as far as time allows.
    n_parallel
        Sequences written side by side, as ``-npl`` of ``llama-batched-bench``.
    repetitions
        Of each test. Default: 5, fewer where time is short.
    n_threads
        Default: the physical cores, or those of the open model.
    n_gpu_layers
        Layers to put on the GPU; -1, the default, for all.
    flash_attention
        llama.cpp's own choice by default, as in llama-bench.
    weights
        As of `fastscore.Model`, or those of the open model: ``"fast"`` measures the weights as
        re-encoded into the type that is quickest here. Finding it comes first and is not timed.
    quick
        A short look: ``pp128`` and ``tg32``, three times.
    seconds
        What all tests may take, as far as they were not asked for; None for no limit.
    progress
        As in ``evaluate``: a function to call, False for nothing.

    Raises
    ------
    UsageError
        for what cannot be asked for.
    ModelError, MemoryLimitError
        where the model cannot be loaded.
    DecodeError
        where llama.cpp ended the measuring process.

    """
    if isinstance(model, Model):
        located = model.located
        n_threads = model.settings.n_threads if n_threads is None else n_threads
        n_gpu_layers = model.settings.n_gpu_layers if n_gpu_layers is None else n_gpu_layers
    else:
        located = locate(model)
    n_gpu_layers = -1 if n_gpu_layers is None else n_gpu_layers
    request = ask(
        n_prompt=n_prompt,
        n_gen=n_gen,
        n_depth=n_depth,
        n_batch=n_batch,
        n_ubatch=n_ubatch,
        n_parallel=n_parallel,
        repetitions=repetitions,
        quick=quick,
        seconds=seconds,
    )
    settings: dict[str, Any] = {
        "n_threads": default_threads() if n_threads is None else n_threads,
        "n_gpu_layers": n_gpu_layers,
        "flash_attention": flash_attention,
    }
    check_engine(settings["n_threads"], n_gpu_layers, flash_attention)
    choice = _weights(model, weights, n_threads, n_gpu_layers)
    date, began = datetime.now(timezone.utc).astimezone(), time.monotonic()
    busy = list(load_before(settings["n_threads"]))
    reporter = make_reporter(progress)
    try:
        found = measured_by_child(
            {
                "path": str(located.path if choice is None else choice.path),
                **settings,
                **write_request(request),
            },
            reporter,
        )
    finally:
        reporter.close()
    found["model"] |= {"origin": located.origin, "fingerprint": fingerprint(located.path)}
    if choice is not None:
        found["model"] |= {**choice.native_facts, "weights": choice.to_dict()}
    measured = from_document(
        {
            **found,
            "profile_version": FORMAT_VERSION,
            "date": date.isoformat(timespec="seconds"),
            "settings": settings
            | {
                "repetitions": found["repetitions"],
                "offloaded": found["offloaded"],
                "weights": NATIVE if choice is None else choice.label,
            },
            "warnings": [*busy, *found["disturbances"]],
            "versions": library.versions(),
            "machine": describe().to_dict(),
            "seconds": time.monotonic() - began,
        },
        "the measurement",
    )
    rough = spread(measured.speeds, measured.first_token)
    return replace(measured, warnings=(*measured.warnings, *rough))


def _weights(
    model: str | Path | Model, weights: WeightMode | None, n_threads: int | None, n_gpu_layers: int
) -> WeightChoice | None:
    """Which weights to measure, as `Model` would choose them under these options; None: native."""
    if weights not in (None, *get_args(WeightMode)):
        raise UsageError(f"weights is {weights!r}; choose 'native' or 'fast'")
    if isinstance(model, Model):
        if weights is None or (weights == "fast") == (model.choice is not None):
            return model.choice
        model = model.located.path
    if weights != "fast":
        return None
    with Model(model, n_gpu_layers=n_gpu_layers, n_threads=n_threads, weights="fast") as opened:
        return opened.choice
