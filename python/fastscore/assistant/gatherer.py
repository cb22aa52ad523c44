"""Questions that come one at a time, answered as batches."""

from __future__ import annotations

import atexit
import json
import threading
from collections.abc import Callable, Hashable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from fastscore.assistant.assistant import Assistant
from fastscore.assistant.decision import Decision, check_options
from fastscore.assistant.prompts import Asked
from fastscore.assistant.runs import until
from fastscore.closing import Closing
from fastscore.errors import FastscoreError, UsageError
from fastscore.model import Model
from fastscore.settings import refuse_options
from fastscore.types import Generation

Answer = TypeVar("Answer")
Question = TypeVar("Question")

# Seconds: questions of many coroutines come one after the other within less.
_QUIET = 0.005
_LONGEST_WAIT = 0.05
# Seconds: a run whose model is closed has ended within less.
_LAST_WAIT = 5.0


@dataclass(frozen=True)
class _Waiting:
    """A question; those of the same key can be answered in one run by any one's ``work``."""

    key: Hashable
    asked: Any
    work: Callable[[list[Any]], Sequence[Any]]
    future: _Promised[Any]


class _Promised(Future[Answer]):
    """An answer to come. Who keeps it from coming is told so in place of waiting for ever."""

    def __init__(self, check: Callable[[], None]) -> None:
        super().__init__()
        self._check = check
        self.given_up = False

    def cancel(self) -> bool:
        """Cancel what has not begun. What has begun ends when all of its run are given up."""
        self.given_up = True
        return super().cancel()

    def result(self, timeout: float | None = None) -> Answer:
        """Wait for the answer; UsageError in a thread that would wait for itself."""
        if not self.done():
            self._check()
        return super().result(timeout)

    def exception(self, timeout: float | None = None) -> BaseException | None:
        """Wait for the error; UsageError in a thread that would wait for itself."""
        if not self.done():
            self._check()
        return super().exception(timeout)


