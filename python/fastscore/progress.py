"""Where a run stands: work done, work to do, and when it will be done.

What is counted is work, tokens through the model, because items differ in length by a hundred
times. How many tokens will be read is known exactly for tasks that have been tokenised and
estimated from the length of the text for those to come; how many will be written nobody knows, so
that it is estimated from the samples that have ended.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

TOKENS_PER_CHARACTER = 0.25
"""Of English text; a run replaces it by its own as soon as that is known."""

_SETTLING_SECONDS = 3.0  # before this the speed measured in a run says little


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a run stands.

    ``tokens_total`` is of the whole run; it is an estimate until the last task is tokenised, and
    where texts are generated until the last has ended. ``tokens_per_second`` is of what is going
    on, reading or writing; it and ``seconds_left`` are None as long as nobody knows.
    ``left_at_most`` says that the end was foreseen with texts as long as they may be, because none
    has ended yet, or with all items, where a run may stop before. Samples and programs are those of
    the task under way, 0 where it has none.
    """

    task: str
    task_number: int
    n_tasks: int
    tokens_done: int
    tokens_total: int
    tokens_per_second: float | None
    seconds_left: float | None
    left_at_most: bool = False
    samples_done: int = 0
    samples_total: int = 0
    programs_done: int = 0
    programs_total: int = 0


@dataclass(slots=True)
class _Pace:
    """Tokens that passed in some time."""

    tokens: int = 0
    seconds: float = 0.0


@dataclass(slots=True)
class _Texts:
    """The texts that a task generates; ``tokens`` are those of all, under way or ended."""

    n_total: int
    max_tokens: int
    n_done: int = 0
    tokens: int = 0

    @property
    def known(self) -> bool:
        """Whether anything is known of their length."""
        return self.n_done > 0 or self.n_total == 0

    @property
    def tokens_left(self) -> float:
        """Tokens still to be written, on average.

        Those under way are texts that have not ended yet at their length, so the mean length is
        all tokens over the texts that ended (the maximum likelihood of censored data with a
        constant chance to end); the mean of those that ended alone would be too short, because
        short ones end first.
        """
        length = min(self.max_tokens, self.tokens / self.n_done) if self.n_done else self.max_tokens
        return (self.n_total - self.n_done) * length


@dataclass(slots=True)
class _Programs:
    """The programs that a task executes."""

    total: int = 0
    done: int = 0
    since: float = 0.0


@dataclass(slots=True)
class _Run:
    """What a run of the engine that is under way has done so far, in tokens and seconds."""

    read: _Pace = field(default_factory=_Pace)
    written: _Pace = field(default_factory=_Pace)


