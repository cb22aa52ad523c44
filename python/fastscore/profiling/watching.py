"""Telling the user where a measurement stands."""

from __future__ import annotations

import time
from collections.abc import Sequence

from fastscore.progress import Progress, spoken_duration
from fastscore.reporters import Reporter


class Watcher:
    """Turns the worker's events into a reporter's."""

    def __init__(self, reporter: Reporter) -> None:
        self._reporter = reporter
        self._tests: list[str] = []
        self._expected = 0.0
        self._total = 0
        self._done = 0
        self._began = 0.0
        self.now_at = "while it loaded the model"

    def plan(self, *, tests: Sequence[str], repetitions: int, seconds: float, tokens: int) -> None:
        """Take in what will be run, and an estimate of the seconds."""
        self._tests, self._expected, self._total = list(tests), seconds, tokens
        self._began = time.monotonic()
        self.now_at = f"before {self._tests[0]}"
        times = "once" if repetitions == 1 else f"{repetitions} times"
        self._reporter.note(
            f"Measuring {', '.join(dict.fromkeys(tests))}, {times} each: about "
            f"{spoken_duration(seconds)}."
        )

    def advance(self, *, test: str, number: int, tokens: int) -> None:
        """Take in that a repetition of a test is done."""
        self._done += tokens
        self.now_at = f"at {test}"
        left = max(0.0, self._expected - (time.monotonic() - self._began))
        self._reporter.update(
            Progress(
                task=test,
                task_number=number,
                n_tasks=len(self._tests),
                tokens_done=self._done,
                tokens_total=max(self._total, self._done),
                tokens_per_second=None,
                seconds_left=left,
            )
        )
