"""Which generation prompts, and which judgements of outputs, are compared with lm-eval's."""

from __future__ import annotations

import csv
import gzip
import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import astuple, dataclass
from pathlib import Path

from conformance_cases import TEMPLATES, Case
from conformance_rows import Rows, splits_of

GOLDEN = Path(__file__).with_name("golden_open.json")
GENERATED = Path(__file__).with_name("smollm2_outputs.json")


@dataclass(frozen=True)
class OpenRequest:
    """A prompt and how its answer is generated and judged, written out."""

    doc_id: int
    context: str
    stop: list[str]
    max_tokens: int
    gold: str | list[str]


@dataclass(frozen=True)
class Output:
    """A text that answers the row ``doc_id``."""

    doc_id: int
    text: str


@dataclass(frozen=True)
class Verdict:
    """What one output is worth: the answer each filter takes, and the scores, by column.

    ``program`` is the whole text that is executed for it, where it is code.
    """

    doc_id: int
    extracted: dict[str, str]
    scores: dict[str, float]
    program: str | None = None


def digest(values: Iterable[OpenRequest | Verdict]) -> str:
    """Half of the SHA-256 of all values, as JSON lines."""
    sha = hashlib.sha256()
    for value in values:
        sha.update(json.dumps(astuple(value), ensure_ascii=False).encode() + b"\n")
    return sha.hexdigest()[:32]


def cases() -> list[Case]:
    """All ways to ask that have a digest."""
    found = [
        *(Case("gsm8k", shots) for shots in (0, 1, 5, 8)),
        *(Case("triviaqa", shots) for shots in (0, 1, 5)),
        Case("humaneval"),
        Case("humaneval_instruct"),
        *(Case("mbpp", shots) for shots in (0, 1, 3)),
        Case("gsm8k", 5, limit=100),
        Case("triviaqa", 2, limit=40, system="Answer."),
    ]
    asked = (
        ("gsm8k", 0),
        ("gsm8k", 5),
        ("triviaqa", 0),
        ("triviaqa", 5),
        ("humaneval", 0),
        ("humaneval_instruct", 0),
        ("mbpp", 0),
        ("mbpp", 3),
    )
    for task, shots in asked:
        for chat in TEMPLATES:
            found.append(Case(task, shots, 20, chat))
            found.append(Case(task, shots, 20, chat, multiturn=False))
            found.append(Case(task, shots, 20, chat, system="Answer."))
    return found


def _openai(data: Path) -> Iterator[Output]:
    """The solutions of four models that were released with GSM8K; they end in "A: 18"."""
    models = ("6b_finetuning", "6b_verification", "175b_finetuning", "175b_verification")
    with gzip.open(
        data / "gsm8k" / "example_model_solutions.jsonl.gz", "rt", encoding="utf-8"
    ) as file:
        for doc_id, line in enumerate(file):
            row = json.loads(line)
            yield from (Output(doc_id, row[model]["solution"]) for model in models)


def _openai_marked(data: Path) -> Iterator[Output]:
    """The same with the mark that strict extraction looks for."""
    for output in _openai(data):
        yield Output(output.doc_id, output.text.replace("\nA: ", "\n#### "))


def _routellm(data: Path) -> Iterator[Output]:
    """What Mixtral 8x7B and GPT-4 wrote, in the order of the test rows."""
    models = ("mistralai/Mixtral-8x7B-Instruct-v0.1", "gpt-4-1106-preview")
    name = data / "reference_results" / "routellm_gsm8k_responses.csv.gz"
    with gzip.open(name, "rt", encoding="utf-8", newline="") as file:
        for doc_id, row in enumerate(csv.DictReader(file)):
            yield from (Output(doc_id, row[f"{model}_response"]) for model in models)


def _generated(task: str) -> Callable[[Path], Iterator[Output]]:
    """What SmolLM2-135M-Instruct wrote, greedily."""

    def read(_: Path) -> Iterator[Output]:
        for doc_id, text in json.loads(GENERATED.read_text(encoding="utf-8"))[task]:
            yield Output(doc_id, text)

    return read


def _aliases(data: Path) -> Iterator[Output]:
    """Every alias of every tenth TriviaQA row: as it is, disguised, and cut by a character."""
    rows = splits_of("triviaqa", data)["validation"]
    for doc_id in range(0, len(rows), 10):
        for alias in rows[doc_id]["answer"]["aliases"]:
            yield Output(doc_id, f" {alias}")
            yield Output(doc_id, f"\t«{alias.upper()}»?! ")
            yield Output(doc_id, f"({alias.title()})'\n")
            yield Output(doc_id, alias[:-1])


def _solutions(task: str, field: str) -> Callable[[Path], Iterator[Output]]:
    """Each row's own solution, plain and as a talkative model would give it."""

    def read(data: Path) -> Iterator[Output]:
        rows: Rows = splits_of(task, data)["test"]
        for doc_id, row in enumerate(rows):
            yield Output(doc_id, row[field])
            yield Output(doc_id, f"{row[field]}\n```\nThis works:\n```python\npass\n```")
            yield Output(doc_id, f"``` {row[field]}")
        yield Output(0, "")

    return read


OUTPUTS: dict[str, Callable[[Path], Iterator[Output]]] = {
    "gsm8k/openai": _openai,
    "gsm8k/openai-marked": _openai_marked,
    "gsm8k/routellm": _routellm,
    "gsm8k/smollm2": _generated("gsm8k"),
    "triviaqa/smollm2": _generated("triviaqa"),
    "triviaqa/aliases": _aliases,
    "humaneval/solutions": _solutions("humaneval", "canonical_solution"),
    "humaneval_instruct/solutions": _solutions("humaneval", "canonical_solution"),
    "mbpp/solutions": _solutions("mbpp", "code"),
}
"""Outputs to judge, by the name of the task and that of the set."""
