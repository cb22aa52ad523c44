"""Which rows and notes a report of results has, whatever it is drawn with."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from fastscore.results.generation_notes import generation_notes, generation_work
from fastscore.results.results import Results
from fastscore.results.stopping import spoken
from fastscore.results.values import GroupResult, TaskResult, WorkReport
from fastscore.results.weight_notes import weight_notes
from fastscore.sizes import parameter_count
from fastscore.statistics.means import MetricValue

_NO_METRICS = (("none", MetricValue(math.nan, math.nan, (math.nan, math.nan))),)
"""Shown for a group whose tasks have no metric in common."""

MAX_MEMBERS = 12
"""A group of more tasks than this shows them only on request."""


@dataclass(frozen=True, slots=True)
class TableRow:
    """One metric of one task or group, as texts; what repeats the row above is empty."""

    name: str
    depth: int
    n: str
    shots: str
    metric: str
    value: str
    stderr: str
    interval: str
    is_group: bool


HEADINGS = ("task", "n", "shots", "metric", "value", "stderr", "95 % interval")


def table_rows(results: Results, *, verbose: bool) -> Iterator[TableRow]:
    """Yield the groups with their members below them, then the tasks of no group."""
    below = {member for group in results.groups.values() for member in group.members}
    for name, group in results.groups.items():
        if name not in below:
            shown = verbose or len(group.tasks) <= MAX_MEMBERS
            yield from _group_rows(results, name, 0, with_tasks=shown)
    for name in results.tasks:
        if name not in below:
            yield from _metric_rows(results, name, 0)


def notes(results: Results, *, verbose: bool) -> Iterator[str]:
    """Yield what a reader must know to take the scores for what they are, a sentence each."""
    tasks = results.tasks.items()
    hidden = _hidden_tasks(results)
    if hidden and not verbose:
        yield f"{hidden} tasks of groups not shown: --verbose, or results.table(verbose=True)."
    limit = results.settings.get("limit")
    if isinstance(limit, (int, float)):
        part = f"{limit:.3g} of the rows" if limit < 1 else f"{limit:.0f} rows"
        yield f"Limited to the first {'row' if limit == 1 else part} of each task."
    if isinstance(weights := results.model.get("weights"), Mapping):
        yield from weight_notes(weights)
    stops = ((name, results[name].stopping) for name in results)
    yield from by_text((name, spoken(stop)) for name, stop in stops if stop and stop.unit == name)
    for variant in by_text((name, task.variant) for name, task in tasks if task.variant):
        yield f"* {variant}"
    yield from by_text((name, notice) for name, task in tasks for notice in task.notices)
    for origin in ("origin", "fewshot_origin"):
        read = [(name, getattr(task, origin)) for name, task in tasks if getattr(task, origin)]
        yield from by_text((name, note) for name, rows in read for note in rows.notes)
    yield from by_text(
        (name, note) for name, t in tasks if t.generation for note in generation_notes(t.generation)
    )
    yield from by_text((name, _truncation(task)) for name, task in tasks if task.truncated)
    yield from by_text((name, _boundary(task)) for name, task in tasks if task.boundary)
    yield from by_text(_undefined(results))


def by_text(remarks: Iterable[tuple[str, str]]) -> Iterator[str]:
    """Yield each text once, behind the names it is about; remarks are (name, text)."""
    about: dict[str, list[str]] = {}
    for name, text in remarks:
        about.setdefault(text, []).append(name)
    for text, names in about.items():
        more = f" and {len(names) - 3} more" if len(names) > 4 else ""
        listed = ", ".join(names[: 3 if more else 4]) + more
        yield f"{listed}: {text.rstrip('.')}."


def footer(results: Results) -> Iterator[str]:
    """Yield how texts became tokens, what the run cost, and what the plan saved."""
    yield f"Tokenisation: {results.tokenisation.rstrip('.')}."
    yield f"Work: {_work(results.work)}."


def title(results: Results) -> str:
    """Name the model, its size and its quantisation, where known and not in the name already."""
    model = results.model
    name = str(model.get("name") or model.get("path") or model["fingerprint"])
    n_params = model.get("n_params")
    size = parameter_count(n_params) if isinstance(n_params, int) and n_params > 0 else ""
    parts = [size, str(model.get("quantisation") or "")]
    return " ".join([name, *(part for part in parts if part.lower() not in name.lower())])


def printable(text: str) -> str:
    """Escape what a terminal would act on: names may come from a stranger's file."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def _group_rows(results: Results, name: str, depth: int, *, with_tasks: bool) -> Iterator[TableRow]:
    yield from _metric_rows(results, name, depth)
    for member in results.groups[name].members:
        if member in results.groups:
            yield from _group_rows(results, member, depth + 1, with_tasks=with_tasks)
        elif with_tasks:
            yield from _metric_rows(results, member, depth + 1)


