"""Telling the user about a run: a bar on a terminal, lines in a log, a function, or nothing."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from fastscore.progress import Progress, describe, share_of, task_of, work_of

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress

LINE_SECONDS = 30.0
"""Between two lines about progress where there is no terminal."""

_log = logging.getLogger("fastscore")


class Reporter(Protocol):
    """Something that tells the user about a run."""

    def note(self, message: str) -> None:
        """Tell what is good to know."""

    def warn(self, message: str) -> None:
        """Tell what must not be missed."""

    def update(self, progress: Progress) -> None:
        """Show where the run stands."""

    def close(self) -> None:
        """Leave the terminal tidy; a second call does nothing."""


def say(message: str) -> None:
    """Write a line to stderr, where everything goes that is not the result."""
    if sys.stderr is not None:  # for None, print would write to stdout
        print(message, file=sys.stderr, flush=True)


class QuietReporter:
    """Says nothing but warnings, which go to the log and so, by default, to stderr."""

    def note(self, message: str) -> None:  # noqa: D102
        _log.info(message)

    def warn(self, message: str) -> None:  # noqa: D102
        _log.warning(message)

    def update(self, progress: Progress) -> None:  # noqa: D102
        pass

    def close(self) -> None:  # noqa: D102
        pass


class CallbackReporter(QuietReporter):
    """Hands progress to a function."""

    def __init__(self, function: Callable[[Progress], object]) -> None:
        self._function = function

    def update(self, progress: Progress) -> None:  # noqa: D102
        self._function(progress)


class LineReporter:
    """Writes plain lines to stderr, for logs."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._next = clock() + LINE_SECONDS

    def note(self, message: str) -> None:  # noqa: D102
        say(message)

    def warn(self, message: str) -> None:  # noqa: D102
        self.note(f"Warning: {message}")

    def update(self, progress: Progress) -> None:  # noqa: D102
        if self._clock() >= self._next:
            self._next = self._clock() + LINE_SECONDS
            self.note(describe(progress))

    def close(self) -> None:  # noqa: D102
        pass


class BarReporter:
    """Shows a bar on a terminal, or in a notebook."""

    def __init__(self) -> None:
        from rich.console import Console

        self._console = Console(stderr=True, highlight=False)
        self._bar: RichProgress | None = None

    def note(self, message: str) -> None:  # noqa: D102
        self._console.print(message, markup=False)

    def warn(self, message: str) -> None:  # noqa: D102
        self._console.print(f"Warning: {message}", style="yellow", markup=False)

    def update(self, progress: Progress) -> None:  # noqa: D102
        if self._bar is None:
            self._bar = self._make_bar()
            self._bar.add_task("", work="")
            self._bar.start()
        done, total = share_of(progress)
        self._bar.update(
            self._bar.task_ids[0],
            description=task_of(progress),
            completed=done,
            total=total,
            work=work_of(progress),
        )

    def close(self) -> None:  # noqa: D102
        if self._bar is not None:
            self._bar.stop()
        self._bar = None

    def _make_bar(self) -> RichProgress:
        from rich.progress import BarColumn, TaskProgressColumn, TextColumn
        from rich.progress import Progress as RichProgress

        return RichProgress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TaskProgressColumn(),
            TextColumn("{task.fields[work]}", markup=False),
            console=self._console,
            transient=True,
            refresh_per_second=4,  # the cores are for the model
        )


def make_reporter(progress: bool | Callable[[Progress], object] | None) -> Reporter:
    """Choose how to tell: a function to call, nothing (False), or what suits stderr."""
    if progress is False:
        return QuietReporter()
    if callable(progress):
        return CallbackReporter(progress)
    if (sys.stderr is not None and sys.stderr.isatty()) or _in_notebook():
        return BarReporter()
    return LineReporter()


def _in_notebook() -> bool:
    """Whether this process is a Jupyter kernel, which shows rich's bars as widgets."""
    shell = sys.modules.get("IPython")
    running = shell.get_ipython() if shell is not None else None
    return type(running).__name__ == "ZMQInteractiveShell"
