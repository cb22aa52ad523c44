"""Single questions of threads and event loops become batches, and each gets its own answer."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from fastscore.assistant import Assistant, Gatherer
from fastscore.errors import DecodeError, UsageError

YES_NO = ["yes", "no"]
QUESTIONS = [f"Is the {word} {kind}?" for word in ("sun", "moon", "sea") for kind in ("hot", "old")]


@pytest.fixture
def gatherer(assistant: Assistant) -> Iterator[Gatherer]:
    with Gatherer(assistant) as one:
        yield one


@pytest.fixture
def batches(assistant: Assistant, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """Runs of the assistant: what was done, and with how many questions."""
    seen: list[tuple[str, int]] = []

    def counting(name: str, work: Callable[..., Any]) -> Callable[..., Any]:
        def counted(asked: Sequence[Any], *args: Any, **options: Any) -> Any:
            seen.append((name, len(asked)))
            return work(asked, *args, **options)

        return counted

    for name in ("try_answer", "try_fill", "try_decide_each"):
        monkeypatch.setattr(assistant, name, counting(name, getattr(assistant, name)))
    return seen


@pytest.mark.usefixtures("unhurried")
def test_coroutines_share_one_run(
    assistant: Assistant, gatherer: Gatherer, batches: list[tuple[str, int]]
) -> None:
    async def ask(question: str) -> Any:
        return await asyncio.wrap_future(gatherer.decide(question, YES_NO))

    async def ask_all() -> list[Any]:
        return await asyncio.gather(*map(ask, QUESTIONS))

    found = asyncio.run(ask_all())
    assert batches == [("try_decide_each", len(QUESTIONS))]
    for one, alone in zip(found, assistant.decide(QUESTIONS, YES_NO), strict=True):
        assert one.probabilities == pytest.approx(alone.probabilities, abs=1e-3)


@pytest.mark.usefixtures("unhurried")
def test_kinds_of_questions_are_runs_of_their_own_the_oldest_first(
    gatherer: Gatherer, batches: list[tuple[str, int]]
) -> None:
    first, second = {"type": "boolean"}, {"type": "integer"}
    futures = [
        gatherer.fill("the sun", first, max_tokens=60),
        gatherer.answer("the sun", max_tokens=4),
        gatherer.fill("the sun", second, max_tokens=60),
        gatherer.fill("the moon", first, max_tokens=60),
        gatherer.answer("the sun", max_tokens=4, temperature=1.0),
        gatherer.answer("the moon", max_tokens=4, stop=[]),
    ]
    boolean, text, number, other, warm, plain = (one.result(60) for one in futures)
    assert [isinstance(one, bool) for one in (boolean, number, other)] == [True, False, True]
    assert {one.n_tokens for one in (text, warm, plain)} <= {1, 2, 3, 4}
    assert batches == [
        ("try_fill", 2),
        ("try_answer", 2),
        ("try_fill", 1),
        ("try_answer", 1),
    ]


def test_threads_and_loops_get_their_own_answers(assistant: Assistant, gatherer: Gatherer) -> None:
    def one_loop(question: str) -> Any:
        async def ask() -> Any:
            return await asyncio.wrap_future(gatherer.answer(question, max_tokens=6))

        return asyncio.run(ask())

    with ThreadPoolExecutor(6) as pool:
        found = [one.text for one in pool.map(one_loop, QUESTIONS * 3)]
    alone = [one.text for one in assistant.answer(QUESTIONS, max_tokens=6)]
    assert found == alone * 3


def test_a_question_that_cannot_be_met_fails_alone(gatherer: Gatherer) -> None:
    futures = [gatherer.answer(one, max_tokens=4) for one in ("the", "the river " * 1500, [], "a")]
    assert futures[0].result(60).n_tokens
    assert futures[3].result(60).n_tokens
    for bad in futures[1:3]:
        with pytest.raises(UsageError):
            bad.result(60)


def test_a_failing_run_fails_its_own_questions_and_keeps_its_error(
    assistant: Assistant, gatherer: Gatherer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any, **__: Any) -> Any:
        raise DecodeError("the weights are damaged")

    monkeypatch.setattr(assistant, "try_fill", broken)
    fills = [gatherer.fill(one, {"type": "null"}) for one in ("the", "a")]
    answer = gatherer.answer("the", max_tokens=2)
    for one in fills:
        with pytest.raises(DecodeError, match="damaged"):
            one.result(60)
    assert answer.result(60).n_tokens


def test_what_cannot_be_asked_is_said_at_once(gatherer: Gatherer) -> None:
    with pytest.raises(UsageError, match="at least two"):
        gatherer.decide("the", ["yes"])
    with pytest.raises(UsageError, match="is no JSON"):
        gatherer.fill("the", {"const": {1, 2}})
    with pytest.raises(UsageError, match="stop is one text"):
        gatherer.answer("the", stop="x").result(60)


class _Held:
    """An assistant's answers, held back until they are let go."""

    def __init__(self, assistant: Assistant, monkeypatch: pytest.MonkeyPatch) -> None:
        self.begun, self.go = threading.Event(), threading.Event()
        self.asked: list[Any] = []
        work = assistant.try_answer

        def held(asked: Sequence[Any], **options: Any) -> Any:
            self.asked.append(list(asked))
            self.begun.set()
            assert self.go.wait(60)
            return work(asked, **options)

        monkeypatch.setattr(assistant, "try_answer", held)


