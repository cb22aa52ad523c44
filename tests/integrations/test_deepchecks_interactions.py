"""Interactions say what a run says: the answer that was judged, and nothing that is not known."""

from __future__ import annotations

import csv
import json
import math
from pathlib import Path
from typing import Any

import pytest

from fake_model import FakeModel
from fake_run import capitals, score
from fastscore import GenerationTask, OpenQuestion, Question, Results, Task
from fastscore.errors import ResultsError, UsageError
from fastscore.formats.deepchecks.interactions import (
    Interaction,
    choice_probabilities,
    interactions,
)
from fastscore.formats.deepchecks.writing import COLUMNS, write_csv, write_jsonl
from fastscore.results import GenerationSample, Sample


def of(results: Results, **options: Any) -> list[Interaction]:
    return list(interactions(results, **options))


def run(question: Any, rows: list[dict[str, Any]], **options: Any) -> Results:
    task = Task("mine", question, **options)
    return score(FakeModel(), task, rows={"mine": rows}, log_prompts=True)


def choice_sample(results: Results, number: int = 0) -> Sample:
    sample = next(iter(results.tasks.values())).samples[number]
    assert isinstance(sample, Sample)
    return sample


def text_task(right: str | tuple[str, ...] = "text 0 after 9 characters") -> GenerationTask:
    def question(row: Any) -> OpenQuestion:
        return OpenQuestion(row["q"], right if isinstance(right, str) else right[0], right)

    return GenerationTask("texts", question)


def test_the_output_is_the_choice_that_the_metric_judged() -> None:
    task, rows = capitals(20)
    results = score(FakeModel(), task, rows={"capitals": rows}, log_prompts=True)
    found = {metric: of(results, metric=metric) for metric in ("acc", "acc_norm")}
    outputs = [[one.output for one in ones] for ones in found.values()]
    assert outputs[0] != outputs[1], "no item tells the metrics apart"
    for metric, ones in found.items():
        for one, sample, row in zip(ones, results["capitals"].samples, rows, strict=True):
            chosen = sample.scores[metric].choice
            assert one.output == row["cities"][chosen]
            assert one.expected_output == row["cities"][row["answer"]]
            assert one.annotation == ("good" if chosen == row["answer"] else "bad")
            assert one.annotation_reason == f"{metric} is {sample.scores[metric].value:g}"
            assert one.input == one.full_prompt == f"{row['country']}'s capital is"
            assert one.properties["CP_acc"] == sample.scores["acc"].value
            assert one.properties["CP_probability"] == choice_probabilities(sample)[chosen]
    assert of(results) == found["acc_norm"], "the primary metric"
    mean = sum(one.annotation == "good" for one in found["acc"]) / 20
    assert mean == results["capitals"].metrics["acc"].value


def test_choices_in_the_middle_part_after_the_last_word_in_common() -> None:
    def question(row: Any) -> Question:
        before = "The trophy beat the"
        return Question([f"{before} case", f"{before} cape and mask"], ["was big.", "was big."], 1)

    (one,) = of(run(question, [{}], metrics=("acc",)))
    assert one.input == "The trophy beat the "
    assert one.expected_output == "cape and mask was big."
    assert one.output in ("case was big.", "cape and mask was big.")


def test_several_right_choices_are_all_there_and_a_share_is_no_verdict() -> None:
    def question(row: Any) -> Question:
        return Question("Q", ["yes", "no", "sure"], [0, 2])

    results = run(question, [{}], metrics=("mc2",), reported_as={"mc2": "acc"})
    (one,) = of(results)
    assert one.expected_output == "yes"
    assert json.loads(one.metadata["right_answers"]) == ["yes", "sure"]
    assert one.annotation is None
    assert 0 < one.properties["CP_acc"] < 1


def test_impossible_choices_leave_no_output_and_no_verdict() -> None:
    task, rows = capitals(1)
    results = score(FakeModel(), task, rows={"capitals": rows}, log_prompts=True)
    line = json.loads(choice_sample(results).to_line())
    line |= {"loglikelihoods": ["-inf"] * 3, "pred": None, "acc": None, "acc_norm": None}
    line |= {"undefined": {"acc": "all are impossible", "acc_norm": "all are impossible"}}
    line.pop("chosen")
    sample = Sample.from_line(json.dumps(line).encode(), ["acc", "acc_norm"], "here")
    object.__setattr__(results["capitals"], "samples", [sample])
    (one,) = of(results)
    assert one.output is None
    assert one.annotation is None
    assert one.annotation_reason == "acc_norm is undefined: all are impossible"
    assert one.properties == {}
    assert "output" not in one.to_dict()
    assert math.isnan(choice_probabilities(sample)[0])


