"""What a YAML task file says of rows: which field to take, or what to make of several."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from jinja2 import Template
from jinja2.exceptions import TemplateError

from fastscore.bounded_jinja import BoundedEnvironment
from fastscore.tasks.yamlfile import Entries, short
from fastscore.types import Row

_FIELD = re.compile(r"[^\W\d]\w*(\.\w+)*")


def template(
    entries: Entries, environment: BoundedEnvironment, key: str, source: str
) -> Callable[[Row], str]:
    """Make a function that renders ``source`` with the fields of a row."""
    try:
        compiled: Template = environment.compile_bounded(source)
    except TemplateError as error:
        entries.fail(key, f"is not a valid template: {error}")

    def render(row: Row) -> str:
        try:
            return environment.render_bounded(compiled, row)
        except Exception as error:  # a template can fail in any way Python can
            raise ValueError(f"the template of {key} fails: {error}") from error

    return render


def field(entries: Entries, key: str) -> Callable[[Row], Any]:
    """Make a function that takes the field named by the value of ``key`` out of a row."""
    name = entries.text(key)
    if not _FIELD.fullmatch(name):
        entries.fail(key, f"is {name!r}; it must be the name of a field, such as choices.text")
    first, *rest = name.split(".")

    def take(row: Row) -> Any:
        value = row[first]
        for part in rest:
            value = value[part]
        return value

    return take


def list_field(entries: Entries, key: str) -> Callable[[Row], Sequence[str]]:
    """Make a function that takes the list named by the value of ``key`` out of a row."""
    take = field(entries, key)

    def texts(row: Row) -> Sequence[str]:
        value = take(row)
        if not isinstance(value, (list, tuple)):
            raise TypeError(f"{entries.text(key)} must hold a list, not {short(value)}")
        return value

    return texts
