"""The replay of recorded results: what it reads, and that no bytes do it harm."""

from __future__ import annotations

import struct
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastscore.sandbox.replay import Opaque, Record, confirm


def number(value: int) -> bytes:
    return struct.pack("<I", value)


def text(value: str) -> bytes:
    data = value.encode("utf-8", "surrogatepass")
    return number(len(data)) + data


def integer(value: int) -> bytes:
    return b"i" + text(hex(value))


def items(*values: bytes) -> bytes:
    return number(len(values)) + b"".join(values)


@pytest.mark.parametrize(
    ("data", "value"),
    [
        (b"N", None),
        (integer(-(10**30)), -(10**30)),
        (b"f" + struct.pack("<d", 0.1), 0.1),
        (b"s" + text("é\ud800"), "é\ud800"),
        (b"b" + number(2) + b"\0a", b"\0a"),
        (b"[" + items(integer(1), b"T"), [1, True]),
        (b"(" + items(b"[" + items(), b"N"), ([], None)),
        (b"{" + items(b"(" + items(integer(1), b"N")), {1: None}),
        (b"r" + integer(1) + integer(9) + integer(2), range(1, 9, 2)),
        (b"t" + text("str"), str),
    ],
)
def test_values(data: bytes, value: Any) -> None:
    read = Record(data).value()
    assert read == value
    assert type(read) is type(value)


def test_containers_are_numbered_as_they_begin() -> None:
    cycle = Record(b"[" + items(b"[" + items(), b"=" + number(1), b"=" + number(0))).value()
    assert cycle[0] is cycle[1]
    assert cycle[2] is cycle


def test_objects_are_known_again() -> None:
    record = Record((b"x" + number(3)) * 2 + b"x" + number(4))
    one, same, other = (record.value() for _ in range(3))
    assert one is same is not other
    assert isinstance(one, Opaque)


def test_calls_and_steps_come_in_order() -> None:
    updates = b"U" + number(0) + b"[" + items(integer(1))
    record = Record(
        b"B" + b"p" + updates + b"R" + b"n" + b"R" + b"T" + b"E" + b"A" + number(1)
        + b"X" + text("KeyError") + text("k")
    )  # fmt: skip
    tests: dict[str, Any] = {}
    record.bind(tests, ("f",), "f", lambda name: None)
    argument: list[int] = [5, 6]
    steps = tests["f"](argument)
    assert argument == [1]
    assert list(steps) == [True]
    assert tests["f"]("a", "b") == "b"
    with pytest.raises(KeyError, match="k"):
        tests["f"]()


def test_names_are_bound_as_recorded() -> None:
    record = Record(b"C" + b"M" + text("math") + b"-" + b"B" + b"N")
    tests: dict[str, Any] = {"helper": 1, "f": 2, "absent": 3}
    module = SimpleNamespace()
    record.bind(tests, ("Pair", "helper", "m", "missing", "f"), "f", lambda name: module)
    pair = tests["Pair"](1, key=2)
    pair.left = tests["Pair"]()
    assert isinstance(pair.left, Opaque)
    assert tests["m"] is module
    assert (tests["helper"], tests["f"], tests["absent"]) == (1, None, 3)
    assert "missing" not in tests


def test_confirm_runs_the_tests_on_the_record() -> None:
    test = compile("assert f(1) == 2", "<tests>", "exec")
    for result, passes in ((2, True), (3, False)):
        record = b"B" + b"p" + b"R" + integer(result)
        parts = (None, test, (), ("f",), {}, "f")
        if passes:
            confirm(parts, record, lambda name: None)
        else:
            with pytest.raises(AssertionError):
                confirm(parts, record, lambda name: None)


@pytest.mark.parametrize("name", ["StopIteration", "StopAsyncIteration"])
def test_no_exception_ends_a_loop_in_silence(name: str) -> None:
    record = Record(b"X" + text(name) + text(""))
    with pytest.raises(ValueError, match=name):
        [record.end_of_call(()) for _ in range(2)]


@pytest.mark.parametrize("name", ["print", "type", "no such name", "object", "Exception"])
def test_what_is_no_exception_becomes_one(name: str) -> None:
    with pytest.raises(Exception, match="text"):
        Record(b"X" + text(name) + text("text")).end_of_call(())


@given(st.binary(max_size=200), st.sampled_from(["value", "step", "end_of_call", "bind"]))
def test_no_bytes_do_harm(data: bytes, method: str) -> None:
    """Whatever is read, it is a value or an exception; the process stays as it is."""
    record = Record(data)
    arguments = {
        "end_of_call": ([[], {}, set(), bytearray()],),
        "bind": ({}, ("a", "b"), None, lambda name: None),
    }
    try:
        getattr(record, method)(*arguments.get(method, ()))
    except Exception:
        return
    assert record._at <= len(data)
