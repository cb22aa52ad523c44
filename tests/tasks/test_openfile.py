"""A user's own benchmark that is answered in words."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from fastscore.errors import DataError, UsageError
from fastscore.tasks import GenerationTask, Prompting, load_task_file
from fastscore.types import Row

SUMS = """\
name: sums
rows: sums.jsonl
prompt: "{{ a }} + {{ b }} ="
answer: sum
"""
ROW = {"a": 1, "b": 2, "sum": "3"}


def load(tmp_path: Path, *lines: str) -> GenerationTask:
    path = tmp_path / "task.yaml"
    path.write_text(SUMS + "\n".join(lines))
    task = load_task_file(path)
    assert isinstance(task, GenerationTask)
    return task


def score(task: GenerationTask, row: Row, output: str) -> float:
    (item,) = task.items([row], prompting=Prompting(0))
    return task.judge(item, task.extract(output))["exact_match"].value


def test_a_task(tmp_path: Path) -> None:
    task = load(tmp_path)
    (item,) = task.items([ROW])
    assert (item.context, item.gold) == ("1 + 2 =", ("3",))
    assert (item.stop, item.max_tokens) == (("\n\n",), 256)
    assert task.rows == (tmp_path / "sums.jsonl").resolve()
    assert [score(task, ROW, text) for text in (" 3\n", "3", "33", "")] == [1, 1, 0, 0]


def test_everything_that_can_be_said(tmp_path: Path) -> None:
    task = load(
        tmp_path,
        "num_fewshot: 1",
        "sampler: first",
        'delimiter: "  "',
        'stop: ["\\n", "so"]',
        "max_tokens: 16",
        "extract: '-?[0-9]+'",
        "take: last",
    )
    (item, _) = task.items([ROW, ROW], [{"a": 0, "b": 0, "sum": ["zero", "0"]}, ROW], Prompting())
    assert item.context == "0 + 0 =  zero\n\n1 + 2 ="
    assert (item.stop, item.max_tokens) == (("\n", "so"), 16)
    assert [score(task, ROW, text) for text in ("1 and 2 is 3!", "3 = 1 + 2", "")] == [1, 0, 0]


def test_the_separator_ends_an_answer_where_nothing_else_is_said(tmp_path: Path) -> None:
    assert load(tmp_path, 'separator: "\\n---\\n"').stop == ("\n---\n",)


def test_case_and_punctuation(tmp_path: Path) -> None:
    row = {**ROW, "sum": ["Three", "3"]}
    assert score(load(tmp_path), row, "three.") == 0
    assert score(load(tmp_path, "ignore_case: true"), row, "three") == 1
    both = load(tmp_path, "ignore_case: true", "ignore_punctuation: true")
    assert score(both, row, "«three».") == 0
    assert score(both, row, "(three).") == 1


def test_an_answer_made_of_fields(tmp_path: Path) -> None:
    path = tmp_path / "task.yaml"
    path.write_text(SUMS.replace("answer: sum", 'answer: "{{ a + b }}"'))
    task = load_task_file(path)
    assert isinstance(task, GenerationTask)
    assert score(task, {"a": 1, "b": 2}, " 3") == 1


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("choices: [a, b]", "task.yaml:5: choices is for answers to choose from"),
        ("metrics: [acc]", "metrics is for answers to choose from"),
        ("stop: []", "task.yaml:5: stop must be a list of texts"),
        ('stop: ["a", ""]', "task.yaml:5: stop holds an empty text"),
        ('separator: ""', "task.yaml:5: separator holds an empty text"),
        ("max_tokens: 0", "task.yaml:5: max_tokens is 0; it must be 1 or more"),
        ("max_tokens: many", "max_tokens is 'many'; it must be a whole number"),
        ("extract: '('", "task.yaml:5: extract is not a valid regular expression"),
        ("take: last", "take says which match of extract counts"),
        ("extract: a\ntake: all", "take is 'all'; it must be first or last"),
        ("ignore_case: 1", "ignore_case is 1; it must be true or false"),
    ],
)
def test_a_mistake_is_named_with_its_line(tmp_path: Path, line: str, message: str) -> None:
    with pytest.raises(UsageError, match=re.escape(message)):
        load(tmp_path, line)


@pytest.mark.parametrize("value", [3, [], [3], None, {"a": "b"}])
def test_an_answer_that_is_no_text_is_named(tmp_path: Path, value: Any) -> None:
    with pytest.raises(DataError, match="must hold a text or a list of texts"):
        load(tmp_path).items([{**ROW, "sum": value}])


@pytest.mark.parametrize("value", ["", " ", ["3", ""]])
def test_an_empty_answer_is_refused(tmp_path: Path, value: Any) -> None:
    with pytest.raises(DataError, match=r"row 0 .* a right answer is empty"):
        load(tmp_path).items([{**ROW, "sum": value}])
