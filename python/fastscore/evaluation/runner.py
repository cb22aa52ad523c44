"""One run: the tasks' questions put to the model one task after the other, and summed up."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fastscore import machine
from fastscore.evaluation import estimate
from fastscore.evaluation.answering import Answering, ChoosingTask, WritingTask
from fastscore.evaluation.drift import Drift
from fastscore.evaluation.executing import Executor
from fastscore.evaluation.generating import Generator
from fastscore.evaluation.groups import sum_up
from fastscore.evaluation.preparation import TaskPreparation
from fastscore.evaluation.scoring import Scorer
from fastscore.evaluation.stores import Stores
from fastscore.evaluation.until import Rule
from fastscore.evaluation.waves import Waves
from fastscore.generation_settings import GenerationPlan, describe_sampling
from fastscore.observing import Observer, RunStart
from fastscore.progress import Meter
from fastscore.reporters import Reporter
from fastscore.results import GroupResult, Results, TaskResult, WorkReport
from fastscore.settings import RunSettings
from fastscore.sizes import counted, parameter_count
from fastscore.tasks import GenerationTask, Selection

if TYPE_CHECKING:
    from fastscore.model import GenerationRun, Model, ScoringRun
    from fastscore.sandbox import Execution, Program


class Run:
    """A model, the questions to ask it, and where answers are kept.

    ``plans`` say what is asked of each task with generated texts; ``executor`` runs the programs
    in them, None where that is not allowed. ``rule`` says when items are enough, None for all.
    ``observers`` are told of all but the end, which has come when the results are on disk.
    """

    def __init__(
        self,
        model: Model,
        prepared: Sequence[TaskPreparation],
        reporter: Reporter,
        *,
        output: str | os.PathLike[str] | None,
        resume: bool,
        plans: Mapping[str, GenerationPlan],
        executor: Executor | None,
        rule: Rule | None,
        observers: Observer,
    ) -> None:
        from fastscore.model import library

        self._model = model
        self._prepared = prepared
        self._reporter = reporter
        self._plans = plans
        self._executor = executor
        self._rule = rule
        self._observers = observers
        self._output = output
        self._resume = resume
        self._versions = library.versions()
        self._meter = Meter(
            {one.task.name: one.distinct_characters for one in prepared},
            estimate.remembered_speed(model),
            texts={
                one.task.name: (one.n_items * plan.n, plan.max_tokens or one.task.max_tokens)
                for one in prepared
                if isinstance(one.task, GenerationTask) and (plan := plans[one.task.name])
            },
            may_end_early=rule is not None,
        )
        self._stores = Stores(
            model,
            self._versions["fastscore"],
            output=output,
            notify=reporter.warn,
            resume=resume,
        )
        self._drift = Drift(model, reporter)
        self._scorer = Scorer(
            model,
            self._stores.choices,
            self._meter,
            reporter,
            self._say_estimate,
            self._drift.look,
        )
        self._generator = Generator(
            model, self._stores.texts, self._meter, reporter, self._say_texts
        )

    def __enter__(self) -> Run:
        return self

    def __exit__(self, *_: object) -> None:
        self._stores.flush()
        self._kept = self._stores.saved
        self._stores.close()
        # Where texts are written, prompts are read beside them and slower: no measure for others.
        if self._meter.measured_speed is not None and not self._plans:
            n_tokens = self._meter.tokens_read
            estimate.remember_speed(self._model, self._meter.measured_speed, n_tokens)

    def carry_out(
        self, selection: Selection, settings: RunSettings, started: float, date: str
    ) -> Results:
        """Score all tasks and sum up; Ctrl-C leaves with a message that says how to go on."""
        if self._rule is None or self._rule.look == 0:
            self._say_what_runs()
        model = self._model_facts()
        described = {**settings.to_dict(), "engine": self._model.settings.to_dict()}
        self._observers.run_started(
            RunStart(
                model=model,
                settings=described,
                tasks={one.task.name: one.n_items for one in self._prepared},
                output=None if self._output is None else Path(self._output),
                date=date,
                count_tokens=lambda text: len(self._model.tokenize(text)),
            )
        )
        try:
            tasks, groups = self._results(selection, settings)
        except BaseException as stop:
            if isinstance(stop, KeyboardInterrupt):
                self._stores.flush()
                stop.args = (self._stopped_message(),)
            self._observers.run_failed(stop)
            raise
        return Results(
            tasks=tasks,
            groups=groups,
            model={**model, **self._drift.facts()},
            settings=described,
            tokenisation=self._tokenisation(),
            versions=self._versions,
            machine=machine.describe().to_dict(),
            work=self._work(time.perf_counter() - started),
            date=date,
        )

    def _model_facts(self) -> dict[str, Any]:
        return {
            "fingerprint": self._model.fingerprint,
            "origin": self._model.located.origin,
            "revision": self._model.located.revision,
            **self._model.info.to_dict(),
        }

    def _results(
        self, selection: Selection, settings: RunSettings
    ) -> tuple[dict[str, TaskResult], dict[str, GroupResult]]:
        if self._rule is None:
            tasks = {one.task.name: self._in_full(one, settings) for one in self._prepared}
            return tasks, sum_up(selection, tasks)
        waves = Waves(
            selection,
            [(one, self._answering(one, settings)) for one in self._prepared],
            self._rule,
            settings.seed,
        )
        for unit in waves.units:
            for task in unit.tasks:
                self._observers.task_started(task)
            waves.score(unit)
            for task in unit.tasks:
                self._meter.leave(task)
        tasks, groups = waves.results()
        return {name: self._ended(name, one, settings) for name, one in tasks.items()}, groups

    def _in_full(self, prepared: TaskPreparation, settings: RunSettings) -> TaskResult:
        self._observers.task_started(prepared.task.name)
        answering = self._answering(prepared, settings)
        answering.answer(prepared.questions(), range(prepared.n_items))
        return self._ended(prepared.task.name, answering.result(), settings)

    def _ended(self, task: str, result: TaskResult, settings: RunSettings) -> TaskResult:
        """Tell the observers, and let go of texts that were kept for them alone."""
        self._observers.task_ended(task, result)
        return result if settings.log_prompts else result.without_prompts()

    def _answering(self, prepared: TaskPreparation, settings: RunSettings) -> Answering:
        log_prompts = settings.log_prompts or self._observers.wants_prompts
        if not isinstance(prepared.task, GenerationTask):
            return ChoosingTask(prepared, self._scorer, log_prompts=log_prompts)
        return WritingTask(
            prepared,
            self._plans[prepared.task.name],
            self._generator,
            self._executor,
            self._execute,
            log_prompts=log_prompts,
        )

    def _execute(self, programs: Sequence[Program]) -> list[Execution]:
        assert self._executor is not None
        self._stores.texts.flush()  # whatever becomes of the programs
        self._meter.start_programs(len(programs))

        def advance(done: int) -> None:
            self._meter.advance_programs(done)
            self._reporter.update(self._meter.now())

        return self._executor.run(programs, advance)

    def _work(self, total_seconds: float) -> WorkReport:
        tally = self._generator.tally
        if self._executor is not None:
            tally.programs = self._executor.n_programs
            tally.seconds["execute"] = self._executor.seconds
        self._scorer.tally.seconds["tokenise"] += tally.tokenise_seconds
        return self._scorer.tally.report(total_seconds, machine.peak_memory(), tally.report())

    def _say_what_runs(self) -> None:
        info, settings = self._model.info, self._model.settings
        n_items = sum(one.n_items for one in self._prepared)
        names = [one.task.name for one in self._prepared]
        what = names[0] if len(names) == 1 else f"{len(names)} tasks"
        most = "" if self._rule is None else "at most "
        parts = [most + counted(n_items, "item")]
        n_choices = sum(
            one.n_requests for one in self._prepared if one.task.name not in self._plans
        )
        if n_choices:
            parts.append(counted(n_choices, "choice"))
        n_texts = sum(
            one.n_items * self._plans[one.task.name].n
            for one in self._prepared
            if one.task.name in self._plans
        )
        if n_texts:
            parts.append(f"{counted(n_texts, 'text')} to write")
        self._reporter.note(
            f"{info.name}, {parameter_count(info.n_params)} {info.quantisation}, "
            f"{counted(settings.n_threads, 'thread')}. {what}: {', '.join(parts)}."
        )
        if self._model.choice is not None:
            for sentence in self._model.choice.sentences():
                self._reporter.note(sentence)
        for how, tasks in _by_sampling(self._plans).items():
            self._reporter.note(f"{', '.join(tasks)}: {how}.")

    def _tokenisation(self) -> str:
        engine = self._model.settings
        name = engine.tokenizer
        whose = "the model file's own tokenizer" if name == "gguf" else name
        return f"{whose}; {engine.bos}"

    def _say_estimate(self, run: ScoringRun) -> None:
        if self._rule is not None:
            return  # what is ahead depends on what will be found
        self._reporter.note(estimate.spoken_estimate(self._model, run.limits, self._meter.now()))

    def _say_texts(self, run: GenerationRun, max_tokens: int) -> None:
        limits = run.limits.context
        self._reporter.note(
            estimate.spoken_text_estimate(self._model, limits, run.n_samples, max_tokens)
        )

    def _stopped_message(self) -> str:
        if not self._stores.usable:
            return "Stopped. Nothing could be kept, so the next run begins again."
        if not self._stores.saved:
            return "Stopped. Not everything could be kept; the next run scores the rest again."
        return (
            f"Stopped. What was scored is kept in {self._stores.path}; the same command goes on "
            "from there."
        )

    def ended_message(self, saved: Path | None) -> str:
        """Say where results are to be had that were stopped on their way to the caller.

        ``saved`` is the directory that they are in, None where they are not on disk. Only for a run
        that was carried out and left.
        """
        if saved is not None:
            return f"Stopped when all was scored; the results are in {saved}."
        if not self._kept:
            return (
                "Stopped when all was scored. Not everything could be kept; the next run scores "
                "the rest again."
            )
        command = "same command" if self._resume else "same command without --no-resume"
        return (
            f"Stopped when all was scored. It is kept in {self._stores.path}; the {command} has "
            "the results at once."
        )


def _by_sampling(plans: Mapping[str, GenerationPlan]) -> dict[str, list[str]]:
    """Say how the texts of each task are sampled, tasks that share it together."""
    found: dict[str, list[str]] = {}
    for name, plan in plans.items():
        how = f"{counted(plan.n, 'sample')} a problem, {describe_sampling(plan.sampling)}"
        found.setdefault(how, []).append(name)
    return found
