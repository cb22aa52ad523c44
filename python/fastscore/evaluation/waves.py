"""Items in random order, in growing waves, until a rule is met: which items, and what they say.

A group is drawn from as one: its order is that of all its items, and what its tasks get of them is
a random order of theirs. So the tasks and the groups within have intervals of their own, which hold
as well, however wide they may be.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from fastscore.evaluation.answering import Answering
from fastscore.evaluation.groups import sum_up
from fastscore.evaluation.preparation import KEPT_CHARACTERS, Questions, TaskPreparation
from fastscore.evaluation.units import Place, Unit, random_order, units_of
from fastscore.evaluation.until import ALPHA, Rule
from fastscore.results import GroupResult, MetricValue, TaskResult
from fastscore.results.primary import primary_metric
from fastscore.results.stopping import Stopping
from fastscore.results.values import AnySample
from fastscore.statistics.means import summarise
from fastscore.statistics.sequential import confidence_sequence
from fastscore.tasks import Selection


class Waves:
    """The tasks of a run whose items are scored until ``rule`` is met.

    ``tasks`` are all of the run, each with what answers its items.
    """

    def __init__(
        self,
        selection: Selection,
        tasks: Sequence[tuple[TaskPreparation, Answering]],
        rule: Rule,
        seed: int,
    ) -> None:
        self.units = units_of(selection)
        self._selection = selection
        self._prepared = {prepared.task.name: prepared for prepared, _ in tasks}
        self._answering = {prepared.task.name: answering for prepared, answering in tasks}
        self._rule = rule
        self._seed = seed
        self._drawn: dict[str, list[Place]] = {}  # by unit, in random order

    def score(self, unit: Unit) -> None:
        """Score items of a unit until the rule is met, or there are none left."""
        sizes = {task: self._prepared[task].n_items for task in unit.tasks}
        order = random_order(unit, sizes, self._seed)
        kept = _Kept([self._prepared[task] for task in unit.tasks])
        drawn = self._drawn[unit.name] = []
        while True:
            values = self._values(unit)
            size = self._rule.next_size(unit.name, values, len(order))
            if size <= len(drawn):
                return
            wave = order[len(drawn) : size]
            for task in unit.tasks:
                # In the order of the rows, where neighbours share more of their prompts.
                indices = sorted(place.index for place in wave if place.task == task)
                if indices:
                    self._answering[task].answer(kept.questions(task), indices)
            drawn += wave

    def results(self) -> tuple[dict[str, TaskResult], dict[str, GroupResult]]:
        """Sum up tasks and groups, each with its intervals and what stopped it."""
        plain = {task: self._answering[task].result() for task in self._prepared}
        tasks = {}
        for task, result in plain.items():
            part = self._part(task, (task,), list(result.metrics))
            metrics = part.with_intervals(result.metrics)
            tasks[task] = replace(result, metrics=metrics, stopping=part.stopping())
        groups = sum_up(self._selection, plain)
        for group in self._selection.groups:
            whole = groups[group.name]
            part = self._part(group.name, group.members, list(whole.metrics))
            stopping = part.stopping()
            metrics = part.summary() if stopping.early else dict(whole.metrics)
            groups[group.name] = replace(whole, metrics=metrics, stopping=stopping)
        return tasks, groups

    def _values(self, unit: Unit) -> list[float]:
        """Return the scores so far in the unit's primary metric, in random order."""
        groups = {group.name: list(group.metrics) for group in self._selection.groups}
        samples = self._samples(unit, unit.tasks)
        if not samples:
            return []
        metric = primary_metric(groups.get(unit.name) or samples[0].scores)
        return [one.scores[metric].value for one in samples]

    def _part(self, name: str, tasks: Sequence[str], metrics: Sequence[str]) -> _Part:
        (unit,) = (unit for unit in self.units if set(tasks) <= set(unit.tasks))
        return _Part(
            name,
            unit.name,
            tuple(metrics),
            self._samples(unit, tasks),
            sum(self._prepared[task].n_items for task in tasks),
            self._rule,
            self._seed,
        )

    def _samples(self, unit: Unit, tasks: Sequence[str]) -> list[AnySample]:
        """Return the samples of some of a unit's tasks, in the order they were drawn in."""
        drawn = self._drawn.get(unit.name, [])
        samples = {task: self._answering[task].samples() for task in tasks}
        return [samples[place.task][place.index] for place in drawn if place.task in samples]


@dataclass(frozen=True, slots=True)
class _Part:
    """A task or group, all or part of the unit that its items were drawn for."""

    name: str
    unit: str
    metrics: tuple[str, ...]
    samples: list[AnySample]  # in random order
    n_total: int
    rule: Rule
    seed: int

    def stopping(self) -> Stopping:
        """Say how many items there are of how many, and what they say of the primary metric."""
        metric = primary_metric(self.metrics)
        return Stopping(
            rule=self.rule.text,
            unit=self.unit,
            metric=metric,
            n=len(self.samples),
            n_total=self.n_total,
            interval=self._interval(metric),
            alpha=ALPHA,
            seed=self.seed,
        )

    def summary(self) -> dict[str, MetricValue]:
        """Take the items as drawn from all together: they are no sample of each task's size."""
        return self.with_intervals(
            {
                name: summarise([one.scores[name] for one in self.samples], binary=False)
                for name in self.metrics
            }
        )

    def with_intervals(self, metrics: Mapping[str, MetricValue]) -> dict[str, MetricValue]:
        """Put intervals for the values of all items in place of those for a fixed number."""
        if len(self.samples) in (0, self.n_total):
            return dict(metrics)
        return {
            name: value if math.isnan(value.value) else replace(value, ci95=self._interval(name))
            for name, value in metrics.items()
        }

    def _interval(self, metric: str) -> tuple[float, float]:
        values = [one.scores[metric].value for one in self.samples]
        if not values:
            return 0.0, 1.0
        if any(map(math.isnan, values)):
            return math.nan, math.nan
        half_width = self.rule.half_width if self.name == self.unit else None
        return confidence_sequence(values, self.n_total, ALPHA, half_width=half_width).interval


class _Kept:
    """The questions of a unit's tasks, held between waves as long as they are small."""

    def __init__(self, prepared: Sequence[TaskPreparation]) -> None:
        self._prepared = {one.task.name: one for one in prepared}
        self._hold = sum(one.characters for one in prepared) <= KEPT_CHARACTERS
        self._held: dict[str, Questions] = {}

    def questions(self, task: str) -> Questions:
        questions = self._held.get(task) or self._prepared[task].questions()
        if self._hold:
            self._held[task] = questions
        return questions
