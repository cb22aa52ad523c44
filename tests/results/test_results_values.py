"""Results in memory: from scored items to tasks and groups, and how they are looked up."""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from fastscore.errors import FastscoreError, ResultsError, UsageError
from fastscore.metrics import Score
from fastscore.results import GroupResult, Results, Sample, TaskResult
from fastscore.results.digest import item_digest
from fastscore.results.files import LazySamples
from fastscore.types import Item, Likelihood

ITEM = Item(3, ("Q: a?\nA:",), (" x", " yy"), ("x", "yy"), (1,))
SAID = [Likelihood(-2.0, False, 1), Likelihood(-3.0, True, 2)]


def test_a_sample_holds_what_the_model_said_and_what_it_is_worth() -> None:
    sample = Sample.score(ITEM, SAID, {"acc": "acc", "acc_norm": "acc_norm"})
    assert sample.to_dict() == {
        "doc_id": 3,
        "gold": 1,
        "pred": 0,
        "acc": 0.0,
        "acc_norm": 1.0,
        "item": hashlib.sha256(b'[["Q: a?\\nA:"], [" x", " yy"], [1]]').hexdigest()[:16],
        "chosen": {"acc": 0, "acc_norm": 1},
        "loglikelihoods": [-2.0, -3.0],
        "is_greedy": [False, True],
    }


def test_a_sample_reports_a_metric_under_the_task_s_name_for_it() -> None:
    sample = Sample.score(ITEM, SAID, {"acc": "mc2"})
    assert sample.to_dict()["acc"] == pytest.approx(1 / (1 + math.e))


def test_an_item_is_named_by_all_that_makes_it() -> None:
    changes: list[dict[str, Any]] = [
        {"contexts": ("Q: b?\nA:",)},
        {"continuations": (" x", " y")},
        {"continuations": (" x yy",)},
        {"gold": (0,)},
        {"gold": (0, 1)},
    ]
    names = {item_digest(replace(ITEM, **change)) for change in changes}
    assert len(names | {item_digest(ITEM)}) == len(changes) + 1
    assert item_digest(replace(ITEM, doc_id=99)) == item_digest(ITEM)
    assert item_digest(replace(ITEM, contexts=("half of \ud800",))) not in names


def test_lines_of_version_2_are_read() -> None:
    sample = Sample.score(ITEM, SAID, {"acc": "acc", "acc_norm": "acc_norm"})
    line = sample.to_dict()
    del line["item"], line["chosen"]
    read = Sample.from_line(json.dumps(line).encode(), ["acc", "acc_norm"], "here")
    assert (read.item, read.scores["acc_norm"]) == (None, Score(1.0))
    assert read.loglikelihoods == sample.loglikelihoods
    assert read.to_dict() == line


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("item", "12", "item: expected 16 hexadecimal digits"),
        ("item", 5, "item: expected a text"),
        ("chosen", {"acc": 2}, "chosen.acc: expected a choice, 0 to 1"),
        ("chosen", {"f1": 0}, "chosen.f1: expected nothing: the metrics are acc"),
        ("chosen", [0], "chosen: expected an object"),
    ],
)
def test_a_wrong_name_or_choice_is_refused(key: str, value: Any, words: str) -> None:
    line = Sample.score(ITEM, SAID, {"acc": "acc"}).to_dict() | {key: value}
    with pytest.raises(ResultsError, match=re.escape(words)):
        Sample.from_line(json.dumps(line).encode(), ["acc"], "here")


def test_prompts_are_kept_on_request() -> None:
    line = Sample.score(ITEM, SAID, {"acc": "acc"}, log_prompts=True).to_dict()
    assert line["context"] == "Q: a?\nA:"
    assert line["continuations"] == [" x", " yy"]
    apart = Item(0, ("a", "b"), (" x", " yy"), ("x", "yy"), (0, 1))
    line = Sample.score(apart, SAID, {"acc": "acc"}, log_prompts=True).to_dict()
    assert line["context"] == ["a", "b"]
    assert line["gold"] == [0, 1]


def test_what_is_undefined_or_infinite_is_strict_json() -> None:
    nowhere = [Likelihood(-math.inf, False, 1)] * 2
    text = Sample.score(ITEM, nowhere, {"acc": "acc"}).to_line().decode()
    line = json.loads(text, parse_constant=lambda name: pytest.fail(name))
    assert line["pred"] is None
    assert line["acc"] is None
    assert line["undefined"] == {
        "acc": "doc_id 3: the model gives every choice the probability zero"
    }
    assert line["loglikelihoods"] == ["-inf", "-inf"]


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_no_line_is_written_that_is_not_strict_json(value: float) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        Sample(0, (0,), 0, (value,), (False,), {}).to_line()


