"""Compare the speeds of `fastscore profile` with those of llama-bench, which it is to repeat.

The same tests with the same settings, the two programs in turns, each in processes of its own. A
round's speed is the median of its repetitions; the figure is the median over the rounds of one
speed divided by the other. benchmarks/README.md says how to build llama-bench from the source that
llama-cpp-python carries.

  python -m benchmarks.profile_vs_llama_bench --llama-bench BUILD/bin/llama-bench
"""

from __future__ import annotations

import argparse
import statistics
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import fastscore
from benchmarks import models
from benchmarks.peers.llama_bench import LlamaBench
from benchmarks.report.figures import Figure, conclude
from benchmarks.report.header import print_header, provenance
from benchmarks.report.options import parser
from benchmarks.report.pairing import ratio, take_turns
from fastscore.model.threads import default_threads

AGREEMENT = 0.05
"""Share of llama-bench's speed by which ours may differ."""

Speeds = Mapping[str, Sequence[float]]


def main(arguments: Sequence[str] | None = None) -> int:
    options = _options(arguments)
    facts = provenance()
    print_header("Speeds: fastscore profile against llama-bench", facts)
    tool = LlamaBench(
        options.llama_bench,
        options.threads,
        options.prompts,
        options.gens,
        options.depths,
        options.repetitions,
    )
    print(f"  {options.threads} threads, {options.rounds} rounds of {options.repetitions}")
    figures: list[Figure] = []
    details: dict[str, Any] = {}
    for name in options.models:
        gguf = models.locate(name, options.scratch)
        contenders: dict[str, Callable[[], Speeds]] = {
            "ours": partial(_ours, gguf, tool),
            "theirs": partial(tool.run, gguf),
        }
        rounds = take_turns(contenders, options.rounds, _described)
        details[name] = rounds
        figures += _figures(name, rounds["ours"], rounds["theirs"])
    return conclude(figures, facts, details, options.report)


def _ours(gguf: Path, tool: LlamaBench) -> Speeds:
    profile = fastscore.profile(
        gguf,
        n_prompt=tool.prompts,
        n_gen=tool.gens,
        n_depth=tool.depths,
        repetitions=tool.repetitions,
        n_threads=tool.threads,
        seconds=None,
        progress=False,
    )
    return {speed.name: list(speed.samples) for speed in profile.speeds}


def _figures(name: str, ours: Sequence[Speeds], theirs: Sequence[Speeds]) -> list[Figure]:
    figures = []
    print(f"\n  {name:24} {'ours':>10} {'theirs':>10} {'ratio':>7} {'best/best':>10}")
    for test in theirs[0]:
        mine = [statistics.median(one[test]) for one in ours]
        its = [statistics.median(one[test]) for one in theirs]
        found = ratio(mine, its)
        best = max(max(one[test]) for one in ours) / max(max(one[test]) for one in theirs)
        print(
            f"  {test:24} {statistics.median(mine):10.2f} {statistics.median(its):10.2f} "
            f"{found:7.3f} {best:10.3f}"
        )
        figures.append(
            Figure(
                f"{name}, {test}: difference from llama-bench",
                abs(found - 1),
                "at most",
                AGREEMENT,
                note=f"ratio {found:.3f}",
            )
        )
    return figures


def _described(speeds: Speeds) -> str:
    return " ".join(f"{test} {statistics.median(s):.1f}" for test, s in speeds.items())


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    options = parser(__doc__ or "")
    options.add_argument("--llama-bench", type=Path, required=True, metavar="BINARY")
    options.add_argument(
        "--models",
        nargs="+",
        default=[models.SMOLLM2, models.GEMMA3],
        help="smollm2, gemma3 or GGUF files (default: both)",
    )
    for name, default, what in (
        ("--prompts", [512], "tokens read"),
        ("--gens", [128], "tokens written"),
        ("--depths", [0, 1024], "tokens in the cache beforehand"),
    ):
        options.add_argument(
            name, type=int, nargs="+", default=default, help=f"{what} (default: %(default)s)"
        )
    options.add_argument("--repetitions", type=int, default=3, help="default: %(default)s")
    options.add_argument("--rounds", type=int, default=3, help="default: %(default)s")
    options.add_argument(
        "--threads",
        type=int,
        default=default_threads(),
        help="default: the physical cores (%(default)s)",
    )
    return options.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
