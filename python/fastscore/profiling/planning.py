"""Which tests are run and how often, within the time there is.

Tests that were asked for are run as they were asked for. Those that nobody asked for give way:
repetitions first, then the tests that are nice to have, then the sizes of the two that matter.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from fastscore.profiling.values import Skipped
from fastscore.profiling.workload import Workload

REPETITIONS = 5
"""As llama-bench repeats."""

FIRST_TOKEN_REPETITIONS = 3

_FEWEST = 3  # with all tests; below this a standard deviation says little
_SMALLER = ((256, 64), (128, 32), (64, 16), (32, 8))
"""Tokens of ``pp`` and ``tg``, tried in this order where none were asked for."""


@dataclass(frozen=True, slots=True)
class Request:
    """What was asked for. ``extra`` tests are dropped where time is short.

    ``sizes_chosen`` says that the sizes of ``tests`` are the user's; ``repetitions`` and
    ``seconds`` are None where nothing was said of them. ``first_token`` is the length of the
    prompt, 0 for none.
    """

    tests: tuple[Workload, ...]
    extra: tuple[Workload, ...]
    sizes_chosen: bool
    repetitions: int | None
    seconds: float | None
    first_token: int


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds a token, read in batches and written one at a time, as a first try had them."""

    read: float
    write: float


@dataclass(frozen=True, slots=True)
class Plan:
    """What is run, and an estimate of the seconds."""

    tests: tuple[Workload, ...]
    repetitions: int
    first_token: int
    seconds: float
    skipped: tuple[Skipped, ...] = ()

    @property
    def first_token_repetitions(self) -> int:
        """Fewer, as each reads a whole prompt."""
        return min(self.repetitions, FIRST_TOKEN_REPETITIONS)


def plan(request: Request, pace: Pace) -> Plan:
    """Choose tests and repetitions so that they take ``request.seconds`` at most, if possible."""
    wanted = request.repetitions
    counts = [wanted] if wanted is not None else list(range(REPETITIONS, 0, -1))
    if request.seconds is None:
        tests = (*request.tests, *request.extra)
        return _plan(tests, counts[0], request.first_token, pace)
    limit = request.seconds
    base = _largest(request, counts, pace, limit)
    fewest = min(n for n in counts if n >= min(base.repetitions, _FEWEST))
    tests = base.tests
    skipped = [
        Skipped(large.name, f"it would not fit into {limit:.0f} s, so {small.name} was run")
        for large, small in zip(request.tests, tests, strict=True)
        if large != small
    ]
    for extra in request.extra:
        longer = _plan((*tests, extra), fewest, base.first_token, pace)
        if longer.seconds <= limit:
            tests = longer.tests
        else:
            skipped.append(Skipped(extra.name, f"it would not fit into {limit:.0f} s"))
    plans = [_plan(tests, n, base.first_token, pace) for n in counts if n >= fewest]
    best = next((one for one in plans if one.seconds <= limit), plans[-1])
    return replace(best, skipped=tuple(skipped))


def _largest(request: Request, counts: Sequence[int], pace: Pace, limit: float) -> Plan:
    """The tests that matter, at the largest sizes of which enough repetitions fit."""
    tried = None
    for tests, first_token in _sizes(request):
        for n in counts:
            tried = _plan(tests, n, first_token, pace)
            if tried.seconds <= limit and n >= min(_FEWEST, counts[0]):
                return tried
    if tried is None:
        raise ValueError("a request without tests")
    # Too slow for all of them: the smallest, as often as it fits, but once at least.
    plans = [_plan(tried.tests, n, tried.first_token, pace) for n in counts]
    return next((one for one in plans if one.seconds <= limit), plans[-1])


def _sizes(request: Request) -> Iterator[tuple[tuple[Workload, ...], int]]:
    """The tests as asked for, then smaller ones where nobody asked for a size."""
    yield request.tests, request.first_token
    if request.sizes_chosen:
        return
    for n_prompt, n_gen in _SMALLER:
        smaller = tuple(
            replace(test, n_prompt=min(test.n_prompt, n_prompt), n_gen=min(test.n_gen, n_gen))
            for test in request.tests
        )
        yield smaller, min(request.first_token, n_prompt)


def _plan(tests: Sequence[Workload], n: int, first_token: int, pace: Pace) -> Plan:
    unplanned = Plan(tuple(tests), n, first_token, 0.0)
    seconds = unplanned.first_token_repetitions * first_token * pace.read
    filled: set[tuple[int, int]] = set()
    for test in tests:
        if test.n_prompt:
            seconds += (n + 1) * test.n_prompt * pace.read  # one to warm up
        else:
            # Further sequences come along as further tokens of a batch do.
            step = pace.write + (test.n_parallel - 1) * pace.read
            seconds += (1 + n * test.n_gen) * step
        cache = (test.n_depth, test.n_parallel)
        if cache not in filled:
            filled.add(cache)
            seconds += test.n_depth * pace.read
    return replace(unplanned, seconds=seconds)
