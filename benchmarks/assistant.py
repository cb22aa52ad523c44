"""Fill in forms and decide questions, gathered from many threads against one at a time.

A judge is asked single questions, as metrics ask them: whether a reply holds anything made up, of
HaluEval's general rows, once as a form with a reason and a verdict and once as a decision between
yes and no. Before anything is timed, both ways must give the same answers with float32 weights:
every form in at most a few cases another one (where two letters are as likely as each other, the
rounding of another batching decides), every probability within a thousandth.

  python -m benchmarks.assistant
"""

from __future__ import annotations

import argparse
import gzip
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks import models
from benchmarks.report.figures import Figure, conclude
from benchmarks.report.header import print_header, provenance
from benchmarks.report.options import parser
from benchmarks.workloads.rows import data_directory
from fastscore.assistant import Assistant, Decision, Gatherer
from fastscore.machine import available_cores

SCHEMA = {
    "type": "object",
    "properties": {"reason": {"type": "string"}, "verdict": {"enum": ["yes", "no"]}},
    "required": ["reason", "verdict"],
}
OPTIONS = ["yes", "no"]

F32_FORMS = 0.05
"""Share of forms that may change with float32 weights."""
F32_PROBABILITY = 1e-3
"""By which a probability may change with float32 weights."""
LEAST_GAIN = 1.5
"""Times that gathered forms are quicker; decisions are mostly prompts, read either way."""


def main(arguments: Sequence[str] | None = None) -> int:
    options = _options(arguments)
    facts = provenance()
    print_header("Forms and decisions, gathered against one at a time", facts)
    asked = _questions(data_directory(options.data), options.questions)
    print(f"  work     {len(asked)} questions; {options.threads} threads")
    figures: list[Figure] = []
    details: dict[str, Any] = {}

    gguf = models.locate_f32(options.model, options.scratch)
    with Assistant(gguf, n_threads=options.threads, max_tokens=options.max_tokens) as assistant:
        (forms, decisions), (forms_alone, decisions_alone) = (
            (_fill(assistant, asked, gathered), _decide(assistant, asked, gathered))
            for gathered in (True, False)
        )
    changed = sum(a != b for a, b in zip(forms, forms_alone, strict=True)) / len(asked)
    apart = max(
        abs(a.probability("yes") - b.probability("yes"))
        for a, b in zip(decisions, decisions_alone, strict=True)
    )
    figures.append(Figure("float32, forms changed by gathering", changed, "at most", F32_FORMS))
    figures.append(
        Figure("float32, probabilities moved by gathering", apart, "at most", F32_PROBABILITY)
    )

    gguf = models.locate(options.model, options.scratch)
    with Assistant(gguf, n_threads=options.threads, max_tokens=options.max_tokens) as assistant:
        for name, work in (("forms", _fill), ("decisions", _decide)):
            seconds: dict[bool, list[float]] = {True: [], False: []}
            for _ in range(options.rounds):
                for gathered, taken in seconds.items():
                    begun = time.perf_counter()
                    work(assistant, asked, gathered)
                    taken.append(time.perf_counter() - begun)
            gain = median(seconds[False]) / median(seconds[True])
            details[name] = {"gathered_s": seconds[True], "one_at_a_time_s": seconds[False]}
            print(f"  {name}: {median(seconds[True]):.2f} s gathered, {gain:.2f} x quicker")
            if work is _fill:
                figures.append(
                    Figure("forms, gathered against alone", gain, "at least", LEAST_GAIN)
                )
    return conclude(figures, facts, details, options.report)


def _fill(assistant: Assistant, asked: Sequence[str], gathered: bool) -> list[Any]:
    if not gathered:
        return [assistant.fill([one], SCHEMA)[0] for one in asked]
    with Gatherer(assistant) as gatherer:
        futures = [gatherer.fill(one, SCHEMA) for one in asked]
        return [future.result() for future in futures]


def _decide(assistant: Assistant, asked: Sequence[str], gathered: bool) -> list[Decision]:
    if not gathered:
        return [assistant.decide([one], OPTIONS)[0] for one in asked]
    with Gatherer(assistant) as gatherer:
        futures = [gatherer.decide(one, OPTIONS) for one in asked]
        return [future.result() for future in futures]


def _questions(data: Path, n: int) -> list[str]:
    path = data / "rag_qa" / "halueval_general_1000.jsonl.gz"
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        rows = [json.loads(next(lines)) for _ in range(n)]
    return [
        "Does the answer to this question hold anything made up? Reply with a reason and with yes "
        f"or no, as JSON.\n\nQuestion: {row['user_query']}\n\nAnswer: {row['chatgpt_response']}"
        for row in rows
    ]


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    options = parser(__doc__ or "")
    options.add_argument(
        "--model", default=models.SMOLLM2, help="smollm2, gemma3 or a GGUF file (default: smollm2)"
    )
    options.add_argument("--questions", type=int, default=64, help="default: %(default)s")
    options.add_argument("--max-tokens", type=int, default=160, help="default: %(default)s")
    options.add_argument("--rounds", type=int, default=3, help="default: %(default)s")
    options.add_argument(
        "--threads", type=int, default=available_cores(), help="default: all cores (%(default)s)"
    )
    return options.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
