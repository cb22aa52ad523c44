"""Time DeepEval's calls to a fastscore model against the same questions through the Assistant.

Questions of arc_easy, in the three ways DeepEval asks: forms that hold one letter in a batch (its
benchmarks), the same forms from many coroutines at a time (its metrics), and closed questions with
probabilities from many coroutines (metrics with ``eval_mode="system_one"``). The answers must be
the same. Direct and through the adapter take turns, and the quickest of each counts.

  python -m benchmarks.deepeval_adapter
  python -m benchmarks.deepeval_adapter --limit 4 --rounds 1
"""

from __future__ import annotations

import argparse
import asyncio
import gzip
import json
import os
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

os.environ["DEEPEVAL_TELEMETRY_OPT_OUT"] = "1"

from deepeval.benchmarks.schema import MultipleChoiceSchema
from deepeval.models.system_one.schema import ChoiceQuestion

from benchmarks import models
from benchmarks.report.figures import Figure, conclude
from benchmarks.report.header import print_header, provenance
from benchmarks.report.options import parser
from benchmarks.workloads.rows import data_directory
from fastscore.assistant import Assistant
from fastscore.integrations.deepeval import FastscoreLLM, FastscoreSystemOneModel
from fastscore.integrations.deepeval.system_one import written
from fastscore.machine import available_cores

MOST = 0.02
"""Share of time that the adapter may add."""
_ROUNDING = 0.05  # of a probability; quantised weights round differently in other batches
STATE = "A question of a science test at school."


def main(arguments: Sequence[str] | None = None) -> int:
    options = _options(arguments)
    facts = provenance()
    print_header("DeepEval's calls to fastscore, and the Assistant alone", facts)
    rows = _rows(data_directory(options.data), options.limit)
    gguf = models.locate(options.model, options.scratch)
    figures: list[Figure] = []
    details: dict[str, Any] = {}
    with Assistant(gguf, n_threads=options.threads) as assistant:
        assistant.decide(["Ready?"], ["Yes", "No"])  # page the weights in
        for name, (direct, adapted) in _ways(assistant, rows).items():
            seconds: dict[str, list[float]] = {"direct": [], "adapter": []}
            for _ in range(options.rounds):
                expected = _timed(direct, seconds["direct"])
                found = _timed(adapted, seconds["adapter"])
                if not _same(found, expected):
                    raise SystemExit(f"{name}: DeepEval is told something else than the Assistant")
            quickest = {side: min(taken) for side, taken in seconds.items()}
            print(
                f"  {name:<28}{len(rows):>5} questions"
                f"{quickest['direct']:>9.3f} s direct{quickest['adapter']:>9.3f} s through DeepEval"
            )
            share = quickest["adapter"] / quickest["direct"] - 1
            figures.append(Figure(f"{name}: share of time added", share, "at most", MOST))
            details[name] = {"questions": len(rows), "seconds": seconds}
    return conclude(figures, facts, details, options.report)


def _ways(
    assistant: Assistant, rows: Sequence[dict[str, Any]]
) -> dict[str, tuple[Callable[[], Any], Callable[[], Any]]]:
    """Each way of asking: through the Assistant, and through DeepEval's interfaces."""
    llm = FastscoreLLM(assistant)
    judge = FastscoreSystemOneModel(assistant)
    prompts = [_prompt(row) for row in rows]
    form = MultipleChoiceSchema.model_json_schema()
    closed = [
        ChoiceQuestion(
            instructions=row["question"]["stem"],
            options={choice["text"]: None for choice in row["question"]["choices"]},
        )
        for row in rows
    ]

    def fill() -> list[str]:
        return [filled["answer"] for filled in assistant.fill(prompts, form)]

    def batch() -> list[str]:
        schemas = [MultipleChoiceSchema] * len(prompts)
        return [said.answer for said in llm.batch_generate(prompts, schemas)]  # type: ignore[union-attr]

    async def generate() -> list[str]:
        asked = [llm.a_generate(prompt, MultipleChoiceSchema) for prompt in prompts]
        return [said.answer for said in await asyncio.gather(*asked)]  # type: ignore[union-attr]

    def decide() -> list[tuple[float, ...]]:
        asked = [written(STATE, question) for question in closed]
        decided = assistant.decide_each([one.prompt for one in asked], [q.options for q in asked])
        return [decision.probabilities for decision in decided]

    async def choose() -> list[tuple[float, ...]]:
        asked = [judge.a_choice(STATE, {"it": question}) for question in closed]
        found = await asyncio.gather(*asked)
        return [tuple(answers["it"].probabilities.values()) for answers, _ in found]

    return {
        "forms, batch_generate": (fill, batch),
        "forms, many coroutines": (fill, _run(generate)),
        "choices, many coroutines": (decide, _run(choose)),
    }


def _same(found: list[Any], expected: list[Any]) -> bool:
    """Whether answers are equal, probabilities but for the rounding of another batch."""
    if isinstance(expected[0], str):
        return found == expected
    return all(
        abs(p - q) < _ROUNDING
        for a, b in zip(found, expected, strict=True)
        for p, q in zip(a, b, strict=True)
    )


def _run(ask: Callable[[], Awaitable[Any]]) -> Callable[[], Any]:
    async def asked() -> Any:
        return await ask()

    return lambda: asyncio.run(asked())


def _timed(ask: Callable[[], Any], seconds: list[float]) -> Any:
    started = time.perf_counter()
    answers = ask()
    seconds.append(time.perf_counter() - started)
    return answers


def _rows(data: Path, limit: int) -> list[dict[str, Any]]:
    """The first rows with four choices, as the form has four letters."""
    with gzip.open(data / "arc" / "ARC-Easy-Test.jsonl.gz", "rt", encoding="utf-8") as lines:
        rows = (row for row in map(json.loads, lines) if len(row["question"]["choices"]) == 4)
        return list(islice(rows, limit))


def _prompt(row: dict[str, Any]) -> str:
    choices = zip("ABCD", row["question"]["choices"], strict=True)
    listed = "\n".join(f"{letter}. {choice['text']}" for letter, choice in choices)
    return f"{row['question']['stem']}\n{listed}\nAnswer with the letter, as JSON."


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    options = parser(__doc__ or "")
    options.add_argument("--model", default=models.SMOLLM2, help="smollm2, gemma3 or a GGUF file")
    options.add_argument("--limit", type=int, default=100, metavar="N", help="questions")
    options.add_argument("--rounds", type=int, default=5, metavar="N", help="of each, in turns")
    options.add_argument("--threads", type=int, default=available_cores())
    return options.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
