"""Which solved examples a prompt shows.

lm-evaluation-harness draws them anew for every item from one random stream a task, so the shots
of an item depend on all items before it: scoring the first 100 rows gives each of them the shots
it has in a full run, scoring any other selection does not. The two samplers here draw the same
examples in the same order as its release 0.4.13; `shared` is fastscore's own variant.
"""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from itertools import islice
from typing import Any, Literal, Protocol

from fastscore.errors import UsageError
from fastscore.types import Row

DEFAULT_SEED = 1234
"""lm-eval's seed for few-shot examples."""

SamplerName = Literal["random", "first"]


class Sampler(Protocol):
    """Draws examples, as positions in the pool it was made with."""

    def draw(self, n: int, item: Row | None = None) -> list[int]:
        """``n`` positions, in the order they are shown; with ``item``, none that equals it."""
        ...


class RandomSampler:
    """``n`` rows at random: lm-eval's ``default`` sampler.

    Given the row under evaluation it draws one row more and leaves that row out, or the last one
    drawn. lm-eval does so wherever its configuration names the same split for examples and
    evaluation *or names neither*, so HellaSwag, WinoGrande and PIQA advance the random stream by
    n + 1 draws an item though their examples come from the training split.
    """

    def __init__(self, pool: Sequence[Row], seed: int = DEFAULT_SEED) -> None:
        self._pool = pool
        self._stream = random.Random(seed)

    def draw(self, n: int, item: Row | None = None) -> list[int]:
        """Draw ``n`` positions; UsageError where the pool is too small for it."""
        if n == 0:
            return []
        spare = 0 if item is None else 1
        _check_pool(n + spare, len(self._pool), n)
        drawn = self._stream.sample(range(len(self._pool)), n + spare)
        if item is None:
            return drawn
        others = [position for position in drawn if not _same(self._pool[position], item)][:n]
        if len(others) == n:
            return others
        # The pool holds the item more than once, and more than one copy was drawn.
        rest = [position for position, row in enumerate(self._pool) if not _same(row, item)]
        _check_pool(n, len(rest), n)
        return self._stream.sample(rest, n)


class FirstSampler:
    """The first ``n`` rows in file order, the same for every item: lm-eval's ``first_n``."""

    def __init__(self, pool: Sequence[Row]) -> None:
        self._pool = pool

    def draw(self, n: int, item: Row | None = None) -> list[int]:
        """Return the first ``n`` positions; UsageError where the pool has fewer rows."""
        rest = (
            position
            for position, row in enumerate(self._pool)
            if item is None or not _same(row, item)
        )
        first = list(islice(rest, n))
        _check_pool(n, len(first), n)
        return first


def make_sampler(name: SamplerName, pool: Sequence[Row], seed: int = DEFAULT_SEED) -> Sampler:
    """Make the sampler called ``name`` over ``pool``."""
    return FirstSampler(pool) if name == "first" else RandomSampler(pool, seed)


def draw_shared(
    name: SamplerName, pool: Sequence[Row], rows: Sequence[Row], n: int, seed: int = DEFAULT_SEED
) -> list[int]:
    """Draw one set of ``n`` examples for all of ``rows``, none of which is among ``rows``.

    The header is then the same text for every item of a task, so it is decoded once. Scores are
    not those of lm-eval, which draws per item.
    """
    evaluated = {_content(row) for row in rows}
    free = [position for position, row in enumerate(pool) if _content(row) not in evaluated]
    if len(free) < n:
        raise UsageError(
            f"{n} shared examples were asked for, but only {len(free)} of the {len(pool)} rows to "
            "draw them from are not evaluated themselves; ask for fewer, evaluate fewer rows, or "
            "give a file of few-shot rows"
        )
    chosen = make_sampler(name, [pool[position] for position in free], seed).draw(n)
    return [free[position] for position in chosen]


def _same(one: Any, other: Any) -> bool:
    """Tell whether two rows are equal, a cell without a number (NaN) being equal to another one.

    To Python NaN equals nothing: a row of a table with gaps would be among its own examples.
    """
    if one == other:
        return True
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_same(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_same, one, other))
    return bool(one != one and other != other)


def _content(row: Row) -> str:
    return json.dumps(row, sort_keys=True, ensure_ascii=False, default=repr)


def _check_pool(needed: int, available: int, shots: int) -> None:
    if needed > available:
        spare = " and one to spare for the item itself" if needed > shots else ""
        raise UsageError(
            f"{shots} few-shot examples{spare} were asked for, but there are only {available} rows "
            "to draw them from; ask for fewer, or give a file with more few-shot rows"
        )
