"""TriviaQA (Joshi et al., 2017, arXiv:1705.03551): the hub's layout.

Files made from it may keep only the question, the answer and its aliases. llm-foundry's have
``context``, ``answer`` and ``aliases`` side by side.
"""

from __future__ import annotations

from typing import Any

from fastscore.datasets import fields
from fastscore.datasets.files import Record
from fastscore.datasets.layouts.layout import Layout


def _normalise(record: Record) -> dict[str, Any]:
    place, row = record
    if isinstance(row.get("answer"), str):
        question, answer = fields.text(row, "context", place), row
        value = fields.text(row, "answer", place)
    else:
        question = fields.text(row, "question", place)
        answer = fields.mapping(row, "answer", place)
        value = fields.text(answer, "value", place)
    normal = {
        "question": question,
        "answer": {"value": value, "aliases": fields.texts(answer, "aliases", place)},
    }
    # Tells rows apart that ask the same: an item's own row is kept out of its examples.
    if "question_id" in row:
        normal["question_id"] = fields.text(row, "question_id", place)
    return normal


LAYOUT = Layout(_normalise)
