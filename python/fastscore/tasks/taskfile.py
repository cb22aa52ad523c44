r"""A user's own benchmark: a file of rows and a few lines of YAML.

Example::

    name: capitals
    rows: capitals.jsonl            # beside this file: JSONL, CSV, parquet, plain or compressed
    prompt: "Question: What is the capital of {{ country }}?\nAnswer:"
    choices: cities                 # a field that holds a list; or a list of templates
    gold: answer                    # the right choice, counted from 0; or "{{ answer - 1 }}"

Other ways to say which choice is right: ``gold_text`` (the choice's own text), or ``gold_label``
with ``labels`` (what the choices are called, a list or a field). The rest is optional:
``fewshot_rows``, ``num_fewshot``, ``sampler`` (random or first), ``description``, ``delimiter``,
``separator``, ``metrics``.

A benchmark that is answered in words has ``answer`` in the place of ``choices``; see
`fastscore.tasks.openfile`.

`prompt`, the entries of a list of `choices`, and `gold` with braces are Jinja templates over the
row's fields, run in a sandbox. `choices`, `labels` and ``gold*`` otherwise name a field, with dots
into nested ones (``choices.text``).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from fastscore.bounded_jinja import BoundedEnvironment, strict_environment
from fastscore.errors import UsageError
from fastscore.metrics import get_metric
from fastscore.tasks import openfile
from fastscore.tasks.anytask import AnyTask
from fastscore.tasks.generation import GenerationTask
from fastscore.tasks.rowfields import field, is_template, list_field, template
from fastscore.tasks.task import Question, Task
from fastscore.tasks.yamlfile import Entries, short
from fastscore.types import Row

_COMMON = (
    "fewshot_rows",
    "num_fewshot",
    "sampler",
    "description",
    "delimiter",
    "separator",
)
_REQUIRED = ("name", "rows", "prompt")
_GOLD = ("gold", "gold_text", "gold_label")
_CHOICES = ("choices", *_GOLD, "labels")
_CHOICE_KEYS = (*_REQUIRED, *_CHOICES, *_COMMON, "metrics")
_OPEN_KEYS = (*_REQUIRED, *openfile.KEYS, *_COMMON)
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")


def load_task_file(path: str | Path) -> AnyTask:
    """Read a task from a YAML file; UsageError names file, line and key of what is wrong in it."""
    entries = Entries.read(Path(path))
    if "answer" in entries:
        for key in (*_CHOICES, "metrics"):
            if key in entries:
                entries.fail(
                    key, "is for answers to choose from; there is answer, for written ones"
                )
        entries.check_keys(_OPEN_KEYS, _REQUIRED)
        question, judgement = openfile.question(entries), openfile.judgement(entries)
        return GenerationTask(question=question, **judgement, **_common(entries))
    entries.check_keys(_CHOICE_KEYS, _REQUIRED)
    if "choices" not in entries:
        entries.fail("choices", "is missing, or answer where the model writes the answer")
    given = [key for key in _GOLD if key in entries]
    if not given:
        entries.fail("gold", f"is missing; one of {', '.join(_GOLD)} says which choice is right")
    if len(given) > 1:
        entries.fail(given[-1], f"is there beside {given[0]}; one says which choice is right")
    if ("gold_label" in entries) != ("labels" in entries):
        entries.fail("labels", "and gold_label go together; one of them is missing")
    return Task(question=_question(entries), metrics=_metrics(entries), **_common(entries))


def _common(entries: Entries) -> dict[str, Any]:
    """Read what a task has whatever its answers are."""
    name = entries.text("name")
    if not _NAME.fullmatch(name):
        entries.fail("name", f"is {name!r}; use letters, digits, '_', '-' and '.'")
    return {
        "name": name,
        "rows": entries.file("rows"),
        "fewshot_rows": entries.file("fewshot_rows") if "fewshot_rows" in entries else None,
        "description": _description(entries),
        "delimiter": entries.text("delimiter", " "),
        "separator": entries.text("separator", "\n\n"),
        "sampler": entries.one_of("sampler", ("random", "first")),
        "num_fewshot": entries.count("num_fewshot"),
        "about": f"{name}: defined in {entries.path.name}",
    }


def _description(entries: Entries) -> str:
    text = entries.text("description", "")
    if is_template(text):
        entries.fail("description", "is one text for all rows, no template; use prompt for {{ }}")
    return text


def _metrics(entries: Entries) -> tuple[str, ...]:
    names = entries.texts("metrics", ("acc", "acc_norm"))
    for name in names:
        try:
            get_metric(name)
        except UsageError as error:
            entries.fail("metrics", f"holds {short(name)}; {error}")
    return names


def _question(entries: Entries) -> Callable[[Row], Question]:
    environment = strict_environment()
    prompt = template(entries, environment, "prompt", entries.text("prompt"))
    choices = _choices(entries, environment)
    gold = _gold(entries, environment)

    def question(row: Row) -> Question:
        texts = choices(row)
        return Question(prompt(row), texts, gold(row, texts))

    return question


def _choices(entries: Entries, environment: BoundedEnvironment) -> Callable[[Row], Sequence[str]]:
    if isinstance(entries.values["choices"], list):
        templates = [
            template(entries, environment, "choices", source) for source in entries.texts("choices")
        ]
        return lambda row: [render(row) for render in templates]
    return list_field(entries, "choices")


def _gold(
    entries: Entries, environment: BoundedEnvironment
) -> Callable[[Row, Sequence[str]], int | list[int]]:
    if "gold_text" in entries:
        right_text = field(entries, "gold_text")
        return lambda row, choices: _position(right_text(row), choices)
    if "gold_label" in entries:
        right_label = field(entries, "gold_label")
        if isinstance(entries.values["labels"], list):
            fixed = entries.texts("labels")
            return lambda row, choices: _position(str(right_label(row)), fixed)
        labels = list_field(entries, "labels")
        return lambda row, choices: _position(right_label(row), labels(row))
    if isinstance(entries.values["gold"], int):
        always = entries.count("gold")
        return lambda row, choices: always
    if is_template(entries.text("gold")):
        render = template(entries, environment, "gold", entries.text("gold"))
        return lambda row, choices: _index(render(row))
    take = field(entries, "gold")

    def gold(row: Row, choices: Sequence[str]) -> int | list[int]:
        value = take(row)
        return [_index(entry) for entry in value] if isinstance(value, list) else _index(value)

    return gold


def _position(wanted: Any, among: Sequence[str]) -> int:
    times = among.count(wanted)
    if times != 1:
        raise ValueError(f"the right answer {short(wanted)} is {times} times in {short(among)}")
    return among.index(wanted)


def _index(value: Any) -> int:
    if isinstance(value, str) and value.strip().isdecimal():
        return int(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    raise ValueError(
        f"gold is {short(value)}, not the index of a choice; for a text or a label use gold_text, "
        "or gold_label with labels"
    )
