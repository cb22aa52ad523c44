"""Few-shot examples are lm-eval's, in its order, from one stream a task."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastscore.errors import UsageError
from fastscore.fewshot import (
    FirstSampler,
    RandomSampler,
    SamplerName,
    draw_shared,
    make_sampler,
)
from fastscore.types import Row

Rows = list[dict[str, Any]]


def rows_of(values: list[int]) -> Rows:
    return [{"value": value} for value in values]


def textbook_draws(pool: Rows, items: Rows, n: int, exclude: bool, seed: int) -> list[Rows]:
    """The rows lm-eval shows with each item, as its documentation words it: row by row."""
    stream = random.Random(seed)
    shown = []
    for item in items:
        if not exclude:
            shown.append(stream.sample(pool, n))
            continue
        drawn = [row for row in stream.sample(pool, n + 1) if row != item][:n]
        if len(drawn) < n:
            drawn = stream.sample([row for row in pool if row != item], n)
        shown.append(drawn)
    return shown


@given(
    pool=st.lists(st.integers(0, 5), min_size=1, max_size=40),
    items=st.lists(st.integers(0, 5), max_size=10),
    n=st.integers(1, 12),
    exclude=st.booleans(),
    seed=st.integers(0, 2**32),
)
def test_random_draws_are_the_textbooks(
    pool: list[int], items: list[int], n: int, exclude: bool, seed: int
) -> None:
    sampler = RandomSampler(rows_of(pool), seed)

    def ours() -> list[Rows]:
        return [
            [{"value": pool[position]} for position in sampler.draw(n, item if exclude else None)]
            for item in rows_of(items)
        ]

    try:
        expected = textbook_draws(rows_of(pool), rows_of(items), n, exclude, seed)
    except ValueError:  # random.sample: larger than the population
        with pytest.raises(UsageError):
            ours()
    else:
        assert ours() == expected


def test_the_stream_is_the_same_on_every_python() -> None:
    sampler = RandomSampler(rows_of(list(range(100))), 1234)
    assert sampler.draw(5) == [99, 56, 14, 0, 11]
    assert sampler.draw(5) == [74, 4, 85, 88, 10]


def test_a_prefix_of_the_items_sees_the_same_examples() -> None:
    pool = rows_of(list(range(50)))
    first, all_of_them = RandomSampler(pool), RandomSampler(pool)
    shots = [all_of_them.draw(3, {"value": -1}) for _ in range(10)]
    assert [first.draw(3, {"value": -1}) for _ in range(4)] == shots[:4]


def test_an_item_costs_a_draw_more_where_it_could_be_drawn_itself() -> None:
    pool = rows_of(list(range(50)))
    with_spare, without = RandomSampler(pool), RandomSampler(pool)
    assert with_spare.draw(3, {"value": -1}) == without.draw(3)
    assert with_spare.draw(3, {"value": -1}) != without.draw(3)


def test_no_example_consumes_nothing() -> None:
    pool = rows_of(list(range(50)))
    sampler = RandomSampler(pool)
    assert sampler.draw(0, {"value": 3}) == []
    assert sampler.draw(2) == RandomSampler(pool).draw(2)


@pytest.mark.parametrize(("n", "item"), [(4, None), (3, {"value": -1}), (3, {"value": 0})])
def test_a_pool_too_small_says_how_many_there_are(n: int, item: dict[str, int] | None) -> None:
    with pytest.raises(UsageError, match=rf"{n} few-shot .* only 3 rows"):
        RandomSampler(rows_of([0, 1, 2])).draw(n, item)


def test_copies_of_the_item_do_not_count_as_examples() -> None:
    with pytest.raises(UsageError, match="only 1 rows"):
        RandomSampler(rows_of([0, 0, 0, 1])).draw(2, {"value": 0})


def test_first_takes_the_first_in_order_without_the_item() -> None:
    pool = rows_of([3, 1, 4, 1, 5])
    assert FirstSampler(pool).draw(3) == [0, 1, 2]
    assert FirstSampler(pool).draw(3, {"value": 1}) == [0, 2, 4]
    with pytest.raises(UsageError, match="only 3 rows"):
        FirstSampler(pool).draw(4, {"value": 1})


def test_shared_examples_are_drawn_once_from_what_is_not_evaluated() -> None:
    pool = rows_of(list(range(30)))
    shared = draw_shared("random", pool, pool[:20], 5)
    assert len(set(shared)) == 5
    assert set(shared) <= set(range(20, 30))
    assert shared == draw_shared("random", pool, pool[:20], 5)
    assert shared != draw_shared("random", pool, pool[:20], 5, seed=1)


def test_shared_examples_from_other_rows_are_the_first_draw_of_lm_eval() -> None:
    pool = rows_of(list(range(30)))
    assert draw_shared("random", pool, rows_of([99]), 5) == RandomSampler(pool).draw(5)
    assert draw_shared("first", pool, rows_of([1]), 3) == [0, 2, 3]


def test_shared_examples_need_rows_that_are_not_evaluated() -> None:
    pool = rows_of([0, 1, 2])
    with pytest.raises(UsageError, match="only 1 of the 3 rows"):
        draw_shared("random", pool, pool[:2], 2)


def test_samplers_by_name() -> None:
    pool = rows_of(list(range(9)))
    assert isinstance(make_sampler("first", pool), FirstSampler)
    assert make_sampler("random", pool, 7).draw(2) == RandomSampler(pool, 7).draw(2)


@pytest.mark.parametrize("name", ["random", "first"])
def test_a_row_with_gaps_is_not_among_its_own_examples(name: SamplerName) -> None:
    def rows() -> list[Row]:
        return [{"q": n, "gap": [float("nan")], "of": {"x": float("nan")}} for n in range(8)]

    sampler = make_sampler(name, rows())
    for position, row in enumerate(rows()):
        for _ in range(9):
            assert position not in sampler.draw(6, row)
