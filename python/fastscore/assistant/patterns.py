r"""Regular expressions of JSON schemas, as sets of JSON strings.

What is read: letters and their escapes, ``.``, classes, ``\d \w \s`` and their opposites (in
ASCII, as ECMAScript has them), groups, alternatives, repetitions, ``^`` at the beginning and ``$``
at the end. A pattern without them may be found anywhere in the text.
"""

from __future__ import annotations

from string import hexdigits

from fastscore.assistant.expression import (
    EMPTY,
    Characters,
    Expression,
    Literal,
    choice,
    repeat,
    sequence,
)
from fastscore.assistant.strings import ESCAPES, LETTER, PLAIN, quoted
from fastscore.errors import UsageError

Ranges = tuple[tuple[int, int], ...]

_LAST = 0x10FFFF
_DIGIT: Ranges = ((0x30, 0x39),)
_WORD: Ranges = ((0x30, 0x39), (0x41, 0x5A), (0x5F, 0x5F), (0x61, 0x7A))
_SPACE: Ranges = ((0x09, 0x0D), (0x20, 0x20))
_CONTROLS = {"n": 0x0A, "r": 0x0D, "t": 0x09, "f": 0x0C, "v": 0x0B, "0": 0x00}
_MOST_TIMES = 1000


def pattern(source: str) -> Expression:
    """JSON strings in which the pattern is found; UsageError for one that cannot be read."""
    reader = _Reader(source)
    found = quoted(reader.alternatives(outermost=True))
    if reader.rest:
        raise reader.wrong("a bracket is closed that was not opened")
    return found


class _Reader:
    def __init__(self, source: str) -> None:
        self._source = source
        self._at = 0

    @property
    def rest(self) -> str:
        """What is not read yet."""
        return self._source[self._at :]

    def wrong(self, why: str) -> UsageError:
        """Say what cannot be read, and where."""
        return UsageError(
            f"the pattern {self._source!r:.100} cannot be kept by a form: {why}, at character "
            f"{self._at}; write it otherwise, or leave it out and check the value"
        )

    def alternatives(self, outermost: bool = False) -> Expression:
        """Read up to a closing bracket or the end."""
        options = [self._sequence(outermost)]
        while self._taken("|"):
            options.append(self._sequence(outermost))
        return choice(options)

    def _sequence(self, outermost: bool) -> Expression:
        anything = repeat(LETTER, 0, None, "text")
        parts = [EMPTY if not outermost or self._taken("^") else anything]
        while self.rest and self.rest[0] not in "|)":
            if self.rest[0] == "$":
                if outermost and (self.rest == "$" or self.rest[1] == "|"):
                    self._at += 1
                    return sequence(*parts)
                raise self.wrong("$ stands before the end")
            parts.append(self._repeated(self._atom()))
        return sequence(*parts, anything if outermost else EMPTY)

    def _repeated(self, atom: Expression) -> Expression:
        least, most = 1, 1
        if self._taken("*"):
            least, most = 0, -1
        elif self._taken("+"):
            least, most = 1, -1
        elif self._taken("?"):
            least, most = 0, 1
        elif self.rest[:1] == "{":
            inside, closed, _ = self.rest[1:].partition("}")
            first, comma, last = inside.partition(",")
            if not closed or not first.isdecimal() or (last and not last.isdecimal()):
                raise self.wrong("{ begins no number of times")
            self._at += len(inside) + 2
            least = int(first)
            most = int(last) if last else -1 if comma else least
            if max(least, most) > _MOST_TIMES:
                raise self.wrong(f"a part is repeated more than {_MOST_TIMES} times")
        else:
            return atom
        self._taken("?")  # as many as possible or as few: the same texts
        if atom.nullable and most != 1:
            raise self.wrong("a part that may be empty is repeated")
        if atom.nullable:
            return atom
        return repeat(atom, least, None if most < 0 else most, "text" if most < 0 else "firm")

    def _atom(self) -> Expression:
        if self._taken("("):
            if self._taken("?") and not self._taken(":"):
                raise self.wrong("a group begins with ?")
            found = self.alternatives()
            if not self._taken(")"):
                raise self.wrong("a group is not closed")
            return found
        if self._taken("["):
            return _one_of(self._class())
        if self._taken("."):
            return _one_of(_without(((0x0A, 0x0A), (0x0D, 0x0D))))
        if self.rest[0] in "*+?{^":
            raise self.wrong(f"{self.rest[0]} follows nothing to be repeated")
        return _one_of(self._letter())

    def _class(self) -> Ranges:
        negated = self._taken("^")
        found: list[tuple[int, int]] = []
        while not self._taken("]"):
            if not self.rest:
                raise self.wrong("a class is not closed")
            low = self._letter()
            if self.rest[:1] == "-" and self.rest[1:2] != "]" and len(self.rest) > 1:
                self._at += 1
                high = self._letter()
                first, last = low[0][0], high[0][0]
                if (low, high) != (((first, first),), ((last, last),)) or first > last:
                    raise self.wrong("a class has a range of no letters")
                low = ((first, last),)
            found.extend(low)
        return _without(tuple(found)) if negated else tuple(found)

    def _letter(self) -> Ranges:
        letter, self._at = self.rest[0], self._at + 1
        if letter != "\\":
            return ((ord(letter), ord(letter)),)
        if not self.rest:
            raise self.wrong("it ends in a backslash")
        letter, self._at = self.rest[0], self._at + 1
        for name, ranges in (("d", _DIGIT), ("w", _WORD), ("s", _SPACE)):
            if letter == name:
                return ranges
            if letter == name.upper():
                return _without(ranges)
        if letter in ("x", "u"):
            n = 2 if letter == "x" else 4
            digits, self._at = self.rest[:n], self._at + n
            if len(digits) < n or not set(digits) <= set(hexdigits):
                raise self.wrong(f"\\{letter} is followed by no number of {n} digits")
            return ((int(digits, 16), int(digits, 16)),)
        if letter in _CONTROLS:
            return ((_CONTROLS[letter], _CONTROLS[letter]),)
        if letter.isalnum():
            raise self.wrong(f"\\{letter} is unknown")
        return ((ord(letter), ord(letter)),)

    def _taken(self, letter: str) -> bool:
        if self.rest[:1] != letter:
            return False
        self._at += 1
        return True


def _without(ranges: Ranges) -> Ranges:
    """Every code point that is in none of the ranges."""
    found, begin = [], 0
    for low, high in sorted(ranges):
        if begin < low:
            found.append((begin, low - 1))
        begin = max(begin, high + 1)
    return (*found, (begin, _LAST)) if begin <= _LAST else tuple(found)


def _one_of(ranges: Ranges) -> Expression:
    """One letter of the ranges, as JSON spells it."""
    plain = tuple(
        (max(low, first), min(high, last))
        for low, high in ranges
        for first, last in PLAIN.ranges
        if max(low, first) <= min(high, last)
    )
    spelled: list[Expression] = [Characters(plain)] if plain else []
    for code, text in ESCAPES.items():
        if any(low <= code <= high for low, high in ranges):
            spelled.append(Literal(text))
    return choice(spelled)
