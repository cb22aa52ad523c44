"""Tests on recorded results. Runs in a process that never runs the program, as trusted code.

The record is what csrc/sandbox/record.cpp wrote while the program was judged, or whatever a program
that took over its own process put there: all it can say is what the program's functions returned.
It is a sequence of events, in the order in which the tests caused them; numbers are u32, texts
UTF-8 after their length, a value is a letter and what that letter asks for (see ``_READERS``)::

    B value | M name | C | -     a name the tests look for: its value, a module, a class, nothing
    (U index value)* ...         arguments that a call changed, and then its result:
        R value | A index | X type text       a value, one of the arguments, an exception
    R value | E | X type text    a step of an iterator; E is its end
"""

from __future__ import annotations

import builtins
from array import array
from collections import Counter, OrderedDict, defaultdict, deque
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any


class Opaque:
    """An object of the program, of which the tests know only that it is the same one or another."""


class Function:
    """A function of the program: returns what it returned."""

    def __init__(self, record: Record) -> None:
        self._record = record

    def __call__(self, *arguments: Any, **_: Any) -> Any:
        """Return or raise what the recorded call did."""
        return self._record.end_of_call(arguments)


class Steps:
    """An iterator of the program."""

    def __init__(self, record: Record) -> None:
        self._record = record

    def __iter__(self) -> Steps:
        return self

    def __next__(self) -> Any:
        return self._record.step()


class Record:
    """Reads the events of a record one after the other; any exception means it is not one."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0
        self._opaque: dict[int, Opaque] = {}

    def bind(
        self,
        tests: dict[str, Any],
        wanted: Sequence[str],
        entry_point: str | None,
        load: Callable[[str], Any],
    ) -> None:
        """Give the tests the names that are the program's to define."""
        for name in wanted:
            if name in tests:
                if name != entry_point:
                    continue
                del tests[name]
            event = self._take(1)
            if event == b"B":
                tests[name] = self.value()
            elif event == b"M":
                tests[name] = load(self._text())
            elif event == b"C":
                tests[name] = type(name, (Opaque,), {"__init__": lambda *_, **__: None})
            elif event != b"-":
                raise ValueError(event)

    def end_of_call(self, arguments: Sequence[Any]) -> Any:
        """Do to the arguments what the next call did, and return or raise what it did."""
        while (event := self._take(1)) == b"U":
            changed = arguments[self._number()]
            value = self.value()
            if isinstance(changed, list | bytearray):
                changed[:] = value
            else:
                changed.clear()
                changed.update(value)
        if event == b"A":
            return arguments[self._number()]
        if event == b"R":
            return self.value()
        raise self._error(event)

    def step(self) -> Any:
        """Return what the next step of an iterator gave, or raise what it raised."""
        event = self._take(1)
        if event == b"R":
            return self.value()
        if event == b"E":
            raise StopIteration
        raise self._error(event)

    def value(self) -> Any:
        """The value that comes next."""
        return self._read([])

    def _error(self, event: bytes) -> BaseException:
        if event != b"X":
            raise ValueError(event)
        kind = getattr(builtins, self._text(), Exception)
        text = self._text()
        # The judge lets none of these through: it would end a loop of the tests in silence.
        if isinstance(kind, type) and issubclass(kind, StopIteration | StopAsyncIteration):
            raise ValueError(kind)
        try:
            error = kind(text)
        except Exception:
            error = None
        return error if isinstance(error, BaseException) else Exception(text)

    def _take(self, size: int) -> bytes:
        data = self._data[self._at : self._at + size]
        if len(data) != size:
            raise EOFError
        self._at += size
        return data

    def _number(self) -> int:
        return int.from_bytes(self._take(4), "little")

    def _text(self) -> str:
        return self._take(self._number()).decode("utf-8", "surrogatepass")

    def _float(self) -> float:
        return float(array("d", self._take(8))[0])

    def _read(self, seen: list[Any]) -> Any:
        return _READERS[self._take(1)](self, seen)

    def _items(self, seen: list[Any]) -> list[Any]:
        return [self._read(seen) for _ in range(self._number())]

    def _parts(self, seen: list[Any], count: int) -> list[Any]:
        return [self._read(seen) for _ in range(count)]

    def _object(self) -> Opaque:
        return self._opaque.setdefault(self._number(), Opaque())

    def _type(self) -> type:
        found = getattr(builtins, self._text())
        if not isinstance(found, type):
            raise TypeError(found)
        return found


def _constant(value: object) -> Callable[[Record, list[Any]], Any]:
    return lambda record, seen: value


def _filled(make: Callable[[], Any], fill: str) -> Callable[[Record, list[Any]], Any]:
    """A container that may hold itself: made first, then filled."""

    def read(record: Record, seen: list[Any]) -> Any:
        container = make()
        seen.append(container)
        getattr(container, fill)(record._items(seen))
        return container

    return read


def _built(
    build: Callable[..., Any], parts: int = 0, *, items: bool = True
) -> Callable[[Record, list[Any]], Any]:
    """A value made of ``parts`` values and of a list of items behind them."""

    def read(record: Record, seen: list[Any]) -> Any:
        place = len(seen)
        seen.append(None)
        arguments = record._parts(seen, parts)
        if items:
            arguments.append(record._items(seen))
        seen[place] = build(*arguments)
        return seen[place]

    return read


_READERS: dict[bytes, Callable[[Record, list[Any]], Any]] = {
    b"N": _constant(None),
    b"T": _constant(True),
    b"F": _constant(False),
    b".": _constant(...),
    b"!": _constant(NotImplemented),
    b"i": lambda record, seen: int(record._text(), 16),
    b"f": lambda record, seen: record._float(),
    b"c": lambda record, seen: complex(*record._parts(seen, 2)),
    b"s": lambda record, seen: record._text(),
    b"b": lambda record, seen: record._take(record._number()),
    b"a": lambda record, seen: bytearray(record._take(record._number())),
    b"p": lambda record, seen: Function(record),
    b"n": lambda record, seen: Steps(record),
    b"x": lambda record, seen: record._object(),
    b"t": lambda record, seen: record._type(),
    b"D": lambda record, seen: Decimal(record._text()),
    b"=": lambda record, seen: seen[record._number()],
    b"[": _filled(list, "extend"),
    b"<": _filled(set, "update"),
    b"{": _filled(dict, "update"),
    b"o": _filled(OrderedDict, "update"),
    b"C": _built(lambda pairs: Counter(dict(pairs))),
    b"d": _built(defaultdict, 1),
    b"(": _built(tuple),
    b">": _built(frozenset),
    b"K": _built(lambda keys: dict.fromkeys(keys).keys()),
    b"I": _built(lambda pairs: dict(pairs).items()),
    b"V": _built(lambda values: dict(enumerate(values)).values()),
    b"q": _built(lambda limit, items: deque(items, limit), 1),
    b"y": _built(array, 1),
    b"/": _built(Fraction, 2, items=False),
    b"r": _built(range, 3, items=False),
    b":": _built(slice, 3, items=False),
    b"1": _built(date, 3, items=False),
    b"2": _built(datetime, 8, items=False),
    b"3": _built(timedelta, 3, items=False),
}


def confirm(parts: tuple[Any, ...], data: bytes, load: Callable[[str], Any]) -> None:
    """Run the tests on the results in ``data``; returns only if they pass."""
    prelude, test, _, wanted, _, entry_point = parts
    tests: dict[str, Any] = {"__builtins__": __builtins__}
    if prelude is not None:
        exec(prelude, tests)
    Record(data).bind(tests, wanted, entry_point, load)
    exec(test, tests)
