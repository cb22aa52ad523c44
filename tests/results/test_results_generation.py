"""Generated texts in the results: lines read back or refused, notes, files of version 1."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fastscore.errors import ResultsError
from fastscore.metrics import Score
from fastscore.results import GenerationSample, GenerationWork, Results
from fastscore.results.generation_notes import generation_work


@pytest.fixture
def sample(rich_results: Results) -> GenerationSample:
    found = rich_results.tasks["code"].samples[2]
    assert isinstance(found, GenerationSample)
    return found


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"doc_id": -1}, "doc_id: expected a whole number"),
        ({"gold": []}, "gold: expected a text, or a list of at least one"),
        ({"gold": 3}, "gold: expected a list"),
        ({"n": 2}, "n: expected 3, the number of outputs"),
        ({"outputs": []}, "n: expected 0"),
        ({"outputs": "text"}, "outputs: expected a list"),
        ({"outputs": [1, 2, 3]}, "outputs: expected a list of texts"),
        ({"finish_reasons": ["stop"]}, "finish_reasons: expected 3 texts, one a sample"),
        ({"finish_reasons": ["bored"] * 3}, "finish_reasons: expected texts among stop, eos"),
        ({"extracted": {"none": ["one"]}}, "extracted.none: expected 3 texts"),
        ({"outcomes": ["fine"] * 3}, "outcomes: expected texts among passed, failed"),
        ({"c": 3}, "c: expected 2, how many outcomes are 'passed'"),
        ({"details": [""]}, "details: expected 3 texts"),
        ({"pass@1": None}, "a number, or null with its reason in 'undefined'"),
        ({"context": 1}, "context: expected a text"),
    ],
)
def test_a_wrong_line_is_named(
    sample: GenerationSample, change: dict[str, Any], message: str
) -> None:
    line = json.dumps(sample.to_dict() | change).encode()
    with pytest.raises(ResultsError, match="samples, line 2") as error:
        GenerationSample.from_line(line, ["pass@1"], "samples, line 2")
    assert message in str(error.value)


def test_a_line_comes_back(sample: GenerationSample) -> None:
    assert GenerationSample.from_line(sample.to_line(), ["pass@1"], "here") == sample
    assert sample.n_passed == 2
    assert sample.to_line().count(b"\n") == 1


def test_a_metric_cannot_take_the_name_of_a_field(sample: GenerationSample) -> None:
    with pytest.raises(ResultsError, match="cannot be reported as 'outputs'"):
        replace(sample, scores={"outputs": Score(1.0)}).to_dict()


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("n", -1, "n: expected a whole number"),
        ("k", [0], "k: expected a list of whole numbers of 1 or more"),
        ("sampling.seed", 0.5, "seed: expected a whole number"),
        ("sampling.temperature", -1, "temperature: expected a finite number of 0 or more"),
        ("finish_reasons", {"tired": 1}, "tired: expected no such field"),
        ("none_passed", 1.5, "none_passed: expected a share from 0 to 1"),
        ("execution.outcomes", {"passed": -1}, "passed: expected a whole number"),
        ("execution.limits", {"cpu_seconds": 1e999}, "Infinity is no JSON number"),
    ],
)
def test_a_wrong_value_is_named_with_its_place(
    rich_results: Results, tmp_path: Path, path: str, value: Any, message: str
) -> None:
    file = rich_results.save(tmp_path)
    document = json.loads(file.read_text("utf-8"))
    inner = document["tasks"]["code"]["generation"]
    *parents, last = path.split(".")
    for parent in parents:
        inner = inner[parent]
    inner[last] = value
    file.write_text(json.dumps(document), "utf-8")
    with pytest.raises(ResultsError) as error:
        Results.load(tmp_path)
    assert message in str(error.value)


def test_files_of_version_1_are_read(rich_results: Results, tmp_path: Path) -> None:
    choices = {name: t for name, t in rich_results.tasks.items() if t.generation is None}
    results = replace(rich_results, tasks=choices, work=replace(rich_results.work, generation=None))
    file = results.save(tmp_path)
    document = json.loads(file.read_text("utf-8"))
    document["schema_version"] = 1
    del document["work"]["generation"]
    for task in document["tasks"].values():
        del task["generation"]
    file.write_text(json.dumps(document), "utf-8")
    assert Results.load(tmp_path).to_dict() == results.to_dict()


def test_what_must_be_known_of_generated_texts_is_said(rich_results: Results) -> None:
    text = str(rich_results)
    for note in (
        "code, code_not_run: 3 samples a problem, temperature 0.8, top_p 0.95, seed 7; 120.5 ",
        "8 of 24 samples were cut at 512 tokens",
        "code: no sample passed (c = 0) for 12.5% of the problems, all passed (c = n) for 62.5%.",
        "code: programs ran in the strong sandbox (namespaces and seccomp): 18 passed, 6 failed.",
        "code: 2 programs came near the limit of 3 s of CPU time",
        "code_not_run (pass@1): the programs were not run.",
        "open_qa: 1 sample a problem, greedy; 3.0 tokens a sample on average.",
        "6 of 36 texts came from the store, wrote 4,321 tokens at 99 tokens/s after 1,500 ",
        "ran 24 programs in 6.0 s",
    ):
        assert note in text


@pytest.mark.parametrize(
    ("tokens", "words"),
    [
        (4, "wrote 4 tokens after 1 token of prompts"),  # no step of decoding: no speed of it
        (24, "wrote 24 tokens at 10 tokens/s after 1 token of prompts"),
    ],
)
def test_the_speed_of_writing_leaves_out_what_reading_the_prompts_gave(
    tokens: int, words: str
) -> None:
    work = GenerationWork(
        samples=6,
        from_store=2,
        tokens_generated=tokens,
        prompt_tokens_decoded=1,
        prompt_tokens_minimal=1,
        programs=1,
        seconds={"prefill": 1.0, "decode": 1.5, "sample": 0.5, "execute": 0.2},
    )
    assert list(generation_work(work)) == [
        "2 of 6 texts came from the store",
        words,
        "ran 1 program in 0.2 s",
    ]
