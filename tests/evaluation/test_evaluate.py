"""`evaluate` around a model that computes nothing: every number can be checked by hand."""

from __future__ import annotations

import inspect
import json
import math
import os
import re
from pathlib import Path
from typing import Any

import pytest

from fake_model import FakeModel
from fake_run import MINI, capitals, score, task_of
from fastscore import Results, Task, UnsavedResultsError, evaluate
from fastscore.errors import DataError, ResultsError, UsageError
from fastscore.progress import Progress
from fastscore.results import GroupResult
from fastscore.tasks import get_group, get_task

DATA = Path(os.environ.get("FASTSCORE_DATA") or Path(__file__).parents[3] / "shared" / "data")
needs_data = pytest.mark.skipif(
    not (DATA / "mmlu").is_dir(), reason=f"no published benchmark files below {DATA}"
)

STEM = get_group("mmlu_stem").members


def expected_accuracy(model: FakeModel, task: Task, rows: list[Any]) -> float:
    """Count the right answers without any of the code under test but the prompts."""
    right = 0
    for item in task.items(rows):
        values = [
            model.loglikelihood((item.context_of(i), text)).logprob
            for i, text in enumerate(item.continuations)
        ]
        right += values.index(max(values)) in item.gold
    return right / len(rows)


@pytest.mark.parametrize("name", MINI)
def test_scores_are_those_of_the_likelihoods(name: str) -> None:
    model = FakeModel()
    results = score(model, name)
    task = get_task(name)
    rows = task.load("eval").rows
    result = task_of(results, name)
    assert result.n == len(rows) == 36
    assert result.metrics["acc"].value == pytest.approx(expected_accuracy(model, task, rows))
    for sample, item in zip(result.samples, task.items(rows), strict=True):
        assert sample.doc_id == item.doc_id
        for i, text in enumerate(item.continuations):
            alone = model.loglikelihood((item.context_of(i), text))
            assert sample.loglikelihoods[i] == alone.logprob
            assert sample.is_greedy[i] == alone.is_greedy


def test_mini_is_one_task_of_three_formats() -> None:
    model = FakeModel()
    result = task_of(score(model, "mini"), "mini")
    assert list(result.metrics) == ["acc"]
    assert result.n == 108
    parts = [task_of(score(model, name), name) for name in MINI]
    right = sum(round(36 * part.metrics["acc"].value) for part in parts)
    assert result.metrics["acc"].value == pytest.approx(right / 108)


def test_a_group_is_the_mean_over_its_items(tmp_path: Path) -> None:
    file = tmp_path / "mmlu.jsonl"
    rows = [
        {
            "question": f"{number} of {name}?",
            "subject": name.removeprefix("mmlu_"),
            "choices": [f"{number}a", f"{number}b", f"{number}c", f"{number}d"],
            "answer": number % 4,
        }
        for size, name in enumerate(STEM, start=1)
        for number in range(size)
    ]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    results = score(FakeModel(), "mmlu_stem", rows={"mmlu_stem": file})
    group = results["mmlu_stem"]
    assert isinstance(group, GroupResult)
    assert list(results) == [*STEM, "mmlu_stem"]
    assert [task_of(results, name).n for name in STEM] == list(range(1, 20))
    scores = [s.scores["acc"].value for name in STEM for s in task_of(results, name).samples]
    assert group.n == len(scores) == 190
    assert group.metrics["acc"].value == pytest.approx(math.fsum(scores) / 190)


@needs_data
def test_groups_of_groups(tmp_path: Path) -> None:
    results = score(FakeModel(), "mmlu", data=DATA, limit=2, num_fewshot=5)
    overall, stem = results["mmlu"], results["mmlu_stem"]
    assert isinstance(overall, GroupResult)
    assert isinstance(stem, GroupResult)
    assert len(overall.tasks) == 57
    assert set(overall.members) == {
        "mmlu_stem", "mmlu_other", "mmlu_social_sciences", "mmlu_humanities",
    }  # fmt: skip
    assert overall.n == 2 * 57
    assert stem.members == stem.tasks
    assert {task_of(results, name).num_fewshot for name in overall.tasks} == {5}


@needs_data
def test_shots_come_from_the_fewshot_rows() -> None:
    model = FakeModel()
    results = score(model, "arc_easy", data=DATA, limit=3, num_fewshot=2, log_prompts=True)
    result = task_of(results, "arc_easy")
    assert result.fewshot_origin is not None
    assert "Train" in result.fewshot_origin.location
    sample = result.samples[2]
    assert sample.contexts is not None
    assert sample.contexts[0].count("Question: ") == 3
    assert {context for context, _ in model.pairs} >= set(sample.contexts)


