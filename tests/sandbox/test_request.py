"""What is worked out from the trusted parts of a program, and how judges answer."""

from __future__ import annotations

import marshal
import struct
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastscore.errors import UsageError
from fastscore.sandbox import OUTCOMES, Execution, Program, SandboxLimits
from fastscore.sandbox.request import Verdict, prepare, read_verdict

NONCE = bytes(range(16))


def parts(test: str, entry_point: str | None = None, **others: str) -> tuple[Any, ...]:
    found = marshal.loads(prepare(Program("", test, entry_point, **others)).trusted)
    assert isinstance(found, tuple)
    return found


def test_wanted_names_are_the_globals_of_the_tests() -> None:
    test = """
import math as m
def check(candidate):
    local = [x for x in other(candidate)]
    assert math.floor(local) == len(table["a"]).real
for i in range(3): assert f(i)
"""
    assert set(parts(test)[3]) == {"other", "math", "table", "f", "i"}
    assert set(parts("check(g)", "f")[3]) == {"check", "g", "f"}


def test_builtins_are_wanted_only_where_the_reference_binds_them() -> None:
    test = "assert sum([1]) == max(2)"
    assert parts(test)[3] == ()
    assert parts(test, reference="def sum(a): pass\nfor min in []: pass")[3] == ("sum",)
    assert parts(test, reference="sum, x = 1, 2")[3] == ("sum",)
    assert parts(test, reference="def f():\n    sum = 1")[3] == ()
    assert parts(test, "max")[3] == ("max",)


def test_modules_and_classes_are_found() -> None:
    test = "import os.path, re\nfrom collections import abc\ndef f():\n    import json"
    assert parts(test, prelude="import typing")[2] == (
        *("collections", "json", "os.path", "re", "typing"),
    )
    assert parts("assert math.floor(f()) == time")[2] == ("math", "time")
    reference = "class P:\n    def __init__(self): pass\n    def __lt__(self, o): pass\ndef f(): 0"
    assert parts("P()", reference=reference)[4] == {"P": ("__init__", "__lt__")}


@pytest.mark.parametrize(
    ("part", "text"),
    [
        *((part, "def f(:") for part in ("test", "prelude", "reference")),
        *((part, "def f(c):\n    global c") for part in ("test", "prelude")),
        ("test", "return 1"),
    ],
)
def test_what_is_not_python_is_said(part: str, text: str) -> None:
    program = {"source": "", "test": "", "entry_point": None, part: text}
    with pytest.raises(UsageError, match=rf"the {part} of a program to judge is not Python"):
        prepare(Program(**program))


def test_the_program_itself_need_not_be_python() -> None:
    assert prepare(Program("def f(:\0\ud800", "")).source == b"def f(:\0\xed\xa0\x80\n\n"


def test_asserts_count_without_assertions() -> None:
    code = """
from fastscore.sandbox.request import prepare, Program
import marshal
try: exec(marshal.loads(prepare(Program("", "assert 0")).trusted)[1])
except AssertionError: print("counts")
"""
    done = subprocess.run([sys.executable, "-O", "-c", code], capture_output=True, text=True)
    assert done.stdout == "counts\n"


def answer(outcome: int, error: bytes = b"", message: bytes = b"", nonce: bytes = NONCE) -> bytes:
    head = struct.pack("<16sBQHH", nonce, outcome, 1_500_000_000, len(error), len(message))
    return head + error + message


def test_answers_are_read() -> None:
    found = read_verdict(answer(1, b"KeyError", "é".encode()), NONCE)
    assert found == Verdict("failed", 1.5, "KeyError", "é")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        answer(0)[:-1],
        answer(0) + b"x",
        answer(0) * 2,
        answer(len(OUTCOMES)),
        answer(0, nonce=bytes(16)),
        answer(1, b"KeyError")[:-1],
    ],
)
def test_nothing_else_is_an_answer(data: bytes) -> None:
    assert read_verdict(data, NONCE) is None


@given(st.binary(max_size=80))
def test_no_bytes_pass_by_chance(data: bytes) -> None:
    assert read_verdict(data, NONCE) is None
    read_verdict(NONCE + data, NONCE)


@pytest.mark.parametrize(
    "bad",
    [
        {"cpu_seconds": 0},
        {"cpu_seconds": float("nan")},
        {"wall_seconds": -1.0},
        {"memory_mb": 1},
        {"processes": 0},
        {"open_files": 1.5},
    ],
)
def test_limits_are_checked(bad: dict[str, Any]) -> None:
    [(name, value)] = bad.items()
    with pytest.raises(UsageError, match=rf"{name} is {value}"):
        SandboxLimits(**bad)


def test_wall_clock_is_ten_times_the_cpu_time() -> None:
    assert SandboxLimits(cpu_seconds=2).deadline == 20
    assert SandboxLimits(cpu_seconds=2, wall_seconds=5).deadline == 5


@pytest.mark.parametrize(
    ("execution", "detail", "result"),
    [
        (Execution("passed"), "", "passed"),
        (Execution("timed out", message="CPU time"), "CPU time", "timed out"),
        (Execution("failed", "KeyError", "'k'"), "KeyError: 'k'", "failed: 'k'"),
        (Execution("failed", "AssertionError"), "AssertionError", "failed: "),
        (Execution("failed", "E", "\x1b[2J\n"), "E: \\x1b[2J\\n", "failed: \x1b[2J\n"),
        (Execution("crashed", "", "Aborted"), "Aborted", "failed: Aborted"),
    ],
)
def test_words(execution: Execution, detail: str, result: str) -> None:
    assert (execution.detail, execution.result) == (detail, result)
    assert execution.passed == (execution.outcome == "passed")


def test_near_the_limit_is_above_four_fifths() -> None:
    assert Execution("passed", cpu_seconds=2.41, cpu_limit=3).near_limit
    assert not Execution("passed", cpu_seconds=2.39, cpu_limit=3).near_limit
