"""A user's own benchmark from YAML: read strictly, run in a sandbox."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fastscore.errors import DataError, FastscoreError, UsageError
from fastscore.tasks import Prompting, Task, load_task_file
from fastscore.tasks.yamlfile import MAX_BYTES

CAPITALS = """\
name: capitals
rows: capitals.jsonl
prompt: "Question: What is the capital of {{ country }}?\\nAnswer:"
choices: cities
gold: answer
"""
ROW = {"country": "Japan", "cities": ["Osaka", "Tokyo"], "answer": 1}


def load(tmp_path: Path, text: str | bytes) -> Task:
    path = tmp_path / "task.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return load_task_file(path)


def without(key: str) -> str:
    return "".join(line + "\n" for line in CAPITALS.splitlines() if not line.startswith(key))


def test_a_task(tmp_path: Path) -> None:
    task = load(tmp_path, CAPITALS)
    (item,) = task.items([ROW])
    assert item.contexts == ("Question: What is the capital of Japan?\nAnswer:",)
    assert item.continuations == (" Osaka", " Tokyo")
    assert item.gold == (1,)
    assert (task.name, task.metrics, task.num_fewshot) == ("capitals", ("acc", "acc_norm"), 0)
    assert task.rows == (tmp_path / "capitals.jsonl").resolve()
    assert task.shots_from_eval


def test_everything_that_can_be_said(tmp_path: Path) -> None:
    task = load(
        tmp_path,
        CAPITALS
        + """
