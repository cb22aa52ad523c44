"""What callers hand over: lists, before a text is read as a list of letters, and whole numbers."""

from __future__ import annotations

import numbers
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar

from fastscore.errors import UsageError

_MAX_SHOWN = 60

_Entry = TypeVar("_Entry")


def is_whole(value: Any) -> bool:
    """Whether it is a whole number.

    True is none, although Python counts with it: ``n_ctx=True`` would be a window of one token.
    """
    return isinstance(value, numbers.Integral) and not isinstance(value, bool)


def half_pair(text: str) -> str | None:
    """Return a half of a UTF-16 pair that ``text`` holds: no character, and without UTF-8 bytes."""
    return next((letter for letter in text if "\ud800" <= letter <= "\udfff"), None)


def whole(name: str, value: Any, least: int, most: int, why: str) -> int:
    """``value`` as an int; UsageError for what is no whole number from ``least`` to ``most``."""
    if not is_whole(value):
        raise UsageError(f"{name} is {_shown(value)}, which is no whole number; {why}")
    if not least <= value <= most:
        raise UsageError(f"{name} is {value}; {why}")
    return int(value)


def check_pairs(pairs: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """List (context, continuation) pairs; UsageError for anything else.

    A bare text would be read as a list of its letters, and a text of two letters as a pair.
    """
    if isinstance(pairs, (str, bytes)):
        raise UsageError(f"{_shown(pairs)} is one text and no list of pairs; {_PAIRS}")
    listed = _listed(pairs, "pairs", _PAIRS)
    for i, pair in enumerate(listed):
        if (
            isinstance(pair, (str, bytes))
            or not isinstance(pair, Sequence)
            or len(pair) != 2
            or not all(isinstance(part, str) for part in pair)
        ):
            raise UsageError(f"entry {i}, {_shown(pair)}, is no pair of texts; {_PAIRS}")
    return listed


def check_texts(texts: Iterable[str], call: str) -> list[str]:
    """List texts; UsageError for anything else. ``call`` is the function that wants them."""
    example = f'write {call}(["The sky is blue.", "Grass is green."])'
    if isinstance(texts, (str, bytes)):
        raise UsageError(f"{_shown(texts)} is one text and no list of texts; {example}")
    listed = _listed(texts, "texts", example)
    for i, text in enumerate(listed):
        if not isinstance(text, str):
            raise UsageError(f"entry {i}, {_shown(text)}, is no text; {example}")
    return listed


def check_text(text: Any, name: str) -> None:
    """Raise UsageError for what is no text."""
    if not isinstance(text, str):
        raise UsageError(f"{name} is {_shown(text)}, which is no text")


def _listed(values: Iterable[_Entry], what: str, example: str) -> list[_Entry]:
    # What is in no order has answers in no order.
    if not isinstance(values, Iterable) or isinstance(values, (Mapping, set, frozenset)):
        raise UsageError(f"{_shown(values)} is no list of {what}; {example}")
    return list(values)


_PAIRS = 'write loglikelihood([("The sky is", " blue"), ("The sky is", " green")])'


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= _MAX_SHOWN else text[: _MAX_SHOWN - 3] + "..."
