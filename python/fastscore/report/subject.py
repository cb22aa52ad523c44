"""What a report is about: models with their results, and perhaps a comparison of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from fastscore.comparison.comparison import Comparison
from fastscore.comparison.labels import ModelName, label_models
from fastscore.errors import UsageError
from fastscore.profiling.values import Profile
from fastscore.results import GroupResult, MetricValue, Results, TaskResult
from fastscore.results.primary import primary_metric
from fastscore.results.rows import printable

Showable = Results | Comparison | Sequence[Results]
"""The results of one run, those of several side by side, or a comparison."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A model of the report under its short name; ``index`` gives colour and shape.

    ``profile`` is what it costs on a device, where that was measured.
    """

    index: int
    label: str
    results: Results
    profile: Profile | None = None

    def metrics(self, name: str) -> Mapping[str, MetricValue]:
        """Return the metrics of a task or group; none where the model lacks it."""
        return self.results[name].metrics if name in self.results else {}


@dataclass(frozen=True, slots=True)
class Entry:
    """A task or group: where it stands, and the metric that is looked at first.

    ``metrics`` are those of any model, ``shared`` those of all that have the task.
    """

    name: str
    depth: int
    is_group: bool
    metrics: tuple[str, ...]
    shared: tuple[str, ...]
    members: tuple[str, ...] = ()

    @property
    def primary(self) -> str | None:
        """The metric to look at first; None where the tasks of a group share none."""
        return primary_metric(self.shared or self.metrics) if self.metrics else None


@dataclass(frozen=True)
class Subject:
    """All that a report shows.

    ``entries`` are the groups, each with its members after it, and the tasks of no group: those
    of the first model, then what only others have.
    """

    models: tuple[Shown, ...]
    entries: tuple[Entry, ...]
    comparison: Comparison | None = None

    @property
    def tasks(self) -> list[Entry]:
        """The entries that are tasks."""
        return [entry for entry in self.entries if not entry.is_group]

    @property
    def series(self) -> list[str]:
        """The models' names, in the order of their colours."""
        return [model.label for model in self.models]


def subject_of(shown: Showable) -> Subject:
    """Take apart what is to be shown.

    Raises:
        UsageError: there is nothing, or something else.

    """
    if isinstance(shown, Comparison):
        both = [shown.base, *shown.candidates]
        models = [Shown(i, one.label, one.results, one.profile) for i, one in enumerate(both)]
        return Subject(tuple(models), tuple(_entries([m.results for m in models])), shown)
    several = [shown] if isinstance(shown, Results) else list(shown)
    for one in several:
        if not isinstance(one, Results):
            raise UsageError(
                f"a report shows Results or a Comparison, not {type(one).__name__}; "
                "fastscore.load(directory) reads the results of a run"
            )
    if not several:
        raise UsageError("there are no results to show")
    named = zip(label_models([_name(one) for one in several]), several, strict=True)
    models = [Shown(i, label, results) for i, (label, results) in enumerate(named)]
    return Subject(tuple(models), tuple(_entries(several)))


def size_and_shots(subject: Subject, name: str) -> tuple[str, str]:
    """Return the numbers of items and of solved examples; those of each model where they differ."""
    known = [model.results[name] for model in subject.models if name in model.results]
    sizes = dict.fromkeys(items(one) for one in known)
    shots = dict.fromkeys(str(one.num_fewshot) for one in known if isinstance(one, TaskResult))
    return " / ".join(sizes), " / ".join(shots)


def items(result: TaskResult | GroupResult) -> str:
    """Return the number of items, and of how many where the run stopped early."""
    stopping = result.stopping
    if stopping is None or not stopping.early:
        return f"{result.n:,}"
    return f"{result.n:,} of {stopping.n_total:,}"


def _name(results: Results) -> ModelName:
    """Return what a model is named by; results from elsewhere may lack its path."""
    model = results.model
    path = model.get("path") or model.get("name") or model.get("fingerprint")
    return ModelName(printable(str(path)), printable(str(model.get("quantisation") or "")))


def _entries(several: Sequence[Results]) -> list[Entry]:
    entries: dict[str, Entry] = {}
    for results in several:
        below = {member for group in results.groups.values() for member in group.members}
        for name in [*results.groups, *results.tasks]:
            if name not in below:
                _add(results, name, 0, entries)
    return list(entries.values())


def _add(results: Results, name: str, depth: int, entries: dict[str, Entry]) -> None:
    """Add a task, or a group and its members, in the order of the table."""
    result: TaskResult | GroupResult = results[name]
    is_group = isinstance(result, GroupResult)
    members = result.members if isinstance(result, GroupResult) else ()
    metrics = tuple(result.metrics)
    first = entries.setdefault(name, Entry(name, depth, is_group, metrics, metrics, members))
    entries[name] = replace(
        first,
        metrics=tuple(dict.fromkeys((*first.metrics, *metrics))),
        shared=tuple(metric for metric in first.shared if metric in metrics),
    )
    for member in members:
        _add(results, member, depth + 1, entries)