@pytest.mark.parametrize("text", ["half \ud800 a pair", "\u2028\x85\r\n\t\x00", "ß猫🐈"])
def test_any_text_survives_a_sample_line(text: str) -> None:
    item = Item(0, (text,), (f" {text}",), (text,), (0,))
    sample = Sample.score(item, SAID[:1], {"acc": "acc"}, log_prompts=True)
    line = sample.to_line()
    assert line.count(b"\n") == 1
    assert Sample.from_line(line, ["acc"], "here") == sample


def test_a_metric_cannot_take_the_name_of_a_field() -> None:
    with pytest.raises(ResultsError, match="cannot be reported as 'gold'"):
        Sample.score(ITEM, SAID, {"gold": "acc"}).to_line()


def test_a_task_s_metrics_are_the_means_over_its_samples(
    task_of: Callable[..., TaskResult],
) -> None:
    task = task_of(50)
    for name in ("acc", "acc_norm"):
        values = [sample.scores[name].value for sample in task.samples]
        assert 0 < sum(values) < 50
        assert task.metrics[name].value == pytest.approx(sum(values) / 50)
    assert task.n == 50


def test_only_binary_metrics_have_wilson_s_interval(task_of: Callable[..., TaskResult]) -> None:
    acc = task_of(40, {"acc": "acc"}).metrics["acc"]
    mc2 = task_of(40, {"acc": "mc2"}).metrics["acc"]
    assert sum(mc2.ci95) / 2 == pytest.approx(mc2.value)
    assert sum(acc.ci95) / 2 != pytest.approx(acc.value)


def test_a_group_is_all_its_items_together(task_of: Callable[..., TaskResult]) -> None:
    tasks = {"a": task_of(10), "b": task_of(35)}
    group = GroupResult.from_tasks(["a", "b"], tasks, {"acc": "acc"})
    values = [s.scores["acc"].value for task in tasks.values() for s in task.samples]
    assert group.n == 45
    assert group.tasks == ("a", "b")
    assert group.metrics["acc"].value == pytest.approx(sum(values) / 45)
    assert list(group.metrics) == ["acc"]


def test_a_group_leaves_out_a_metric_that_a_task_lacks(task_of: Callable[..., TaskResult]) -> None:
    tasks = {"a": task_of(10), "b": task_of(10, {"acc": "acc"})}
    both = {"acc": "acc", "acc_norm": "acc_norm"}
    assert list(GroupResult.from_tasks(["a", "b"], tasks, both).metrics) == ["acc"]


def test_tasks_and_groups_are_found_by_name(mmlu: Results) -> None:
    group, task = mmlu["mmlu_stem"], mmlu["mmlu_stem_4"]
    assert isinstance(group, GroupResult)
    assert isinstance(task, TaskResult)
    assert len(group.tasks) == 19
    assert task.n == 24
    assert "mmlu" in mmlu
    assert "mmlu_stem_4" in mmlu
    assert "arc" not in mmlu
    assert len(mmlu) == len(list(mmlu)) == 57 + 5


@pytest.mark.parametrize("kind", [KeyError, UsageError, FastscoreError])
def test_an_unknown_name_names_the_nearest(mmlu: Results, kind: type[Exception]) -> None:
    with pytest.raises(kind, match="did you mean mmlu_stem") as info:
        mmlu["mmlu_stm"]
    assert "and 50 more" in str(info.value)
    with pytest.raises(kind, match=r"no metric 'acc_nrom'; there are acc") as info:
        mmlu["mmlu"].metrics["acc_nrom"]
    assert not str(info.value).startswith("'")
    assert mmlu.tasks.get("nothing") is None


def test_nothing_but_a_task_or_group_is_among_the_results(rich_results: Results) -> None:
    assert None not in rich_results
    with pytest.raises(UsageError):
        rich_results[3]  # type: ignore[index]


def test_the_document_sums_the_counters(rich_results: Results) -> None:
    document: dict[str, Any] = rich_results.to_dict()
    assert document["tokenisation"]["truncated"] == 3
    assert document["tokenisation"]["boundary"] == 2
    assert document["tasks"]["arc_easy"]["truncated"] == 3
    assert "samples" not in document["tasks"]["arc_easy"]
    json.dumps(document, allow_nan=False)


def test_samples_behave_the_same_before_and_after_saving(
    rich_results: Results, tmp_path: Any
) -> None:
    rich_results.save(tmp_path)
    loaded = Results.load(tmp_path).tasks["arc_easy"].samples
    assert isinstance(loaded, LazySamples)
    original = rich_results.tasks["arc_easy"].samples
    assert list(loaded) == list(original)
    assert len(loaded) == 30
    assert loaded[-1] == original[-1]
    assert list(loaded[3:5]) == list(original[3:5])