@pytest.mark.parametrize(("limit", "n"), [(5, 5), (1, 1), (1000, 36), (0.1, 4), (0.5, 18)])
def test_limit_takes_the_first_rows(limit: float, n: int) -> None:
    model = FakeModel()
    result = task_of(score(model, "mini_qa", limit=limit), "mini_qa")
    everything = task_of(score(model, "mini_qa"), "mini_qa")
    assert result.n == n
    assert list(result.samples) == list(everything.samples[:n])


@pytest.mark.parametrize("limit", [0, -1, 1.5, math.nan, math.inf, True, "2", [2]])
def test_a_limit_that_is_none(limit: Any) -> None:
    with pytest.raises(UsageError, match="limit is"):
        score(FakeModel(), limit=limit)


def test_tasks_can_be_named_in_every_way(tmp_path: Path) -> None:
    own, rows = capitals()
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    yaml = tmp_path / "own.yaml"
    yaml.write_text(
        "name: from_yaml\nrows: rows.jsonl\nprompt: 'What is the capital of {{ country }}?'\n"
        "choices: cities\ngold: answer\n"
    )
    results = score(
        FakeModel(), ["mini_qa, mini_blank", str(yaml), own, "mini_c*"], rows={"capitals": rows}
    )
    assert list(results) == ["mini_qa", "mini_blank", "from_yaml", "capitals", "mini_completion"]
    assert task_of(results, "from_yaml").n == 5
    assert list(results.settings["tasks"])[2:] == [str(yaml), "capitals", "mini_c*"]
    assert results.settings["rows"] == {"capitals": "5 rows from Python"}


def test_rows_handed_over_in_python() -> None:
    task, rows = capitals()
    model = FakeModel()
    result = task_of(score(model, task, rows={"capitals": rows}), "capitals")
    assert result.metrics["acc"].value == pytest.approx(expected_accuracy(model, task, rows))
    assert "Python" in result.origin.location
    assert result.origin.n_rows == 5
    again = task_of(score(model, task, rows={"capitals": rows[::-1]}), "capitals")
    assert again.origin.sha256 != result.origin.sha256


def test_examples_of_an_own_task_come_from_the_rows_given() -> None:
    task, rows = capitals()
    result = task_of(
        score(FakeModel(), task, rows={"capitals": rows}, num_fewshot=2, log_prompts=True),
        "capitals",
    )
    for sample, row in zip(result.samples, rows, strict=True):
        assert sample.contexts is not None
        assert sample.contexts[0].count("capital is") == 3
        assert sample.contexts[0].count(f"{row['country']}'s") == 1


def test_rows_of_a_task_come_from_the_file_given(tmp_path: Path) -> None:
    rows = get_task("mini_qa").load("eval").rows[:4]
    file = tmp_path / "mini.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    results = score(FakeModel(), "mini_qa", rows={"mini_qa": file})
    assert task_of(results, "mini_qa").n == 4
    assert task_of(results, "mini_qa").origin.location == str(file)


@pytest.mark.parametrize("option", ["rows", "fewshot_rows"])
def test_rows_for_a_task_that_does_not_run(option: str) -> None:
    with pytest.raises(UsageError, match=r"'arc_easy'.*mini_qa"):
        score(FakeModel(), "mini_qa", **{option: {"arc_easy": "x.jsonl"}})


def test_what_is_missing_is_said_before_anything_is_decoded(tmp_path: Path) -> None:
    model = FakeModel()
    with pytest.raises(DataError, match="ARC-Easy"):
        score(model, "mini,arc_easy", data=tmp_path)
    assert model.n_scored == 0


def test_a_bad_row_is_said_before_anything_is_decoded() -> None:
    task, rows = capitals()
    rows[3]["answer"] = 7
    model = FakeModel()
    with pytest.raises(DataError, match="row 3"):
        score(model, ["mini_qa", task], rows={"capitals": rows})
    assert model.n_scored == 0