def test_each_generated_text_is_an_interaction() -> None:
    rows = [{"q": "Question?"}, {"q": "Another question?"}]
    results = score(
        FakeModel(), text_task(), rows={"texts": rows}, log_prompts=True, n=2, temperature=0.8
    )
    found = of(results)
    assert [one.user_interaction_id for one in found] == [
        f"texts/{item}/{number}" for item in (0, 1) for number in (0, 1)
    ]
    assert [one.session_id for one in found] == ["texts/0"] * 2 + ["texts/1"] * 2
    assert found[1].output == "text 1 after 9 characters"
    assert found[1].metadata["finish_reason"] == results["texts"].samples[0].finish_reasons[1]
    # One of the first item's two texts is right, and the results do not say which.
    assert found[0].annotation is found[1].annotation is None
    assert found[0].annotation_reason.endswith("is 0.5, the mean over 2 samples")
    assert found[2].annotation == found[3].annotation == "bad"


def test_references_that_are_all_right_are_told() -> None:
    right = ("text 0 after 9 characters", "something else")
    results = score(
        FakeModel(), text_task(right), rows={"texts": [{"q": "Question?"}]}, log_prompts=True
    )
    (one,) = of(results)
    assert one.annotation == "good"
    assert one.expected_output == right[0]
    assert json.loads(one.metadata["right_answers"]) == list(right)


def test_programs_go_by_their_own_outcome() -> None:
    rows = [{"q": "def f"}]
    results = score(
        FakeModel(), text_task(), rows={"texts": rows}, log_prompts=True, n=2, temperature=0.8
    )
    task = results["texts"]
    (sample,) = task.samples
    assert isinstance(sample, GenerationSample)
    object.__setattr__(sample, "outcomes", ("failed", "passed"))
    object.__setattr__(sample, "details", ("AssertionError", ""))
    object.__setattr__(task.generation, "k", (1,))
    first, second = of(results)
    assert (first.annotation, first.annotation_reason) == (
        "bad",
        "the program failed: AssertionError",
    )
    assert (second.annotation, second.annotation_reason) == ("good", "the program passed")
    assert first.expected_output is None, "gold are the tests"
    assert first.interaction_type == "Generation"


def test_a_run_without_texts_is_refused_with_what_to_do(tmp_path: Path) -> None:
    results = score(FakeModel())
    for export in (interactions, lambda given: write_jsonl(given, tmp_path)):
        with pytest.raises(UsageError, match=r"mini_qa hold no texts.*--log-prompts"):
            export(results)
    assert list(tmp_path.iterdir()) == []


def test_a_metric_that_a_task_does_not_report_is_refused_at_once() -> None:
    results = score(FakeModel(), log_prompts=True)
    with pytest.raises(UsageError, match="no metric 'acc_nrm'"):
        interactions(results, metric="acc_nrm")


def test_files_hold_the_texts_as_they_are(tmp_path: Path) -> None:
    texts = ["=1+1", "+1", "-1", "@x", "\tx", 'a,"b"\r\nc', "\N{SNOWMAN}", "plain"]

    def question(row: Any) -> Question:
        return Question(row["q"], ["-2", "two"], 0)

    results = run(question, [{"q": text} for text in texts], metrics=("acc", "acc_norm"))
    results.save(tmp_path)
    loaded = Results.load(tmp_path)
    table, lines = write_csv(loaded, tmp_path), write_jsonl(loaded, tmp_path)
    with table.path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    found = [json.loads(line) for line in lines.path.read_bytes().splitlines()]
    assert [row["input"] for row in rows] == [one["input"] for one in found] == texts
    assert table.n == lines.n == len(rows) == len(texts)
    starts = tuple("=+-@\t\r")
    assert table.n_formulas == sum(cell.startswith(starts) for row in rows for cell in row.values())
    assert table.n_formulas >= 5 + len(texts), "five prompts and each expected -2"
    assert list(rows[0]) == [*COLUMNS, "CP_acc", "CP_acc_norm", "CP_probability"]
    for row, one in zip(rows, found, strict=True):
        assert row["annotation"] == one["annotation"].capitalize()
        assert json.loads(row["metadata"]) == one["metadata"]
        assert float(row["CP_probability"]) == one["custom_props"]["CP_probability"]


def test_half_of_a_surrogate_pair_ends_no_export(tmp_path: Path) -> None:
    results = score(
        FakeModel(write=lambda *_: "half \ud800"),
        text_task(),
        rows={"texts": [{"q": "Question?"}]},
        log_prompts=True,
    )
    assert b"half \\ud800" in write_csv(results, tmp_path).path.read_bytes()
    line = write_jsonl(results, tmp_path).path.read_bytes()
    assert json.loads(line)["output"] == "half \ud800"


def test_a_place_that_cannot_be_written_to_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ResultsError, match="cannot be written"):
        write_jsonl(score(FakeModel(), log_prompts=True), tmp_path / "file")
