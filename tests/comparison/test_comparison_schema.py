"""docs/comparison_schema.md against what is written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fake_results import make_results
from fastscore.comparison.build import compare_results
from fastscore.comparison.values import Contender

DOCS = Path(__file__).parents[2] / "docs" / "comparison_schema.md"


def test_every_field_is_documented() -> None:
    base, other = (make_results(name, {"qa": 60}, seed=i, noise=2) for i, name in enumerate("ab"))
    comparison = compare_results(Contender("a", base), [Contender("b", other)], margin=0.01)
    document = comparison.to_dict()
    candidate = document["candidates"][0]
    assert candidate["flips"]["qa"]

    def keys(value: dict[str, Any]) -> set[str]:
        return set(value)

    fields = keys(document) | keys(document["base"]) | keys(candidate)
    fields |= keys(candidate["differences"][0]) | keys(candidate["flips"]["qa"][0])
    fields |= keys(candidate["flips"]["qa"][0]["base"])
    text = DOCS.read_text("utf-8")
    assert {field for field in fields if f"`{field}`" not in text} == set()
