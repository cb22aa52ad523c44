"""From the options of a profile to the tests that it is made of."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product
from typing import cast

from fastscore.errors import UsageError
from fastscore.model.settings import MAX_SEQUENCES, MOST_THREADS, checked_layers
from fastscore.profiling.planning import Request
from fastscore.profiling.workload import Workload

Numbers = int | Sequence[int]

_PROMPT, _GEN = 512, 128
_QUICK_PROMPT, _QUICK_GEN, _QUICK_REPETITIONS = 128, 32, 3
# Run where time allows: with a text in the cache, and several texts side by side.
_EXTRA_DEPTH, _EXTRA_PARALLEL = 1024, 4
_MOST = 1 << 24  # of tokens and repetitions: beyond any machine, and safe in 32 bits


def ask(
    *,
    n_prompt: Numbers | None,
    n_gen: Numbers | None,
    n_depth: Numbers | None,
    n_batch: Numbers,
    n_ubatch: Numbers,
    n_parallel: Numbers | None,
    repetitions: int | None,
    quick: bool,
    seconds: float | None,
) -> Request:
    """Check what was asked for and make the tests of it, as llama-bench combines its options.

    Raises UsageError.
    """
    sizes_chosen = any(given is not None for given in (n_prompt, n_gen, n_depth, n_parallel))
    prompts = _numbers("n_prompt", _default(n_prompt, _QUICK_PROMPT if quick else _PROMPT), least=0)
    gens = _numbers("n_gen", _default(n_gen, _QUICK_GEN if quick else _GEN), least=0)
    depths = _numbers("n_depth", _default(n_depth, 0), least=0)
    parallels = _numbers("n_parallel", _default(n_parallel, 1), most=MAX_SEQUENCES)
    batches = list(product(_numbers("n_batch", n_batch), _numbers("n_ubatch", n_ubatch)))
    if repetitions is None and quick:
        repetitions = _QUICK_REPETITIONS
    if repetitions is not None:
        _numbers("repetitions", repetitions)
    if seconds is not None and not seconds > 0:
        raise UsageError(f"seconds is {seconds:g}; measuring takes more than 0 seconds")
    tests = list(_tests(prompts, gens, depths, batches, parallels))
    if not tests:
        raise UsageError("n_prompt and n_gen are both 0, so there is nothing to measure")
    batch, ubatch = batches[0]
    extra = (
        Workload(0, _GEN, _EXTRA_DEPTH, batch, ubatch),
        Workload(0, _GEN, 0, batch, ubatch, _EXTRA_PARALLEL),
        Workload(_PROMPT, 0, _EXTRA_DEPTH, batch, ubatch),
    )
    return Request(
        tests=tuple(dict.fromkeys(tests)),
        extra=() if sizes_chosen or quick else extra,
        sizes_chosen=sizes_chosen,
        repetitions=repetitions,
        seconds=seconds,
        first_token=max(prompts),
    )


def check_engine(n_threads: int, n_gpu_layers: int, flash_attention: str) -> None:
    """Raise UsageError for what no context can be made with."""
    _numbers("n_threads", n_threads, most=MOST_THREADS)
    checked_layers(n_gpu_layers)
    if flash_attention not in ("auto", "on", "off"):
        raise UsageError(f"flash_attention is {flash_attention!r}; choose 'auto', 'on' or 'off'")


def _tests(
    prompts: Sequence[int],
    gens: Sequence[int],
    depths: Sequence[int],
    batches: Sequence[tuple[int, int]],
    parallels: Sequence[int],
) -> Iterator[Workload]:
    """Reading depends on the batches, writing on the sequences; both on what is there already."""
    for depth in depths:
        for n, (batch, ubatch) in product(prompts, batches):
            if n:
                yield Workload(n, 0, depth, batch, ubatch)
        batch, ubatch = batches[0]
        for n, parallel in product(gens, parallels):
            if n and parallel > min(batch, ubatch):
                raise UsageError(
                    f"{parallel} sequences need as many tokens a batch, and n_batch is {batch}, "
                    f"n_ubatch {ubatch}; choose larger batches or fewer sequences"
                )
            if n:
                yield Workload(0, n, depth, batch, ubatch, parallel)


def _default(given: Numbers | None, default: int) -> Numbers:
    return default if given is None else given


def _numbers(name: str, given: Numbers, least: int = 1, most: int = _MOST) -> list[int]:
    several = isinstance(given, Sequence) and not isinstance(given, str)
    numbers = list(cast("Sequence[int]", given)) if several else [cast("int", given)]
    if not numbers:
        raise UsageError(f"{name} is empty; give at least one number")
    for number in numbers:
        if isinstance(number, bool) or not isinstance(number, int) or not least <= number <= most:
            raise UsageError(f"{name} is {number!r}; choose whole numbers from {least} to {most:,}")
    return numbers
