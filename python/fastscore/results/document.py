"""Results as the JSON document ``results.json``, described in docs/results_schema.md."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, cast

from fastscore.errors import ResultsError
from fastscore.results.fields import MAX_DEPTH, Fields
from fastscore.results.generation_document import read_summary, write_summary
from fastscore.results.results import Results
from fastscore.results.stopping import Stopping
from fastscore.results.values import AnySample, GroupResult, TaskResult
from fastscore.results.work_document import read_work, write_work
from fastscore.statistics.means import MetricValue
from fastscore.types import Origin

SCHEMA_VERSION = 3
"""Raised when a reader of the former version would misread the new one.

1 knew no generated texts: the samples of a task were always choices among given answers. 2 knew no
digests of items: two runs could not tell whether they mean the same ones.
"""


@dataclass(frozen=True, slots=True)
class SamplesFile:
    """The file of a task's samples: relative to ``results.json``, with what it must contain."""

    file: str
    sha256: str
    lines: int


@dataclass(frozen=True, slots=True)
class SamplesKind:
    """What must be known to read a task's samples: the names of its metrics, and their kind."""

    metrics: tuple[str, ...]
    generated: bool


OpenSamples = Callable[[SamplesFile, SamplesKind], Sequence[AnySample]]
"""Gives the samples of a task."""


def to_document(
    results: Results, samples: Mapping[str, SamplesFile] | None = None
) -> dict[str, Any]:
    """Return the document; with ``samples``, each task refers to the file of its items."""
    truncated = sum(task.truncated for task in results.tasks.values())
    boundary = sum(task.boundary for task in results.tasks.values())
    return {
        "schema_version": SCHEMA_VERSION,
        "date": results.date,
        "tasks": {
            name: _task(task, samples[name] if samples else None)
            for name, task in results.tasks.items()
        },
        "groups": {
            name: {
                "members": list(group.members),
                "tasks": list(group.tasks),
                "n": group.n,
                "metrics": _metrics(group.metrics),
                "stopping": _stopping(group.stopping),
            }
            for name, group in results.groups.items()
        },
        "model": dict(results.model),
        "settings": dict(results.settings),
        "tokenisation": {
            "policy": results.tokenisation,
            "truncated": truncated,
            "boundary": boundary,
        },
        "versions": dict(results.versions),
        "machine": dict(results.machine),
        "work": write_work(results.work),
    }


def from_document(document: Fields, open_samples: OpenSamples) -> Results:
    """Read the document back.

    Raises:
        ResultsError: a newer fastscore wrote it, or a field is missing or wrong.

    """
    _check_version(document)
    tasks = {name: _read_task(f, open_samples) for name, f in document.objects("tasks")}
    return Results(
        tasks=tasks,
        groups=_read_groups(document, tasks),
        model=_read_model(document),
        settings=document.plain("settings"),
        tokenisation=document.object("tokenisation").text("policy"),
        versions=_read_versions(document),
        machine=document.plain("machine"),
        work=read_work(document.object("work")),
        date=_read_date(document),
    )


def _task(task: TaskResult, samples: SamplesFile | None) -> dict[str, Any]:
    document = {
        "metrics": _metrics(task.metrics),
        "n": task.n,
        "num_fewshot": task.num_fewshot,
        "version": task.version,
        "variant": task.variant,
        "notices": list(task.notices),
        "origin": _origin(task.origin),
        "fewshot_origin": None if task.fewshot_origin is None else _origin(task.fewshot_origin),
        "truncated": task.truncated,
        "boundary": task.boundary,
        "generation": write_summary(task.generation),
        "stopping": _stopping(task.stopping),
    }
    if samples is not None:
        document["samples"] = {
            "file": samples.file,
            "sha256": samples.sha256,
            "lines": samples.lines,
        }
    return document


def _stopping(stopping: Stopping | None) -> dict[str, Any] | None:
    return None if stopping is None else stopping.to_dict()


def _metrics(metrics: Mapping[str, MetricValue]) -> dict[str, Any]:
    return {name: write_metric(value) for name, value in metrics.items()}


def write_metric(value: MetricValue) -> dict[str, Any]:
    """Return a metric; what is undefined is null."""
    metric: dict[str, Any] = {
        "value": _null_for_nan(value.value),
        "stderr": _null_for_nan(value.stderr),
        "ci95": None if math.isnan(value.ci95[0]) else [float(end) for end in value.ci95],
    }
    if value.reason is not None:
        metric["reason"] = value.reason
    return metric


def _null_for_nan(number: float) -> float | None:
    return None if math.isnan(number) else float(number)


def _origin(origin: Origin) -> dict[str, Any]:
    return {
        "kind": origin.kind,
        "location": origin.location,
        "sha256": origin.sha256,
        "n_rows": origin.n_rows,
        "revision": origin.revision,
        "notes": list(origin.notes),
    }


