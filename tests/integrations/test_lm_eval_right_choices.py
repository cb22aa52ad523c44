"""Which choices are right: lm-eval's lines tell it in several ways, and not in which one."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
from lm_eval_run_files import choice_line, write_run

from fastscore.errors import ResultsError
from fastscore.formats.lm_eval.reading import read_lm_eval


@pytest.mark.parametrize(
    ("targets", "gold"),
    [
        (["2", "0"], [(2,), (0,)]),
        (["c", " a"], [(2,), (0,)]),
        (["[1, 2]", "[0]"], [(1, 2), (0,)]),
    ],
)
def test_right_choices_are_found_as_lm_eval_wrote_them(
    targets: list[str], gold: list[tuple[int, ...]], tmp_path: Path
) -> None:
    lines = [
        choice_line(0, [-3.0, -2.0, -1.0], targets[0], acc=1.0),
        choice_line(1, [-3.0, -2.0, -1.0], targets[1], acc=0.0),
    ]
    row = {"acc,none": 0.5, "acc_stderr,none": 0.5}
    results = read_lm_eval(write_run(tmp_path, {"t": ("multiple_choice", lines, row)}))
    assert [sample.gold for sample in results.tasks["t"].samples] == gold


def test_numbers_among_the_choices_are_no_indices(tmp_path: Path) -> None:
    lines = [choice_line(i, [-1.0, -2.0, -3.0], "1", acc=float(i == 0)) for i in range(2)]
    for i, line in enumerate(lines):
        for k, text in enumerate(("1", "0", "2") if i == 0 else ("2", "1", "0")):
            line["arguments"][f"gen_args_{k}"]["arg_1"] = f" {text}"
    results = read_lm_eval(
        write_run(tmp_path, {"t": ("multiple_choice", lines, {"acc,none": 0.5})})
    )
    assert [sample.gold for sample in results.tasks["t"].samples] == [(0,), (1,)]


def test_choices_that_the_scores_fit_in_two_ways_are_not_guessed(tmp_path: Path) -> None:
    """A target of 1 is the second choice here, or the first, which says 1; neither was taken."""
    line = choice_line(0, [-2.0, -3.0, -1.0], "1", acc=0.0)
    for k, text in enumerate(("1", "0", "2")):
        line["arguments"][f"gen_args_{k}"]["arg_1"] = f" {text}"
    main = write_run(tmp_path, {"t": ("multiple_choice", [line], {"acc,none": 0.0})})
    with pytest.raises(ResultsError, match="which of its choices are right cannot be told"):
        read_lm_eval(main)


def truthful_line(part: str, values: list[float], **row: Any) -> dict[str, Any]:
    """A line of TruthfulQA, ``part`` mc1 or mc2: each row has the answers of both."""
    share = sum(math.exp(value) for value in values[:2]) / sum(map(math.exp, values))
    acc = share if part == "mc2" else float(values[0] == max(values))
    line = choice_line(0, values, "0", acc=acc)
    line["doc"] = {
        "mc1_targets": {"choices": ["best", "wrong", "worse"], "labels": [1, 0, 0]},
        "mc2_targets": {"choices": ["best", "also", "wrong"], "labels": [1, 1, 0]},
        **row,
    }
    for k, text in enumerate(line["doc"][f"{part}_targets"]["choices"]):
        line["arguments"][f"gen_args_{k}"]["arg_1"] = f" {text}"
    return line


@pytest.mark.parametrize("values", [[-1.0, -2.0, -3.0], [-1.0, -200.0, -300.0]], ids=["", "sure"])
@pytest.mark.parametrize(("part", "gold"), [("mc1", (0,)), ("mc2", (0, 1))])
def test_the_two_parts_of_truthfulqa_are_told_apart(
    part: str, gold: tuple[int, ...], values: list[float], tmp_path: Path
) -> None:
    """By their choices: both have the target 0, and a sure model has an acc of 1 in both."""
    line = truthful_line(part, values)
    row = {"acc,none": line["acc"]}
    read = read_lm_eval(write_run(tmp_path, {"t": ("multiple_choice", [line], row)}))
    (sample,) = read.tasks["t"].samples
    assert sample.gold == gold
    assert sample.scores["acc"].value == line["acc"]


def test_truthfulqa_with_other_choices_is_not_guessed(tmp_path: Path) -> None:
    line = truthful_line("mc2", [-1.0, -200.0, -300.0])
    for k, text in enumerate(("best", "alike", "wrong")):
        line["arguments"][f"gen_args_{k}"]["arg_1"] = f" {text}"
    main = write_run(tmp_path, {"t": ("multiple_choice", [line], {"acc,none": line["acc"]})})
    with pytest.raises(ResultsError, match="which of its choices are right cannot be told"):
        read_lm_eval(main)


def test_truthfulqa_of_other_languages_has_its_choices_elsewhere(tmp_path: Path) -> None:
    line = truthful_line("mc2", [-1.0, -2.0, -3.0])
    line["doc"]["mc2_choices"] = line["doc"]["mc2_targets"].pop("choices")
    line["doc"]["mc1_choices"] = line["doc"].pop("mc1_targets")["choices"]
    main = write_run(tmp_path, {"t": ("multiple_choice", [line], {"acc,none": line["acc"]})})
    assert read_lm_eval(main).tasks["t"].samples[0].gold == (0, 1)
