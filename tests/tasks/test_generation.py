"""Tasks that are answered in a model's own words: their prompts, their settings, their programs."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fastscore.chat import ChatTemplate
from fastscore.errors import DataError, UsageError
from fastscore.metrics import Score
from fastscore.sandbox.request import prepare
from fastscore.tasks import GenerationTask, OpenQuestion, Prompting, get_task
from fastscore.types import OpenItem, ProgramParts, Row

TEMPLATE = ChatTemplate(
    "{% for m in messages %}<{{ m.role }}>{{ m.content }}</>{% endfor %}"
    "{% if add_generation_prompt %}<bot>{% endif %}"
)


def question(row: Row) -> OpenQuestion:
    return OpenQuestion(f"Capital of {row['country']}?", row["city"], gold=row["city"])


ROWS = [{"country": "France", "city": "Paris"}, {"country": "Japan", "city": "Tokyo"}]
CAPITALS = GenerationTask("capitals", question, stop=("\n",), max_tokens=8, sampler="first")
BEGUN = replace(CAPITALS, question=lambda row: replace(question(row), prefix="It is"))
CODE = GenerationTask(
    "code",
    lambda row: OpenQuestion("", "", "", program=ProgramParts("check()", before="def f():\n")),
    executes_code=True,
)


def test_an_item() -> None:
    assert CAPITALS.items(ROWS)[1] == OpenItem(
        doc_id=1, context="Capital of Japan?", stop=("\n",), max_tokens=8, gold="Tokyo"
    )


def test_examples_show_the_solution() -> None:
    (item, _) = CAPITALS.items(ROWS, ROWS, Prompting(1))
    assert item.context == "Capital of Japan? Tokyo\n\nCapital of France?"
    (item, _) = CAPITALS.items(ROWS, ROWS, Prompting(1, chat=TEMPLATE))
    assert item.context == (
        "<user>Capital of Japan?</><assistant>Tokyo</><user>Capital of France?</><bot>"
    )


def test_an_answer_that_has_begun() -> None:
    (item, _) = BEGUN.items(ROWS)
    assert item.context == "Capital of France? It is"
    (item, _) = BEGUN.items(ROWS, ROWS, Prompting(1))
    assert item.context == "Capital of Japan? It is Tokyo\n\nCapital of France? It is"


@pytest.mark.parametrize("multiturn", [True, False])
def test_an_answer_that_has_begun_stays_open_under_a_template(multiturn: bool) -> None:
    prompting = Prompting(0, chat=TEMPLATE, fewshot_as_multiturn=multiturn)
    (item, _) = BEGUN.items(ROWS, ROWS, prompting)
    assert item.context == "<user>Capital of France?</><assistant>It is"
    prompting = replace(prompting, num_fewshot=1, system_instruction="Hi.")
    (item, _) = BEGUN.items(ROWS, ROWS, prompting)
    example = (
        "<user>Capital of Japan?</><assistant>It is Tokyo</><user>Capital of France?"
        if multiturn
        else "<user>Capital of Japan? It is Tokyo\n\nCapital of France?"
    )
    assert item.context == f"<system>Hi.</>{example}</><assistant>It is"


def test_no_delimiter_beside_white_space() -> None:
    begun = replace(BEGUN, question=lambda row: OpenQuestion("Q\n", "b", "b", prefix="a"))
    assert begun.items(ROWS)[0].context == "Q\na"


def test_judging() -> None:
    (item, _) = CAPITALS.items(ROWS)
    assert CAPITALS.judge(item, CAPITALS.extract("Paris")) == {"exact_match": Score(1.0)}
    assert CAPITALS.judge(item, CAPITALS.extract(" Paris")) == {"exact_match": Score(0.0)}
    two = replace(CAPITALS, filters={"strip": str.strip, "none": str})
    assert two.judge(item, two.extract(" Paris")) == {
        "exact_match,strip": Score(1.0),
        "exact_match,none": Score(0.0),
    }


def test_any_reference_will_do() -> None:
    either = replace(CAPITALS, question=lambda row: OpenQuestion("", "a", ("a", "b")))
    (item,) = either.items([{}])
    assert [either.judge(item, {"none": x})["exact_match"].value for x in "abc"] == [1, 1, 0]


def test_a_program_is_head_and_answer() -> None:
    pytest.importorskip("fastscore.sandbox")
    (item,) = CODE.items([{}])
    program = CODE.program(item, CODE.extract("    return 1"))
    assert (program.source, program.test) == ("def f():\n    return 1", "check()")
    assert CODE.columns == {"pass@1": "none"}


def test_code_and_words_are_not_mixed_up() -> None:
    (item,) = CODE.items([{}])
    with pytest.raises(UsageError, match="judged by running programs"):
        CODE.judge(item, {"none": ""})
    with pytest.raises(UsageError, match="not judged by running programs"):
        CAPITALS.program(CAPITALS.items(ROWS)[0], {"none": ""})
    for wrong in (replace(CODE, executes_code=False), replace(CAPITALS, executes_code=True)):
        with pytest.raises(DataError, match="a program belongs to a task that executes code"):
            wrong.items(ROWS)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"stop": "\n"}, "stop is '\\n'; give a tuple of texts"),
        ({"stop": ("\n", "")}, "not empty"),
        ({"max_tokens": 0}, "max_tokens is 0; it must be 1 or more"),
        ({"filters": {}}, "there are no filters"),
        ({"filters": {"a": str, "b": str}, "executes_code": True}, "2 filters, but code is"),
    ],
)
def test_a_task_that_cannot_be_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=re.escape(message)):
        GenerationTask("odd", question, **options)


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        (OpenQuestion("a", "b", ()), "there is no reference answer"),
        (OpenQuestion("a", 3, "b"), "must be texts, not int"),  # type: ignore[arg-type]
        (OpenQuestion("a", "b", (None,)), "must be texts, not NoneType"),  # type: ignore[arg-type]
    ],
)
def test_a_row_that_is_no_question_is_named(asked: OpenQuestion, message: str) -> None:
    task = GenerationTask("odd", lambda row: asked)
    with pytest.raises(DataError, match=rf"odd: row 0 \(counted from 0\): .*{message}"):
        task.items([{}])


def test_fixed_examples_need_no_file(tmp_path: Path) -> None:
    mbpp = get_task("mbpp")
    loaded = mbpp.load("fewshot", data_dir=tmp_path)
    assert [row["task_id"] for row in loaded.rows] == [2, 3, 4]
    assert loaded.origin.kind == "package"
    assert len(loaded.origin.sha256) == 64
    assert not mbpp.shots_from_eval


def test_no_more_examples_than_there_are() -> None:
    mbpp = get_task("mbpp")
    row = {**mbpp.fixed_examples[0], "task_id": 11}
    with pytest.raises(UsageError, match="only 3 rows to draw them from"):
        mbpp.items([row], mbpp.fixed_examples, Prompting(4))


@pytest.mark.parametrize(
    ("prompt", "prelude"),
    [
        ("import math\n\ndef f(x):\n    '''Say.'''\n", None),
        ("import math\n\ndef f(x):\n", "import math\n\n"),
        (
            "def g():\n    return 1\n\n@deco\ndef f(\n    x\n):\n    # to do\n",
            "def g():\n    return 1\n\n",
        ),
        ("class A:\n    def f(self):\n", ""),
        ("Write a function.\n", ""),
    ],
)
def test_a_humaneval_prompt_may_end_in_a_function_without_a_body(
    prompt: str, prelude: str | None
) -> None:
    task = get_task("humaneval")
    assert isinstance(task, GenerationTask)
    test = "def check(candidate):\n    pass"
    row = {"task_id": "a", "prompt": prompt, "test": test}
    (item,) = task.items([{**row, "entry_point": "f", "canonical_solution": "    return 1"}])
    program = task.program(item, task.extract("    return 1"))
    assert program.prelude == (prompt if prelude is None else prelude)
    assert program.source.startswith(prompt)
    prepare(program)  # refuses what is no Python


@pytest.mark.parametrize("name", ["humaneval", "humaneval_instruct"])
def test_humaneval_shows_no_examples(name: str) -> None:
    with pytest.raises(UsageError, match="always has 0 few-shot examples"):
        get_task(name).shots(1)
