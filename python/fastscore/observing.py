"""Who else is told about a run while it goes on: trackers, tracers, a function of one's own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fastscore.errors import UsageError
from fastscore.progress import Progress
from fastscore.reporters import Reporter
from fastscore.results import Results, TaskResult


@dataclass(frozen=True, slots=True)
class RunStart:
    """What is known of a run before anything is decoded.

    ``model`` and ``settings`` are those of the `Results` to come; ``tasks`` the number of items by
    task, at most so many where the run may stop early; ``output`` the directory for results, None
    where none is written; ``date`` is ISO 8601 with its offset from UTC. ``count_tokens`` tells how
    many tokens the model reads for a text, as long as the run goes on.
    """

    model: Mapping[str, Any]
    settings: Mapping[str, Any]
    tasks: Mapping[str, int]
    output: Path | None
    date: str
    count_tokens: Callable[[str], int] = field(repr=False, compare=False)


class Observer:
    """Is told about a run of `evaluate`; each method does nothing until it is overridden.

    An error in `run_started` ends the run before anything is decoded. An observer that fails later
    is warned about and told no more, since its failure must not cost what has been computed. The
    run waits for every method, so a slow one makes it slow.

    Attributes:
        wants_prompts: Whether the samples of `task_ended` are to hold their texts.

    """

    wants_prompts: bool = False

    def run_started(self, start: RunStart) -> None:
        """Take in what is going to run."""

    def task_started(self, task: str) -> None:
        """Take in that the items of a task are up next; with early stopping, of several at once."""

    def progressed(self, progress: Progress) -> None:
        """Take in where the run stands; some ten to a hundred times a second."""

    def task_ended(self, task: str, result: TaskResult) -> None:
        """Take in a task's scores and samples."""

    def run_ended(self, results: Results) -> None:
        """Take in all results; those on disk have been written."""

    def run_failed(self, error: BaseException) -> None:
        """Take in what ended the run early, Ctrl-C included. No other method is called after it."""


def checked_observers(observers: Any) -> list[Observer]:
    """Return observers as a list; UsageError for what is none."""
    if not isinstance(observers, Iterable) or isinstance(observers, (str, bytes)):
        raise UsageError(f"observers is {observers!r:.100}; give a list of them: observers=[...]")
    found = list(observers)
    for one in found:
        if not isinstance(one, Observer):
            raise UsageError(
                f"an observer is {one!r:.100}; give an instance of a class that is derived from "
                "fastscore.observing.Observer"
            )
    return found


class Observers(Observer):
    """Several observers told as one; ``warn`` is told which of them were dropped, and why."""

    def __init__(self, observers: Sequence[Observer], warn: Callable[[str], None]) -> None:
        self._observers = list(observers)
        self._warn = warn

    @property
    def wants_prompts(self) -> bool:  # type: ignore[override]
        """Whether any of them wants the samples' texts."""
        return any(one.wants_prompts for one in self._observers)

    def run_started(self, start: RunStart) -> None:  # noqa: D102
        for number, one in enumerate(self._observers):
            try:
                one.run_started(start)
            except BaseException as error:
                del self._observers[number:]  # those that have begun are told of the failure
                self.run_failed(error)
                raise

    def task_started(self, task: str) -> None:  # noqa: D102
        self._tell(lambda one: one.task_started(task))

    def progressed(self, progress: Progress) -> None:  # noqa: D102
        self._tell(lambda one: one.progressed(progress))

    def task_ended(self, task: str, result: TaskResult) -> None:  # noqa: D102
        self._tell(lambda one: one.task_ended(task, result))

    def run_ended(self, results: Results) -> None:  # noqa: D102
        self._tell_all(lambda one: one.run_ended(results))

    def run_failed(self, error: BaseException) -> None:  # noqa: D102
        self._tell_all(lambda one: one.run_failed(error))

    def _tell_all(self, last: Callable[[Observer], None]) -> None:
        """Tell the last thing; who presses Ctrl-C while one is waited for means that one alone."""
        left = list(self._observers)

        def tell(one: Observer) -> None:
            left.remove(one)
            last(one)

        try:
            self._tell(tell)
        except BaseException:  # nobody tells the others later
            Observers(left, self._warn)._tell_all(last)
            raise

    def _tell(self, what: Callable[[Observer], None]) -> None:
        for one in list(self._observers):
            try:
                what(one)
            except Exception as error:
                self._observers.remove(one)
                self._warn(
                    f"{type(one).__name__} failed and is told no more: "
                    f"{type(error).__name__}: {error}. The run goes on."
                )


class ObservedReporter:
    """A reporter whose progress observers are told of too."""

    def __init__(self, reporter: Reporter) -> None:
        self._reporter = reporter
        self._observers: Observer = Observer()

    def watch(self, observers: Observer) -> None:
        """Tell ``observers`` from now on."""
        self._observers = observers

    def note(self, message: str) -> None:  # noqa: D102
        self._reporter.note(message)

    def warn(self, message: str) -> None:  # noqa: D102
        self._reporter.warn(message)

    def update(self, progress: Progress) -> None:  # noqa: D102
        self._reporter.update(progress)
        self._observers.progressed(progress)

    def close(self) -> None:  # noqa: D102
        self._reporter.close()
