"""Which weights run quickest here without being less precise, found by a short measurement.

llama.cpp computes with the types of the file, and on many machines another type is quicker: with
AVX-512 BF16 instructions a Q4_1 model runs three times as fast in BF16. The weights are re-encoded
once, into the cache; what was measured is remembered for this model on this machine.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fastscore.errors import DecodeError, MemoryLimitError, ModelError, QuantizeError
from fastscore.machine import available_cores, available_memory, describe
from fastscore.model import library, notes, weight_cache
from fastscore.model.fingerprint import fingerprint
from fastscore.model.info import ModelInfo
from fastscore.model.quantise import type_of
from fastscore.model.settings import NATIVE
from fastscore.model.stopwatch import Stopwatch
from fastscore.model.tensors import ModelFile, read_model
from fastscore.model.threads import default_threads
from fastscore.model.weight_choice import WeightChoice
from fastscore.model.weight_types import bytes_as, types_that_hold

if TYPE_CHECKING:
    from fastscore.model.model import Model

# For the measurement of one type, in seconds. Where a model is slower than that for two batches,
# its speed over 32 tokens counts.
_SECONDS = 4.0
# Looks at one type, the best of which counts: other programs only ever slow one down.
_LOOKS = 3
# Share of the time for which threads must have had a core each, or the machine counts as busy.
_QUIET = 0.85
# Another type must be quicker by this factor to be worth its memory, whatever noise there is.
_WORTH = 1.1
# Memory beside the weights that a run takes at least, in bytes.
_BESIDE = 200 << 20
# Seconds after which what failed is tried again: the disk may have been full, or memory short.
_RETRY = 24 * 3600.0

# What the user's file says of itself where the one with other weights says something else.
_FACTS = ("name", "description", "quantisation", "full_precision", "file_bytes", "weights_bytes")


def choose(
    path: Path, options: Mapping[str, Any], n_gpu_layers: int, exact: bool | None
) -> WeightChoice:
    """Choose the weights to run ``path`` with; measures what is not known yet.

    ``options`` are further arguments of `Model`. Weights that do not fit into memory or cache are
    left out, which the choice says.

    Raises ModelError, MemoryLimitError when the file itself cannot be run.
    """
    from fastscore.model.model import Model

    def opened(file: Path, exact: bool | None) -> Model:
        return Model(file, n_gpu_layers=n_gpu_layers, exact=exact, **options)

    source = read_model(path)  # first, as it says which part of a model is missing
    origin = fingerprint(path)
    n_threads = options["n_threads"] or default_threads()
    trial = _Trial(origin, source, n_threads, opened)
    held = types_that_hold(source)
    left_out = {kind: why for kind in held if (why := _why_not(origin, kind, source, n_gpu_layers))}
    possible = [kind for kind in held if kind not in left_out]
    chosen = WeightChoice(
        type=NATIVE,
        native_type=type_of(source),
        path=path,
        n_bytes=sum(tensor.n_bytes for tensor in source.tensors),
        left_out=left_out,
    )
    if not possible:
        return chosen
    found = _find(trial, possible, [options["n_batch"], n_gpu_layers, exact], left_out)
    left_out |= {kind: why for kind, why in found.failed.items() if kind in possible}
    chosen = replace(chosen, speeds=found.speeds, busy=found.busy)
    if (best := found.best_of(possible)) is None:
        return chosen
    try:
        file = trial.file(best)
    except QuantizeError as error:
        left_out[best] = str(error)
        return chosen
    return replace(
        chosen,
        type=best,
        path=file,
        n_bytes=sum(tensor.n_bytes for tensor in read_model(file).tensors),
        native_facts=found.native_facts | {"path": str(path)},
    )


def _find(trial: _Trial, kinds: list[str], wishes: list[Any], left_out: dict[str, str]) -> _Found:
    """Recall what was measured under the same wishes, or measure it."""
    key = _key(trial.origin, [trial.n_threads, *wishes])
    found = _recalled(key)
    if found is None or not found.covers(kinds):
        with weight_cache.alone():
            found = _recalled(key)  # another process may have measured meanwhile
            if found is None or not found.covers(kinds):
                found = trial.measure(kinds, wishes[-1], left_out)
                notes.remember("weights", key, vars(found))
    return found


@dataclass
class _Found:
    """What is known of a model on this machine.

    ``speeds`` in tokens a second by type; ``failed`` says why a type could not be used. On a
    ``busy`` machine they are those of one thread, in CPU time. ``measured_at`` is Unix time.
    """

    speeds: dict[str, float]
    failed: dict[str, str]
    native_facts: dict[str, Any]
    busy: bool = False
    measured_at: float = field(default_factory=time.time)

    def covers(self, kinds: list[str]) -> bool:
        """Whether nothing is left to measure."""
        failed = self.failed if time.time() - self.measured_at < _RETRY else ()
        return all(kind in self.speeds or kind in failed for kind in kinds)

    def best_of(self, kinds: list[str]) -> str | None:
        """The quickest type, if it is worth it; None for the file's own."""
        best = max(kinds, key=lambda kind: self.speeds.get(kind, 0.0), default=NATIVE)
        worth = self.speeds.get(best, 0.0) >= _WORTH * self.speeds[NATIVE]
        return best if worth else None


