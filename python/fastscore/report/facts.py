"""Settings, versions, machines and data of the runs, a column a model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from fastscore.report.subject import Subject
from fastscore.results.rows import printable


@dataclass(frozen=True, slots=True)
class FactRow:
    """A fact of each model; ``differs`` where they are not the same."""

    name: str
    cells: tuple[str, ...]
    differs: bool


@dataclass(frozen=True, slots=True)
class FactTable:
    """Facts of one kind."""

    title: str
    what: str
    columns: tuple[str, ...]
    rows: tuple[FactRow, ...]
    open: bool = False


def facts(subject: Subject) -> list[FactTable]:
    """Return what is known of how the numbers came about."""
    several = [model.results for model in subject.models]
    kinds = {
        "Models": [dict(one.model) for one in several],
        "Settings": [dict(one.settings) for one in several],
        "Machine and versions": [
            {**one.machine, **one.versions, "date": one.date} for one in several
        ],
        "Work": [_work(one.work) for one in several],
        "Data": [dict(_origins(one.tasks)) for one in several],
    }
    columns = tuple(subject.series)
    return [
        FactTable(kind, kind.lower(), columns, rows)
        for kind, values in kinds.items()
        if (rows := _rows([dict(_flat(value)) for value in values]))
    ]


def _work(work: Any) -> dict[str, Any]:
    return {
        "requests": f"{work.requests:,}",
        "from an earlier run": f"{work.from_store:,}",
        "tokens decoded": f"{work.tokens_decoded:,}",
        "tokens one request at a time": f"{work.tokens_naive:,}",
        "seconds": {name: f"{seconds:,.1f}" for name, seconds in work.seconds.items()},
    }


def _origins(tasks: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, task in tasks.items():
        origin = task.origin
        revision = f", revision {origin.revision}" if origin.revision else ""
        sha256 = f", SHA-256 {origin.sha256[:16]}…"
        yield name, f"{origin.n_rows:,} rows of {origin.location}{revision}{sha256}"


def _flat(values: Mapping[str, Any], ahead: str = "") -> Iterator[tuple[str, str]]:
    """Yield names and texts of what is known, those of objects behind the object's name."""
    for name, value in values.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{ahead}{name} ")
        elif value is not None and value != "" and value != []:
            yield printable(f"{ahead}{name}".replace("_", " ")), _shown(value)


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, list):
        return printable(", ".join(map(str, value)))
    return printable(str(value))


def _rows(columns: list[dict[str, str]]) -> tuple[FactRow, ...]:
    names = dict.fromkeys(name for column in columns for name in column)
    rows = []
    for name in names:
        cells = tuple(column.get(name, "—") for column in columns)
        rows.append(FactRow(name, cells, len(set(cells)) > 1))
    return tuple(rows)
