"""Sets of texts: printed as grammars, followed letter by letter, and made shorter.

A form is one such set. A model writes under its grammar; where the room for it runs out, the
derivative by what is written (Brzozowski 1964) is the set of all endings, and of its `tightened`
part the longest text is known. Nothing recurses: the sets are trees whose branches may be shared.

Sets of the same parts are one object, and a choice names each option once. So the derivatives of
a set are finitely many, however long a text is and however many readings it has.
"""

# ruff: noqa: D102 (the base class says what its methods mean)
from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import inf
from typing import Any
from typing import Literal as OneOf
from weakref import WeakValueDictionary

Kind = OneOf["firm", "spare", "text"]
"""What may be left out once room is short: nothing, all that need not be, or letters of a text."""

# Alternatives longer than the shortest by more bytes than this are left out once room is short.
_TOO_LONG = 64


class Expression(ABC):
    """A set of texts. Sizes are bytes of UTF-8, which no text takes more tokens than."""

    @property
    @abstractmethod
    def nullable(self) -> bool:
        """Whether the empty text belongs to it."""

    @property
    @abstractmethod
    def longest(self) -> float:
        """Size of its longest text, which may be infinite."""

    @abstractmethod
    def after(self, letter: str) -> Expression:
        """What may follow a letter."""

    @cached_property
    def followed(self) -> dict[str, Expression]:
        """What follows the letters that texts went on with so far: other texts find it here."""
        return {}

    @cached_property
    def _tight(self) -> dict[int, Expression]:
        return {}

    def tightened(self, texts: int) -> Expression:
        """Return the short ones: free texts of at most ``texts`` letters; those begun end."""
        if texts not in self._tight:
            self._tight[texts] = self._tightened(texts)
        return self._tight[texts]

    @abstractmethod
    def _tightened(self, texts: int) -> Expression: ...

    @cached_property
    def shortened(self) -> Expression:
        """The shortest that it can be bounded to: free texts are empty where they may be."""
        return self.tightened(0)

    @property
    @abstractmethod
    def reserve(self) -> float:
        """Most bytes that a shortened ending takes, wherever a text of the set is cut."""


@dataclass(frozen=True)
class Literal(Expression):
    """One text."""

    text: str

    @property
    def nullable(self) -> bool:
        return not self.text

    @cached_property
    def longest(self) -> float:
        return len(self.text.encode())

    def after(self, letter: str) -> Expression:
        return Literal(self.text[1:]) if self.text[:1] == letter else NEVER

    def _tightened(self, texts: int) -> Expression:
        return self

    @property
    def reserve(self) -> float:
        return self.longest


@dataclass(frozen=True)
class Characters(Expression):
    """One character of ranges of code points, ends included."""

    ranges: tuple[tuple[int, int], ...]

    @property
    def nullable(self) -> bool:
        return False

    @cached_property
    def longest(self) -> float:
        return len(chr(max(high for _, high in self.ranges)).encode())

    def after(self, letter: str) -> Expression:
        code = ord(letter)
        return EMPTY if any(low <= code <= high for low, high in self.ranges) else NEVER

    def _tightened(self, texts: int) -> Expression:
        return self

    @property
    def reserve(self) -> float:
        return self.longest


@dataclass(frozen=True, eq=False)
class Chain(Expression):
    """Texts of the parts, one after the other."""

    parts: tuple[Expression, ...]

    @cached_property
    def nullable(self) -> bool:
        return all(part.nullable for part in self.parts)

    @cached_property
    def longest(self) -> float:
        return sum(part.longest for part in self.parts)

    def after(self, letter: str) -> Expression:
        found: list[Expression] = []
        for i, part in enumerate(self.parts):
            found.append(sequence(part.after(letter), *self.parts[i + 1 :]))
            if not part.nullable:
                break
        return choice(found)

    def _tightened(self, texts: int) -> Expression:
        return sequence(*(part.tightened(texts) for part in self.parts))

    @cached_property
    def reserve(self) -> float:
        most = rest = 0.0
        for part in reversed(self.parts):
            most = max(most, part.reserve + rest)
            rest += part.shortened.longest
        return most


