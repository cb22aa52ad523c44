"""Which number of threads and which batch size are quickest here, found by a short measurement.

Neither changes a score beyond rounding. The measurement decodes tokens that mean nothing, one
number at a time: threads first, then batches with the best of them. What it finds is remembered
for this model on this machine.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

from fastscore.machine import available_cores, describe
from fastscore.model import notes
from fastscore.model.settings import EngineSettings
from fastscore.model.stopwatch import Stopwatch
from fastscore.model.threads import default_threads

if TYPE_CHECKING:
    from fastscore.model.model import Model

_BATCHES = (128, 256, 512, 1024)
_GPU_BATCHES = (512, 1024, 2048, 4096)
# Seconds for all measurements together. Where a model is so slow that a candidate would take
# longer than what is left, the candidate is not tried.
_SECONDS = 8.0
# A candidate must be quicker by this factor, or the noise of a busy machine would choose.
_CLEARLY = 1.03


def tuned(model: Model, n_threads: int | None, n_batch: int | None) -> EngineSettings:
    """The settings of ``model`` with the quickest values for what is None here.

    Leaves the model with the settings that it returns. Raises DecodeError when the model cannot
    decode at all.
    """
    if n_threads is not None and n_batch is not None:
        return model.settings
    key = _key(model, n_threads, n_batch)
    known = _recalled(key)
    if known is None:
        chosen = _measure(model, n_threads, n_batch)
        notes.remember("tuned", key, {"n_threads": chosen.n_threads, "n_batch": chosen.n_batch})
    else:
        chosen = replace(model.settings, n_threads=known[0], n_batch=known[1])
    chosen = replace(chosen, tuned=True)
    model.use(chosen)
    return chosen


def _key(model: Model, n_threads: int | None, n_batch: int | None) -> str:
    settings, machine = model.settings, describe()
    return json.dumps(
        [
            model.fingerprint,
            machine.cpu,
            available_cores(),
            settings.llama_cpp,
            settings.backends,
            settings.weights,
            settings.n_gpu_layers,
            settings.exact,
            settings.logits_mb,
            n_threads,
            n_batch,
        ]
    )


def _recalled(key: str) -> tuple[int, int] | None:
    note = notes.recall("tuned", key)
    if not isinstance(note, dict):
        return None
    found = (note.get("n_threads"), note.get("n_batch"))
    if all(isinstance(n, int) and n > 0 for n in found):
        return found  # type: ignore[return-value]
    return None


def thread_candidates() -> list[int]:
    """Physical cores, half of them, and logical ones; the default first."""
    physical = default_threads()
    return list(dict.fromkeys([physical, max(1, physical // 2), available_cores()]))


def _measure(model: Model, n_threads: int | None, n_batch: int | None) -> EngineSettings:
    watch = Stopwatch(model, _SECONDS)
    best = model.settings
    if n_threads is None:
        best = _quickest(watch, best, [replace(best, n_threads=n) for n in thread_candidates()])
    if n_batch is None:
        batches = _GPU_BATCHES if best.n_gpu_layers else _BATCHES
        best = _quickest(watch, best, [replace(best, n_batch=n) for n in batches])
    return best


def _quickest(
    watch: Stopwatch, best: EngineSettings, candidates: list[EngineSettings]
) -> EngineSettings:
    """The best settings so far, or a candidate that is clearly quicker."""
    for settings in [one for one in candidates if one != best]:
        speed = watch.timed(settings)
        if speed is not None and speed > watch.speed * _CLEARLY:
            best, watch.speed = settings, speed
    return best
