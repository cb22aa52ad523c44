"""One task of a run: its items answered, all at once or a part at a time, and summed up."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol, cast

from fastscore.evaluation.executing import Executor
from fastscore.evaluation.generating import Generator
from fastscore.evaluation.judging import Answered, Judged
from fastscore.evaluation.preparation import Questions, TaskPreparation, chunks
from fastscore.evaluation.scoring import Scorer
from fastscore.generation_settings import GenerationPlan, departure
from fastscore.results import Sample, TaskResult
from fastscore.results.values import AnySample
from fastscore.tasks import GenerationTask, Task
from fastscore.types import Generation, Item, OpenItem

if TYPE_CHECKING:
    from fastscore.sandbox import Execution, Program

Execute = Callable[[Sequence["Program"]], "list[Execution]"]
"""Runs programs, showing progress."""


class Answering(Protocol):
    """A task whose items are answered a part at a time."""

    def answer(self, questions: Questions, indices: Sequence[int]) -> None:
        """Answer the items with these indices among ``questions``; no index comes twice."""

    def samples(self) -> dict[int, AnySample]:
        """Return what was answered so far, by index."""

    def result(self) -> TaskResult:
        """Sum up what was answered, in the order of the task's items."""


class ChoosingTask:
    """A task of given choices."""

    def __init__(self, prepared: TaskPreparation, scorer: Scorer, *, log_prompts: bool) -> None:
        assert isinstance(prepared.task, Task)
        self._task = prepared.task
        self._prepared = prepared
        self._prompting = prepared.prompting
        self._scorer = scorer
        self._log_prompts = log_prompts
        self._samples: dict[int, Sample] = {}
        self._truncated = self._boundary = 0

    def answer(self, questions: Questions, indices: Sequence[int]) -> None:
        """See `Answering`."""
        items = cast("list[Item]", questions.items)
        numbers = iter(indices)
        for chunk in chunks([items[index] for index in indices]):
            answers = self._scorer.answer(self._task.name, chunk)
            self._truncated += answers.n_truncated
            self._boundary += answers.n_boundary
            for item, likelihoods in zip(chunk, answers.likelihoods, strict=True):
                self._samples[next(numbers)] = Sample.score(
                    item, likelihoods, self._task.columns, log_prompts=self._log_prompts
                )

    def samples(self) -> dict[int, AnySample]:
        """See `Answering`."""
        return dict(self._samples)

    def result(self) -> TaskResult:
        """See `Answering`."""
        task, prompting = self._task, self._prompting
        return TaskResult.from_samples(
            [self._samples[index] for index in sorted(self._samples)],
            task.columns,
            num_fewshot=task.shots(prompting.num_fewshot),
            version=task.version,
            variant=prompting.variant(task),
            notices=prompting.notices(task),
            origin=self._prepared.origin,
            fewshot_origin=self._prepared.fewshot_origin,
            truncated=self._truncated,
            boundary=self._boundary,
        )


class WritingTask:
    """A task of generated texts; ``execute`` runs programs, None where that is not allowed."""

    def __init__(
        self,
        prepared: TaskPreparation,
        plan: GenerationPlan,
        generator: Generator,
        executor: Executor | None,
        execute: Execute,
        *,
        log_prompts: bool,
    ) -> None:
        assert isinstance(prepared.task, GenerationTask)
        self._task = prepared.task
        self._prepared = prepared
        self._prompting = prepared.prompting
        self._plan = plan
        self._generator = generator
        self._executor = executor
        self._execute = execute
        self._log_prompts = log_prompts
        self._items: dict[int, OpenItem] = {}
        self._generations: dict[int, list[Generation]] = {}
        self._extracted: dict[int, list[dict[str, str]]] = {}
        self._executions: dict[int, list[Execution]] = {}
        self._truncated = 0

    def answer(self, questions: Questions, indices: Sequence[int]) -> None:
        """See `Answering`."""
        items = cast("list[OpenItem]", questions.items)
        chosen = [items[index] for index in indices]
        generations: list[list[Generation]] = []
        for chunk in chunks(chosen):
            texts = self._generator.answer(self._task.name, chunk, self._plan)
            generations += texts.generations
            self._truncated += texts.n_truncated
        self._items.update(zip(indices, chosen, strict=True))
        self._generations.update(zip(indices, generations, strict=True))
        answered = Answered(self._task, self._plan, chosen, generations)
        extracted = answered.extract()
        self._extracted.update(zip(indices, extracted, strict=True))
        if self._task.executes_code and self._executor is not None:
            executions = self._execute(answered.programs(extracted))
            n = self._plan.n
            for at, index in enumerate(indices):
                self._executions[index] = executions[at * n : (at + 1) * n]

    def samples(self) -> dict[int, AnySample]:
        """See `Answering`."""
        if not self._items:
            return {}
        return dict(zip(sorted(self._items), self._judged().samples, strict=True))

    def result(self) -> TaskResult:
        """See `Answering`."""
        task, prompting = self._task, self._prompting
        judged = self._judged()
        variants = (
            prompting.variant(task),
            departure(self._plan, task.sampling, task.max_tokens),
        )
        return TaskResult(
            metrics=judged.metrics,
            n=len(self._items),
            num_fewshot=task.shots(prompting.num_fewshot),
            version=task.version,
            variant="; ".join(one for one in variants if one) or None,
            notices=prompting.notices(task),
            origin=self._prepared.origin,
            fewshot_origin=self._prepared.fewshot_origin,
            truncated=self._truncated,
            boundary=0,
            samples=judged.samples,
            generation=judged.summary,
        )

    def _judged(self) -> Judged:
        order = sorted(self._items)
        answered = Answered(
            self._task,
            self._plan,
            [self._items[index] for index in order],
            [self._generations[index] for index in order],
        )
        extracted = [self._extracted[index] for index in order]
        if not self._task.executes_code:
            return answered.judge_texts(extracted, log_prompts=self._log_prompts)
        if self._executor is None:
            return answered.leave_unjudged(extracted, log_prompts=self._log_prompts)
        executions = [one for index in order for one in self._executions[index]]
        summary = self._executor.summary(executions)
        return answered.judge_programs(
            extracted, executions, summary, log_prompts=self._log_prompts
        )