def _check_version(document: Fields) -> None:
    """Refuse what a later fastscore wrote; the versions before are read as they are."""
    version = document.count("schema_version")
    if version > SCHEMA_VERSION:
        raise ResultsError(
            f"{document.where} has schema version {version}; this fastscore reads up to "
            f"{SCHEMA_VERSION}. Upgrade it: pip install --upgrade fastscore-gguf"
        )
    if version < 1:
        raise document.wrong("schema_version", f"1 to {SCHEMA_VERSION}")


def _read_task(fields: Fields, open_samples: OpenSamples) -> TaskResult:
    n = fields.count("n")
    metrics = _read_metrics(fields)
    reference = fields.object("samples")
    file = SamplesFile(
        reference.text("file"), reference.text("sha256"), lines=reference.count("lines")
    )
    if file.lines != n:
        raise reference.wrong("lines", f"{n}, the number of items")
    fewshot = fields.object_or_none("fewshot_origin")
    generation = read_summary(fields.object_if_there("generation"))
    return TaskResult(
        metrics=metrics,
        n=n,
        num_fewshot=fields.count("num_fewshot"),
        version=fields.text("version"),
        variant=fields.text_or_none("variant"),
        notices=fields.texts("notices"),
        origin=_read_origin(fields.object("origin")),
        fewshot_origin=None if fewshot is None else _read_origin(fewshot),
        truncated=fields.count("truncated"),
        boundary=fields.count("boundary"),
        samples=open_samples(file, SamplesKind(tuple(metrics), generation is not None)),
        generation=generation,
        stopping=_read_stopping(fields, n),
    )


def _read_stopping(fields: Fields, n: int) -> Stopping | None:
    stopping = fields.object_if_there("stopping")
    return None if stopping is None else Stopping.from_fields(stopping, n)


def _read_metrics(fields: Fields) -> dict[str, MetricValue]:
    return {name: _read_metric(metric) for name, metric in fields.objects("metrics")}


def _read_metric(fields: Fields) -> MetricValue:
    value = MetricValue(
        fields.number_or_nan("value"),
        fields.number_or_nan("stderr"),
        fields.interval("ci95"),
        fields.text("reason") if "reason" in fields.values else None,
    )
    if value.reason is None and any(map(math.isnan, (value.value, value.stderr, *value.ci95))):
        raise ResultsError(f"{fields.where}: a null needs its 'reason' beside it.")
    return value


def _read_origin(fields: Fields) -> Origin:
    kind = fields.text("kind")
    if kind not in ("file", "hub", "package"):
        raise fields.wrong("kind", '"file", "hub" or "package"')
    return Origin(
        kind=cast("Literal['file', 'hub', 'package']", kind),
        location=fields.text("location"),
        sha256=fields.text("sha256"),
        n_rows=fields.count("n_rows"),
        revision=fields.text_or_none("revision"),
        notes=fields.texts("notes"),
    )


def _read_groups(document: Fields, tasks: Mapping[str, TaskResult]) -> dict[str, GroupResult]:
    groups = {}
    names = document.object("groups").values.keys()
    for name, fields in document.objects("groups"):
        n = fields.count("n")
        group = GroupResult(
            members=fields.texts("members"),
            tasks=fields.texts("tasks"),
            metrics=_read_metrics(fields),
            n=n,
            stopping=_read_stopping(fields, n),
        )
        if not all(task in tasks for task in group.tasks):
            raise fields.wrong("tasks", "names of tasks in this file")
        if not all(member in tasks or member in names for member in group.members):
            raise fields.wrong("members", "names of tasks and groups in this file")
        groups[name] = group
    _refuse_cycles(document, groups)
    return groups


def _refuse_cycles(document: Fields, groups: Mapping[str, GroupResult]) -> None:
    """Refuse a group inside itself, which would make every walk over the groups endless."""
    placed: set[str] = set()
    for _ in range(MAX_DEPTH):
        placed = {
            name
            for name, group in groups.items()
            if all(member in placed or member not in groups for member in group.members)
        }
    if len(placed) < len(groups):
        raise ResultsError(
            f"{document.where}.groups: a group is inside itself, or {MAX_DEPTH} groups deep."
        )


def _read_model(document: Fields) -> dict[str, Any]:
    document.object("model").text("fingerprint")
    return document.plain("model")


def _read_versions(document: Fields) -> dict[str, str]:
    versions = document.object("versions")
    return {name: versions.text(name) for name in versions.values}


def _read_date(document: Fields) -> str:
    date = document.text("date")
    try:
        aware = datetime.fromisoformat(date).tzinfo is not None
    except ValueError:
        aware = False
    if not aware:
        raise document.wrong("date", "a date and time with its offset from UTC")
    return date