def test_an_output_that_cannot_be_written_is_said_before(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    model = FakeModel()
    with pytest.raises(ResultsError, match=str(tmp_path)):
        score(model, output=tmp_path / "file" / "out")
    assert model.n_scored == 0


def test_results_are_written(tmp_path: Path) -> None:
    results = score(FakeModel(), output=tmp_path / "out", log_prompts=True)
    assert sorted(p.name for p in (tmp_path / "out" / "samples").iterdir()) == [
        "mini_blank.jsonl", "mini_completion.jsonl", "mini_qa.jsonl",
    ]  # fmt: skip
    loaded = Results.load(tmp_path / "out")
    assert loaded.to_dict() == results.to_dict()
    assert task_of(loaded, "mini_qa").samples[0] == task_of(results, "mini_qa").samples[0]


def test_results_that_cannot_be_written_are_not_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(self: Results, directory: object) -> Path:
        raise ResultsError("the disk is full")

    monkeypatch.setattr(Results, "save", fail)
    with pytest.raises(UnsavedResultsError, match="the disk is full") as caught:
        score(FakeModel(), output=tmp_path)
    assert caught.value.results["mini_qa"].n == 36


def test_progress_counts_tokens_to_the_end() -> None:
    seen: list[Progress] = []
    results = score(FakeModel(), progress=seen.append)
    done = [one.tokens_done for one in seen]
    assert done == sorted(done)
    assert done[-1] == seen[-1].tokens_total == results.work.tokens_decoded
    assert [one.task for one in seen if one.task_number == 2] == ["mini_completion"] * (
        144 // 7 + 1
    )
    assert {one.n_tasks for one in seen} == {3}


def test_work_adds_up() -> None:
    model = FakeModel()
    work = score(model).work
    assert work.requests == work.logit_rows == model.n_scored
    assert work.tokens_decoded == work.tokens_minimal == work.tokens_naive > 360
    phases = sum(seconds for phase, seconds in work.seconds.items() if phase != "total")
    assert phases == pytest.approx(work.seconds["total"])
    assert work.peak_memory_bytes is None or work.peak_memory_bytes > 10**6


def test_truncated_contexts_are_counted() -> None:
    results = score(FakeModel(max_length=8), "mini_qa", limit=5)
    assert task_of(results, "mini_qa").truncated > 0
    assert "cut from the left" in str(results)


def test_what_is_asked_for_is_stored() -> None:
    results = score(FakeModel(), "mini_qa", limit=3, seed=7, num_fewshot=1)
    assert results.settings["limit"] == 3
    assert results.settings["seed"] == 7
    assert results.settings["num_fewshot"] == 1
    assert results.settings["engine"]["n_threads"] == 1
    assert results.model["fingerprint"] == "fake"
    assert results.versions["fastscore"]
    assert results.machine["n_cores"] >= 1
    json.dumps(results.to_dict(), allow_nan=False)


def test_options_for_an_open_model_are_refused() -> None:
    with pytest.raises(UsageError, match="n_ctx"):
        score(FakeModel(), n_ctx=128)


@pytest.mark.parametrize("tasks", [[], "", " , "])
def test_no_task(tasks: Any) -> None:
    with pytest.raises(UsageError, match="no task"):
        score(FakeModel(), tasks)


def test_something_that_is_no_task() -> None:
    with pytest.raises(UsageError, match="not by 5"):
        score(FakeModel(), [5])


def test_the_order_of_arguments_is_promised() -> None:
    names = [
        "model", "tasks", "num_fewshot", "limit", "data", "output", "seed", "apply_chat_template",
        "progress", "resume", "log_prompts", "rows", "fewshot_rows",
    ]  # fmt: skip
    parameters = inspect.signature(evaluate).parameters.values()
    assert [one.name for one in parameters if one.kind is one.POSITIONAL_OR_KEYWORD] == names
    results = evaluate(FakeModel(), MINI, 1, 2, progress=False)  # type: ignore[arg-type]
    assert (results.settings["num_fewshot"], results.settings["limit"]) == (1, 2)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_ctxx": 3}, "there is no option 'n_ctxx'; did you mean n_ctx?"),
        ({"num_fewshots": 3}, "there is no option 'num_fewshots'; did you mean num_fewshot?"),
        ({"zzz": 3}, "there is no option 'zzz'; there are num_fewshot, limit, data,"),
        ({"num_fewshot": "3"}, "num_fewshot is '3'; it must be a whole number, 0 or more"),
        ({"seed": "3"}, "seed is '3'; it must be a whole number"),
    ],
)
def test_a_mistyped_option_is_said_before_anything_else(
    options: dict[str, Any], message: str
) -> None:
    with pytest.raises(UsageError, match=re.escape(message)):
        evaluate("no_such_model.gguf", "no_such_task", **options)
