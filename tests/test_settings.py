from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastscore.errors import UsageError
from fastscore.settings import RunSettings, describe_rows, rows_within


def test_settings_are_plain_json() -> None:
    settings = RunSettings(
        ("a", "b"), limit=0.5, rows=describe_rows({"a": Path("x") / "y.jsonl", "b": [{}, {}]})
    )
    document = json.loads(json.dumps(settings.to_dict()))
    assert document["tasks"] == ["a", "b"]
    assert document["limit"] == 0.5
    assert document["rows"] == {"a": str(Path("x") / "y.jsonl"), "b": "2 rows from Python"}
    assert document["fewshot_rows"] is None


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"num_fewshot": -1}, "num_fewshot is -1"),
        ({"limit": 0}, "limit is 0"),
        ({"limit": 2.5}, "limit is 2.5"),
        ({"fewshot": "same"}, "fewshot is 'same'"),
        ({"seed": 1.5}, "seed is 1.5"),
        ({"seed": 2**64}, r"seed is a number of 65 bits; the limit is 64 bits"),
        ({"seed": -(10**400)}, "seed is a number of 1329 bits"),
    ],
)
def test_wrong_values_are_named(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        RunSettings(("a",), **wrong)


@pytest.mark.parametrize(
    ("limit", "n_rows", "expected"),
    [(None, 7, 7), (3, 7, 3), (9, 7, 7), (3.0, 7, 3), (0.5, 7, 4), (0.001, 7, 1), (0.5, 0, 0)],
)
def test_limits(limit: float | None, n_rows: int, expected: int) -> None:
    assert rows_within(limit, n_rows) == expected


@given(st.floats(0, 1, exclude_min=True, exclude_max=True), st.integers(1, 10**6))
def test_a_fraction_leaves_some_and_never_more_than_all(fraction: float, n_rows: int) -> None:
    assert 1 <= rows_within(fraction, n_rows) <= n_rows
