r"""A user's own benchmark that is answered in words: what its YAML file says of the answers.

Example::

    name: sums
    rows: sums.jsonl
    prompt: "{{ a }} + {{ b }} ="
    answer: sum                     # a field that holds a text, or a list of texts; or a template
    stop: ["\n"]                    # texts that end an answer; without them the separator does
    max_tokens: 16                  # 256 where nothing else is said
    extract: "-?[0-9]+"             # what to take of an answer: what this pattern matches,
    take: last                      # the first time (if nothing is said) or the last time
    ignore_case: true
    ignore_punctuation: true        # the ASCII punctuation

An answer is right if it equals the right one, or one of several. Of a pattern with groups the
first group that matches something counts. Without a pattern the whole answer counts, except for
white space around it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from fastscore.bounded_jinja import strict_environment
from fastscore.tasks.answers import exact_match, first_found, last_found, strip
from fastscore.tasks.generation import OpenQuestion
from fastscore.tasks.rowfields import field, is_template, template
from fastscore.tasks.yamlfile import Entries, short
from fastscore.types import Row

KEYS = ("answer", "stop", "max_tokens", "extract", "take", "ignore_case", "ignore_punctuation")


def question(entries: Entries) -> Callable[[Row], OpenQuestion]:
    """Make the function from a row to what is asked."""
    prompt = template(entries, strict_environment(), "prompt", entries.text("prompt"))
    answers = _answers(entries)

    def ask(row: Row) -> OpenQuestion:
        right = answers(row)
        return OpenQuestion(prompt(row), right[0], right)

    return ask


def judgement(entries: Entries) -> dict[str, Any]:
    """Read where answers end, what is taken of them, and how they are compared."""
    max_tokens = entries.count("max_tokens") if "max_tokens" in entries else 256
    if not max_tokens:
        entries.fail("max_tokens", "is 0; it must be 1 or more")
    stop = entries.texts("stop", [entries.text("separator", "\n\n")])
    if not all(stop):
        entries.fail("stop" if "stop" in entries else "separator", "holds an empty text")
    return {
        "stop": stop,
        "max_tokens": max_tokens,
        "filters": _filters(entries),
        "match": partial(
            exact_match,
            ignore_case=entries.flag("ignore_case"),
            ignore_punctuation=entries.flag("ignore_punctuation"),
        ),
    }


def _filters(entries: Entries) -> dict[str, Callable[[str], str]]:
    last = entries.one_of("take", ("first", "last")) == "last"
    if "extract" not in entries:
        if "take" in entries:
            entries.fail("take", "says which match of extract counts, but there is no extract")
        return {"remove_whitespace": strip}
    pattern = entries.text("extract")
    try:
        return {"extract": (last_found if last else first_found)(pattern)}
    except re.error as error:
        entries.fail("extract", f"is not a valid regular expression: {error}")


def _answers(entries: Entries) -> Callable[[Row], tuple[str, ...]]:
    source = entries.text("answer")
    if is_template(source):
        render = template(entries, strict_environment(), "answer", source)
        return lambda row: _not_empty((render(row),))
    take = field(entries, "answer")

    def texts(row: Row) -> tuple[str, ...]:
        value = take(row)
        values: Sequence[str] = value if isinstance(value, (list, tuple)) else [value]
        if not values or not all(isinstance(one, str) for one in values):
            raise TypeError(
                f"{source} must hold a text or a list of texts, not {short(value)}; write "
                f'answer: "{{{{ {source} }}}}" to make a text of it'
            )
        return _not_empty(tuple(values))

    return texts


def _not_empty(answers: tuple[str, ...]) -> tuple[str, ...]:
    """Refuse an empty answer: a model that writes nothing would be right."""
    if not all(map(str.strip, answers)):
        raise ValueError("a right answer is empty; correct the row, or leave it out")
    return answers
