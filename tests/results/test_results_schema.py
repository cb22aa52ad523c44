"""results.json and the samples against their JSON Schema, and the schema against its document."""

from __future__ import annotations

import json
from importlib import resources
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from fastscore.results import Results

DOCS = Path(__file__).parents[2] / "docs" / "results_schema.md"


@pytest.fixture
def schema() -> dict[str, Any]:
    text = resources.files("fastscore.results").joinpath("schema.json").read_text("utf-8")
    return json.loads(text)  # type: ignore[no-any-return]


def strict(text: bytes | str) -> Any:
    return json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} in the JSON"))


def test_the_files_fit_their_schema(
    rich_results: Results, mmlu: Results, schema: dict[str, Any], tmp_path: Path
) -> None:
    jsonschema.Draft202012Validator.check_schema(schema)
    whole, line = validators(schema)
    for name, results in {"rich": rich_results, "mmlu": mmlu}.items():
        whole.validate(strict(results.save(tmp_path / name).read_bytes()))
        for file in (tmp_path / name / "samples").iterdir():
            for text in file.read_bytes().splitlines():
                line.validate(strict(text))


def validators(
    schema: dict[str, Any],
) -> tuple[jsonschema.Draft202012Validator, jsonschema.Draft202012Validator]:
    """For results.json, and for a line of a samples file."""
    sample = {"$ref": "#/$defs/sample", "$defs": schema["$defs"]}
    return jsonschema.Draft202012Validator(schema), jsonschema.Draft202012Validator(sample)


def test_the_schema_notices_a_missing_and_a_foreign_field(
    rich_results: Results, schema: dict[str, Any], tmp_path: Path
) -> None:
    document = strict(rich_results.save(tmp_path).read_bytes())
    whole, line = validators(schema)
    del document["tasks"]["arc_easy"]["origin"]["sha256"]
    document["work"]["flops"] = 1
    document["tasks"]["one/item"]["metrics"]["acc"].pop("reason")
    paths = {".".join(map(str, error.path)) for error in whole.iter_errors(document)}
    assert paths == {"tasks.arc_easy.origin", "work", "tasks.one/item.metrics.acc"}
    sample = rich_results.tasks["prompts"].samples[0].to_dict()
    assert line.is_valid(sample)
    text = rich_results.tasks["code"].samples[0].to_dict()
    assert line.is_valid(text)
    for wrong in ({"gold": 1}, {"outputs": []}, {"outcomes": ["fine"]}, {"n": 0}, {"pass@1": "1"}):
        assert not line.is_valid(text | wrong)
    for wrong in ({"pred": "A"}, {"acc": "1"}, {"gold": [0]}, {"loglikelihoods": ["inf"]}):
        assert not line.is_valid(sample | wrong)


def test_every_field_of_the_schema_is_documented(schema: dict[str, Any]) -> None:
    def names(node: Any) -> set[str]:
        if not isinstance(node, dict):
            return set()
        below = [names(value) for value in node.values()]
        return set(node.get("properties", {})).union(*below)

    text = DOCS.read_text("utf-8")
    fields = names(schema)
    assert len(fields) > 50
    assert {name for name in fields if f"`{name}`" not in text} == set()


def test_what_the_issue_of_a_result_is_can_be_read_without_fastscore(
    rich_results: Results, tmp_path: Path
) -> None:
    document = strict(rich_results.save(tmp_path).read_bytes())
    task = document["tasks"]["hellaswag"]
    metric = task["metrics"]["acc_norm"]
    lines = [strict(x) for x in (tmp_path / task["samples"]["file"]).read_bytes().splitlines()]
    assert task["n"] == len(lines) == 40
    assert metric["value"] == pytest.approx(sum(line["acc_norm"] for line in lines) / 40)
    assert metric["ci95"][0] < metric["value"] < metric["ci95"][1]
    assert {"doc_id", "loglikelihoods", "is_greedy", "gold", "pred", "acc"} <= set(lines[0])
    assert any("-inf" in line["loglikelihoods"] for line in lines)
    assert document["groups"]["pair"]["members"] == ["arc_easy", "hellaswag"]
    assert task["fewshot_origin"]["revision"] == "f00" * 13
