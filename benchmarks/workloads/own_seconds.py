"""What of the seconds of a run is an adapter's own: far steadier than a difference of two runs."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

from fastscore.observing import Observer, RunStart
from fastscore.progress import Progress
from fastscore.results import Results, TaskResult


class OwnSeconds:
    """Seconds that a run waits for an adapter, and CPU seconds of threads that begin meanwhile.

    As if each second of another thread were taken from the engine: more than it can be.
    """

    def __init__(self) -> None:
        self.seconds = 0.0

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Count the time of this block."""
        started = time.perf_counter()
        try:
            yield
        finally:
            self.seconds += time.perf_counter() - started

    @contextmanager
    def threads(self) -> Iterator[None]:
        """Count the CPU time of the threads that Python starts in this block."""
        known = set(threading.enumerate())
        ended: list[float] = []
        run = threading.Thread.run

        def counted(thread: threading.Thread) -> None:
            try:
                run(thread)
            finally:
                ended.append(time.thread_time())

        with mock.patch.object(threading.Thread, "run", counted):
            yield
        going_on = set(threading.enumerate()) - known
        self.seconds += sum(ended) + sum(map(_cpu_seconds, going_on))


class Timed(Observer):
    """Tells an observer everything, on ``own``'s clock."""

    def __init__(self, observer: Observer, own: OwnSeconds) -> None:
        self._observer, self._own = observer, own
        self.wants_prompts = observer.wants_prompts

    def run_started(self, start: RunStart) -> None:
        with self._own.waiting():
            self._observer.run_started(start)

    def task_started(self, task: str) -> None:
        with self._own.waiting():
            self._observer.task_started(task)

    def progressed(self, progress: Progress) -> None:
        with self._own.waiting():
            self._observer.progressed(progress)

    def task_ended(self, task: str, result: TaskResult) -> None:
        with self._own.waiting():
            self._observer.task_ended(task, result)

    def run_ended(self, results: Results) -> None:
        with self._own.waiting():
            self._observer.run_ended(results)

    def run_failed(self, error: BaseException) -> None:
        with self._own.waiting():
            self._observer.run_failed(error)


def session_cpu_seconds(session: int) -> float | None:
    """CPU seconds of all processes of a session and of their children that ended; None off Linux.

    ``session`` is the number of the process that leads it.
    """
    if not sys.platform.startswith("linux"):
        return None
    ticks = 0
    for file in Path("/proc").glob("[0-9]*/stat"):
        try:
            # The name, in brackets, may hold anything; what follows it begins with field 3.
            fields = file.read_text(errors="replace").rpartition(")")[2].split()
        except OSError:  # it has just ended
            continue
        if int(fields[6 - 3]) == session:
            ticks += sum(map(int, fields[14 - 3 : 18 - 3]))  # utime, stime, cutime, cstime
    return ticks / os.sysconf("SC_CLK_TCK")


def _cpu_seconds(thread: threading.Thread) -> float:
    assert thread.ident is not None
    return time.clock_gettime(time.pthread_getcpuclockid(thread.ident))
