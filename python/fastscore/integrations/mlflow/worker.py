"""Requests to a server made beside a run, so that it waits for none of them."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable

WATCH_SECONDS = 2.0


class Worker:
    """A thread that does one job after the other; the first that fails is the last."""

    def __init__(self) -> None:
        self._jobs: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._failure: BaseException | None = None
        self._waiting = 0
        self._stopped = False
        self._lock = threading.Lock()
        # A daemon, since a request to a server that is gone may last for minutes, and the end of
        # the process should not wait for that.
        self._thread = threading.Thread(target=self._work, name="fastscore-mlflow", daemon=True)
        self._thread.start()

    @property
    def idle(self) -> bool:
        """Whether all jobs are done."""
        with self._lock:
            return self._waiting == 0

    def add(self, job: Callable[[], None]) -> None:
        """Have a job done; raises what made an earlier one fail."""
        self.raise_failure()
        with self._lock:
            self._waiting += 1
        self._jobs.put(job)

    def raise_failure(self) -> None:
        """Raise what made a job fail, if one did."""
        if self._failure is not None:
            raise self._failure

    def finish(self, watch: Callable[[], None], at_most: float | None = None) -> bool:
        """Wait until all jobs are done, and raise what made one fail.

        ``watch`` is called now and then and raises to give up, ``at_most`` are the seconds after
        which waiting ends; False then. Either way what is left is not begun.
        """
        self._jobs.put(None)
        waited = 0.0
        try:
            while at_most is None or waited < at_most:
                step = WATCH_SECONDS if at_most is None else min(WATCH_SECONDS, at_most - waited)
                self._thread.join(step)
                if not self._thread.is_alive():
                    break
                waited += step
                watch()
        finally:
            self._stopped = True
        self.raise_failure()
        return self.idle

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None and not self._stopped:
            try:
                job()
            except BaseException as error:  # it is raised where it can be told
                self._failure, self._stopped = error, True
            with self._lock:
                self._waiting -= 1
