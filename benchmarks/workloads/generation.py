"""What is generated: prompts of four benchmarks, and the tasks that lm-eval generates for."""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.workloads.rows import MBPP_TEST, Workload

LM_EVAL = (
    Workload("triviaqa", 0, 60),
    Workload("triviaqa", 5, 60),
    Workload("gsm8k", 5, 16),
    Workload("mbpp", 3, 20),
    Workload("humaneval", 0, 20),
)
"""Some ten minutes of lm-eval on one core: small models write short texts."""


@dataclass(frozen=True)
class Prompt:
    """One text to go on from, with the stops and the room that its benchmark gives."""

    name: str
    text: str
    stop: tuple[str, ...]
    max_tokens: int


def fifty_prompts(data: Path) -> list[Prompt]:
    """20 of HumanEval, 10 of GSM8K behind five solved problems, 10 of TriviaQA, 10 of MBPP.

    At most 128 tokens each, so that one-at-a-time decoding stays a matter of minutes.
    """
    gsm8k = _read(data / "gsm8k" / "test.jsonl.gz")
    solved = _read(data / "gsm8k" / "train.jsonl.gz")[:5]
    shots = "".join(f"Question: {row['question']}\nAnswer: {row['answer']}\n\n" for row in solved)
    trivia = _read(data / "triviaqa" / "triviaqa_subset.jsonl.gz")
    return [
        *human_eval(data, 20, 128),
        *(
            Prompt(
                f"gsm8k {i}",
                f"{shots}Question: {row['question']}\nAnswer:",
                ("Question:", "</s>", "<|im_end|>"),
                128,
            )
            for i, row in enumerate(gsm8k[:10])
        ),
        *(
            Prompt(f"triviaqa {i}", f"Question: {row['question']}?\nAnswer:", ("\n", ".", ","), 128)
            for i, row in enumerate(trivia[:10])
        ),
        *_mbpp(data, 10),
    ]


def human_eval(data: Path, n: int, max_tokens: int) -> list[Prompt]:
    """The first ``n`` prompts of HumanEval as they stand, and no stop texts.

    HumanEval's own stops are what small models write first, and a text of two tokens tests little.
    """
    rows = _read(data / "humaneval" / "HumanEval.jsonl.gz")[:n]
    return [Prompt(row["task_id"], row["prompt"], (), max_tokens) for row in rows]


def _mbpp(data: Path, n: int) -> list[Prompt]:
    rows = {row["task_id"]: row for row in _read(data / "mbpp" / "mbpp.jsonl.gz")}

    def asked(row: dict[str, Any]) -> str:
        tests = "\n".join(row["test_list"][:3])
        return (
            f"You are an expert Python programmer, and here is your task: {row['text']} "
            f"Your code should pass these tests:\n\n{tests}\n[BEGIN]\n"
        )

    shots = "".join(f"{asked(rows[i])}{rows[i]['code']}\n[DONE]\n\n" for i in (2, 3, 4))
    return [Prompt(f"mbpp {i}", shots + asked(rows[i]), ("[DONE]",), 128) for i in MBPP_TEST[:n]]


def _read(path: Path) -> list[dict[str, Any]]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]
