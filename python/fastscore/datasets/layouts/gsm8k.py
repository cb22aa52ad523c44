"""GSM8K (Cobbe et al., 2021, arXiv:2110.14168); files and hub have the same fields."""

from __future__ import annotations

from typing import Any

from fastscore.datasets import fields
from fastscore.datasets.files import Record
from fastscore.datasets.layouts.layout import Layout


def _normalise(record: Record) -> dict[str, Any]:
    place, row = record
    answer = fields.text(row, "answer", place)
    if "#### " not in answer:
        fields.refuse(place, "answer", answer, "a solution that ends in '#### ' and a number")
    return {"question": fields.text(row, "question", place), "answer": answer}


LAYOUT = Layout(_normalise)
