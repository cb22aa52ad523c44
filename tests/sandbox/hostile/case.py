"""What a hostile program is, and the tests that none of them may pass."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import pytest

WRONG = """\
def ascending(numbers):
    return []

"""
"""What every hostile program begins with: the function asked for, and wrong."""

CHECK = """
import copy
import math
import random

EXPECTED = [[1, 2, 3], [4, 5]]

def check(candidate):
    assert candidate([3, 1, 2]) == [1, 2, 3], "three numbers"
    assert candidate([5, 4]) == EXPECTED[1]
    found = candidate(copy.deepcopy([2.5, 0.5]))
    assert isinstance(found, list) and len(found) == 2
    assert all(abs(a - b) < 1e-6 for a, b in zip(found, sorted([2.5, 0.5])))
    assert math.floor(candidate([9.5])[0]) == 9
    random.seed(7)
    numbers = [random.randint(0, 9) for _ in range(5)]
    assert candidate(list(numbers)) == sorted(numbers)

check(ascending)
"""
"""A test in the shape of HumanEval's, with the tools that those use."""

ASSERTS = """\
assert ascending([3, 1, 2]) == [1, 2, 3]
assert ascending([5, 4]) == [4, 5]
assert ascending([]) != [0]
"""
"""A test in the shape of MBPP's. Nothing in it tells an object that equals everything from a list,
as nothing does in most of the published ones."""

RIGHT = """\
def ascending(numbers):
    return sorted(numbers)
"""
"""An honest program that passes both."""

FAILED = frozenset({"failed", "refused"})
ENDED = FAILED | {"crashed"}
TIMED_OUT = frozenset({"timed out"})
MEMORY = frozenset({"out of memory"})
NOT_PASSED = ENDED | TIMED_OUT | MEMORY


@dataclass(frozen=True, slots=True)
class Hostile:
    """A program, why it is here, and how it may end.

    ``source`` follows ``WRONG``. In it ``@NAME@`` stands for a trap that the witness has set, as
    ``witness.Witness.traps`` says. ``unstopped`` says why the weak level does not stop it; it is
    never run there then. ``flaw`` says why it passes there nevertheless, where no second process
    confirms a pass; what it does outside is judged all the same.
    """

    name: str
    why: str
    source: str
    accept: frozenset[str] = FAILED
    tests: tuple[str, ...] = (ASSERTS,)
    prelude: str = ""
    reference: str = ""
    unstopped: str = ""
    flaw: str = ""


def parameters(cases: Iterable[Hostile], level: str) -> list[Any]:
    """Every test of every case, for ``pytest.mark.parametrize(("case", "number"), ...)``."""
    return [
        pytest.param(
            case,
            number,
            id=f"{case.name}, test {number}",
            marks=[pytest.mark.xfail(reason=case.flaw)] if case.flaw and level == "weak" else [],
        )
        for case in cases
        for number in range(len(case.tests))
    ]
