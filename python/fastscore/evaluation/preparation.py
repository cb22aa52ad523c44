"""The questions of a run: which rows, put how, and made into items when their turn comes.

Every task is read and made into items once before anything is decoded, so that a missing file or
a bad row is said at once and not after hours. Items are then kept only as long as they are small:
the prompts of a long few-shot benchmark are made again when it is their turn.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar, cast

from fastscore.errors import DataError, UsageError
from fastscore.machine import home_expanded
from fastscore.settings import RowsOf, rows_within
from fastscore.tasks import AnyTask, GenerationTask, Prompting, Selection
from fastscore.types import Item, LoadedRows, OpenItem, Origin, Role

AnyItem = TypeVar("AnyItem", Item, OpenItem)

KEPT_CHARACTERS = 32 * 2**20
"""Text of items that is kept from the check to the scoring, over all tasks."""

CHUNK_CHARACTERS = 16 * 2**20
"""Text that is tokenised and planned at a time; what chunks share is decoded once in each."""


@dataclass(frozen=True, slots=True)
class Questions:
    """The items of one task, and the rows they were made from."""

    items: list[Item] | list[OpenItem]
    origin: Origin
    fewshot_origin: Origin | None


@dataclass(frozen=True, slots=True)
class RowFinder:
    """Where rows come from: what the user handed over for a task or its group, else its source."""

    selection: Selection
    data: Path | None
    offline: bool | None
    rows: RowsOf
    fewshot_rows: RowsOf

    def __post_init__(self) -> None:
        names = {t.name for t in self.selection.tasks} | {g.name for g in self.selection.groups}
        for option, given in (("rows", self.rows), ("fewshot_rows", self.fewshot_rows)):
            for name in given:
                if name not in names:
                    raise UsageError(
                        f"{option} are given for {name!r}, which is not among the tasks of this "
                        f"run: {', '.join(sorted(names)[:8])}"
                    )

    def load(self, task: AnyTask, role: Role) -> LoadedRows:
        """Load the rows that a task is scored on, or draws its examples from."""
        given = self._given(task, self.rows if role == "eval" else self.fewshot_rows)
        if role == "fewshot" and given is None and task.shots_from_eval:
            given = self._given(task, self.rows)
        if given is None or isinstance(given, (str, os.PathLike)):
            file = None if given is None else home_expanded(given)
            return task.load(role, data_dir=self.data, file=file, offline=self.offline)
        return _handed_over(task, given)

    def _given(
        self, task: AnyTask, given: RowsOf
    ) -> str | os.PathLike[str] | Sequence[Mapping[str, Any]] | None:
        if task.name in given:
            return given[task.name]
        # Of the groups that rows are given for, the smallest is meant most precisely.
        for group in sorted(self.selection.groups, key=lambda group: len(group.members)):
            if group.name in given and task.name in group.members:
                return given[group.name]
        return None


class TaskPreparation:
    """One task of a run, checked on creation; ``questions`` makes or keeps its items.

    With ``executes``, what programs will be judged by is checked as well.
    """

    def __init__(
        self,
        task: AnyTask,
        prompting: Prompting,
        finder: RowFinder,
        limit: int | float | None,
        executes: bool,
    ) -> None:
        self.task = task
        self.prompting = prompting
        self._finder = finder
        self._limit = limit
        questions = self._make()
        if executes and isinstance(task, GenerationTask) and task.executes_code:
            task.check_programs(cast("list[OpenItem]", questions.items))
        self.n_items = len(questions.items)
        self.n_requests = sum(len(_texts(item)[1]) or 1 for item in questions.items)
        self.distinct_characters = distinct_characters(questions.items)
        self.characters = sum(map(characters, questions.items))
        self.origin, self.fewshot_origin = questions.origin, questions.fewshot_origin
        self._kept: Questions | None = questions

    def forget(self) -> None:
        """Drop the items until they are asked for."""
        self._kept = None

    def questions(self) -> Questions:
        """Give the items, once: what was kept is handed on, not held."""
        kept, self._kept = self._kept, None
        questions = kept or self._make()
        if (questions.origin, questions.fewshot_origin) != (self.origin, self.fewshot_origin):
            raise DataError(
                f"{self.task.name}: the rows in {questions.origin.location} changed while the run "
                "was going on; start it again"
            )
        return questions

    def _make(self) -> Questions:
        loaded = self._finder.load(self.task, "eval")
        shots = self.task.shots(self.prompting.num_fewshot)
        pool = self._finder.load(self.task, "fewshot") if shots else None
        rows = loaded.rows[: rows_within(self._limit, len(loaded.rows))]
        items = self.task.items(rows, pool.rows if pool else (), self.prompting)
        if not items:
            raise DataError(f"{self.task.name}: {loaded.origin.location} has no rows to score")
        return Questions(items, loaded.origin, pool.origin if pool else None)


def prepare(
    finder: RowFinder,
    promptings: Mapping[str, Prompting],
    limit: int | float | None,
    *,
    executes: bool = False,
) -> list[TaskPreparation]:
    """Read and check all tasks of a run, keeping the items of those that are small."""
    prepared = []
    room = KEPT_CHARACTERS
    for task in finder.selection.tasks:
        one = TaskPreparation(task, promptings[task.name], finder, limit, executes)
        room -= one.characters
        if room < 0:
            room += one.characters
            one.forget()
        prepared.append(one)
    return prepared


def chunks(items: Sequence[AnyItem], limit: int = CHUNK_CHARACTERS) -> Iterator[Sequence[AnyItem]]:
    """Cut items into runs of about ``limit`` characters, whatever their number."""
    begin, size = 0, 0
    for end, item in enumerate(items):
        size += characters(item)
        if size >= limit:
            yield items[begin : end + 1]
            begin, size = end + 1, 0
    if begin < len(items):
        yield items[begin:]


def characters(item: Item | OpenItem) -> int:
    """Count the characters of an item's texts."""
    contexts, continuations = _texts(item)
    return sum(map(len, contexts)) + sum(map(len, continuations))


def distinct_characters(items: Sequence[Item] | Sequence[OpenItem]) -> int:
    """Count the characters of items' texts, those shared with the text before only once.

    Roughly what a model has to read, known without a tokenizer.
    """
    total, before = 0, ""
    for item in items:
        contexts, continuations = _texts(item)
        for context in contexts:
            total += len(context) - _shared(before, context)
            before = context
        total += sum(map(len, continuations))
    return total


def _texts(item: Item | OpenItem) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return what is given to the model of an item: contexts, and continuations to score."""
    return (
        ((item.context,), ()) if isinstance(item, OpenItem) else (item.contexts, item.continuations)
    )


def _shared(a: str, b: str) -> int:
    """Length of the common prefix, by bisection: comparing slices is quicker than a loop."""
    low, high = 0, min(len(a), len(b))
    while low < high:
        middle = (low + high + 1) // 2
        if a[low:middle] == b[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def _handed_over(task: AnyTask, rows: Sequence[Mapping[str, Any]]) -> LoadedRows:
    listed = [dict(row) for row in rows]
    text = json.dumps(listed, sort_keys=True, default=str).encode("utf-8", "backslashreplace")
    origin = Origin(
        kind="file",
        location=f"rows of {task.name} handed over in Python",
        sha256=hashlib.sha256(text).hexdigest(),
        n_rows=len(listed),
    )
    return LoadedRows(listed, origin)
