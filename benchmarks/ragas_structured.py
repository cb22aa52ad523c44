"""Count what fails to parse when RAGAs' metrics ask a small model, with a grammar and without.

Questions and contexts of SQuAD 2.0, answered by the model itself; five metrics of each of RAGAs'
interfaces on every row, first with answers under the grammar of their schema, then with the same
model, prompts and settings and no grammar. Answers without a grammar are parsed as RAGAs does it:
its classic interface looks for JSON and lets the model repair what it cannot read, three times; the
collections interface gets what its own search for JSON finds.

A metric call fails where an answer does not parse, or is cut before its end. NaN of a metric whose
answers all parsed is its own: a response of which no statement was made has no faithfulness.

  python -m benchmarks.ragas_structured --weights fast --plain-rows 6
  python -m benchmarks.ragas_structured --rows 2 --metrics Faithfulness
"""

from __future__ import annotations

import asyncio
import inspect
import logging
import math
import sys
import warnings
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import Future
from functools import partial
from typing import Any

from benchmarks import models
from benchmarks.report.figures import Figure, conclude
from benchmarks.report.header import print_header, provenance
from benchmarks.report.options import parser
from benchmarks.workloads.rows import data_directory
from fastscore.assistant import Assistant
from fastscore.datasets.files import read_rows
from fastscore.integrations.ragas import (
    FastscoreInstructorLLM,
    FastscoreRagasEmbeddings,
    FastscoreRagasLLM,
)
from fastscore.integrations.ragas.prompts import free_text, text_of

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # RAGAs marks its classic metrics as old
    import ragas.metrics
    import ragas.metrics.collections
    from langchain_core.exceptions import OutputParserException
    from pydantic import BaseModel, ValidationError
    from ragas import SingleTurnSample
    from ragas.exceptions import LLMDidNotFinishException, RagasOutputParserException
    from ragas.prompt.pydantic_prompt import fix_output_format_prompt
    from ragas.prompt.utils import extract_json

ROWS = "rag_qa/squad_v2_dev_subset.jsonl.gz"
METRICS = (
    "Faithfulness",
    "AnswerRelevancy",
    "ContextPrecision",
    "ContextRecall",
    "FactualCorrectness",
)
CALLS = 200
"""Metric calls of the figure, at least."""
TOGETHER = 16
"""Metric calls under way at a time, as RAGAs has it."""
ROUNDING = 1e-6
"""By which the cosine of two float32 embeddings may leave [-1, 1]."""
WITH, WITHOUT = "with the grammar", "without"

Counts = Counter[str]


class PlainRagasLLM(FastscoreRagasLLM):
    """Free text for every prompt; counts the repairs that RAGAs asks for."""

    repairs = 0

    def _ask(
        self, prompt: Any, n: int, temperature: float | None, stop: list[str] | None
    ) -> tuple[list[Future[Any]], Any]:
        text = text_of(prompt)
        self.repairs += fix_output_format_prompt.instruction in text
        taken = self.get_temperature(n) if temperature is None else temperature
        write = partial(self._gatherer.answer, text, temperature=taken, stop=stop or ())
        return [write(seed=seed) for seed in range(self._seed, self._seed + n)], free_text


class PlainInstructorLLM(FastscoreInstructorLLM):
    """Free text, and the JSON that is found in it."""

    async def agenerate(self, prompt: str, response_model: type[BaseModel]) -> Any:
        answer = await asyncio.wrap_future(self._gatherer.answer(prompt))
        if answer.finish_reason == "length":
            raise LLMDidNotFinishException
        return response_model.model_validate_json(extract_json(answer.text))