def test_cancelled_questions_are_skipped(
    assistant: Assistant, gatherer: Gatherer, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = _Held(assistant, monkeypatch)
    first = gatherer.answer("the", max_tokens=2)
    assert held.begun.wait(60)
    later = [gatherer.answer(one, max_tokens=2) for one in ("a", "b", "c")]
    assert later[1].cancel()
    assert not first.cancel()
    held.go.set()
    assert later[2].result(60).n_tokens
    assert held.asked == [["the"], ["a", "c"]]


def _begun(futures: Sequence[Future[Any]]) -> None:
    deadline = time.monotonic() + 20
    while not all(one.running() for one in futures):
        assert time.monotonic() < deadline
        time.sleep(0.001)


def test_a_run_that_nobody_waits_for_ends(gatherer: Gatherer) -> None:
    asked = [f"the {i}" for i in range(20)]
    futures = [gatherer.answer(one, max_tokens=1900, temperature=1.0) for one in asked]

    async def wait() -> None:
        waiting = [asyncio.ensure_future(asyncio.wrap_future(one)) for one in futures]
        await asyncio.to_thread(_begun, futures)
        for one in waiting:
            one.cancel()

    asyncio.run(wait())
    assert gatherer.answer("the", max_tokens=2).result(20).n_tokens
    said = {str(one.exception(0)) for one in futures}
    assert said == {"the question was given up while its answer was under way"}


def test_a_run_that_somebody_waits_for_goes_on(gatherer: Gatherer) -> None:
    futures = [gatherer.answer(one, max_tokens=600, temperature=1.0) for one in ("the", "a", "an")]
    _begun(futures)
    assert not any(one.cancel() for one in futures[1:])
    assert futures[0].result(20).n_tokens


def test_closing_ends_those_that_wait_and_lets_the_run_finish(
    assistant: Assistant, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = _Held(assistant, monkeypatch)
    gatherer = Gatherer(assistant)
    first = gatherer.answer("the", max_tokens=2)
    assert held.begun.wait(60)
    waiting: Future[Any] = gatherer.answer("a", max_tokens=2)
    threading.Timer(0.1, held.go.set).start()
    gatherer.close()
    gatherer.close()
    assert first.result(0).n_tokens
    with pytest.raises(UsageError, match="closed before the answer"):
        waiting.result(0)
    with pytest.raises(UsageError, match="the gatherer is closed"):
        gatherer.answer("the")


def test_no_thread_is_left_when_nothing_waits(gatherer: Gatherer) -> None:
    for _ in range(3):
        assert gatherer.answer("the", max_tokens=2).result(60).n_tokens
        deadline = time.monotonic() + 10
        while any(one.name == "fastscore gatherer" for one in threading.enumerate()):
            assert time.monotonic() < deadline
            time.sleep(0.01)


def test_where_no_thread_is_to_be_had_the_next_question_gets_one(
    gatherer: Gatherer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", full)
        with pytest.raises(RuntimeError, match="new thread"):
            gatherer.answer("the", max_tokens=2)
    assert gatherer.answer("the", max_tokens=2).result(60).n_tokens


_UNDER_WAY = """
asked = [f'the {i}' for i in range(99)]
futures = [gatherer.answer(one, max_tokens=1900, temperature=1.0) for one in asked]
"""
# The model belongs to a run that nobody goes on with.
_WAITING = """
left = iter(assistant.model.generating([GenerationRequest('the', max_tokens=50)]))
next(left)
with ThreadPoolExecutor(1) as pool:
    futures = [pool.submit(gatherer.answer, 'the').result()]
"""


@pytest.mark.parametrize("asking", [_UNDER_WAY, _WAITING], ids=["under way", "waiting"])
def test_no_run_keeps_the_interpreter(assistant: Assistant, asking: str) -> None:
    path = str(Path(assistant.model.info.path))
    code = (
        "import time\n"
        "from concurrent.futures import ThreadPoolExecutor\n"
        "from fastscore.assistant import Assistant, Gatherer\n"
        "from fastscore.types import GenerationRequest\n"
        f"assistant = Assistant({path!r}, n_threads=1)\n"
        "gatherer = Gatherer(assistant)\n"
        f"{asking}"
        "time.sleep(0.5)\n"
        "print(any(one.done() for one in futures), flush=True)\n"
    )
    begun = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "False\n", "")
    assert time.monotonic() - begun < 20
