"""Count the sampled texts that change with what else is generated at the same time.

Samples of HumanEval prompts at temperature 0.8 with a fixed seed, one at a time and 16 at a time.
The random numbers of a sample depend on seed, prompt and number only, so texts differ where the
rounding of another batching moves a probability past the number drawn, and from there on. With
quantised weights activations are rounded too, and more texts differ. A measurement, not a promise:
only the float32 weights have a limit.

  python -m benchmarks.batch_invariance
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks import models
from benchmarks.report.figures import Figure, conclude
from benchmarks.report.header import print_header, provenance
from benchmarks.report.options import parser
from benchmarks.workloads.generation import human_eval
from benchmarks.workloads.rows import data_directory
from fastscore import Model
from fastscore.machine import available_cores
from fastscore.types import Generation

F32_SHARE = 0.05
"""Of texts that may change with float32 weights."""


def main(arguments: Sequence[str] | None = None) -> int:
    options = _options(arguments)
    facts = provenance()
    print_header("Sampled texts, one at a time against many at a time", facts)
    prompts = [
        prompt.text for prompt in human_eval(data_directory(options.data), options.prompts, 0)
    ]
    print(
        f"  work     {len(prompts)} prompts x {options.samples} samples of at most "
        f"{options.max_tokens} tokens, {options.parallel} at a time; {options.threads} threads"
    )
    details: dict[str, Any] = {}
    figures: list[Figure] = []
    for name in options.models:
        gguf = models.locate(name, options.scratch)
        details[name] = _measure(name, gguf, prompts, options)
    for name in options.f32_models:
        gguf = models.locate_f32(name, options.scratch)
        title = f"{name} in float32"
        details[title] = _measure(title, gguf, prompts, options)
        share = details[title]["changed"] / details[title]["texts"]
        figures.append(Figure(f"{title}, texts changed", share, "at most", F32_SHARE))
    return conclude(figures, facts, details, options.report)


def _measure(
    title: str, gguf: Path, prompts: Sequence[str], options: argparse.Namespace
) -> dict[str, Any]:
    with Model(gguf, n_threads=options.threads) as model:

        def texts(n_parallel: int) -> list[Generation]:
            answers = model.generate(
                prompts,
                n=options.samples,
                max_tokens=options.max_tokens,
                temperature=0.8,
                n_parallel=n_parallel,
            )
            return [generation for samples in answers for generation in samples]

        alone, together = texts(1), texts(options.parallel)
        again = texts(options.parallel)
    changed = _count_changed(alone, together)
    changed_again = _count_changed(together, again)
    tokens = sum(generation.n_tokens for generation in alone)
    print(
        f"  {title}: {changed} of {len(alone)} texts changed, in {tokens} tokens; "
        f"the same batch once more changed {changed_again}"
    )
    return {
        "texts": len(alone),
        "tokens": tokens,
        "changed": changed,
        "changed_by_repeating": changed_again,
    }


def _count_changed(one: Sequence[Generation], other: Sequence[Generation]) -> int:
    return sum(a.text != b.text for a, b in zip(one, other, strict=True))


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    options = parser(__doc__ or "")
    options.add_argument(
        "--models",
        nargs="*",
        default=[models.SMOLLM2, models.GEMMA3],
        help="smollm2, gemma3 or GGUF files (default: both)",
    )
    options.add_argument(
        "--f32-models",
        nargs="*",
        default=[models.SMOLLM2],
        help="dequantised first (default: smollm2)",
    )
    options.add_argument("--prompts", type=int, default=10, help="default: %(default)s")
    options.add_argument("--samples", type=int, default=4, help="a prompt (default: %(default)s)")
    options.add_argument("--max-tokens", type=int, default=64, help="default: %(default)s")
    options.add_argument("--parallel", type=int, default=16, help="default: %(default)s")
    options.add_argument(
        "--threads", type=int, default=available_cores(), help="default: all cores (%(default)s)"
    )
    return options.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
