"""What a YAML task file says of rows: which field to take, or what to make of several."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from jinja2 import Template
from jinja2.exceptions import TemplateError, TemplateSyntaxError, UndefinedError

from fastscore.bounded_jinja import BoundedEnvironment
from fastscore.tasks.yamlfile import Entries, short
from fastscore.types import Row


def template(
    entries: Entries, environment: BoundedEnvironment, key: str, source: str
) -> Callable[[Row], str]:
    """Make a function that renders ``source`` with the fields of a row."""
    try:
        compiled: Template = environment.compile_bounded(source)
    except TemplateError as error:
        line = ""
        if isinstance(error, TemplateSyntaxError) and "\n" in source.strip():
            line = f" (line {error.lineno} of it)"
        entries.fail(key, f"is not a valid template{line}: {error}")

    def render(row: Row) -> str:
        try:
            return environment.render_bounded(compiled, {"row": row, **row})
        except UndefinedError as error:
            fields = ", ".join(map(str, row)) or "none"
            reason = f"the template of {key} fails: {error}; the row's fields are {fields}"
            raise ValueError(reason) from error
        except Exception as error:  # a template can fail in any way Python can
            raise ValueError(f"the template of {key} fails: {error}") from error

    return render


def is_template(source: str) -> bool:
    """Tell a template from the name of a field."""
    return "{{" in source or "{%" in source


def field(entries: Entries, key: str) -> Callable[[Row], Any]:
    """Make a function that takes the field named by the value of ``key`` out of a row."""
    name = entries.text(key)
    if not name or "{" in name:
        entries.fail(key, f"is {name!r}; it must be the name of a field, such as choices.text")
    first, *rest = name.split(".")

    def take(row: Row) -> Any:
        if name in row:  # a table's column may have any name
            return row[name]
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
