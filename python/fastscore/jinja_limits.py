"""How large a value may be that a stranger's template builds, and jinja's filters kept to that."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable
from functools import wraps
from typing import Any

from jinja2 import Environment, filters, pass_environment, pass_eval_context
from jinja2.exceptions import SecurityError
from jinja2.nodes import EvalContext
from jinja2.utils import Namespace

MAX_TEXT = 8 * 1024 * 1024
"""Characters of any text that a template builds, and entries of any list."""

MAX_BITS = 4096
"""Bits of any integer that a template computes by multiplication or power."""

MAX_WIDTH = 100_000
"""Columns or entries that a template may ask a text or list to be padded to."""

_WIDE_FORMAT = re.compile(r"\d{6,}|%[^a-zA-Z%]*\*|:[^{}]*\{")

_EMPTY: dict[str, str] = {}
_VIEWS = (type(_EMPTY.keys()), type(_EMPTY.values()), type(_EMPTY.items()))
_HOLDERS = (list, tuple, set, frozenset, *_VIEWS)


def weigh(*values: Any) -> int:
    """Count the characters and entries of values, as if written out with all that they hold.

    SecurityError where they are larger than a text may be.
    """
    weight = 0
    waiting: list[Collection[Any]] = [values]
    while waiting:
        holder = waiting.pop()
        weight += len(holder)
        check_length(weight)
        for value in holder:
            if isinstance(value, str):
                weight += len(value)
            elif isinstance(value, _HOLDERS):
                waiting.append(value)
            elif isinstance(value, dict):
                waiting += [value.keys(), value.values()]
            elif isinstance(value, Namespace):
                waiting.append([getattr(value, "_Namespace__attrs", None)])
    check_length(weight)
    return weight


def check_length(length: int) -> None:
    """Refuse a text of this many characters where they are too many."""
    if length > MAX_TEXT:
        raise SecurityError(f"the template builds a text of over {MAX_TEXT} characters")


def check_sum(left: Any, right: Any) -> None:
    """Refuse ``left + right`` where it is a text or a list out of bounds."""
    kinds = (str, list, tuple)
    if isinstance(left, kinds) and isinstance(right, kinds):
        check_length(len(left) + len(right))


def check_power(base: Any, exponent: Any) -> None:
    """Refuse ``base ** exponent`` where it is an integer out of bounds."""
    if isinstance(base, int) and isinstance(exponent, int):
        _check_bits(base.bit_length() * abs(exponent))


def check_product(left: Any, right: Any) -> None:
    """Refuse ``left * right`` where it is an integer, a text or a list out of bounds."""
    if isinstance(left, int) and isinstance(right, int):
        _check_bits(left.bit_length() + right.bit_length())
    for values, times in ((left, right), (right, left)):
        if isinstance(values, (str, list, tuple)) and isinstance(times, int):
            check_length(len(values) * times)


def check_widths(*arguments: Any) -> None:
    """Refuse to pad to a width out of bounds."""
    if any(isinstance(width, int) and abs(width) > MAX_WIDTH for width in arguments):
        raise SecurityError(f"the template pads a text or list to over {MAX_WIDTH}")


def check_format(text: str, times: int, *values: Any) -> None:
    """Refuse a format with wide fields, or one too large with the values so many times in it."""
    if _WIDE_FORMAT.search(text):
        raise SecurityError(f"the template formats with a width over {MAX_WIDTH} or a computed one")
    check_length(len(text) + times * weigh(*values))


def join(separator: str, texts: Iterable[str]) -> str:
    """Join as ``separator.join(texts)``, without collecting more than may be."""
    parts: list[str] = []
    length = -len(separator)
    for text in texts:
        length += len(separator) + len(text)
        check_length(length)
        parts.append(text)
    return separator.join(parts)


def replace(value: Any, old: str, new: str, count: int | None = None) -> str:
    """Replace as str does, where the result is no larger than may be."""
    text = str(value)
    times = text.count(old) if count is None or count < 0 else min(text.count(old), count)
    check_length(len(text) + times * (len(new) - len(old)))
    return text.replace(old, new, -1 if count is None else count)


def replace_filter(value: Any, old: Any, new: Any, count: int | None = None) -> str:
    """Replace as jinja's filter does, which makes texts of what it is given."""
    return replace(value, str(old), str(new), count)


def padding(name: str) -> Callable[..., Any]:
    """Give jinja's filter of this name, refusing widths out of bounds."""
    pad = filters.FILTERS[name]

    @wraps(pad)  # keeps jinja's mark of what it wants as its first argument
    def narrow(value: Any, *args: Any, **kwargs: Any) -> Any:
        check_widths(*args, *kwargs.values())
        if name == "format":
            check_format(str(value), str(value).count("%"), *args, *kwargs.values())
        return pad(value, *args, **kwargs)

    return narrow


@pass_eval_context
def join_filter(
    context: EvalContext, value: Iterable[Any], d: str = "", attribute: str | int | None = None
) -> str:
    """Join as jinja's filter does, without collecting more than may be."""
    parts: list[Any] = []
    length = 0
    for part in value:
        length += weigh(part, d)
        check_length(length)
        parts.append(part)
    return filters.sync_do_join(context, parts, d, attribute)


@pass_environment
def sum_filter(
    environment: Environment,
    iterable: Iterable[Any],
    attribute: str | int | None = None,
    start: Any = 0,
) -> Any:
    """Add up as jinja's filter does; lists, which Python copies for each addition, within bounds.

    ``start`` is the list to begin with where lists are added.
    """
    parts = list(iterable)
    if isinstance(start, (list, tuple)):
        check_length(len(parts) * weigh(parts, start))
    return filters.sync_do_sum(environment, parts, attribute, start)


def _check_bits(bits: int) -> None:
    if bits > MAX_BITS:
        raise SecurityError(f"the template computes an integer of over {MAX_BITS} bits")