@dataclass(frozen=True, eq=False)
class Choice(Expression):
    """Texts of any option; of a spare choice the last option is what is left once room is short."""

    options: tuple[Expression, ...]
    kind: OneOf["firm", "spare", "union"] = "firm"

    @cached_property
    def nullable(self) -> bool:
        return any(option.nullable for option in self.options)

    @cached_property
    def longest(self) -> float:
        return max((option.longest for option in self.options), default=0)

    def after(self, letter: str) -> Expression:
        return choice((option.after(letter) for option in self.options), self.kind)

    def _tightened(self, texts: int) -> Expression:
        if self.kind == "spare":
            return self.options[-1].tightened(texts)
        tight = [option.tightened(texts) for option in self.options]
        if self.kind == "union":
            least = min(option.shortened.longest for option in self.options)
            tight = [
                short
                for short, option in zip(tight, self.options, strict=True)
                if option.shortened.longest <= least + _TOO_LONG
            ]
        return choice(tight, self.kind)

    @cached_property
    def reserve(self) -> float:
        return max((option.reserve for option in self.options), default=0)


@dataclass(frozen=True, eq=False)
class Repeat(Expression):
    """Texts of the part, which are not empty, from ``least`` to ``most`` (None: any) times."""

    part: Expression
    least: int
    most: int | None
    kind: Kind
    begun: bool = False

    @property
    def nullable(self) -> bool:
        return self.least == 0

    @property
    def longest(self) -> float:
        return (inf if self.most is None else self.most) * self.part.longest

    def after(self, letter: str) -> Expression:
        following = self.part.after(letter)
        if following is NEVER:
            return NEVER
        left = None if self.most is None else self.most - 1
        return sequence(
            following, repeat(self.part, max(0, self.least - 1), left, self.kind, begun=True)
        )

    def _tightened(self, texts: int) -> Expression:
        part = self.part.tightened(texts)
        if self.kind == "firm":
            return repeat(part, self.least, self.most, "firm", self.begun)
        more = 0 if self.kind == "spare" or self.begun else texts
        most = max(self.least, more if self.most is None else min(self.most, more))
        return repeat(part, self.least, most, self.kind, self.begun)

    @cached_property
    def reserve(self) -> float:
        after = self.most or 1 if self.kind == "firm" else max(1, self.least)
        return self.part.reserve + (after - 1) * self.part.shortened.longest


# What there is of sets that are made of others: a key's sets are compared by identity.
_made: WeakValueDictionary[Any, Expression] = WeakValueDictionary()


def _one(new: Expression) -> Expression:
    """Return the set of the same kind and parts that there is, else the new one."""
    return _made.setdefault((type(new), *vars(new).values()), new)


EMPTY = Literal("")
NEVER = _one(Choice(()))
DIGIT = Characters(((0x30, 0x39),))


def sequence(*parts: Expression) -> Expression:
    """Texts of the parts, one after the other; none where a part has none."""
    if any(part is NEVER for part in parts):
        return NEVER
    kept: list[Expression] = []
    for part in parts:
        if isinstance(part, Chain):
            kept.extend(part.parts)
        elif not (isinstance(part, Literal) and not part.text):
            kept.append(part)
    return kept[0] if len(kept) == 1 else _one(Chain(tuple(kept))) if kept else EMPTY


def choice(
    options: Iterable[Expression], kind: OneOf["firm", "spare", "union"] = "firm"
) -> Expression:
    """Texts of any option that has some."""
    kept: dict[Expression, None] = {}
    for option in options:
        if isinstance(option, Choice) and option.kind == kind == "firm":
            kept.update(dict.fromkeys(option.options))
        elif option is not NEVER:
            kept[option] = None
    if len(kept) < 2:
        return next(iter(kept), NEVER)
    return _one(Choice(tuple(kept), kind))


def repeat(
    part: Expression, least: int, most: int | None, kind: Kind = "firm", begun: bool = False
) -> Expression:
    """Texts of the part, which are not empty, from ``least`` to ``most`` times."""
    if most == 0 or part is NEVER:
        return NEVER if least else EMPTY
    if most is not None and most < least:
        return NEVER
    return _one(Repeat(part, least, most, kind, begun))


def words(texts: Sequence[str]) -> Expression:
    """Any of these texts."""
    return choice(Literal(text) for text in texts)


def follow(expression: Expression, text: str) -> tuple[Expression, int]:
    """What may follow the longest beginning of a text that the set allows; that one's length."""
    for i, letter in enumerate(text):
        following = expression.followed.get(letter)
        if following is None:
            following = expression.after(letter)
            if following is NEVER:
                return expression, i
            expression.followed[letter] = following
        expression = following
    return expression, len(text)
