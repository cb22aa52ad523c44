"""The texts and tables of a report's page, as plain values for its template."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from fastscore.comparison.plots import primary_differences
from fastscore.comparison.rows import interval, p_value, signed
from fastscore.comparison.values import Difference
from fastscore.report.costs import cost_notes, costs, parameters
from fastscore.report.distances import distances
from fastscore.report.facts import facts
from fastscore.report.subject import Entry, Shown, Subject, size_and_shots
from fastscore.report.theme import mark
from fastscore.report.verdict import Judged, conjoined, headline, remarks, sentences
from fastscore.results.rows import footer, notes, printable, title

_SIGNS = {"worse": "▼", "better": "▲", "equivalent": "◆", "open": "○", "undefined": "—"}
_STANDING = {"no difference found": "open"}
_WORDS = {"worse": "worse", "better": "better", "equivalent": "equivalent", "open": "not decided"}


@dataclass(frozen=True, slots=True)
class ModelView:
    """A model as tables name it."""

    index: int
    label: str
    mark: tuple[str, str]
    quantisation: str
    parameters: str


def contents(subject: Subject) -> dict[str, Any]:
    """Return the values of the template, all but plots and items."""
    comparison = subject.comparison
    models = [_view(model) for model in subject.models]
    return {
        "title": _title(subject),
        "subtitle": _subtitle(subject),
        "sections": list(_sections(subject)),
        "comparison": comparison is not None,
        "models": models,
        "lead": headline(comparison) if comparison else _lead(subject),
        "found": [_found(one) for one in sentences(comparison)] if comparison else [],
        "warnings": list(comparison.warnings) if comparison else [],
        "margin": f"{comparison.margin:g}" if comparison else "",
        "scores": [row for entry in subject.entries for row in _score_rows(subject, entry)],
        "differences": list(_difference_rows(subject, models, every=False)),
        "all_differences": list(_difference_rows(subject, models, every=True)),
        "signs": _SIGNS,
        "distances": distances(comparison),
        "costs": costs(subject),
        "cost_notes": list(cost_notes(subject)),
        "notes": list(_notes(subject)),
        "facts": facts(subject),
    }


def _view(model: Shown) -> ModelView:
    kind = printable(str(model.results.model.get("quantisation") or "n/a"))
    return ModelView(model.index, model.label, mark(model.index), kind, parameters(model))


def _sections(subject: Subject) -> Iterator[tuple[str, str]]:
    yield "summary", "Verdict" if subject.comparison else "Summary"
    yield "scores", "Scores"
    if subject.comparison:
        yield "differences", "Differences"
        if distances(subject.comparison):
            yield "distances", "Distributions"
    yield "costs", "Size and speed"
    if subject.comparison:
        yield "flips", "Flipped items"
    yield "items", "Items"
    yield "making", "How it was made"


def _title(subject: Subject) -> str:
    if subject.comparison is not None:
        others = [one.label for one in subject.comparison]
        return f"{subject.comparison.base.label} against {conjoined(others)}"
    if len(subject.models) == 1:
        return printable(title(subject.models[0].results))
    return conjoined(subject.series)


def _subtitle(subject: Subject) -> str:
    """Say what the models are, how much was scored, when and where."""
    results = subject.models[0].results
    n = sum(task.n for task in results.tasks.values())
    cpu = str(results.machine.get("cpu") or "")
    named = [] if len(subject.models) == 1 else [str(results.model.get("name") or "")]
    scored = f"{n:,} items of {_counted(len(results.tasks), 'task')}"
    return " · ".join(printable(part) for part in [*named, scored, results.date[:10], cpu] if part)


def _lead(subject: Subject) -> str:
    """Say a single model's scores, or that of several none was compared with another."""
    if len(subject.models) > 1:
        return (
            f"{len(subject.models)} models side by side. Whether a difference between two is more "
            "than chance is what fastscore compare says: it pairs their items."
        )
    model = subject.models[0]
    said = []
    for entry in subject.entries:
        if entry.depth == 0 and entry.primary is not None:
            one = model.metrics(entry.name)[entry.primary]
            if not math.isnan(one.ci95[0]):
                low, high = (f"{100 * end:.1f}" for end in one.ci95)
                said.append(f"{100 * one.value:.1f} % on {entry.name} ({low} to {high})")
    if not said:
        return f"{model.label}: no score with an interval."
    more = f" and {_counted(len(said) - 4, 'more task')}" if len(said) > 4 else ""
    listed = ", ".join(said[:4]) + more if more else conjoined(said)
    return f"{model.label} scores {listed}; in brackets 95 % intervals."


