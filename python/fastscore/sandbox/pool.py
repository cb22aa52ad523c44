"""A pool of warm workers that judge untrusted programs."""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Literal

from fastscore.closing import Closing
from fastscore.errors import UsageError
from fastscore.sandbox.execution import Execution
from fastscore.sandbox.limits import SandboxLimits
from fastscore.sandbox.program import Program
from fastscore.sandbox.request import Request, prepare
from fastscore.sandbox.worker import Worker, WorkerDiedError

Level = Literal["strong", "weak"]
LEVELS: tuple[Level, ...] = ("strong", "weak")


def _opener(level: str) -> tuple[Callable[[SandboxLimits], Worker], str]:
    """How workers of a level start, and the level in one line."""
    if level == "strong":
        from fastscore.sandbox.strong import DESCRIPTION, StrongWorker

        return StrongWorker, DESCRIPTION
    if level == "weak":
        from fastscore.sandbox import weak

        return weak.WeakWorker, weak.DESCRIPTION
    raise UsageError(f"there is no sandbox level {level!r}; choose one of {', '.join(LEVELS)}")


class Sandbox(Closing):
    """Judges programs, as many at a time as it has workers, each in a process of its own.

    ``level`` "strong" (Linux) gives a program no network, no files but the standard library and an
    empty directory, no environment and no other process in sight; SandboxError where the kernel
    does not allow that. "weak" is a separate process with limits and nothing more. One worker is
    started at once, so that what cannot work is known before anything else is done.

    Example:
        >>> from fastscore.sandbox import Program, Sandbox
        >>> program = Program("def one(): return 1", "assert one() == 1", "one")
        >>> with Sandbox() as sandbox:  # doctest: +SKIP
        ...     for index, execution in sandbox.run([program]):
        ...         print(index, execution.outcome)
        0 passed

    """

    def __init__(
        self,
        level: Level = "strong",
        *,
        workers: int | None = None,
        limits: SandboxLimits | None = None,
    ) -> None:
        if workers is not None and workers < 1:
            raise UsageError(f"workers is {workers}; give at least 1")
        self.level = level
        self.limits = limits or SandboxLimits()
        self.workers = workers or _cpus()
        self._open, self.description = _opener(level)
        self._idle: list[Worker] = [self._open(self.limits)]
        self._running = threading.Lock()

    def close(self) -> None:
        """End all workers; a later ``run`` starts new ones."""
        while self._idle:
            self._idle.pop().close()

    def run(self, programs: Sequence[Program]) -> Iterator[tuple[int, Execution]]:
        """Judge programs, yielding (index, execution) as they end, every index exactly once.

        A program whose worker died is reported as crashed and not tried again. Leaving the
        iteration early, by Ctrl-C or otherwise, ends what is still running.
        """
        requests = [prepare(program) for program in programs]
        if not self._running.acquire(blocking=False):
            raise UsageError("this sandbox is already running programs; finish that run first")
        try:
            round_ = _Round(self._open, self.limits, self._idle, requests)
            try:
                round_.start(min(self.workers, len(requests)))
                for _ in requests:
                    yield round_.next()
            finally:
                round_.stop()
        finally:
            self._running.release()


class _Round:
    """The threads of one ``run``, each driving a worker."""

    def __init__(
        self,
        opener: Callable[[SandboxLimits], Worker],
        limits: SandboxLimits,
        idle: list[Worker],
        requests: Sequence[Request],
    ) -> None:
        self._open = opener
        self._limits = limits
        self._idle = idle
        self._requests = iter(enumerate(requests))
        self._answers: queue.SimpleQueue[tuple[int, Execution] | BaseException] = (
            queue.SimpleQueue()
        )
        self._lock = threading.Lock()
        self._active: set[Worker] = set()
        self._left = len(requests)
        self._stopped = False
        self._threads: list[threading.Thread] = []

    def start(self, count: int) -> None:
        for _ in range(count):
            thread = threading.Thread(target=self._drive, name="fastscore-sandbox", daemon=True)
            self._threads.append(thread)
            thread.start()

    def next(self) -> tuple[int, Execution]:
        while True:
            try:
                # Not for ever: a wait without end cannot be interrupted on Windows.
                answer = self._answers.get(timeout=0.5)
            except queue.Empty:
                continue
            if isinstance(answer, BaseException):
                raise answer
            self._left -= 1
            return answer

    def stop(self) -> None:
        """Wait for the threads; end the workers first where programs are still running."""
        with self._lock:
            self._stopped = True
            busy = list(self._active) if self._left else []
        for worker in busy:
            worker.close()
        for thread in self._threads:
            thread.join()

    def _take(self) -> tuple[int, Request] | None:
        with self._lock:
            return None if self._stopped else next(self._requests, None)

    def _enlist(self) -> Worker:
        """An idle worker or a new one; known to ``stop`` before it is used."""
        with self._lock:
            worker = self._idle.pop() if self._idle else None
        if worker is None:
            worker = self._open(self._limits)
        with self._lock:
            self._active.add(worker)
            if self._stopped:
                worker.close()
        return worker

    def _drive(self) -> None:
        worker: Worker | None = None
        try:
            while (job := self._take()) is not None:
                index, request = job
                if worker is None:
                    worker = self._enlist()
                try:
                    execution = worker.execute(request)
                except WorkerDiedError as died:
                    self._discard(worker)
                    worker = None
                    execution = Execution(
                        "crashed", message=str(died), cpu_limit=self._limits.cpu_seconds
                    )
                self._answers.put((index, execution))
            if worker is not None:
                with self._lock:
                    self._active.discard(worker)
                    if not self._stopped or not self._left:
                        self._idle.append(worker)
                        worker = None
        except BaseException as error:
            self._answers.put(error)
        finally:
            if worker is not None:
                self._discard(worker)

    def _discard(self, worker: Worker) -> None:
        with self._lock:
            self._active.discard(worker)
        worker.close()


def _cpus() -> int:
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on macOS and Windows
        return os.cpu_count() or 1