class Meter:
    """Counts the work of a run and foresees its end.

    ``characters`` of text to read, and ``texts`` to write as (number, most tokens of each), by
    task. ``expected_speed`` in tokens a second is what an earlier run read, if there was one.
    ``may_end_early`` says that tasks may be left before all of that is read and written.
    """

    def __init__(
        self,
        characters: Mapping[str, int],
        expected_speed: float | None = None,
        clock: Callable[[], float] = time.monotonic,
        *,
        texts: Mapping[str, tuple[int, int]] | None = None,
        may_end_early: bool = False,
    ) -> None:
        self._may_end_early = may_end_early
        self._ahead = dict(characters)  # text not tokenised yet, by task
        self._texts = {name: _Texts(*numbers) for name, numbers in (texts or {}).items()}
        self._names = list(characters)
        self._expected_speed = expected_speed
        self._clock = clock
        self._characters_seen = 0
        self._tokens_seen = 0
        self._planned = 0
        self._before = _Run()  # of runs of the engine that have ended
        self._now = _Run()
        self._programs = _Programs()
        self._task = self._names[0] if self._names else ""
        self._running_since: float | None = None

    def plan(self, task: str, characters: int, tokens: int, *, all_new: bool) -> None:
        """Take in that ``characters`` of a task's text turned out to be ``tokens`` to decode.

        ``all_new`` says that none of it was in the store, so that the text tells about others.
        """
        self._task = task
        self._programs = _Programs()
        self._ahead[task] = max(0, self._ahead[task] - characters)
        self._planned += tokens
        if all_new:
            self._characters_seen += characters
            self._tokens_seen += tokens

    def leave(self, task: str) -> None:
        """Take in that what a task has left will not be asked for."""
        self._ahead[task] = 0
        if task in self._texts:
            self._texts[task].n_total = self._texts[task].n_done

    def start(self) -> None:
        """Begin to count time: the engine works from here on."""
        self._running_since = self._clock()

    def advance(self, tokens_done: int) -> None:
        """Take in how many tokens the engine has read since ``start``."""
        self._now.read.tokens = tokens_done

    def advance_writing(
        self, tokens_read: int, tokens_written: int, seconds_reading: float, seconds_writing: float
    ) -> None:
        """Take in what the engine has read and written since ``start``, and how long each took."""
        self._texts[self._task].tokens += tokens_written - self._now.written.tokens
        self._now = _Run(
            _Pace(tokens_read, seconds_reading), _Pace(tokens_written, seconds_writing)
        )
        self._running_since = None  # the engine's own clock tells the two apart

    def end_texts(self, count: int, stored_tokens: int = 0) -> None:
        """Take in that texts are done; the tokens of those that came from the store."""
        texts = self._texts[self._task]
        texts.n_done += count
        texts.tokens += stored_tokens

    def stop(self) -> None:
        """End a run of the engine."""
        self._now.read.seconds += self._running_seconds()
        self._running_since = None
        for ended, now in (
            (self._before.read, self._now.read),
            (self._before.written, self._now.written),
        ):
            ended.tokens += now.tokens
            ended.seconds += now.seconds
        self._now = _Run()

    def start_programs(self, total: int) -> None:
        """Begin to execute the programs of the task under way."""
        self._programs = _Programs(total, 0, self._clock())

    def advance_programs(self, done: int) -> None:
        """Take in how many programs have ended since ``start_programs``."""
        self._programs.done = done

    @property
    def measured_speed(self) -> float | None:
        """Tokens a second read in this run, None until there is enough to tell."""
        return self._speed(self._read())

    @property
    def tokens_read(self) -> int:
        """Tokens read in this run."""
        return self._read().tokens

    def now(self) -> Progress:
        """Say where the run stands."""
        per_character = TOKENS_PER_CHARACTER
        if self._characters_seen:
            per_character = self._tokens_seen / self._characters_seen
        read, written = self._read(), self._written()
        to_read = self._planned + round(per_character * sum(self._ahead.values())) - read.tokens
        to_write = round(sum(texts.tokens_left for texts in self._texts.values()))
        done = read.tokens + written.tokens
        texts = self._texts.get(self._task, _Texts(0, 0))
        reading_speed = self._speed(read) or self._expected_speed
        writing_speed = self._speed(written)
        return Progress(
            task=self._task,
            task_number=self._names.index(self._task) + 1 if self._names else 0,
            n_tasks=len(self._names),
            tokens_done=done,
            tokens_total=done + max(0, to_read) + to_write,
            tokens_per_second=writing_speed if texts.n_total else reading_speed,
            seconds_left=self._seconds_left(
                (max(0, to_read), reading_speed), (to_write, writing_speed)
            ),
            left_at_most=self._may_end_early
            or not all(texts.known for texts in self._texts.values()),
            samples_done=texts.n_done,
            samples_total=texts.n_total,
            programs_done=self._programs.done,
            programs_total=self._programs.total,
        )

    def _seconds_left(self, *work: tuple[int, float | None]) -> float | None:
        left = 0.0
        if self._programs.total:
            if not self._programs.done:
                return None
            took = self._clock() - self._programs.since
            left = took / self._programs.done * (self._programs.total - self._programs.done)
        for tokens, speed in work:
            if speed:
                left += tokens / speed
            elif tokens:
                return None
        return left

    def _speed(self, pace: _Pace) -> float | None:
        """Tokens a second, None until the engine has worked for long enough to tell.

        Also before the first token: prompts are read before anything is written.
        """
        worked = self._read().seconds + self._written().seconds
        if worked < _SETTLING_SECONDS or not pace.seconds or not pace.tokens:
            return None
        return pace.tokens / pace.seconds

    def _read(self) -> _Pace:
        before, now = self._before.read, self._now.read
        seconds = before.seconds + now.seconds + self._running_seconds()
        return _Pace(before.tokens + now.tokens, seconds)

    def _written(self) -> _Pace:
        before, now = self._before.written, self._now.written
        return _Pace(before.tokens + now.tokens, before.seconds + now.seconds)

    def _running_seconds(self) -> float:
        return 0.0 if self._running_since is None else self._clock() - self._running_since


def describe(progress: Progress) -> str:
    """Say in one line where a run stands."""
    return f"{task_of(progress)}: {work_of(progress)}"


def task_of(progress: Progress) -> str:
    """Name the task under way, and its number where there are several."""
    if progress.n_tasks == 1:
        return progress.task
    return f"{progress.task} ({progress.task_number}/{progress.n_tasks})"


def work_of(progress: Progress) -> str:
    """Say how much is done of how much, how fast, and how long it still takes."""
    if progress.programs_total:
        parts = [f"{progress.programs_done:,} of {progress.programs_total:,} programs run"]
    elif progress.samples_total:
        parts = [
            f"{progress.samples_done:,} of {progress.samples_total:,} samples",
            f"{progress.tokens_done:,} tokens",
        ]
    else:
        bound = "at most " if progress.left_at_most else ""
        parts = [f"{progress.tokens_done:,} of {bound}{progress.tokens_total:,} tokens"]
    if progress.tokens_per_second is not None and not progress.programs_total:
        parts.append(f"{progress.tokens_per_second:,.0f} tokens/s")
    if progress.seconds_left is not None:
        bound = "at most " if progress.left_at_most else ""
        parts.append(f"{bound}{spoken_duration(progress.seconds_left)} left")
    return ", ".join(parts)


def share_of(progress: Progress) -> tuple[int, int]:
    """Return how much is done of how much, for a bar: programs while they run, else tokens."""
    if progress.programs_total:
        return progress.programs_done, progress.programs_total
    return progress.tokens_done, max(progress.tokens_total, 1)


def spoken_duration(seconds: float) -> str:
    """Say a duration as people do: ``12 s``, ``4 min``, ``1 h 20 min``."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60:02} min"
