"""Rows for comparisons with lm-eval, in the columns that the Hugging Face hub has.

Read with the standard library alone, from the original release files, so that neither
lm-eval's side of a comparison nor the stored digests depend on fastscore.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

Rows = list[dict[str, Any]]
Splits = dict[str, Rows]
"""Rows by the names of the hub's splits."""


def splits_of(task: str, data: Path) -> Splits:
    """The rows that the task called ``task`` reads; FileNotFoundError where a file is not there."""
    if task.startswith("mmlu_"):
        return _mmlu(data)[task.removeprefix("mmlu_").removeprefix("cloze_")]
    return _READERS[task.removesuffix("_letters")](data)


def mmlu_subjects(data: Path) -> list[str]:
    """The 57, in alphabetical order."""
    return sorted(_mmlu(data))


def _jsonl(path: Path) -> Rows:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def _arc(prefix: str) -> Callable[[Path], Splits]:
    def hub(row: dict[str, Any]) -> dict[str, Any]:
        choices = row["question"]["choices"]
        return {
            "id": row["id"],
            "question": row["question"]["stem"],
            "choices": {
                "text": [choice["text"] for choice in choices],
                "label": [choice["label"] for choice in choices],
            },
            "answerKey": row["answerKey"],
        }

    @cache
    def read(data: Path) -> Splits:
        names = {"train": "Train", "validation": "Dev", "test": "Test"}
        return {
            split: [hub(row) for row in _jsonl(data / "arc" / f"{prefix}-{name}.jsonl.gz")]
            for split, name in names.items()
        }

    return read


@cache
def _hellaswag(data: Path) -> Splits:
    """1,000 validation rows, some of them also examples, and some of those twice or three times.

    The hub's training rows are not among the data. Equal rows on both sides make lm-eval drop an
    item from its own examples, and draw again where more than one copy was drawn.
    """
    rows = [
        {**row, "label": str(row["label"])}
        for row in _jsonl(data / "hellaswag" / "hellaswag_val_1000.jsonl.gz")
    ]
    return {"validation": rows[:600], "train": rows[500:540] + rows[500:520] + rows[500:510]}


@cache
def _winogrande(data: Path) -> Splits:
    columns = ("sentence", "option1", "option2", "answer")
    return {
        split: [
            {column: row[column] for column in columns}
            for row in _jsonl(data / "winogrande" / f"{name}.jsonl.gz")
        ]
        for split, name in (("train", "train_m"), ("validation", "dev"))
    }


@cache
def _mmlu(data: Path) -> dict[str, Splits]:
    subjects: dict[str, Splits] = {}
    for split, name in (("test", "test"), ("dev", "dev")):
        for row in _jsonl(data / "mmlu" / f"{name}.jsonl.gz"):
            subjects.setdefault(row["subject"], {"test": [], "dev": []})[split].append(row)
    return subjects


@cache
def _truthfulqa(data: Path) -> Splits:
    def hub(targets: dict[str, int]) -> dict[str, Any]:
        return {"choices": list(targets), "labels": list(targets.values())}

    rows = _jsonl(data / "truthfulqa" / "mc_task_v1.jsonl.gz")
    return {
        "validation": [
            {
                "question": row["question"],
                "mc1_targets": hub(row["mc1_targets"]),
                "mc2_targets": hub(row["mc2_targets"]),
            }
            for row in rows
        ]
    }


def _piqa(_: Path) -> Splits:
    """Made-up rows with what real ones hold: line ends, spaces, quotes, other scripts."""
    rows = [
        {
            "goal": f"How do you fold {thing} number {number}?",
            "sol1": f"  Fold {thing} in half.\n Then press.",
            "sol2": f"Wrap {thing} in «paper» — it's \\ 'quick'.",
            "label": number % 2,
        }
        for number, thing in enumerate(["a shirt", "een servet", "紙", 'a "map"', "a\ttent"] * 8)
    ]
    return {"train": rows[10:] + rows[:5] * 3, "validation": rows[:20]}


def _openbookqa(_: Path) -> Splits:
    """Made-up rows; a few keys begin with a space, as in the release."""
    rows = [
        {
            "id": f"9-{number}",
            "question_stem": f"A plant in pot {number} needs",
            "choices": {
                "text": ["light", "a radio's «noise»", "[salt] '{}'", f"{number} coins"],
                "label": ["A", "B", "C", "D"],
            },
            "answerKey": (" " if number % 7 == 0 else "") + "ABCD"[number % 4],
        }
        for number in range(60)
    ]
    return {"train": rows[20:], "validation": rows[10:20], "test": rows[:20]}


@cache
def _gsm8k(data: Path) -> Splits:
    return {split: _jsonl(data / "gsm8k" / f"{split}.jsonl.gz") for split in ("train", "test")}


@cache
def _triviaqa(data: Path) -> Splits:
    """The 3,000 rows at hand, some of them also examples, and some of those twice or three times.

    The hub's training rows are not among the data; see `_hellaswag` for what equal rows do.
    """
    rows = _jsonl(data / "triviaqa" / "triviaqa_subset.jsonl.gz")
    return {"validation": rows, "train": rows[2000:2100] + rows[:40] + rows[:20] + rows[:10]}


@cache
def _humaneval(data: Path) -> Splits:
    return {"test": _jsonl(data / "humaneval" / "HumanEval.jsonl.gz")}


@cache
def _mbpp(data: Path) -> Splits:
    rows = _jsonl(data / "mbpp" / "mbpp.jsonl.gz")
    return {"test": [row for row in rows if 11 <= row["task_id"] <= 510]}


def _mini(part: str | None = None) -> Callable[[Path], Splits]:
    """The rows that fastscore brings along, of one format or of all; not among the data."""
    packaged = Path(__file__).parents[2] / "python" / "fastscore" / "data" / "mini.jsonl"

    def read(_: Path) -> Splits:
        lines = packaged.read_text(encoding="utf-8").splitlines()
        rows = [row for row in map(json.loads, lines) if part in (None, row["format"])]
        return {
            split: [row for row in rows if row["split"] == split] for split in ("test", "fewshot")
        }

    return read


_READERS: dict[str, Callable[[Path], Splits]] = {
    "arc_easy": _arc("ARC-Easy"),
    "arc_challenge": _arc("ARC-Challenge"),
    "hellaswag": _hellaswag,
    "winogrande": _winogrande,
    "truthfulqa_mc1": _truthfulqa,
    "truthfulqa_mc2": _truthfulqa,
    "piqa": _piqa,
    "openbookqa": _openbookqa,
    "gsm8k": _gsm8k,
    "triviaqa": _triviaqa,
    "humaneval": _humaneval,
    "humaneval_instruct": _humaneval,
    "mbpp": _mbpp,
    "mini": _mini(),
    **{f"mini_{part}": _mini(part) for part in ("qa", "completion", "blank")},
}
