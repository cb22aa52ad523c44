"""Results in lm-eval's files: written, read back, held against each other."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fake_model import FakeModel
from fake_run import MINI, score
from fastscore import Results
from fastscore.comparison.compare import compare
from fastscore.errors import ResultsError
from fastscore.formats.lm_eval.reading import holds_lm_eval, read_lm_eval
from fastscore.formats.lm_eval.writing import lacks_prompts, write_lm_eval
from fastscore.results import GroupResult, Sample
from models.vocab import CHAT_TEMPLATE


def lines_of(main: Path, task: str) -> list[dict[str, Any]]:
    date = main.stem.removeprefix("results_")
    text = main.with_name(f"samples_{task}_{date}.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


@pytest.fixture
def run() -> Results:
    results = score(FakeModel(), log_prompts=True)
    members = ("mini_qa", "mini_completion")
    tasks = {name: results.tasks[name] for name in members}
    group = GroupResult.from_tasks(members, tasks, {"acc": "acc"})
    return replace(results, groups={"both": group})


def test_what_is_written_is_read_back(run: Results, tmp_path: Path) -> None:
    main = write_lm_eval(run, tmp_path)
    assert main.parent.parent == tmp_path
    assert holds_lm_eval(tmp_path)
    again = read_lm_eval(tmp_path)
    for name in MINI:
        ours, theirs = run.tasks[name], again.tasks[name]
        assert dict(theirs.metrics) == dict(ours.metrics)
        assert (theirs.n, theirs.version, theirs.num_fewshot) == (ours.n, ours.version, 0)
        for one, other in zip(ours.samples, theirs.samples, strict=True):
            assert isinstance(one, Sample)
            assert isinstance(other, Sample)
            assert one.item == other.item
            assert (one.gold, one.pred, one.loglikelihoods) == (
                other.gold, other.pred, other.loglikelihoods,
            )  # fmt: skip
    assert again.groups["both"].metrics["acc"] == run.groups["both"].metrics["acc"]
    assert again.groups["both"].tasks == run.groups["both"].tasks
    assert again.model["fingerprint"] == run.model["fingerprint"]


def test_imported_results_are_results(run: Results, tmp_path: Path) -> None:
    again = read_lm_eval(write_lm_eval(run, tmp_path / "lm"))
    again.save(tmp_path / "saved")
    assert Results.load(tmp_path / "saved").to_dict() == again.to_dict()
    assert "mini_qa" in str(again)


def test_lines_hold_what_lm_evals_hold(run: Results, tmp_path: Path) -> None:
    line = lines_of(write_lm_eval(run, tmp_path), "mini_qa")[0]
    sample = run.tasks["mini_qa"].samples[0]
    assert isinstance(sample, Sample)
    assert sample.contexts is not None
    assert sample.continuations is not None
    assert line["arguments"]["gen_args_1"] == {
        "arg_0": sample.contexts[0], "arg_1": sample.continuations[1],
    }  # fmt: skip
    assert line["resps"][0] == [[str(sample.loglikelihoods[0]), str(sample.is_greedy[0])]]
    assert line["filtered_resps"][0] == line["resps"][0][0]
    assert line["target"] == str(sample.gold[0])
    assert line["acc"] == sample.scores["acc"].value


def test_a_run_without_prompts_says_so(tmp_path: Path) -> None:
    run = score(FakeModel())
    assert lacks_prompts(run)
    assert lines_of(write_lm_eval(run, tmp_path), "mini_qa")[0]["arguments"] == {}
    with pytest.raises(ResultsError, match="do not hold what was asked"):
        read_lm_eval(tmp_path)


def test_a_chat_template_that_was_applied_is_not_said_to_be_none(tmp_path: Path) -> None:
    model = FakeModel(chat_template=CHAT_TEMPLATE)
    for applied in (True, False):
        run = score(model, "mini_qa", log_prompts=True, apply_chat_template=applied)
        main = write_lm_eval(run, tmp_path / str(applied))
        assert ("chat_template" in json.loads(main.read_text("utf-8"))) is not applied
        assert read_lm_eval(main).settings["apply_chat_template"] is applied


def test_our_results_and_lm_evals_are_compared(run: Results, tmp_path: Path) -> None:
    run.save(tmp_path / "ours")
    write_lm_eval(run, tmp_path / "theirs")
    comparison = compare(tmp_path / "ours", tmp_path / "theirs", margin=0.05)
    (candidate,) = comparison.candidates
    by_task = {one.task: one for one in candidate.differences}
    assert by_task["mini_qa"].n == run.tasks["mini_qa"].n
    assert by_task["mini_qa"].difference == 0


def test_a_task_whose_name_no_file_can_have_is_read_back(run: Results, tmp_path: Path) -> None:
    names = {"own:task": "mini_qa", "own/task 2": "mini_blank"}
    tasks = {name: run.tasks[mini] for name, mini in names.items()}
    named = replace(run, tasks=tasks, groups={})
    main = write_lm_eval(named, tmp_path / "safe")
    again = read_lm_eval(main)
    assert {name: task.n for name, task in again.tasks.items()} == {
        name: task.n for name, task in tasks.items()
    }
    # lm-eval leaves such a name as it is.
    (lines,) = main.parent.glob("samples_own__task_2*")
    lines.rename(lines.with_name(lines.name.replace("own__task", "own:task")))
    assert read_lm_eval(main).tasks["own:task"].n == tasks["own:task"].n
    with pytest.raises(ResultsError, match="would be one file"):
        write_lm_eval(replace(named, tasks={**tasks, "own__task": run.tasks["mini_qa"]}), tmp_path)
