"""Tasks turn rows into items; what is no question is named."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastscore.chat import ChatTemplate
from fastscore.errors import DataError, UsageError
from fastscore.fewshot import RandomSampler
from fastscore.tasks import GenerationTask, Prompting, Question, Task
from fastscore.types import Item, Row

TEMPLATE = ChatTemplate("{% for m in messages %}<{{ m.role }}>{{ m.content }}{% endfor %}<bot>")


def question(row: Row) -> Question:
    return Question(f"{row['country']}'s capital is", row["cities"], row["answer"])


def country(name: str, *cities: str, answer: Any = 0) -> dict[str, Any]:
    return {"country": name, "cities": list(cities), "answer": answer}


ROWS = [
    country("France", "Paris", "Lyon"),
    country("Japan", "Osaka", "Tokyo", answer=1),
    country("Peru", "Lima", "Cusco"),
]
CAPITALS = Task("capitals", question)
IN_ORDER = Task("capitals", question, description="Capitals.\n\n", sampler="first")


def test_an_item() -> None:
    assert CAPITALS.items(ROWS)[1] == Item(
        doc_id=1,
        contexts=("Japan's capital is",),
        continuations=(" Osaka", " Tokyo"),
        choices=("Osaka", "Tokyo"),
        gold=(1,),
    )


def test_description_examples_delimiter_and_separator() -> None:
    item = IN_ORDER.items(ROWS, ROWS, Prompting(num_fewshot=2))[0]
    assert item.contexts == (
        "Capitals.\n\nJapan's capital is Tokyo\n\nPeru's capital is Lima\n\nFrance's capital is",
    )
    arrows = Task("capitals", question, delimiter=" -> ", separator=";", sampler="first")
    item = arrows.items(ROWS, ROWS, Prompting(num_fewshot=1))[0]
    assert item.contexts == ("Japan's capital is -> Tokyo;France's capital is",)
    assert item.continuations == (" -> Paris", " -> Lyon")


@pytest.mark.parametrize(
    ("instruction", "description", "begins"),
    [
        ("Answer.", "Capitals.", "Answer.\n\nCapitals.France's"),
        ("Answer.\n", "Capitals.", "Answer.\nCapitals.France's"),
        ("Answer.", " Capitals.", "Answer. Capitals.France's"),
        ("Answer.", "", "Answer.France's"),
        (None, "Capitals. ", "Capitals. France's"),
    ],
)
def test_instruction_and_description_are_set_apart_where_they_would_touch(
    instruction: str | None, description: str, begins: str
) -> None:
    task = Task("capitals", question, description=description)
    (item,) = task.items(ROWS[:1], (), Prompting(system_instruction=instruction))
    assert item.contexts[0].startswith(begins)


def test_chat_turns_and_bare_choices() -> None:
    prompting = Prompting(num_fewshot=1, chat=TEMPLATE, system_instruction="Be brief.")
    item = IN_ORDER.items(ROWS, ROWS, prompting)[0]
    assert item.contexts == (
        (
            "<system>Be brief.\n\nCapitals.\n\n<user>Japan's capital is<assistant>Tokyo"
            "<user>France's capital is<bot>"
        ),
    )
    assert item.continuations == ("Paris", "Lyon")


def test_all_examples_in_one_user_turn() -> None:
    prompting = Prompting(num_fewshot=1, chat=TEMPLATE, fewshot_as_multiturn=False)
    item = IN_ORDER.items(ROWS, ROWS, prompting)[0]
    assert item.contexts == (
        "<system>Capitals.\n\n<user>Japan's capital is Tokyo\n\nFrance's capital is<bot>",
    )


def test_a_prompt_per_choice() -> None:
    blanks = Task(
        "blanks",
        lambda row: Question([f"The {noun}" for noun in row["nouns"]], ["is red."] * 2, 1),
    )
    rows = [{"nouns": ["cup", "bus"]}, {"nouns": ["sky", "sea"]}]
    item = blanks.items(rows, rows, Prompting(num_fewshot=1))[0]
    assert item.contexts == ("The sea is red.\n\nThe cup", "The sea is red.\n\nThe bus")
    assert item.continuations == (" is red.", " is red.")
    assert [item.context_of(choice) for choice in range(2)] == list(item.contexts)


def test_several_right_choices_and_the_first_of_them_in_examples() -> None:
    rows = [country("Bolivia", "Lima", "Sucre", "La Paz", answer=[1, 2]), *ROWS]
    items = IN_ORDER.items(rows, rows, Prompting(num_fewshot=1))
    assert items[0].gold == (1, 2)
    assert "Bolivia's capital is Sucre\n\n" in items[1].contexts[0]


@given(st.integers(1, 100))
def test_any_number_of_choices(n: int) -> None:
    (item,) = CAPITALS.items([country("Utopia", *map(str, range(n)), answer=n - 1)])
    assert len(item.continuations) == n
    assert item.gold == (n - 1,)


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ({"country": "Chad"}, r"row 3 \(counted from 0\) has no field .* 'cities'.* are country"),
        (country("Chad"), "no choices"),
        (country("Chad", "", "x"), "choice 0 .* is empty"),
        (country("Chad", "x", "y", answer=2), "number 2 .* of 2"),
        (country("Chad", "x", "y", answer=-1), "number -1"),
        (country("Chad", "x", "y", answer=[]), "no choice is marked"),
        (country("Chad", "x", "y", answer=True), "an index, not True"),
        (country("Chad", "x", "y", answer=None), "cannot be read"),
        ({"country": "Chad", "cities": "xy", "answer": 0}, "not one text"),
        ({"country": "Chad", "cities": ["x", 3], "answer": 0}, "texts, not int"),
        ({"country": "Chad", "cities": None, "answer": 0}, "cannot be read"),
    ],
)
def test_a_row_that_is_no_question_is_named(row: dict[str, Any], says: str) -> None:
    with pytest.raises(DataError, match=says):
        CAPITALS.items([*ROWS, row])


def test_prompts_must_fit_the_choices() -> None:
    task = Task("odd", lambda row: Question(["a", "b"], ["x", "y", "z"], 0))
    with pytest.raises(DataError, match="2 prompts do not fit 3 choices"):
        task.items([{}])


def test_a_bad_example_is_named_as_an_example() -> None:
    with pytest.raises(DataError, match=r"few-shot row 0 .* has no field"):
        IN_ORDER.items(ROWS, [{"country": "Chad"}], Prompting(num_fewshot=1))


def test_examples_that_are_not_shown_are_not_read() -> None:
    assert len(CAPITALS.items(ROWS, [{"no": "fields"}])) == 3


def test_examples_are_drawn_from_one_stream_and_never_the_item_itself() -> None:
    rows = [country(f"Land {number}", f"Town {number}", "Nowhere") for number in range(30)]
    items = CAPITALS.items(rows, rows, Prompting(num_fewshot=4, seed=7))
    sampler = RandomSampler(rows, seed=7)
    for item, row in zip(items, rows, strict=True):
        header = "".join(
            f"Land {number}'s capital is Town {number}\n\n" for number in sampler.draw(4, row)
        )
        assert item.contexts == (f"{header}{row['country']}'s capital is",)
        assert f"{row['country']}'s capital is Town" not in item.contexts[0]
    assert CAPITALS.items(rows[:5], rows, Prompting(num_fewshot=4, seed=7)) == items[:5]


def test_shared_examples_are_the_same_for_all_items_and_none_of_them() -> None:
    rows = [country(f"Land {number}", f"Town {number}", "Nowhere") for number in range(30)]
    items = CAPITALS.items(rows[:20], rows, Prompting(num_fewshot=3, fewshot="shared"))
    headers = {item.contexts[0].rpartition("\n\n")[0] for item in items}
    assert len(headers) == 1
    shown = {line.partition("'")[0] for line in headers.pop().split("\n\n")}
    assert len(shown) == 3
    assert shown.isdisjoint(row["country"] for row in rows[:20])


def test_shared_examples_are_called_a_variant() -> None:
    shared = Prompting(num_fewshot=2, fewshot="shared")
    assert shared.variant(CAPITALS) == "shared shots: not lm-eval's per item"
    assert Prompting(num_fewshot=0, fewshot="shared").variant(CAPITALS) is None
    assert Prompting(num_fewshot=2).variant(CAPITALS) is None
    # The first rows of a file of their own are the same for all items as it is.
    fixed = Task("capitals", question, sampler="first", exclude_item=False)
    assert shared.variant(fixed) is None
    assert fixed.items(ROWS, ROWS, shared) == fixed.items(ROWS, ROWS, Prompting(num_fewshot=2))


def test_examples_are_drawn_in_one_of_two_ways() -> None:
    with pytest.raises(UsageError, match="fewshot is 'lm_eval'; it must be 'lm-eval' or"):
        Prompting(fewshot="lm_eval")  # type: ignore[arg-type]


def test_numbers_of_examples() -> None:
    assert CAPITALS.shots() == 0
    assert CAPITALS.shots(3) == 3
    assert Task("capitals", question, num_fewshot=5).shots() == 5
    assert Task("capitals", question, num_fewshot=5).shots(0) == 0
    with pytest.raises(UsageError, match="-1; it must be 0 or more"):
        CAPITALS.shots(-1)
    fixed = Task("capitals", question, fixed_fewshot=True)
    assert fixed.shots(0) == 0
    with pytest.raises(UsageError, match="always has 0 few-shot examples and 2"):
        fixed.shots(2)
    with pytest.raises(UsageError, match="only 0 rows"):
        CAPITALS.items(ROWS, (), Prompting(num_fewshot=1))


def test_names_of_metrics_in_results() -> None:
    assert CAPITALS.columns == {"acc": "acc", "acc_norm": "acc_norm"}
    task = Task("t", question, metrics=("mc2",), reported_as={"mc2": "acc"})
    assert task.columns == {"acc": "mc2"}


def test_rows_of_a_task_of_ones_own(tmp_path: Path) -> None:
    rows, shots = tmp_path / "rows.jsonl", tmp_path / "shots.jsonl"
    rows.write_text("".join(json.dumps(row) + "\n" for row in ROWS), encoding="utf-8")
    shots.write_text(json.dumps(ROWS[1]) + "\n", encoding="utf-8")
    task = Task("capitals", question, rows=rows)
    assert task.shots_from_eval
    assert task.load("eval").rows == ROWS
    assert task.load("fewshot").rows == ROWS
    assert task.load("fewshot", file=shots).rows == ROWS[1:2]
    task = Task("capitals", question, rows=str(rows), fewshot_rows=str(shots))
    assert not task.shots_from_eval
    assert task.load("fewshot").rows == ROWS[1:2]
    assert task.load("eval", file=shots).rows == ROWS[1:2]


@pytest.mark.parametrize(
    ("metrics", "message"),
    [
        (("acc", "acc_nrom"), "capitals: there is no metric 'acc_nrom'; did you mean acc_norm?"),
        ("acc", "capitals: metrics is 'acc'; give one or more names"),
        ((), "capitals: metrics is"),
    ],
)
def test_an_unknown_metric_is_said_when_a_task_is_made(metrics: Any, message: str) -> None:
    with pytest.raises(UsageError, match=re.escape(message)):
        Task("capitals", lambda row: Question("", ["a"], 0), metrics=metrics)


@pytest.mark.parametrize(
    ("mistake", "says"),
    [
        ({"sampler": "first_n"}, "t: sampler is 'first_n'; it must be 'random' or 'first'"),
        ({"num_fewshot": -1}, "t: num_fewshot is -1"),
        ({"num_fewshot": 1.5}, "t: num_fewshot is 1.5; it must be a whole number"),
        ({"name": " "}, "a task is called ' '"),
        ({"delimiter": None}, "t: delimiter is None; it must be a text"),
    ],
)
def test_what_a_task_cannot_be_is_said_where_it_is_made(mistake: dict[str, Any], says: str) -> None:
    right: dict[str, Any] = {"name": "t", "question": lambda row: Question("Q", ["A"], 0)}
    with pytest.raises(UsageError, match=says):
        Task(**{**right, **mistake})
    with pytest.raises(UsageError, match=says):
        GenerationTask(**{**right, **mistake})


def test_choices_have_an_order() -> None:
    task = Task("t", lambda row: Question("Q", {"A", "B"}, 0))  # type: ignore[arg-type]
    with pytest.raises(DataError, match="choices must be a list of texts, not a set"):
        task.items([{}])


def test_a_task_without_rows_says_how_to_give_some() -> None:
    with pytest.raises(UsageError, match=r"t has no rows; .* --rows t=FILE"):
        Task("t", lambda row: Question("Q", ["A"], 0)).load("eval")