@dataclass(frozen=True)
class _Trial:
    """A model whose weights are tried in other types.

    ``opened`` opens a file with its own weights, the options of the run and a value for ``exact``.
    """

    origin: str
    source: ModelFile
    n_threads: int
    opened: Callable[[Path, bool | None], Model]

    def file(self, kind: str) -> Path:
        """The file with weights of that type, made if it is not there."""
        if found := weight_cache.find(self.origin, kind):
            return found
        with weight_cache.alone():
            if found := weight_cache.find(self.origin, kind):
                return found
            self._make_trial(kind)
            return weight_cache.keep(self.origin, kind)

    def measure(self, kinds: list[str], exact: bool | None, left_out: dict[str, str]) -> _Found:
        """Measure the file itself and the types that it can be re-encoded into.

        All of them, as speeds of different hours do not compare. Adds to ``left_out`` the types for
        whose context there is no memory today. To be called `weight_cache.alone`.
        """
        with self.opened(self.source.path, exact) as model:
            watch = _watch(model)
            # A GPU works while the threads wait for it.
            busy = model.settings.n_gpu_layers == 0 and watch.share < _QUIET
            speed = _one_thread(model) if busy else watch.speed
            found = _Found({NATIVE: speed}, {}, _facts(model.info), busy)
            exact = model.settings.exact
        kept = ""
        for kind in kinds:
            try:
                file = weight_cache.find(self.origin, kind) or self._make_trial(kind)
                with self.opened(file, exact) as model:
                    found.speeds[kind] = _one_thread(model) if busy else _watch(model).speed
            except MemoryLimitError as error:
                left_out[kind] = str(error)
            except (QuantizeError, ModelError, DecodeError) as error:
                found.failed[kind] = str(error)
            # Of the files made here one stays, the quickest so far: together they need the room of
            # two. What was there before belongs to a choice under other wishes, and stays.
            is_best = found.speeds.get(kind, 0.0) > found.speeds.get(kept, 0.0)
            weight_cache.drop_trial(self.origin, kept if is_best else kind)
            kept = kind if is_best else kept
        if found.best_of(kinds) is not None and not weight_cache.find(self.origin, kept):
            with suppress(QuantizeError):  # `file` tries again, and says so
                weight_cache.keep(self.origin, kept)
        weight_cache.drop_trial(self.origin, kept)
        return found

    def _make_trial(self, kind: str) -> Path:
        return weight_cache.make_trial(self.origin, kind, self.source, self.n_threads)


def _why_not(origin: str, kind: str, source: ModelFile, n_gpu_layers: int) -> str | None:
    needed, available = bytes_as(kind, source), available_memory()
    if n_gpu_layers == 0 and available is not None and needed + _BESIDE > available:
        return (
            f"it takes {needed / 1e9:.1f} GB and {available / 1e9:.1f} GB of memory are available"
        )
    return weight_cache.why_no_room(origin, kind, source)


def _watch(model: Model) -> Stopwatch:
    watch = Stopwatch(model, _SECONDS)
    for _ in range(_LOOKS - 1):
        watch.speed = max(watch.speed, watch.timed(model.settings) or 0.0)
    return watch


def _one_thread(model: Model) -> float:
    """Tokens a second of CPU time: what other programs do to it is little."""
    model.use(replace(model.settings, n_threads=1))
    return Stopwatch(model, _SECONDS, in_cpu_time=True).speed


def _facts(info: ModelInfo) -> dict[str, Any]:
    return {name: getattr(info, name) for name in _FACTS}


def _key(origin: str, wishes: list[Any]) -> str:
    _, native = library.load()
    here = [describe().cpu, available_cores(), native.version, library.devices()]
    return json.dumps([origin, *here, *wishes])


def _recalled(key: str) -> _Found | None:
    note = notes.recall("weights", key)
    try:
        found = _Found(**note)
        numbers = all(isinstance(one, float) and one > 0 for one in found.speeds.values())
        known = numbers and NATIVE in found.speeds and set(found.native_facts) == set(_FACTS)
        return found if known and isinstance(found.failed, dict) else None
    except (TypeError, AttributeError):
        return None