class Gatherer(Closing):
    """Makes batches of the single questions of many threads and event loops.

    Each method returns a future at once (``asyncio.wrap_future`` makes it one to await). A thread,
    there as long as questions wait, takes the one that has waited longest and all that ask for the
    same in the same way (schema, sampling), and works on them in one run of the engine. A
    question that cannot be met fails alone; an error of a run is that of its questions. Futures
    that were cancelled before their run are skipped, and a run all of whose futures were cancelled
    (by Ctrl-C in an event loop, a time limit) ends. A thread that is in the middle of iterating a
    run of the model would wait for itself: it is refused, with UsageError.

    Parameters
    ----------
    model
        An open `Assistant`, which stays the caller's to close, or what `Assistant` takes, with its
        ``options``.

    Raises
    ------
    UsageError
        For options beside an assistant that is open.
    ModelError, MemoryLimitError, EngineMismatchError

    """

    def __init__(self, model: Assistant | Model | str | Path, **options: Any) -> None:
        if isinstance(model, Assistant):
            refuse_options(options, "an assistant", "Assistant")
        self._owned = not isinstance(model, Assistant)
        self.assistant = model if isinstance(model, Assistant) else Assistant(model, **options)
        self._waiting: list[_Waiting] = []
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._closed = False

    def answer(
        self,
        asked: Asked,
        *,
        max_tokens: int | None = None,
        temperature: float | None = None,
        stop: Sequence[str] = (),
        seed: int | None = None,
    ) -> Future[Generation]:
        """As `Assistant.answer`, of one question."""
        options: dict[str, Any] = {
            "max_tokens": max_tokens,
            "temperature": temperature,
            "stop": stop if isinstance(stop, str) else tuple(stop),
            "seed": seed,
        }
        return self._ask(
            ("answer", *options.values()),
            asked,
            lambda questions: self.assistant.try_answer(questions, **options),
        )

    def fill(
        self,
        asked: Asked,
        schema: Mapping[str, Any],
        *,
        max_tokens: int | None = None,
        temperature: float | None = None,
        seed: int | None = None,
    ) -> Future[Any]:
        """As `Assistant.fill`, of one question."""
        options = {"max_tokens": max_tokens, "temperature": temperature, "seed": seed}
        try:
            form = json.dumps(schema)  # the order of properties is that of the form
        except (TypeError, ValueError) as error:
            raise UsageError(f"the schema {schema!r:.100} is no JSON: {error}") from error
        return self._ask(
            ("fill", form, *options.values()),
            asked,
            lambda questions: self.assistant.try_fill(questions, schema, **options),  # type: ignore[arg-type]
        )

    def decide(self, asked: Asked, options: Sequence[str]) -> Future[Decision]:
        """As `Assistant.decide`, of one question."""
        return self._ask(
            "decide",
            (asked, check_options(options)),
            lambda questions: self.assistant.try_decide_each(
                [asked for asked, _ in questions], [options for _, options in questions]
            ),
        )

    def close(self) -> None:
        """Take no more questions, and free the model unless the caller opened it.

        Questions that wait get an error, a run under way is finished.
        """
        self._end(None)
        if self._owned:
            self.assistant.close()

    def _end(self, patience: float | None) -> None:
        with self._changed:
            self._closed = True
            left, self._waiting = self._waiting, []
            thread = self._thread
            self._changed.notify_all()
        for one in left:
            if one.future.set_running_or_notify_cancel():
                one.future.set_exception(UsageError("the gatherer was closed before the answer"))
        if thread is not None and thread is not threading.current_thread():
            thread.join(patience)

    def _ask(
        self,
        key: Hashable,
        asked: Question,
        work: Callable[[list[Question]], Sequence[Answer | FastscoreError]],
    ) -> Future[Answer]:
        self.assistant.model.refuse_within_run()
        future = _Promised[Answer](self._check_waiting)
        with self._changed:
            if self._closed:
                raise UsageError("the gatherer is closed; make a new one")
            if self._thread is None:
                thread = threading.Thread(target=self._run, name="fastscore gatherer", daemon=True)
                thread.start()  # or an error, after which nothing waits for a thread that is none
                self._thread = thread
            self._waiting.append(_Waiting(key, asked, work, future))
            self._changed.notify_all()
        return future

    def _check_waiting(self) -> None:
        """Raise UsageError in a thread without which no answer comes."""
        if threading.current_thread() is self._thread:
            raise UsageError(
                "a callback of one answer waits for another, which comes only after it returns; "
                "let it ask without waiting, or wait in another thread"
            )
        self.assistant.model.refuse_within_run()

    def _run(self) -> None:
        def abandon() -> None:  # not a method: the thread after this one registers its own
            self._abandon()

        atexit.register(abandon)
        try:
            self._settle()
            while batch := self._take():
                _work(batch)
        finally:
            atexit.unregister(abandon)

    def _settle(self) -> None:
        """Wait until no further question comes."""
        with self._changed:
            for _ in range(round(_LONGEST_WAIT / _QUIET)):
                n = len(self._waiting)
                self._changed.wait_for(lambda n=n: self._closed or len(self._waiting) > n, _QUIET)  # type: ignore[misc]
                if self._closed or len(self._waiting) == n:
                    return

    def _take(self) -> list[_Waiting]:
        """Take the oldest question and all of its kind; the thread ends where there is none."""
        with self._changed:
            if not self._waiting:
                self._thread = None
                return []
            key = self._waiting[0].key
            batch = [one for one in self._waiting if one.key == key]
            self._waiting = [one for one in self._waiting if one.key != key]
            return batch

    def _abandon(self) -> None:
        """Let the interpreter end: the run under way stops after its step, as its model closes.

        A run that waits for another one, which nobody will go on with, is left as it is.
        """
        self.assistant.model.close()
        self._end(_LAST_WAIT)


def _work(batch: list[_Waiting]) -> None:
    batch = [one for one in batch if one.future.set_running_or_notify_cancel()]
    if not batch:
        return
    try:
        with until(lambda: all(one.future.given_up for one in batch)):
            outcomes = batch[0].work([one.asked for one in batch])
    except BaseException as error:  # whatever it is, those who wait must hear of it
        for one in batch:
            one.future.set_exception(error)
        return
    for one, outcome in zip(batch, outcomes, strict=True):
        if isinstance(outcome, FastscoreError):
            one.future.set_exception(outcome)
        else:
            one.future.set_result(outcome)