def _found(one: Judged) -> dict[str, str]:
    return {
        "standing": one.standing,
        "word": _WORDS[one.standing],
        "sentence": one.sentence,
    }


def _score_rows(subject: Subject, entry: Entry) -> Iterator[dict[str, Any]]:
    size, shots = size_and_shots(subject, entry.name)
    for i, metric in enumerate(entry.metrics or ("none",)):
        first = i == 0
        yield {
            "name": printable(entry.name) if first else "",
            "depth": min(entry.depth, 3),
            "is_group": entry.is_group,
            "n": size if first else "",
            "shots": shots if first else "",
            "metric": printable(metric),
            "cells": [_cell(model, entry.name, metric) for model in subject.models],
        }


def _cell(model: Shown, name: str, metric: str) -> dict[str, str]:
    one = model.metrics(name).get(metric)
    if one is None:
        return {"value": "—", "stderr": "", "title": "not scored"}
    low, high = one.ci95
    between = "" if math.isnan(low) else f"95 % interval {low:.4f} to {high:.4f}"
    return {
        "value": "n/a" if math.isnan(one.value) else f"{one.value:.4f}",
        "stderr": "" if math.isnan(one.stderr) else f"{one.stderr:.4f}",
        "title": one.reason or between,
    }


def _difference_rows(
    subject: Subject, models: list[ModelView], *, every: bool
) -> Iterator[Mapping[str, Any]]:
    """Yield a row a difference: those that were asked for, or every one."""
    if subject.comparison is None:
        return
    for model, candidate in zip(models[1:], subject.comparison, strict=True):
        for one in candidate.differences if every else primary_differences(candidate):
            yield {
                "model": model,
                "task": printable(one.task),
                "metric": printable(one.metric),
                "n": f"{one.n:,}" if one.n_total is None else f"{one.n:,} of {one.n_total:,}",
                "difference": signed(one.difference),
                "interval": interval(one.ci95),
                "p": p_value(one.p_holm),
                "gained": f"{one.n_gained:,}",
                "lost": f"{one.n_lost:,}",
                "standing": _STANDING.get(one.verdict, one.verdict),
                "verdict": _verdict(one),
                "gold_change": signed(one.gold_change.value),
                "margin_change": signed(one.margin_change.value),
            }


def _verdict(one: Difference) -> str:
    if one.verdict == "equivalent":
        return f"equivalent within {one.margin:g}"
    if one.verdict in ("better", "worse") and one.within_margin:
        return f"{one.verdict}, within {one.margin:g}"
    return one.verdict  # why one is undefined stands among the remarks


def _notes(subject: Subject) -> Iterator[str]:
    """Yield what must be known of the scores; what all models share is said once."""
    said: dict[str, list[str]] = {}
    for model in subject.models:
        for note in [*notes(model.results, verbose=True), *footer(model.results)]:
            said.setdefault(note, []).append(model.label)
    for note, who in said.items():
        about = "" if len(who) == len(subject.models) else f"{conjoined(who)}: "
        yield printable(about + note)
    if subject.comparison is not None:
        yield from remarks(subject.comparison)


def _counted(n: int, noun: str) -> str:
    return f"{n:,} {noun}" if n == 1 else f"{n:,} {noun}s"
