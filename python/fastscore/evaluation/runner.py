"""One run: the tasks' questions put to the model one task after the other, and summed up."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, cast

from fastscore import machine
from fastscore.evaluation import estimate
from fastscore.evaluation.executing import Executor
from fastscore.evaluation.generating import Generator
from fastscore.evaluation.judging import Answered, Judged
from fastscore.evaluation.preparation import Questions, TaskPreparation, chunks
from fastscore.evaluation.scoring import Scorer
from fastscore.evaluation.stores import Stores
from fastscore.generation_settings import GenerationPlan, departure, describe_sampling
from fastscore.progress import Meter
from fastscore.reporters import Reporter
from fastscore.results import GroupResult, Results, Sample, TaskResult, WorkReport
from fastscore.settings import RunSettings
from fastscore.sizes import counted, parameter_count
from fastscore.tasks import GenerationTask, Group, Prompting, Selection, Task
from fastscore.types import Generation, Item, OpenItem

if TYPE_CHECKING:
    from fastscore.model import GenerationRun, Model, ScoringRun


class Run:
    """A model, the questions to ask it, and where answers are kept.

    ``plans`` say what is asked of each task with generated texts; ``executor`` runs the programs
    in them, None where that is not allowed.
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
    ) -> None:
        from fastscore.model import library

        self._model = model
        self._prepared = prepared
        self._reporter = reporter
        self._plans = plans
        self._executor = executor
        self._versions = library.versions()
        self._meter = Meter(
            {one.task.name: one.distinct_characters for one in prepared},
            estimate.remembered_speed(model),
            texts={
                one.task.name: (one.n_items * plan.n, plan.max_tokens or one.task.max_tokens)
                for one in prepared
                if isinstance(one.task, GenerationTask) and (plan := plans[one.task.name])
            },
        )
        self._stores = Stores(
            model,
            self._versions["fastscore"],
            output=output,
            notify=reporter.warn,
            resume=resume,
        )
        self._scorer = Scorer(
            model, self._stores.choices, self._meter, reporter, self._say_estimate
        )
        self._generator = Generator(
            model, self._stores.texts, self._meter, reporter, self._say_texts
        )

    def __enter__(self) -> Run:
        return self

    def __exit__(self, *_: object) -> None:
        self._stores.close()
        # Where texts are written, prompts are read beside them and slower: no measure for others.
        if self._meter.measured_speed is not None and not self._plans:
            n_tokens = self._meter.tokens_read
            estimate.remember_speed(self._model, self._meter.measured_speed, n_tokens)

    def carry_out(
        self, selection: Selection, settings: RunSettings, started: float, date: str
    ) -> Results:
        """Score all tasks and sum up; Ctrl-C leaves with a message that says how to go on."""
        self._say_what_runs()
        try:
            tasks = {
                one.task.name: self._result(one, settings.log_prompts) for one in self._prepared
            }
        except KeyboardInterrupt as stop:
            self._stores.flush()
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
            work=self._work(time.perf_counter() - started),
            date=date,
        )

    def _result(self, prepared: TaskPreparation, log_prompts: bool) -> TaskResult:
        task, questions = prepared.task, prepared.questions()
        if isinstance(task, GenerationTask):
            return self._generate(task, prepared.prompting, questions, log_prompts)
        return self._score(task, prepared.prompting, questions, log_prompts)

    def _score(
        self, task: Task, prompting: Prompting, questions: Questions, log_prompts: bool
    ) -> TaskResult:
        samples: list[Sample] = []
        truncated = boundary = 0
        for chunk in chunks(cast("list[Item]", questions.items)):
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
            num_fewshot=task.shots(prompting.num_fewshot),
            version=task.version,
            variant=prompting.variant(task),
            notices=prompting.notices(task),
            origin=questions.origin,
            fewshot_origin=questions.fewshot_origin,
            truncated=truncated,
            boundary=boundary,
        )

    def _generate(
        self, task: GenerationTask, prompting: Prompting, questions: Questions, log_prompts: bool
    ) -> TaskResult:
        items = cast("list[OpenItem]", questions.items)
        plan = self._plans[task.name]
        generations: list[list[Generation]] = []
        truncated = 0
        for chunk in chunks(items):
            texts = self._generator.answer(task.name, chunk, plan)
            generations += texts.generations
            truncated += texts.n_truncated
        judged = self._judge(Answered(task, plan, items, generations), log_prompts)
        return TaskResult(
            metrics=judged.metrics,
            n=len(items),
            num_fewshot=task.shots(prompting.num_fewshot),
            version=task.version,
            variant=_joined(
                prompting.variant(task), departure(plan, task.sampling, task.max_tokens)
            ),
            notices=prompting.notices(task),
            origin=questions.origin,
            fewshot_origin=questions.fewshot_origin,
            truncated=truncated,
            boundary=0,
            samples=judged.samples,
            generation=judged.summary,
        )

    def _judge(self, answered: Answered, log_prompts: bool) -> Judged:
        extracted = answered.extract()
        if not answered.task.executes_code:
            return answered.judge_texts(extracted, log_prompts=log_prompts)
        if self._executor is None:
            return answered.leave_unjudged(extracted, log_prompts=log_prompts)
        programs = answered.programs(extracted)
        self._stores.texts.flush()  # whatever becomes of the programs
        self._meter.start_programs(len(programs))

        def advance(done: int) -> None:
            self._meter.advance_programs(done)
            self._reporter.update(self._meter.now())

        executions = self._executor.run(programs, advance)
        summary = self._executor.summary(executions)
        return answered.judge_programs(extracted, executions, summary, log_prompts=log_prompts)

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
        parts = [counted(n_items, "item")]
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
        for how, tasks in _by_sampling(self._plans).items():
            self._reporter.note(f"{', '.join(tasks)}: {how}.")

    def _say_estimate(self, run: ScoringRun) -> None:
        self._reporter.note(estimate.spoken_estimate(self._model, run.limits, self._meter.now()))

    def _say_texts(self, run: GenerationRun, max_tokens: int) -> None:
        limits = run.limits.context
        self._reporter.note(
            estimate.spoken_text_estimate(self._model, limits, run.n_samples, max_tokens)
        )

    def _stopped_message(self) -> str:
        if not self._stores.usable:
            return "Stopped. Nothing could be kept, so the next run begins again."
        return (
            f"Stopped. What was scored is kept in {self._stores.path}; the same command goes on "
            "from there."
        )


def _by_sampling(plans: Mapping[str, GenerationPlan]) -> dict[str, list[str]]:
    """Say how the texts of each task are sampled, tasks that share it together."""
    found: dict[str, list[str]] = {}
    for name, plan in plans.items():
        how = f"{counted(plan.n, 'sample')} a problem, {describe_sampling(plan.sampling)}"
        found.setdefault(how, []).append(name)
    return found


def _joined(*variants: str | None) -> str | None:
    return "; ".join(one for one in variants if one) or None


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
