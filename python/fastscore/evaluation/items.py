"""The items of tasks as a run would put them to a model, without running them."""

from __future__ import annotations

import os
from collections.abc import Container, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from fastscore.evaluation.preparation import RowFinder, prepare
from fastscore.evaluation.request import TaskLike, chat_template, listed, promptings
from fastscore.settings import Fewshot, RowsOf, RunSettings
from fastscore.tasks import expand, plan_shots
from fastscore.types import Item, OpenItem

if TYPE_CHECKING:
    from fastscore.model import Model


def items_of(
    model: Model,
    tasks: TaskLike | Iterable[TaskLike],
    *,
    num_fewshot: int | None = None,
    limit: int | float | None = None,
    data: str | os.PathLike[str] | None = None,
    seed: int = 1234,
    apply_chat_template: bool = False,
    rows: RowsOf | None = None,
    fewshot_rows: RowsOf | None = None,
    fewshot_as_multiturn: bool = True,
    system_instruction: str | None = None,
    fewshot: Fewshot = "lm-eval",
    offline: bool | None = None,
    only: Mapping[str, Container[int]] | None = None,
) -> Iterator[Item | OpenItem]:
    """Yield the items of each task in turn; arguments and errors are those of `evaluate`.

    The model is asked for its chat template, where that is to be applied, and for nothing else.
    ``only`` are the rows to yield by task, None for all.
    """
    wanted = listed(tasks)
    settings = RunSettings(
        tasks=tuple(str(one) if isinstance(one, (str, Path)) else one.name for one in wanted),
        num_fewshot=num_fewshot,
        limit=limit,
        seed=seed,
        fewshot=fewshot,
        apply_chat_template=apply_chat_template,
        fewshot_as_multiturn=fewshot_as_multiturn,
        system_instruction=system_instruction,
    )
    selection = expand(wanted)
    finder = RowFinder(
        selection, None if data is None else Path(data), offline, rows or {}, fewshot_rows or {}
    )
    template = chat_template(model) if apply_chat_template else None
    how = promptings(settings, plan_shots(selection.tasks, num_fewshot).shots, template)
    for one in prepare(finder, how, limit):
        rows_of_task = None if only is None else only.get(one.task.name, ())
        for item in one.questions().items:
            if rows_of_task is None or item.doc_id in rows_of_task:
                yield item
