"""The plots of a report."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from fastscore.plots import (
    IntervalRow,
    Plot,
    Score,
    TradeOffPoint,
    interval_plot,
    tradeoff_plot,
)
from fastscore.report.costs import Cost, costs
from fastscore.report.subject import Entry, Shown, Subject, items

MAX_MEMBERS = 12
"""The tasks of a larger group share one plot."""


def interval_plots(subject: Subject) -> Iterator[Plot]:
    """Yield a plot a task and group, one row a model; tasks of a large group share one."""
    shared: set[str] = set()
    by_name = {entry.name: entry for entry in subject.entries}
    for entry in subject.entries:
        tasks = [name for name in entry.members if not by_name[name].is_group]
        if len(tasks) > MAX_MEMBERS:
            shared.update(tasks)
    for entry in subject.entries:
        if entry.name not in shared and entry.primary is not None:
            yield _of_models(subject, entry)
        within = [by_name[name] for name in entry.members if name in shared]
        if within and entry.primary is not None:
            rows = [IntervalRow(one.name, _scores(subject, one)) for one in within]
            yield interval_plot(
                _id("members", entry.name),
                f"{entry.name}: its tasks",
                rows,
                subject.series,
                entry.primary,
            )


def tradeoff_plots(subject: Subject) -> Iterator[Plot]:
    """Yield score against each cost that is known of all models, if there are two or more."""
    if len(subject.models) < 2:
        return
    overall = overall_scores(subject)
    for cost in costs(subject):
        if not cost.drawn or not all(map(math.isfinite, cost.values)) or not overall.scores:
            continue
        points = [
            TradeOffPoint(model.index, model.label, x, *score)
            for model, x, score in zip(subject.models, cost.values, overall.scores, strict=True)
        ]
        yield _tradeoff(cost, points, overall.name)


def _tradeoff(cost: Cost, points: list[TradeOffPoint], score: str) -> Plot:
    return tradeoff_plot(
        f"tradeoff-{cost.name}",
        f"{score} against {cost.title}",
        points,
        cost.heading,
        less_is_better=cost.less_is_better,
    )


@dataclass(frozen=True, slots=True)
class Overall:
    """One score a model: value, low and high of its 95 % interval, and what it is."""

    name: str
    scores: tuple[tuple[float, float, float], ...]


def overall_scores(subject: Subject) -> Overall:
    """Return the mean over the tasks and groups asked for, of each one's primary metric.

    Each counts alike. The interval is the normal one of a mean of independent means.
    """
    asked = [
        entry
        for entry in subject.entries
        if entry.depth == 0
        and entry.primary is not None
        and all(entry.primary in model.metrics(entry.name) for model in subject.models)
    ]
    if not asked:
        return Overall("score", ())
    if len(asked) == 1:
        name = f"{asked[0].name} {asked[0].primary}"
        return Overall(name, tuple(_value(model, asked[0]) for model in subject.models))
    scores = []
    for model in subject.models:
        values = [model.metrics(entry.name)[entry.primary or ""] for entry in asked]
        mean = math.fsum(one.value for one in values) / len(values)
        half = 1.96 * math.sqrt(math.fsum(one.stderr**2 for one in values)) / len(values)
        scores.append((mean, mean - half, mean + half))
    return Overall(f"mean of {len(asked)} tasks", tuple(scores))


def _of_models(subject: Subject, entry: Entry) -> Plot:
    rows = [
        IntervalRow(model.label, [_score(model, entry)], _number(_value(model, entry)[0]))
        for model in subject.models
        if entry.primary in model.metrics(entry.name)
    ]
    title = f"{entry.name}, {entry.primary}"
    plot = interval_plot(
        _id("interval", entry.name), title, rows, subject.series, str(entry.primary)
    )
    known = [model.results for model in subject.models if entry.name in model.results]
    sizes = {items(results[entry.name]) for results in known}
    return replace(plot, aside=f"{sizes.pop()} items" if len(sizes) == 1 else "")


def _scores(subject: Subject, entry: Entry) -> list[Score]:
    return [
        _score(model, entry)
        for model in subject.models
        if entry.primary in model.metrics(entry.name)
    ]


def _score(model: Shown, entry: Entry) -> Score:
    return Score(model.index, *_value(model, entry))


def _value(model: Shown, entry: Entry) -> tuple[float, float, float]:
    one = model.metrics(entry.name)[entry.primary or ""]
    return one.value, *one.ci95


def _number(value: float) -> str:
    return "n/a" if math.isnan(value) else f"{value:.4f}"


def _id(kind: str, name: str) -> str:
    """Return a name for ids and files; other characters of a task's name become its code."""
    return f"{kind}-" + re.sub(r"[^A-Za-z0-9_-]", lambda found: f".{ord(found[0]):x}.", name)
