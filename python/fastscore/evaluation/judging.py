"""From generated texts to a task's result: extraction, judgement or execution, and sums."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, get_args

from fastscore.generation_settings import GenerationPlan
from fastscore.metrics import Score
from fastscore.results import GenerationSample, GenerationSummary, MetricValue
from fastscore.results.digest import item_digest
from fastscore.statistics.means import summarise
from fastscore.statistics.pass_rates import PassRates, pass_rate, pass_rates
from fastscore.tasks import GenerationTask
from fastscore.types import FinishReason, Generation, OpenItem

if TYPE_CHECKING:
    from fastscore.results import ExecutionSummary
    from fastscore.sandbox import Execution, Program

NOT_RUN = (
    "the programs in these texts were not run. Give the same command with --allow-code-execution "
    "(in Python allow_code_execution=True) to run them; the texts come from the store"
)

Extracted = list[list[dict[str, str]]]
"""By item, sample and filter: the part of an output that is judged."""


@dataclass(frozen=True, slots=True)
class Judged:
    """What a task's texts are worth."""

    samples: list[GenerationSample]
    metrics: dict[str, MetricValue]
    summary: GenerationSummary


@dataclass(frozen=True, slots=True)
class Answered:
    """The items of a task with the texts a model wrote, [item][sample]."""

    task: GenerationTask
    plan: GenerationPlan
    items: Sequence[OpenItem]
    generations: Sequence[Sequence[Generation]]

    def extract(self) -> Extracted:
        """Apply the task's filters to every text."""
        return [[self.task.extract(one.text) for one in row] for row in self.generations]

    def programs(self, extracted: Extracted) -> list[Program]:
        """Make the programs to run, one item after the other."""
        return [
            self.task.program(item, parts)
            for item, row in zip(self.items, extracted, strict=True)
            for parts in row
        ]

    def judge_texts(self, extracted: Extracted, *, log_prompts: bool) -> Judged:
        """Compare what was extracted with the references."""
        scores = [
            _mean([self.task.judge(item, parts) for parts in row])
            for item, row in zip(self.items, extracted, strict=True)
        ]
        samples = self._samples(extracted, scores, None, log_prompts)
        columns = self.task.columns
        return Judged(
            samples,
            {
                name: _share_of([one.scores[name] for one in samples], self.plan.n)
                for name in columns
            },
            self._summary(),
        )

    def judge_programs(
        self,
        extracted: Extracted,
        executions: Sequence[Execution],
        execution: ExecutionSummary,
        *,
        log_prompts: bool,
    ) -> Judged:
        """Count the programs that passed, and estimate pass@k from the counts."""
        n = self.plan.n
        rows = [executions[at : at + n] for at in range(0, len(executions), n)]
        n_passed = [sum(one.outcome == "passed" for one in row) for row in rows]
        rates = pass_rates(n, n_passed, self.plan.k)
        scores = [
            {f"pass@{k}": Score(rate.by_problem[i]) for k, rate in rates.by_k.items()}
            for i in range(len(rows))
        ]
        samples = self._samples(extracted, scores, rows, log_prompts)
        metrics = {f"pass@{k}": rate.value for k, rate in rates.by_k.items()}
        return Judged(samples, metrics, self._summary(rates, execution))

    def leave_unjudged(self, extracted: Extracted, *, log_prompts: bool) -> Judged:
        """Keep the texts of a task whose programs may not be run."""
        names = [f"pass@{k}" for k in self.plan.k]
        unknown = dict.fromkeys(names, Score(math.nan, "the programs were not run"))
        samples = self._samples(extracted, [unknown] * len(self.items), None, log_prompts)
        undefined = MetricValue(math.nan, math.nan, (math.nan, math.nan), NOT_RUN)
        return Judged(samples, dict.fromkeys(names, undefined), self._summary())

    def _samples(
        self,
        extracted: Extracted,
        scores: Sequence[Mapping[str, Score]],
        executions: Sequence[Sequence[Execution]] | None,
        log_prompts: bool,
    ) -> list[GenerationSample]:
        samples = []
        for index, item in enumerate(self.items):
            row = self.generations[index]
            ran = None if executions is None else executions[index]
            samples.append(
                GenerationSample(
                    doc_id=item.doc_id,
                    gold=item.gold,
                    outputs=tuple(one.text for one in row),
                    finish_reasons=tuple(one.finish_reason for one in row),
                    extracted={
                        name: tuple(parts[name] for parts in extracted[index])
                        for name in self.task.filters
                    },
                    scores=scores[index],
                    outcomes=None if ran is None else tuple(one.outcome for one in ran),
                    details=None if ran is None else tuple(one.detail for one in ran),
                    context=item.context if log_prompts else None,
                    item=item_digest(item),
                )
            )
        return samples

    def _summary(
        self, rates: PassRates | None = None, execution: ExecutionSummary | None = None
    ) -> GenerationSummary:
        generations = [one for row in self.generations for one in row]
        ended = Counter(one.finish_reason for one in generations)
        return GenerationSummary(
            n=self.plan.n,
            sampling=self.plan.sampling,
            max_tokens=self.plan.max_tokens or max(item.max_tokens for item in self.items),
            mean_tokens=sum(one.n_tokens for one in generations) / len(generations),
            finish_reasons={reason: ended[reason] for reason in get_args(FinishReason)},
            k=self.plan.k,
            none_passed=None if rates is None else rates.none_right,
            all_passed=None if rates is None else rates.all_right,
            execution=execution,
        )


def _mean(scores: Sequence[Mapping[str, Score]]) -> dict[str, Score]:
    """Average the samples of one item; one undefined sample makes the item undefined."""
    means = {}
    for name in scores[0]:
        values = [one[name] for one in scores]
        undefined = next((one for one in values if math.isnan(one.value)), None)
        means[name] = undefined or Score(math.fsum(one.value for one in values) / len(values))
    return means


def _share_of(scores: Sequence[Score], n: int) -> MetricValue:
    """Return the mean of a 0/1 score over ``n`` samples of each item.

    Samples of one item resemble each other, so the item is the unit; and the share of its right
    samples is what pass@1 estimates, interval and all.
    """
    if n == 1 or any(math.isnan(one.value) for one in scores):
        return summarise(scores, binary=True)
    return pass_rate(n, [round(one.value * n) for one in scores], 1).value