def main(arguments: Sequence[str] | None = None) -> int:
    options = parser(__doc__ or "")
    options.add_argument("--model", default=models.SMOLLM2, help="(default: %(default)s)")
    options.add_argument(
        "--rows", type=int, default=21, help="answerable questions, from the first on"
    )
    options.add_argument(
        "--plain-rows",
        type=int,
        help="of these, the first so many also without the grammar, where answers that never end "
        "take hours (default: all)",
    )
    options.add_argument("--metrics", default=",".join(METRICS), help="(default: %(default)s)")
    options.add_argument("--max-tokens", type=int, default=512, help="of an answer (%(default)s)")
    options.add_argument("--weights", choices=("native", "fast"), default="native")
    options.add_argument("--threads", type=int, help="default: the physical cores")
    given = options.parse_args(arguments)
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    facts = provenance()
    print_header("RAGAs: answers that parse", facts)

    file = models.locate(given.model, given.scratch)
    opening = {"n_threads": given.threads, "weights": given.weights}
    with Assistant(file, max_tokens=given.max_tokens, **opening) as assistant:
        rows = _rows(assistant, read_rows(data_directory(given.data) / ROWS), given.rows)
        embeddings = FastscoreRagasEmbeddings(file, n_threads=given.threads)
        counts = {}
        for mode, classic, modern in (
            (WITH, FastscoreRagasLLM(assistant), FastscoreInstructorLLM(assistant)),
            (WITHOUT, PlainRagasLLM(assistant), PlainInstructorLLM(assistant)),
        ):
            print(f"\n{mode}:", flush=True)
            counts[mode] = Counts()
            for metric in _metrics(given.metrics.split(","), classic, modern, embeddings):
                asked = rows if mode == WITH else rows[: given.plain_rows]
                found = asyncio.run(_score_all(metric, asked))
                counts[mode] += found
                print(f"  {_name(metric):<32} {_shown(found)}", flush=True)
            if isinstance(classic, PlainRagasLLM):
                counts[mode]["repairs"] = classic.repairs
            print(f"  {'all':<32} {_shown(counts[mode])}")

    ours = counts[WITH]
    figures = [
        Figure("metric calls", ours["calls"], "at least", CALLS),
        Figure("calls that failed to parse, or were cut", ours["unparsed"], "at most", 0),
        Figure("calls that failed otherwise", ours["failed"], "at most", 0),
        Figure("scores that cannot be", ours["impossible"], "at most", 0),
    ]
    return conclude(figures, facts, counts, given.report)


def _rows(
    assistant: Assistant, questions: Sequence[dict[str, Any]], n_rows: int
) -> list[dict[str, Any]]:
    """Rows of RAGAs' fields; the responses are the model's own, to the question and its context."""
    chosen = [row for row in questions if not row["is_impossible"]][:n_rows]
    responses = assistant.answer(
        [f"{row['context']}\n\nAnswer in a sentence: {row['question']}" for row in chosen],
        max_tokens=96,
    )
    return [
        {
            "user_input": row["question"],
            "retrieved_contexts": [row["context"]],
            "response": response.text.strip(),
            "reference": row["answers"][0]["text"],
        }
        for row, response in zip(chosen, responses, strict=True)
    ]


def _metrics(
    names: Sequence[str], classic: FastscoreRagasLLM, modern: FastscoreInstructorLLM, embed: Any
) -> list[Any]:
    found = []
    for module, llm in ((ragas.metrics, classic), (ragas.metrics.collections, modern)):
        for name in names:
            kind = getattr(module, name)
            wants = inspect.signature(kind).parameters
            found.append(kind(llm=llm, **({"embeddings": embed} if "embeddings" in wants else {})))
    return found


async def _score_all(metric: Any, rows: Sequence[dict[str, Any]]) -> Counts:
    room = asyncio.Semaphore(TOGETHER)

    async def one(row: dict[str, Any]) -> Counts:
        async with room:
            return Counts(calls=1, **dict.fromkeys(await _outcome(metric, row), 1))

    total = Counts()
    for counted in await asyncio.gather(*map(one, rows)):
        total += counted
    return total


async def _outcome(metric: Any, row: dict[str, Any]) -> list[str]:
    try:
        if hasattr(metric, "single_turn_ascore"):
            value = await metric.single_turn_ascore(SingleTurnSample(**row))
        else:
            wanted = inspect.signature(metric.ascore).parameters
            value = (await metric.ascore(**{k: row[k] for k in wanted})).value
    except LLMDidNotFinishException:
        return ["unparsed", "cut"]
    except (RagasOutputParserException, OutputParserException, ValidationError):
        return ["unparsed"]
    except Exception as error:
        print(f"  {_name(metric)}: {type(error).__name__}: {error!s:.300}")
        return ["failed"]
    if math.isnan(value):
        return ["nan"]
    if abs(value) > 1 + ROUNDING:
        print(f"  {_name(metric)}: {value}")
        return ["impossible"]
    return []


def _name(metric: Any) -> str:
    part = "collections" if ".collections." in type(metric).__module__ else "classic"
    return f"{type(metric).__name__} ({part})"


def _shown(counts: Counts) -> str:
    text = (
        f"{counts['calls']:4} calls, {counts['unparsed']:3} not parsed ({counts['cut']} cut), "
        f"{counts['failed']} failed otherwise, {counts['impossible']} impossible scores, "
        f"{counts['nan']} NaN of the metric's own"
    )
    return text + (f", {counts['repairs']} repairs asked for" if counts["repairs"] else "")


if __name__ == "__main__":
    sys.exit(main())
