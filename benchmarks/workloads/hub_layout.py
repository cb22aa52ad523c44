"""Rows of the benchmarks' own releases, turned into the field layout of the Hugging Face hub.

Written apart from ``fastscore.datasets`` on purpose: lm-eval is given rows converted here while
fastscore reads the release itself, so that a comparison also covers fastscore's conversion.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Row = dict[str, Any]


def arc(row: Row) -> Row:
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


def hellaswag(row: Row) -> Row:
    fields = ("ind", "activity_label", "ctx_a", "ctx_b", "ctx", "endings", "source_id")
    return {**{name: row[name] for name in fields}, "label": str(row["label"])}


def winogrande(row: Row) -> Row:
    return {name: row[name] for name in ("sentence", "option1", "option2", "answer")}


def mmlu(row: Row) -> Row:
    return {name: row[name] for name in ("question", "subject", "choices", "answer")}


def truthfulqa(row: Row) -> Row:
    def targets(scored: dict[str, int]) -> Row:
        return {"choices": list(scored), "labels": list(scored.values())}

    return {
        "question": row["question"],
        "mc1_targets": targets(row["mc1_targets"]),
        "mc2_targets": targets(row["mc2_targets"]),
    }


CONVERT: dict[str, Callable[[Row], Row]] = {
    "arc": arc,
    "hellaswag": hellaswag,
    "winogrande": winogrande,
    "mmlu": mmlu,
    "truthfulqa": truthfulqa,
    "mini": dict,
    # These were released in the hub's layout.
    "gsm8k": dict,
    "triviaqa": dict,
    "humaneval": dict,
    "mbpp": dict,
}
