"""Numbers as JSON writes them, within bounds."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from fastscore.assistant.expression import (
    DIGIT,
    EMPTY,
    NEVER,
    Characters,
    Expression,
    Literal,
    choice,
    repeat,
    sequence,
)
from fastscore.errors import UsageError

# Digits before and after the point; as many as a double always holds.
_DIGITS = 15
_HUGE = 10**_DIGITS - 1


@dataclass(frozen=True)
class Bounds:
    """Least and greatest value, None for none; an open one is left out itself."""

    low: Decimal | None = None
    high: Decimal | None = None
    low_open: bool = False
    high_open: bool = False


def bounds_of(schema: Mapping[str, Any]) -> Bounds:
    """Return what a schema says of a number's range; UsageError for what is no number."""
    values: dict[str, Decimal | None] = {}
    for name in ("minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum"):
        value = schema.get(name)
        try:
            values[name] = None if value is None else Decimal(str(value))
            if not (values[name] or Decimal(0)).is_finite():
                raise InvalidOperation
        except InvalidOperation as error:
            raise UsageError(f"{name} is {value!r:.60}, which is no number") from error
    low, above, high, below = values.values()
    low_open = above is not None and (low is None or above >= low)
    high_open = below is not None and (high is None or below <= high)
    return Bounds(above if low_open else low, below if high_open else high, low_open, high_open)


def integers(bounds: Bounds) -> Expression:
    """Whole numbers of up to 15 digits."""
    low, high = -_HUGE, _HUGE
    if bounds.low is not None:
        low = math.floor(bounds.low) + 1 if bounds.low_open else math.ceil(bounds.low)
    if bounds.high is not None:
        high = math.ceil(bounds.high) - 1 if bounds.high_open else math.floor(bounds.high)
    return choice(
        [
            _naturals(max(0, low), min(high, _HUGE)),
            sequence(Literal("-"), _naturals(max(1, -high), min(-low, _HUGE))),
        ]
    )


def decimals(bounds: Bounds) -> Expression:
    """Numbers of up to 15 digits before the point and as many after it."""
    low = Decimal(-_HUGE) if bounds.low is None else max(bounds.low, Decimal(-_HUGE))
    high = Decimal(_HUGE) if bounds.high is None else min(bounds.high, Decimal(_HUGE))
    found = []
    if high >= 0:
        opened = bounds.low_open and low >= 0
        found.append(_magnitudes(max(Decimal(0), low), high, opened, bounds.high_open))
    if low < 0:
        opened = bounds.high_open and high <= 0
        some = _magnitudes(max(Decimal(0), -high), -low, opened, bounds.low_open)
        found.append(sequence(Literal("-"), some))
    return choice(found)


def _naturals(low: int, high: int) -> Expression:
    """Whole numbers from ``low``, which is not negative, to ``high``, without zeros in front."""
    if low > high:
        return NEVER
    if low in (0, 1) and high == _HUGE:
        some = sequence(Characters(((0x31, 0x39),)), repeat(DIGIT, 0, _DIGITS - 1))
        return some if low else choice([Literal("0"), some])
    found = []
    for length in range(len(str(low)), len(str(high)) + 1):
        least = max(low, 10 ** (length - 1) if length > 1 else 0)
        found.append(_between(str(least), str(min(high, 10**length - 1))))
    return choice(found)


def _between(low: str, high: str) -> Expression:
    """Digits as many as both have, in the order of numbers between them."""
    n = len(low)
    if low == "0" * n and high == "9" * n:
        return repeat(DIGIT, n, n) if n else EMPTY
    if low[0] == high[0]:
        return sequence(Literal(low[0]), _between(low[1:], high[1:]))
    middle = (ord(low[0]) + 1, ord(high[0]) - 1)
    return choice(
        [
            sequence(Literal(low[0]), _between(low[1:], "9" * (n - 1))),
            sequence(Characters((middle,)), _between("0" * (n - 1), "9" * (n - 1)))
            if middle[0] <= middle[1]
            else NEVER,
            sequence(Literal(high[0]), _between("0" * (n - 1), high[1:])),
        ]
    )


def _magnitudes(low: Decimal, high: Decimal, low_open: bool, high_open: bool) -> Expression:
    """Numbers from ``low``, which is not negative, to ``high``."""
    if low > high or (low == high and (low_open or high_open)):
        return NEVER
    below, above = int(low), int(high)
    least, most = _fraction(low), _fraction(high)
    if below == above:
        return sequence(Literal(str(below)), _point(least, most, low_open, high_open))
    found = []
    if least or low_open:
        found.append(sequence(Literal(str(below)), _point(least, None, low_open, False)))
        below += 1
    if high != _HUGE:
        found.append(sequence(Literal(str(above)), _point(None, most, False, high_open)))
        above -= 1
    found.append(sequence(_naturals(below, above), _point(None, None, False, False)))
    return choice(found)


def _fraction(value: Decimal) -> str:
    """Digits after the point, without zeros at the end."""
    return f"{value:f}".partition(".")[2].rstrip("0")


def _point(low: str | None, high: str | None, low_open: bool, high_open: bool) -> Expression:
    """Nothing, or a point and digits: fractions between two, None for no bound."""
    low = low if low or low_open else None
    tail = _Fractions(low_open, high_open)
    some = sequence(Literal("."), tail.following(low, high, _DIGITS, some=True))
    return choice([some, EMPTY]) if tail.may_end(low, high) else some


@dataclass(frozen=True)
class _Fractions:
    """Digits after a point, with what is left of the bounds' own digits."""

    low_open: bool
    high_open: bool

    def may_end(self, low: str | None, high: str | None) -> bool:
        """Whether nothing but zeros may follow."""
        return (low is None or (not low and not self.low_open)) and (
            high is None or bool(high) or not self.high_open
        )

    def following(
        self, low: str | None, high: str | None, n_digits: int, some: bool = False
    ) -> Expression:
        """Up to ``n_digits`` further digits, at least one where ``some`` are wanted."""
        if low is None and high is None:
            return repeat(DIGIT, int(some), n_digits)
        ends = self.may_end(low, high)
        if high == "":
            return (Literal("0") if some else EMPTY) if ends else NEVER
        found: list[Expression] = [EMPTY] if ends and not some else []
        first = int(low[:1] or 0) if low is not None else 0
        last = int(high[0]) if high is not None else 9
        if n_digits and first <= last:
            free = (first + (low is not None), last - (high is not None))
            if free[0] <= free[1]:
                digit = Characters(((0x30 + free[0], 0x30 + free[1]),))
                found.append(sequence(digit, repeat(DIGIT, 0, n_digits - 1)))
            for edge in sorted({first} - {free[0]} | {last} - {free[1]}):
                below = low[1:] if low is not None and edge == first else None
                above = high[1:] if high is not None and edge == last else None
                below = below if below or (below == "" and self.low_open) else None
                rest = self.following(below, above, n_digits - 1)
                found.append(sequence(Literal(str(edge)), rest))
        return choice(found)