def _metric_rows(results: Results, name: str, depth: int) -> Iterator[TableRow]:
    is_group = name in results.groups
    result: TaskResult | GroupResult = results.groups[name] if is_group else results.tasks[name]
    for index, (metric, value) in enumerate(result.metrics.items() or _NO_METRICS):
        first = index == 0
        yield TableRow(
            name=printable(name) + _mark(results, result) if first else "",
            depth=depth,
            n=_count(result) if first else "",
            shots=_shots(results, result) if first else "",
            metric=printable(metric),
            value=_number(value.value),
            stderr=_number(value.stderr),
            interval=_interval(value),
            is_group=is_group,
        )


def _count(result: TaskResult | GroupResult) -> str:
    stopping = result.stopping
    if stopping is None or not stopping.early:
        return f"{result.n:,}"
    return f"{result.n:,} of {stopping.n_total:,}"


def _tasks_of(results: Results, result: TaskResult | GroupResult) -> list[TaskResult]:
    if isinstance(result, TaskResult):
        return [result]
    return [results.tasks[name] for name in result.tasks]


def _mark(results: Results, result: TaskResult | GroupResult) -> str:
    return "*" if any(task.variant for task in _tasks_of(results, result)) else ""


def _shots(results: Results, result: TaskResult | GroupResult) -> str:
    shots = {task.num_fewshot for task in _tasks_of(results, result)}
    return str(shots.pop()) if len(shots) == 1 else "mixed"


def _hidden_tasks(results: Results) -> int:
    large = [group for group in results.groups.values() if len(group.tasks) > MAX_MEMBERS]
    return len({task for group in large for task in group.tasks})


def _truncation(task: TaskResult) -> str:
    return f"{task.truncated:,} contexts were cut from the left to fit the window"


def _boundary(task: TaskResult) -> str:
    return f"{task.boundary:,} continuations have no token of their own and share their context's"


def _undefined(results: Results) -> Iterator[tuple[str, str]]:
    for name in results:
        metrics: dict[str, list[str]] = {}
        for metric, value in results[name].metrics.items():
            if value.reason is not None:
                metrics.setdefault(value.reason, []).append(metric)
        for reason, affected in metrics.items():
            yield f"{name} ({', '.join(affected)})", reason


def _work(work: WorkReport) -> str:
    scored = work.requests - work.from_store
    parts = []
    if work.from_store:
        parts.append(f"{work.from_store:,} of {work.requests:,} requests answered from the store")
    if scored and work.tokens_naive:  # other programs' files do not say it
        fewer = work.tokens_naive / work.tokens_decoded if work.tokens_decoded else 0.0
        saved = f" ({fewer:.1f}x fewer)" if fewer >= 1.05 else ""
        parts.append(
            f"decoded {work.tokens_decoded:,} tokens of {work.tokens_naive:,} naive{saved}, "
            f"{work.logit_rows:,} logit rows"
        )
    if work.generation is not None:
        parts.extend(generation_work(work.generation))
    parts.append(_duration(work.seconds["total"]))
    if work.peak_memory_bytes is not None:
        parts.append(f"peak memory {_size(work.peak_memory_bytes)}")
    return ", ".join(parts)


def _number(number: float) -> str:
    return "n/a" if math.isnan(number) else f"{number:.4f}"


def _interval(value: MetricValue) -> str:
    low, high = value.ci95
    return "n/a" if math.isnan(low) else f"{low:.4f} to {high:.4f}"


def _duration(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min {seconds:02} s"


def _size(n_bytes: int) -> str:
    return f"{n_bytes / 1e6:,.0f} MB" if n_bytes < 10e9 else f"{n_bytes / 1e9:,.1f} GB"
