"""Time `Model.generate` against llama-batched-bench and Llama.create_completion.

16 samples of each of 20 HumanEval prompts, 64 tokens at most, temperature 0.8 over the whole
distribution. Speed is tokens decoded after the prompts per second of prompts and tokens together;
the last token of a text is sampled but never decoded, so it does not count for anybody.
llama-batched-bench decodes as many random tokens, without sampling: prompts of the same lengths,
each shared by 16 sequences, and in each sequence as many tokens as fastscore's texts have in the
mean (some end early). Llama.create_completion draws from the same distribution, one sample after
the other, on some of the prompts. It reuses what it decoded for the sample before, and runs as
shipped, which is with half of the cores, with LlamaRAMCache and without; the faster one counts. It
runs with fastscore's threads as well, which is no figure but says what batching alone is worth. All
take turns, and medians over the rounds count. Equality of greedy texts is benchmarks.greedy's.

  python -m benchmarks.generation_speed --llama-batched-bench BUILD/bin/llama-batched-bench
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks import models
from benchmarks.peers.batched_bench import BatchedBench, Pace
from benchmarks.peers.completion_loop import CompletionLoop
from benchmarks.peers.greedy_loop import window
from benchmarks.report.figures import Figure, conclude
from benchmarks.report.header import print_header, provenance
from benchmarks.report.options import parser
from benchmarks.report.pairing import ratio, take_turns
from benchmarks.workloads.generation import human_eval
from benchmarks.workloads.rows import data_directory
from fastscore import Model
from fastscore.machine import available_cores

TEMPERATURE = 0.8
OF_BATCHED_BENCH = 0.9
"""Promised share of the pace of decoding alone."""
OF_COMPLETIONS = 1.5
"""Promised pace over one-after-the-other sampling, whichever of its caches is faster."""

OURS, BENCH = "fastscore", "llama-batched-bench"
LOOP, CACHED_LOOP = "create_completion", "create_completion, LlamaRAMCache"
THREADED_LOOP = "create_completion, same threads"


def main(arguments: Sequence[str] | None = None) -> int:
    options = _options(arguments)
    facts = provenance()
    print_header("Generation speed: 16 samples a prompt", facts)
    prompts = [
        prompt.text for prompt in human_eval(data_directory(options.data), options.prompts, 0)
    ]
    print(
        f"  work     {len(prompts)} prompts x {options.samples} samples, at most "
        f"{options.max_tokens} tokens; {options.threads} threads"
    )
    figures: list[Figure] = []
    details: dict[str, Any] = {}
    for name in options.models:
        gguf = models.locate(name, options.scratch)
        found, details[name] = _measure(name, gguf, prompts, options)
        figures += found
    return conclude(figures, facts, details, options.report)


def _measure(
    name: str, gguf: Path, prompts: Sequence[str], options: argparse.Namespace
) -> tuple[list[Figure], dict[str, Any]]:
    few = prompts[: options.loop_prompts]
    with Model(gguf, n_threads=options.threads) as model:
        lengths = [len(model.tokenize(prompt)) for prompt in prompts]
        n_ctx = window(max(lengths) + options.max_tokens)
        bench = BatchedBench(options.llama_batched_bench, options.threads, options.samples)
        loops = {
            loop: CompletionLoop(gguf, threads, n_ctx, ram_cache)
            for loop, threads, ram_cache in (
                (LOOP, None, False),
                (CACHED_LOOP, None, True),
                (THREADED_LOOP, options.threads, False),
            )
        }

        def generate() -> Pace:
            return _generate(model, prompts, options)

        # The first pass warms the caches and says how long the texts are.
        first = generate()
        n_tokens = max(1, round(first.tokens / (len(prompts) * options.samples)))
        contenders = {OURS: generate, BENCH: lambda: bench.run(gguf, lengths, n_tokens)}
        for loop, contender in loops.items():
            contenders[loop] = lambda contender=contender: contender.run(  # type: ignore[misc]
                few, options.samples, options.max_tokens, TEMPERATURE
            )
        try:
            paces = take_turns(contenders, options.rounds, lambda p: f"{p.tokens_per_second:.0f}/s")
        finally:
            for contender in loops.values():
                contender.close()
    speeds = {who: [pace.tokens_per_second for pace in those] for who, those in paces.items()}
    print(
        f"\n  {name}: prompts of {min(lengths)} to {max(lengths)} tokens; in the mean {n_tokens} "
        f"decoded a text; create_completion on {len(few)} prompts"
    )
    for who, those in speeds.items():
        listed = ", ".join(f"{speed:.0f}" for speed in those)
        print(f"    {who:<38} tokens/s {listed}; fastscore / it {ratio(speeds[OURS], those):.2f}")
    slowest_gain = min(ratio(speeds[OURS], speeds[loop]) for loop in (LOOP, CACHED_LOOP))
    whole = (options.prompts, options.samples) >= (20, 16)
    note = "" if whole else "fewer texts than the figure's"
    figures = [
        Figure(
            f"{name}, pace / {BENCH}'s",
            ratio(speeds[OURS], speeds[BENCH]),
            "at least",
            OF_BATCHED_BENCH,
            note=note,
        ),
        Figure(
            f"{name}, pace / {LOOP}'s as shipped",
            slowest_gain,
            "at least",
            OF_COMPLETIONS,
            note=note,
        ),
    ]
    detail = {
        "prompt_lengths": lengths,
        "tokens_per_text": n_tokens,
        "paces": {who: [asdict(pace) for pace in those] for who, those in paces.items()},
    }
    return figures, detail


def _generate(model: Model, prompts: Sequence[str], options: argparse.Namespace) -> Pace:
    """Everything between the call and the texts: prompts, tokens, sampling, text."""
    started = time.perf_counter()
    answers = model.generate(
        prompts,
        n=options.samples,
        max_tokens=options.max_tokens,
        temperature=TEMPERATURE,
        n_parallel=options.samples,
    )
    seconds = time.perf_counter() - started
    generations = [generation for samples in answers for generation in samples]
    if len(generations) != len(prompts) * options.samples:
        raise SystemExit(f"fastscore gave {len(generations)} texts")
    return Pace(sum(generation.n_tokens - 1 for generation in generations), seconds)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    options = parser(__doc__ or "")
    options.add_argument("--llama-batched-bench", type=Path, required=True, metavar="BINARY")
    options.add_argument(
        "--models",
        nargs="+",
        default=[models.SMOLLM2, models.GEMMA3],
        help="smollm2, gemma3 or GGUF files (default: both)",
    )
    options.add_argument("--prompts", type=int, default=20, help="default: %(default)s")
    options.add_argument(
        "--samples", type=int, default=16, help="a prompt, all at once (default: %(default)s)"
    )
    options.add_argument("--max-tokens", type=int, default=64, help="default: %(default)s")
    options.add_argument(
        "--loop-prompts",
        type=int,
        default=5,
        metavar="N",
        help="prompts for create_completion, which is slow (default: the first %(default)s)",
    )
    options.add_argument("--rounds", type=int, default=3, help="default: %(default)s")
    options.add_argument(
        "--threads", type=int, default=available_cores(), help="default: all cores (%(default)s)"
    )
    return options.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
