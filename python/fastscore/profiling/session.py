"""A measurement from the file to the figures, one test after the other, in this process."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from fastscore import _core
from fastscore.closing import Closing
from fastscore.errors import UsageError
from fastscore.machine import available_memory, peak_memory
from fastscore.model import library
from fastscore.model.allocations import allocations
from fastscore.model.bench import Bench, BenchSettings, FlashAttention
from fastscore.model.tokenizers import gguf_tokenizer
from fastscore.model.weights import Weights
from fastscore.profiling.disturbances import Disturbances
from fastscore.profiling.document import write_memory, write_speed
from fastscore.profiling.energy import find_meter
from fastscore.profiling.fitting import within_memory, within_window
from fastscore.profiling.planning import Pace, Plan, Request, plan
from fastscore.profiling.sizing import memory_of
from fastscore.profiling.values import Memory, Speed
from fastscore.profiling.workload import Workload

Emit = Callable[..., None]

# Enough to read all weights, and to tell the pace of reading from that of writing.
_TRY_READ, _TRY_WRITE = 32, 4
_TRIES, _TRY_SECONDS = 3, 3.0
_TEXT = (
    "The boat left the harbour before sunrise, with three people aboard and food for ten days. "
    "By noon the wind had turned, the coast was out of sight, and nobody spoke of going back.\n"
)


class Session(Closing):
    """Owns the loaded model, which is loaded when it is made.

    ``emit(kind, **values)`` is told of the plan and of each repetition.
    """

    def __init__(
        self,
        path: Path,
        *,
        n_gpu_layers: int,
        n_threads: int,
        flash_attention: FlashAttention,
        emit: Emit,
    ) -> None:
        self._n_threads = n_threads
        self._flash_attention = flash_attention
        self._emit = emit
        self._kept: dict[tuple[int, int], bytes] = {}
        self._api, self._native = library.load()
        self._before_load = peak_memory()
        disk = _read_from_disk()
        with library.listening() as self._log:
            began = time.perf_counter()
            self._weights = Weights(path, n_gpu_layers)
            self._load_seconds = time.perf_counter() - began
        read = _read_from_disk()
        self._disk_bytes = None if disk is None or read is None else read - disk

    def measure(self, request: Request) -> dict[str, Any]:
        """Return all figures as plain values, most of them parts of a profile's document.

        Raises UsageError where no test can be run.
        """
        self._number = 0
        request, skipped = within_window(request, self._weights.info)
        available = available_memory()
        tests, no_room = within_memory(request.tests, self._weights.info, available)
        extra, no_room_either = within_memory(request.extra, self._weights.info, available)
        request = replace(request, tests=tuple(tests), extra=tuple(extra))
        skipped += [*no_room, *no_room_either]
        if not (request.tests or request.extra):
            reasons = "; ".join(f"{skip.name}: {skip.reason}" for skip in skipped)
            raise UsageError(f"no test can be run ({reasons}); choose smaller ones")
        chosen = plan(request, self._pace())
        self._emit(
            "plan",
            seconds=chosen.seconds,
            repetitions=chosen.repetitions,
            tests=[*["first token"] * bool(chosen.first_token), *(t.name for t in chosen.tests)],
            tokens=chosen.first_token_repetitions * chosen.first_token
            + chosen.repetitions * sum(test.n_tokens for test in chosen.tests),
        )
        disturbances = Disturbances(self._n_threads)
        self._meter, energy = find_meter()
        first_token = self._first_token(chosen)
        speeds, memory = self._speeds(chosen)
        found = allocations(self._log)
        return {
            "model": self._weights.info.to_dict(),
            "loading": {"seconds": self._load_seconds, "disk_bytes": self._disk_bytes},
            "first_token": first_token,
            "speeds": [write_speed(speed) for speed in speeds],
            "skipped": [
                {"name": skip.name, "reason": skip.reason} for skip in (*skipped, *chosen.skipped)
            ],
            "memory": write_memory(memory),
            "energy": {"source": energy.source, "reason": energy.reason},
            "devices": [*found.devices, *library.devices()],
            "offloaded": found.offloaded,
            "disturbances": list(disturbances.sentences()),
            "repetitions": chosen.repetitions,
        }

    def _open(self, test: Workload) -> Bench:
        settings = BenchSettings(
            n_ctx=test.n_ctx,
            n_batch=test.n_batch,
            n_ubatch=test.n_ubatch,
            n_parallel=test.n_parallel,
            n_threads=self._n_threads,
            flash_attention=self._flash_attention,
        )
        return Bench(self._weights, settings)

    def _pace(self) -> Pace:
        """The best of a few tries, after one that reads the weights from the file."""
        reads: list[float] = []
        writes: list[float] = []
        with self._open(Workload(_TRY_READ, _TRY_WRITE)) as bench:
            bench.read(_TRY_READ)
            began = time.perf_counter()
            while len(reads) < _TRIES and (not reads or time.perf_counter() - began < _TRY_SECONDS):
                bench.clear()
                reads.append(bench.read(_TRY_READ))
                writes.append(bench.write(_TRY_WRITE))
        return Pace(min(reads) / _TRY_READ, min(writes) / _TRY_WRITE)

    def _first_token(self, chosen: Plan) -> dict[str, Any] | None:
        n = chosen.first_token
        if n == 0:
            return None
        tokenizer = gguf_tokenizer(
            self._native,
            self._weights.pointer,
            self._weights.info,
            _core.ThreadPool(self._n_threads),
        )
        # A text of a few tokens more than are read: how many it has is known afterwards only.
        text = _TEXT * (n // max(1, len(tokenizer.encode([_TEXT])[0])) + 1)
        samples = []
        self._number += 1
        try:
            with self._open(replace(chosen.tests[0], n_prompt=n, n_gen=0, n_depth=0)) as bench:
                for _ in range(chosen.first_token_repetitions):
                    bench.clear()
                    began = time.perf_counter()
                    bench.read_ids(tokenizer.encode([text])[0][:n])
                    bench.likeliest()
                    samples.append(time.perf_counter() - began)
                    self._emit("progress", test="first token", number=self._number, tokens=n)
        finally:
            tokenizer.close()
        return {"n_prompt": n, "samples": samples}

    def _speeds(self, chosen: Plan) -> tuple[list[Speed], Memory]:
        """Run the tests; those by which devices are compared come first.

        Peak memory is theirs, so that two models are compared by it whatever else was run.
        """
        speeds: list[Speed] = []
        memory: Memory | None = None
        for test in sorted(chosen.tests, key=lambda test: not test.is_headline):
            with library.listening() as log:
                bench = self._open(test)
            with bench:
                speeds.append(self._speed(bench, test, chosen.repetitions))
                first = memory is None
                if memory is None:
                    memory = memory_of(
                        allocations([*self._log, *log]),
                        self._weights.info,
                        n_ctx=test.n_ctx,
                        n_window=int(self._api.llama_model_n_swa(self._weights.pointer)),
                        state_bytes=bench.state_bytes(),
                        before_load=self._before_load,
                    )
            if first or test.is_headline:
                memory = replace(memory, peak_bytes=speeds[-1].peak_bytes)
        assert memory is not None  # a plan has a test
        return speeds, memory

    def _speed(self, bench: Bench, test: Workload, repetitions: int) -> Speed:
        run = (
            partial(bench.read, test.n_prompt)
            if test.n_prompt
            else partial(bench.write, test.n_gen)
        )
        # To warm up, as llama-bench does it: a whole prompt, or one token.
        bench.read(test.n_prompt) if test.n_prompt else bench.write(1)
        self._number += 1
        samples = []
        joules: float | None = 0.0
        for _ in range(repetitions):
            bench.clear()
            self._fill(bench, test)
            if self._meter is not None:
                self._meter.start()
            samples.append(test.n_tokens / run())
            used = None if self._meter is None else self._meter.stop()
            joules = None if joules is None or used is None else joules + used
            self._emit("progress", test=test.name, number=self._number, tokens=test.n_tokens)
        return Speed(
            test,
            tuple(samples),
            peak_memory(),
            None if joules is None else joules / (repetitions * test.n_tokens),
        )

    def _fill(self, bench: Bench, test: Workload) -> None:
        """Put ``n_depth`` tokens into every sequence: read once, copied from then on."""
        if test.n_depth == 0:
            return
        key = (test.n_depth, test.n_parallel)
        if key not in self._kept:
            bench.read(test.n_depth)
            self._kept[key] = bench.state()
            bench.clear()
        bench.restore(self._kept[key])

    def close(self) -> None:
        """Free the model."""
        self._weights.close()


def _read_from_disk() -> int | None:
    """Bytes that storage has given this process so far, those of mapped files included."""
    try:
        text = Path("/proc/self/io").read_text()
    except OSError:
        return None
    found = re.search(r"^read_bytes: (\d+)$", text, re.MULTILINE)
    return int(found[1]) if found else None
