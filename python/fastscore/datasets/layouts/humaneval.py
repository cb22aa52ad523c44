"""HumanEval (Chen et al., 2021, arXiv:2107.03374); file, package and hub have the same fields."""

from __future__ import annotations

from typing import Any

from fastscore.datasets import fields
from fastscore.datasets.files import Record
from fastscore.datasets.layouts.layout import Layout

_FIELDS = ("task_id", "prompt", "entry_point", "canonical_solution", "test")


def _normalise(record: Record) -> dict[str, Any]:
    place, row = record
    normal = {name: fields.text(row, name, place) for name in _FIELDS}
    if not normal["entry_point"].isidentifier():
        fields.refuse(place, "entry_point", normal["entry_point"], "the name of a function")
    if "def check(" not in normal["test"]:
        fields.refuse(place, "test", normal["test"], "code that defines the function check")
    return normal


LAYOUT = Layout(_normalise)
