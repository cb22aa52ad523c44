"""The completions of the execution benchmark: the same each time, right and wrong ones mixed."""

from __future__ import annotations

import pytest

from benchmarks.workloads.completions import completions

ROW = {
    "task_id": "Test/1",
    "prompt": 'def total(numbers):\n    """Sum of the even numbers."""\n',
    "canonical_solution": "    return sum(n for n in numbers if n % 2 == 0)\n",
}
LOOP = {**ROW, "canonical_solution": "    n = 3\n    while n > 0:\n        n -= 1\n    return n\n"}


def test_the_same_each_time() -> None:
    assert completions(ROW, 20) == completions(ROW, 20)
    assert completions(ROW, 20) != completions({**ROW, "task_id": "Test/2"}, 20)


@pytest.mark.parametrize("n", [1, 5, 20, 40])
def test_as_many_as_wanted_right_and_wrong(n: int) -> None:
    made = completions(ROW, n)
    assert len(made) == n
    if n >= 5:
        assert made.count(ROW["canonical_solution"]) == n * 2 // 5


def test_a_slip_is_one_token() -> None:
    made = set(completions(ROW, 1000))
    assert "    return sum(n for n in numbers if n % 2 != 0)\n" in made
    assert "    return sum(n for n in numbers if n % 3 == 0)\n" in made


def test_programs_that_never_end_are_left_out() -> None:
    endless = "    n = 3\n    while n >= 0:\n        n -= 1\n    return n\n"
    assert endless not in completions(LOOP, 1000)
    assert endless in completions(LOOP, 1000, endless=True)
