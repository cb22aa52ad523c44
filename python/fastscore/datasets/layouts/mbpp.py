"""MBPP (Austin et al., 2021, arXiv:2108.07732): the full set of 974 problems.

The release is one file; the hub splits it by ``task_id``, which every row's ``split`` says here.
"""

from __future__ import annotations

from typing import Any

from fastscore.datasets import fields
from fastscore.datasets.files import Record
from fastscore.datasets.layouts.layout import Layout

_SPLITS = {
    "prompt": range(1, 11),
    "test": range(11, 511),
    "validation": range(511, 601),
    "train": range(601, 975),
}


def _normalise(record: Record) -> dict[str, Any]:
    place, row = record
    text = fields.get(row, "text", place, "the sanitized set has 'prompt'; take the full one")
    if not isinstance(text, str):
        fields.refuse(place, "text", text, "a text")
    task_id = fields.get(row, "task_id", place)
    split = next((name for name, ids in _SPLITS.items() if task_id in ids), None)
    if type(task_id) is not int or split is None:
        fields.refuse(place, "task_id", task_id, "a number from 1 to 974")
    tests = fields.texts(row, "test_list", place)
    if len(tests) < 3:
        fields.refuse(place, "test_list", tests, "three tests or more")
    return {
        "task_id": task_id,
        "split": split,
        "text": text,
        "code": fields.text(row, "code", place),
        "test_list": tests,
    }


LAYOUT = Layout(_normalise)
