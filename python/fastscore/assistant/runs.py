"""Runs of a model for many questions: where the engine fails one, the others have their answers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeVar

from fastscore.errors import DecodeError, FastscoreError
from fastscore.model import Model
from fastscore.types import Generation, GenerationRequest, Sampling

Answer = TypeVar("Answer")

_given_up: ContextVar[Callable[[], bool] | None] = ContextVar("given_up", default=None)


@contextmanager
def until(given_up: Callable[[], bool]) -> Iterator[None]:
    """End runs of this thread after the step at which nobody wants their answers any more."""
    before = _given_up.set(given_up)
    try:
        yield
    finally:
        _given_up.reset(before)


def _go_on() -> None:
    given_up = _given_up.get()
    if given_up is not None and given_up():
        raise FastscoreError("the question was given up while its answer was under way")


def write_each(
    model: Model,
    requests: Sequence[GenerationRequest],
    sampling: Sampling,
    grammar: str | None = None,
) -> list[Generation | DecodeError]:
    """Write a text for each request, or say why the engine cannot."""

    def run(batch: Sequence[int]) -> Iterator[tuple[int, Generation]]:
        planned = model.generating([requests[i] for i in batch], sampling, grammar=grammar)
        for step in planned:
            _go_on()
            for done in step:
                yield batch[done.request], done.generation

    return _each(len(requests), run)


def weigh_each(
    model: Model, questions: Sequence[Sequence[tuple[str, str]]]
) -> list[list[float] | DecodeError]:
    """Log-likelihoods of each question's (context, continuation) pairs, or why there are none."""

    def run(batch: Sequence[int]) -> Iterator[tuple[int, list[float]]]:
        places = [(place, k) for place, i in enumerate(batch) for k in range(len(questions[i]))]
        encoded = model.encode([questions[batch[place]][k] for place, k in places])
        found = [[0.0] * len(questions[i]) for i in batch]
        missing = [len(one) for one in found]
        for done in model.scoring(encoded):
            _go_on()
            for number, logprob in zip(done.index.tolist(), done.logprob.tolist(), strict=True):
                place, k = places[number]
                found[place][k] = logprob
                missing[place] -= 1
                if not missing[place]:
                    yield batch[place], found[place]

    return _each(len(questions), run)


def _each(
    n: int, run: Callable[[Sequence[int]], Iterator[tuple[int, Answer]]]
) -> list[Answer | DecodeError]:
    """Outcome of each of ``n`` questions, which ``run`` works on together.

    An error of the engine ends a run. What was done by then is kept, and the others are run again
    by halves, down to the one that fails alone: a NaN spreads to what is decoded beside it, so that
    the request an error names may be sound.
    """
    found: dict[int, Answer | DecodeError] = {}
    waiting = [list(range(n))] if n else []
    while waiting:
        batch = waiting.pop()
        try:
            found.update(run(batch))  # pair by pair: those before an error stay
        except DecodeError as error:
            if len(batch) == 1:
                found[batch[0]] = error
            left = [i for i in batch if i not in found]
            half = (len(left) + 1) // 2
            waiting.extend(part for part in (left[half:], left[:half]) if part)
    return [found[i] for i in range(n)]
