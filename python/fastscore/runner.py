"""One run: the tasks' questions put to the model one task after the other, and summed up."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from fastscore import estimate, machine
from fastscore.block_store import CACHE_LIMIT_BYTES, STORE_FILE, space_key
from fastscore.preparation import TaskPreparation, chunks
from fastscore.progress import Meter
from fastscore.reporters import Reporter
from fastscore.results import GroupResult, Results, Sample, TaskResult
from fastscore.scoring import Scorer
from fastscore.settings import RunSettings
from fastscore.sizes import parameter_count
from fastscore.store import Store
from fastscore.tasks import Group, Selection

if TYPE_CHECKING:
    from fastscore.model import Model, ScoringRun


class Run:
    """A model, the questions to ask it, and where answers are kept."""

    def __init__(
        self,
        model: Model,
        prepared: Sequence[TaskPreparation],
        reporter: Reporter,
        *,
        output: str | os.PathLike[str] | None,
        resume: bool,
    ) -> None:
        from fastscore.model import library

        self._model = model
        self._prepared = prepared
        self._reporter = reporter
        self._versions = library.versions()
        self._store = self._open_store(output, resume)
        self._meter = Meter(
            {one.task.name: one.distinct_characters for one in prepared},
            estimate.remembered_speed(model),
        )
        self._scorer = Scorer(model, self._store, self._meter, reporter, self._say_estimate)

    def __enter__(self) -> Run:
        return self

    def __exit__(self, *_: object) -> None:
        self._store.close()
        if self._meter.measured_speed is not None:
            n_tokens = self._meter.now().tokens_done
            estimate.remember_speed(self._model, self._meter.measured_speed, n_tokens)

    def carry_out(
        self, selection: Selection, settings: RunSettings, started: float, date: str
    ) -> Results:
        """Score all tasks and sum up; Ctrl-C leaves with a message that says how to go on."""
        self._say_what_runs()
        try:
            tasks = {
                one.task.name: self._score(one, settings.log_prompts) for one in self._prepared
            }
        except KeyboardInterrupt as stop:
            self._store.flush()
            stop.args = (self._stopped_message(),)
            raise
        engine = self._model.settings
        return Results(
            tasks=tasks,
            groups=_sum_up(selection, tasks),
            model={
                "fingerprint": self._model.fingerprint,
                "origin": self._model.located.origin,
                "revision": self._model.located.revision,
                **self._model.info.to_dict(),
            },
            settings={**settings.to_dict(), "engine": engine.to_dict()},
            tokenisation=f"{_tokenizer_of(engine.tokenizer)}; {engine.bos}",
            versions=self._versions,
            machine=machine.describe().to_dict(),
            work=self._scorer.tally.report(time.perf_counter() - started, machine.peak_memory()),
            date=date,
        )

    def _score(self, prepared: TaskPreparation, log_prompts: bool) -> TaskResult:
        task = prepared.task
        questions = prepared.questions()
        samples: list[Sample] = []
        truncated = boundary = 0
        for chunk in chunks(questions.items):
            answers = self._scorer.answer(task.name, chunk)
            truncated += answers.n_truncated
            boundary += answers.n_boundary
            samples.extend(
                Sample.score(item, likelihoods, task.columns, log_prompts=log_prompts)
                for item, likelihoods in zip(chunk, answers.likelihoods, strict=True)
            )
        return TaskResult.from_samples(
            samples,
            task.columns,
            num_fewshot=task.shots(prepared.prompting.num_fewshot),
            version=task.version,
            variant=prepared.prompting.variant(task),
            notices=prepared.prompting.notices(task),
            origin=questions.origin,
            fewshot_origin=questions.fewshot_origin,
            truncated=truncated,
            boundary=boundary,
        )

    def _open_store(self, output: str | os.PathLike[str] | None, resume: bool) -> Store:
        if output is None:
            path, limit = machine.cache_directory() / STORE_FILE, CACHE_LIMIT_BYTES
        else:
            path, limit = Path(output) / ".fastscore" / STORE_FILE, None
        return Store(
            path,
            space_key(
                self._model.fingerprint,
                self._model.settings.affecting_numbers(),
                self._versions["fastscore"],
            ),
            label=self._model.located.origin,
            notify=self._reporter.warn,
            resume=resume,
            limit_bytes=limit,
        )

    def _say_what_runs(self) -> None:
        info, settings = self._model.info, self._model.settings
        n_items = sum(one.n_items for one in self._prepared)
        n_requests = sum(one.n_requests for one in self._prepared)
        names = [one.task.name for one in self._prepared]
        what = names[0] if len(names) == 1 else f"{len(names)} tasks"
        self._reporter.note(
            f"{info.name}, {parameter_count(info.n_params)} {info.quantisation}, "
            f"{settings.n_threads} threads. {what}: {n_items:,} items, {n_requests:,} choices."
        )

    def _say_estimate(self, run: ScoringRun) -> None:
        self._reporter.note(estimate.spoken_estimate(self._model, run.limits, self._meter.now()))

    def _stopped_message(self) -> str:
        if not self._store.usable:
            return "Stopped. Nothing could be kept, so the next run begins again."
        return (
            f"Stopped. What was scored is kept in {self._store.path}; the same command goes on "
            "from there."
        )


def _tokenizer_of(name: str) -> str:
    return "the model file's own tokenizer" if name == "gguf" else name


def _sum_up(selection: Selection, tasks: Mapping[str, TaskResult]) -> dict[str, GroupResult]:
    columns = {task.name: task.columns for task in selection.tasks}
    return {
        group.name: GroupResult.from_tasks(
            _directly_below(group, selection.groups),
            {member: tasks[member] for member in group.members},
            {name: columns[group.members[0]][name] for name in group.metrics},
        )
        for group in selection.groups
    }


def _directly_below(group: Group, groups: Sequence[Group]) -> list[str]:
    """Name the groups that make up this one, and the tasks that are in none of them."""
    inside = [one for one in groups if set(one.members) < set(group.members)]
    parts = [
        one for one in inside if not any(set(one.members) < set(other.members) for other in inside)
    ]
    covered = {member for part in parts for member in part.members}
    return [part.name for part in parts] + [m for m in group.members if m not in covered]