fewshot_rows: more/shots.csv
num_fewshot: 1
sampler: first
description: "Capitals.\\n\\n"
delimiter: ""
separator: "\\n"
metrics: [acc]
""",
    )
    assert task.fewshot_rows == (tmp_path / "more" / "shots.csv").resolve()
    assert task.metrics == ("acc",)
    (item,) = task.items([ROW], [{**ROW, "country": "Nippon"}])
    assert item.contexts == (
        (
            "Capitals.\n\nQuestion: What is the capital of Nippon?\nAnswer:Tokyo\n"
            "Question: What is the capital of Japan?\nAnswer:"
        ),
    )
    assert item.continuations == ("Osaka", "Tokyo")


@pytest.mark.parametrize(
    ("lines", "row", "choices", "gold"),
    [
        ("choices: cities\ngold: '{{ answer - 1 }}'", {"answer": 2}, ("Osaka", "Tokyo"), (1,)),
        ("choices: cities\ngold: 0", {}, ("Osaka", "Tokyo"), (0,)),
        ("choices: cities\ngold: answer", {"answer": " 1 "}, ("Osaka", "Tokyo"), (1,)),
        ("choices: cities\ngold: answer", {"answer": [0, 1]}, ("Osaka", "Tokyo"), (0, 1)),
        ("choices: cities\ngold_text: answer", {"answer": "Tokyo"}, ("Osaka", "Tokyo"), (1,)),
        (
            "choices: cities\ngold_label: answer\nlabels: [A, B]",
            {"answer": "B"},
            ("Osaka", "Tokyo"),
            (1,),
        ),
        (
            "choices: cities\ngold_label: answer\nlabels: ['1', '2']",
            {"answer": 2},
            ("Osaka", "Tokyo"),
            (1,),
        ),
        (
            "choices: c.text\ngold_label: key\nlabels: c.label",
            {"c": {"text": ["x", "y"], "label": ["1", "2"]}, "key": "2"},
            ("x", "y"),
            (1,),
        ),
        (
            "choices: ['{{ a }}', 'not {{ a }}', '{% if b %}{{ b }}{% endif %}']\ngold: answer",
            {"a": "red", "b": "blue", "answer": 2},
            ("red", "not red", "blue"),
            (2,),
        ),
        ("choices: [A, B]\ngold_label: answer\nlabels: [A, B]", {"answer": "A"}, ("A", "B"), (0,)),
        ("choices: [A, B]\ngold: '{% if b %}1{% else %}0{% endif %}'", {"b": 1}, ("A", "B"), (1,)),
        (
            "choices: ['{{ row[\"Best Answer\"] }}', 'No']\ngold_text: Best Answer",
            {"Best Answer": "Yes"},
            ("Yes", "No"),
            (0,),
        ),
    ],
)
def test_ways_to_give_choices_and_gold(
    tmp_path: Path, lines: str, row: dict[str, Any], choices: tuple[str, ...], gold: tuple[int, ...]
) -> None:
    task = load(tmp_path, f"name: t\nrows: r.csv\nprompt: Q\n{lines}\n")
    (item,) = task.items([{**ROW, **row}])
    assert (item.choices, item.gold) == (choices, gold)


def test_line_ends_and_a_byte_order_mark_do_not_matter(tmp_path: Path) -> None:
    windows = b"\xef\xbb\xbf" + CAPITALS.replace("\n", "\r\n").encode()
    assert load(tmp_path, windows).items([ROW]) == load(tmp_path, CAPITALS).items([ROW])


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (CAPITALS + "num_fewshots: 3\n", r"task.yaml:6: num_fewshots is no key .* num_fewshot\?"),
        (CAPITALS + "xyzzy: 3\n", "there are name, rows, prompt"),
        (CAPITALS + "1: 3\n", "task.yaml:6: 1 is no key"),
        (CAPITALS + "? [a, b]\n: c\n", "task.yaml:6: not valid YAML: found unhashable key"),
        (CAPITALS + "gold: answer\n", r"task.yaml:6: gold is there a second time .*line 5"),
        (without("prompt"), "task.yaml: prompt is missing"),
        (without("rows"), "task.yaml: rows is missing"),
        (without("gold"), "gold is missing; one of gold, gold_text, gold_label"),
        (without("choices"), "choices is missing, or answer"),
        (CAPITALS + "gold_text: t\n", "task.yaml:6: gold_text is there beside gold"),
        (CAPITALS + "labels: [A]\n", "task.yaml:6: labels and gold_label go together"),
        (without("gold") + "gold_label: t\n", "labels and gold_label go together"),
        (CAPITALS.replace("cities", "[yes, no]"), "task.yaml:4: choices holds True"),
        (CAPITALS.replace("cities", "[1, 2]"), "choices holds 1.*quote it"),
        (CAPITALS.replace("cities", "[]"), "must be a list of texts"),
        (CAPITALS.replace("cities", "'{{ cities }}'"), "must be the name of a field"),
        (CAPITALS.replace("cities", "{a: b}"), "choices must be a text, not"),
        (CAPITALS.replace("answer", "yes"), "task.yaml:5: gold is True"),
        (CAPITALS.replace("answer", "-1"), "gold is -1"),
        (CAPITALS.replace("answer", "1.5"), "gold must be a text, not 1.5"),
        (CAPITALS.replace("{{ country }}", "{{ country"), "task.yaml:3: prompt is not a valid"),
        (CAPITALS.replace("name: capitals", "name: a/b"), "task.yaml:1: name is 'a/b'"),
        (CAPITALS.replace("name: capitals", "name: 3"), "name must be a text, not 3"),
        (CAPITALS + "num_fewshot: many\n", "task.yaml:6: num_fewshot is 'many'"),
        (CAPITALS + "num_fewshot: -1\n", "num_fewshot is -1; it must be a whole number"),
        (CAPITALS + "sampler: best\n", "sampler is 'best'; it must be random or first"),
        (CAPITALS + "metrics: acc\n", "metrics must be a list"),
        (CAPITALS + "answer: country\n", "task.yaml:4: choices is for answers to choose from"),
        (
            CAPITALS + "description: About {{ country }}\n",
            "task.yaml:6: description .* no template",
        ),
        (CAPITALS.replace("capitals.jsonl", "''"), "task.yaml:2: rows is ''; .* name of a file"),
        (CAPITALS.replace("capitals.jsonl", '"a\\0"'), "task.yaml:2: rows is"),
        (without("prompt") + 'prompt: "a\\n{{ b"\n', r"not a valid template \(line 2 of it\)"),
        (CAPITALS + "  bad: indent\n", "task.yaml:6: not valid YAML"),
        (CAPITALS + "description: !!python/name:os.system\n", "task.yaml:6: not valid YAML"),
        (CAPITALS + 'description: "\x00"\n', "not valid YAML"),
        (b"name: \xff\n", "not UTF-8"),
        ("- a\n- b\n", "a list of 'key: value' lines"),
        ("", "a list of 'key: value' lines"),
        ("[" * 20_000, "not valid YAML"),
        ("# " + "x" * MAX_BYTES, "at most"),
    ],
)
def test_mistakes_are_named_with_file_and_line(
    tmp_path: Path, text: str | bytes, says: str
) -> None:
    with pytest.raises(UsageError, match=says):
        load(tmp_path, text)


def test_a_few_lines_that_stand_for_a_huge_value_are_harmless(tmp_path: Path) -> None:
    laughs = "".join(f"- &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n  " for n in range(1, 20))
    with pytest.raises(UsageError, match="metrics holds"):
        load(tmp_path, CAPITALS + f"metrics:\n  - &a0 [x, x, x]\n  {laughs}\n")


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"there is no file .*none\.yaml; a task file is YAML"):
        load_task_file(tmp_path / "none.yaml")
    with pytest.raises(UsageError, match="cannot be read"):
        load_task_file(tmp_path)


@pytest.mark.parametrize(
    ("lines", "row", "says"),
    [
        ("choices: cities\ngold: answer", {"answer": "B"}, "gold is 'B', not the index"),
        ("choices: cities\ngold: answer", {"answer": None}, "gold is None"),
        ("choices: cities\ngold: answer", {"answer": True}, "gold is True"),
        ("choices: cities\ngold: answer", {"answer": 7}, "number 7"),
        ("choices: cities\ngold: key", {}, "no field or value 'key'"),
        ("choices: answer\ngold: answer", {}, "answer must hold a list, not 1"),
        ("choices: cities.text\ngold: answer", {}, "cannot be read"),
        ("choices: cities\ngold_text: answer", {"answer": "Kyoto"}, "'Kyoto' is 0 times"),
        (
            "choices: cities\ngold_text: answer",
            {"answer": "x", "cities": ["x", "x"]},
            "'x' is 2 times",
        ),
        ("choices: ['{{ nothing }}']\ngold: 0", {}, "'nothing' is undefined"),
        ("choices: ['{{ 1 / 0 }}']\ngold: 0", {}, "the template of choices fails"),
        ("choices: ['{{ answer.__class__.__mro__[1] }}']\ngold: 0", {}, "fails: .*unsafe"),
        ("choices: ['{{ \"a\" * 10 ** 9 }}']\ngold: 0", {}, "fails: the template builds a text"),
        ("choices: cities\ngold: '{{ country }}'", {}, "gold is 'Japan'"),
    ],
)
def test_rows_that_do_not_fit_are_named(
    tmp_path: Path, lines: str, row: dict[str, Any], says: str
) -> None:
    task = load(tmp_path, f"name: t\nrows: r.csv\nprompt: Q\n{lines}\n")
    with pytest.raises(DataError, match=says):
        task.items([{**ROW, **row}])


def test_rows_are_read_from_the_files_named(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("a,b,right\ncup,bus,0\nsky,sea,1\n", encoding="utf-8")
    task = load(
        tmp_path,
        "name: t\nrows: rows.csv\nprompt: Which?\nchoices: ['{{ a }}', '{{ b }}']\ngold: right\n",
    )
    rows = task.load("eval").rows
    items = task.items(rows, task.load("fewshot").rows, Prompting(num_fewshot=1))
    assert [item.gold for item in items] == [(0,), (1,)]
    assert items[0].contexts == ("Which? sea\n\nWhich?",)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.sampled_from([*CAPITALS.splitlines(), "labels: [A]", "gold_text: x", "&a [*a]", "- x"])
        | st.text(max_size=20)
        | st.text(st.sampled_from("{}[]:,&*!|>'\"%@-#? \tab1"), max_size=20),
        max_size=8,
    )
)
def test_any_text_is_a_task_or_a_usage_error(tmp_path: Path, lines: list[str]) -> None:
    text = "\n".join(lines).encode("utf-8", "surrogatepass")
    with contextlib.suppress(FastscoreError):
        load(tmp_path, text).items([ROW])


def test_an_unknown_metric_names_file_and_key(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"task\.yaml:6: metrics holds 'acc_nrom'; .*acc_norm\?"):
        load(tmp_path, CAPITALS + "metrics: [acc, acc_nrom]\n")


@pytest.mark.parametrize(("value", "name"), [(None, "null"), (float("nan"), "NaN")])
def test_no_prompt_says_none_or_nan(tmp_path: Path, value: float | None, name: str) -> None:
    row = {**ROW, "country": value}
    with pytest.raises(DataError, match=f"prompt fails: {name} was to be printed; correct the row"):
        load(tmp_path, CAPITALS).items([row])
    (item,) = load(tmp_path, CAPITALS.replace("country }}", "country or '?' }}")).items(
        [{**ROW, "country": None}]
    )
    assert "the capital of ??" in item.contexts[0]


def test_a_template_without_its_field_names_the_fields_there_are(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="'country' is undefined; the row's fields are a;b"):
        load(tmp_path, CAPITALS).items([{"a;b": "1", "cities": ["x"], "answer": 0}])
