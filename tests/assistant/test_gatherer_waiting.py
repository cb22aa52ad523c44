"""Who would wait for itself is told so: every test here would hang, and has a time limit."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from typing import Any

import pytest

from fastscore.assistant import Assistant, Gatherer
from fastscore.errors import UsageError
from fastscore.types import GenerationRequest

_SECONDS = 20


@pytest.fixture
def gatherer(assistant: Assistant) -> Iterator[Gatherer]:
    with Gatherer(assistant) as one:
        yield one


class _Beside(threading.Thread):
    """Work in a thread of its own."""

    def __init__(self, work: Callable[[], Any]) -> None:
        super().__init__(daemon=True)
        self._work = work
        self._outcome: Any = "it hangs"
        self.start()

    def run(self) -> None:
        try:
            self._outcome = self._work()
        except UsageError as error:
            self._outcome = str(error)

    def outcome(self) -> Any:
        """What the work returned, or what a UsageError said."""
        self.join(_SECONDS)
        return self._outcome


def _ask(gatherer: Gatherer) -> Any:
    return gatherer.answer("the", max_tokens=2).result()


def _ask_in_a_loop(gatherer: Gatherer) -> Any:
    async def ask() -> Any:
        return await asyncio.wrap_future(gatherer.decide("the", ["yes", "no"]))

    return asyncio.run(ask())


@pytest.mark.parametrize("ask", [_ask, _ask_in_a_loop])
def test_who_iterates_a_run_cannot_ask(assistant: Assistant, gatherer: Gatherer, ask: Any) -> None:
    def work() -> Any:
        for _ in assistant.model.generating([GenerationRequest("the", max_tokens=9)]):
            ask(gatherer)

    assert "a run of this model is under way; finish iterating it" in _Beside(work).outcome()
    assert _ask(gatherer).n_tokens


def test_others_ask_meanwhile_and_who_iterates_cannot_wait_for_their_answers(
    assistant: Assistant, gatherer: Gatherer
) -> None:
    begun, asked = threading.Event(), threading.Event()
    futures: list[Future[Any]] = []

    def work() -> Any:
        for _ in assistant.model.generating([GenerationRequest("the", max_tokens=9)]):
            begun.set()
            assert asked.wait(_SECONDS)
            with pytest.raises(UsageError, match="a run of this model is under way"):
                futures[0].exception()
            futures[0].result()

    beside = _Beside(work)
    assert begun.wait(_SECONDS)
    futures.append(gatherer.answer("the", max_tokens=2))
    asked.set()
    assert "a run of this model is under way" in beside.outcome()
    assert futures[0].result(_SECONDS).n_tokens  # the run was given up, and so came its turn
    assert futures[0].exception() is None


def test_a_callback_cannot_wait_for_another_answer(gatherer: Gatherer) -> None:
    said: list[str] = []
    called = threading.Event()

    def wait_for_another(_: Future[Any]) -> None:
        try:
            said.append(str(_ask(gatherer)))
        except UsageError as error:
            said.append(str(error))
        called.set()

    gatherer.answer("the", max_tokens=2).add_done_callback(wait_for_another)
    assert called.wait(_SECONDS)
    assert "a callback of one answer waits for another" in said[0]
