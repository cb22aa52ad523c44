"""Reading values out of JSON that may be damaged, foreign or hostile.

Everything taken from a results file goes through here, so that a wrong value is one sentence
naming its place, and never a traceback later on.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from fastscore.errors import ResultsError
from fastscore.settings import MAX_SEED

MAX_INTEGER = 2**63 - 1
"""Counts beyond this are damage; the limit also keeps them printable."""

MAX_DEPTH = 32
"""Objects of free content may be nested so deep."""


@dataclass(frozen=True, slots=True)
class Fields:
    """A JSON object and the words for where it stands: ``results.json: tasks.arc_easy``.

    Every method reads one key and raises ResultsError where it is missing or of another kind.
    """

    values: dict[str, Any]
    where: str

    def text(self, key: str) -> str:
        """Return a text."""
        text: str = self._of(key, str, "a text")
        return text

    def text_or_none(self, key: str) -> str | None:
        """Return a text, or None for null."""
        return None if self._get(key) is None else self.text(key)

    def count(self, key: str) -> int:
        """Return a whole number, 0 or more."""
        value = self._get(key)
        if type(value) is not int or not 0 <= value <= MAX_INTEGER:
            raise self.wrong(key, "a whole number of 0 or more")
        return value

    def seed(self, key: str) -> int:
        """Return the seed of random numbers, a whole number of any sign."""
        value = self._get(key)
        if type(value) is not int or abs(value) > MAX_SEED:
            raise self.wrong(key, "a whole number")
        return value

    def count_or_none(self, key: str) -> int | None:
        """Return a whole number, 0 or more, or None for null."""
        return None if self._get(key) is None else self.count(key)

    def seconds(self, key: str) -> float:
        """Return a time in seconds, 0 or more."""
        value = self._get(key)
        if not is_finite_number(value) or value < 0:
            raise self.wrong(key, "a finite number of 0 or more")
        return float(value)

    def number_or_nan(self, key: str) -> float:
        """Return a finite number, or NaN for null."""
        return _number_or_nan(self._get(key), self, key)

    def interval(self, key: str) -> tuple[float, float]:
        """Return a pair of numbers, low and high, or two NaN for null."""
        value = self._get(key)
        if value is None:
            return math.nan, math.nan
        if not isinstance(value, list) or len(value) != 2:
            raise self.wrong(key, "two numbers, or null")
        low, high = (_number_or_nan(end, self, key) for end in value)
        if not low <= high:
            raise self.wrong(key, "two numbers in rising order")
        return low, high

    def texts(self, key: str) -> tuple[str, ...]:
        """Return a list of texts."""
        values = self.list(key)
        if not all(isinstance(value, str) for value in values):
            raise self.wrong(key, "a list of texts")
        return tuple(values)

    def list(self, key: str) -> list[Any]:
        """Return a list of anything."""
        values: list[Any] = self._of(key, list, "a list")
        return values

    def object(self, key: str) -> Fields:
        """Return an object, to be read in its turn."""
        return Fields(self._of(key, dict, "an object"), f"{self.where}.{key}")

    def plain(self, key: str) -> dict[str, Any]:
        """Return an object of any content that can be written as strict JSON again."""
        values: dict[str, Any] = self._of(key, dict, "an object")
        if not _is_plain(values, MAX_DEPTH):
            raise self.wrong(key, f"finite numbers, nested at most {MAX_DEPTH} deep")
        return values

    def object_or_none(self, key: str) -> Fields | None:
        """Return an object, or None for null."""
        return None if self._get(key) is None else self.object(key)

    def object_if_there(self, key: str) -> Fields | None:
        """Return an object, or None for null and for a key that older files do not have."""
        return self.object_or_none(key) if key in self.values else None

    def objects(self, key: str) -> Iterator[tuple[str, Fields]]:
        """Yield names and objects of an object that holds only objects."""
        outer = self.object(key)
        for name in outer.values:
            yield name, outer.object(name)

    def wrong(self, key: str, expected: str) -> ResultsError:
        """Return the error for a value that is not what was expected."""
        value = self._get(key)
        kinds: dict[type, str] = {dict: "an object", list: "a list"}
        shown = kinds.get(type(value)) or json.dumps(value)
        shown = shown if len(shown) <= 60 else f"{shown[:60]}..."
        return ResultsError(f"{self.where}.{key}: expected {expected}, found {shown}.")

    def _get(self, key: str) -> Any:
        if key not in self.values:
            raise ResultsError(f"{self.where}: the field {key!r} is missing.")
        return self.values[key]

    def _of(self, key: str, kind: type, expected: str) -> Any:
        value = self._get(key)
        if not isinstance(value, kind):
            raise self.wrong(key, expected)
        return value


def parse_object(text: bytes, where: str) -> Fields:
    """Parse strict JSON whose outermost value is an object."""
    try:
        values = json.loads(text, parse_constant=_refuse_constant)
    except RecursionError:
        raise ResultsError(f"{where}: the JSON is nested too deeply.") from None
    except ValueError as error:  # UnicodeDecodeError is one
        raise ResultsError(f"{where}: this is not JSON: {error}.") from None
    if not isinstance(values, dict):
        raise ResultsError(f"{where}: expected a JSON object, found {type(values).__name__}.")
    return Fields(values, where)


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON number")


def is_finite_number(value: Any) -> bool:
    """Say whether a JSON value is a number that a float holds (``1e999`` is none)."""
    if type(value) is int:
        return abs(value) < 2**1023
    return type(value) is float and math.isfinite(value)


def _number_or_nan(value: Any, fields: Fields, key: str) -> float:
    if value is None:
        return math.nan
    if not is_finite_number(value):
        raise fields.wrong(key, "a finite number, or null")
    return float(value)


def _is_plain(value: Any, depth: int) -> bool:
    if depth == 0:
        return False
    if isinstance(value, dict):
        return all(_is_plain(inner, depth - 1) for inner in value.values())
    if isinstance(value, list):
        return all(_is_plain(inner, depth - 1) for inner in value)
    return not isinstance(value, (int, float)) or isinstance(value, bool) or is_finite_number(value)
