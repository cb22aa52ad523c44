"""Scores and differences as Markdown, for model cards and papers, and as CSV."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator

from fastscore.comparison.plots import primary_differences
from fastscore.comparison.rows import interval, signed
from fastscore.report.costs import cost_notes, costs, parameters
from fastscore.report.distances import distances
from fastscore.report.subject import Showable, Subject, size_and_shots, subject_of
from fastscore.report.verdict import conjoined, headline, remarks, sentences
from fastscore.results import Results
from fastscore.results.rows import footer, notes, printable

SCORE_COLUMNS = (
    "kind",
    "model",
    "base",
    "task",
    "metric",
    "n",
    "n_total",
    "stopped_early",
    "num_fewshot",
    "value",
    "stderr",
    "ci95_low",
    "ci95_high",
    "p_value",
    "p_holm",
    "equivalence_p",
    "equivalence_holm",
    "n_gained",
    "n_lost",
    "verdict",
)


def to_csv(shown: Showable) -> str:
    """Return a row a model, task and metric: value, standard error, 95 % interval, items.

    Of a comparison also a row a difference, told apart by the column ``kind``. Numbers are in full
    precision, what is undefined or does not apply is empty. Where ``stopped_early`` is ``yes``, the
    value is that of the first ``n`` items of a random order, and the interval is for all
    ``n_total``.
    """
    subject = subject_of(shown)
    text = io.StringIO()
    writer = csv.DictWriter(text, SCORE_COLUMNS, restval="", lineterminator="\n")
    writer.writeheader()
    for row in [*_score_rows(subject), *_difference_rows(subject)]:
        writer.writerow({name: _cell(value) for name, value in row.items()})
    return text.getvalue()


def to_markdown(shown: Showable) -> str:
    """Return tables of scores, differences and costs, as GitHub and Hugging Face show them."""
    subject = subject_of(shown)
    parts = [*_verdict(subject), *_scores(subject), *_differences(subject)]
    parts += [*_distances(subject), *_models(subject), *_remarks(subject)]
    return "\n".join(parts).rstrip("\n") + "\n"


def _score_rows(subject: Subject) -> Iterator[dict[str, object]]:
    for model in subject.models:
        for entry in subject.entries:
            for metric, one in model.metrics(entry.name).items():
                result = model.results[entry.name]
                stopping = result.stopping
                yield {
                    "kind": "score",
                    "model": model.label,
                    "task": entry.name,
                    "metric": metric,
                    "n": result.n,
                    **_of_all(result.n, None if stopping is None else stopping.n_total),
                    "num_fewshot": getattr(result, "num_fewshot", ""),
                    "value": one.value,
                    "stderr": one.stderr,
                    "ci95_low": one.ci95[0],
                    "ci95_high": one.ci95[1],
                }


def _difference_rows(subject: Subject) -> Iterator[dict[str, object]]:
    comparison = subject.comparison
    for candidate in comparison or ():
        for one in candidate.differences:
            yield {
                "kind": "difference",
                "model": candidate.label,
                "base": comparison.base.label if comparison else "",
                "task": one.task,
                "metric": one.metric,
                "n": one.n,
                **_of_all(one.n, one.n_total),
                "value": one.difference,
                "stderr": one.stderr,
                "ci95_low": one.ci95[0],
                "ci95_high": one.ci95[1],
                "p_value": one.p_value,
                "p_holm": one.p_holm,
                "equivalence_p": one.equivalence_p,
                "equivalence_holm": one.equivalence_holm,
                "n_gained": one.n_gained,
                "n_lost": one.n_lost,
                "verdict": one.verdict,
            }


def _of_all(n: int, n_total: int | None) -> dict[str, object]:
    """How many items there are, where a run was free to stop before all were scored."""
    n_total = n if n_total is None else n_total
    return {"n_total": n_total, "stopped_early": "yes" if n < n_total else "no"}


def _cell(value: object) -> object:
    """Return what a cell holds; a spreadsheet must not take a name for a formula."""
    if isinstance(value, float):
        return "" if math.isnan(value) else repr(value)
    if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r", "\n"):
        return f"'{value}"
    return value


def _verdict(subject: Subject) -> list[str]:
    if subject.comparison is None:
        return []
    found = [f"- {_text(one.sentence)}" for one in sentences(subject.comparison)]
    return [f"**{_text(headline(subject.comparison))}**", "", *found, ""]


def _scores(subject: Subject) -> list[str]:
    head = ["Task", "n", "Shots", "Metric", *map(_text, subject.series)]
    lines = _head(head, left={0, 3})
    for entry in subject.entries:
        size, shots = size_and_shots(subject, entry.name)
        for i, metric in enumerate(entry.metrics):
            known = [one for one in subject.models if metric in one.metrics(entry.name)]
            first = i == 0
            name = "&nbsp;" * 3 * entry.depth + _text(entry.name)
            lines.append(
                _row(
                    [
                        name if first else "",
                        size if first else "",
                        shots if first else "",
                        _text(metric),
                        *(
                            _value(*_pair(one.results, entry.name, metric)) if one in known else ""
                            for one in subject.models
                        ),
                    ]
                )
            )
    return [*lines, "", "Value ± standard error.", ""]


def _pair(results: Results, name: str, metric: str) -> tuple[float, float]:
    one = results[name].metrics[metric]
    return one.value, one.stderr


def _differences(subject: Subject) -> list[str]:
    comparison = subject.comparison
    if comparison is None:
        return []
    lines = _head(
        ["Model", "Task", "Metric", "n", "Difference", "95 % interval", "p (Holm)", "Verdict"],
        left={0, 1, 2, 7},
    )
    for candidate in comparison:
        for one in primary_differences(candidate):
            cells = [
                _text(candidate.label),
                _text(one.task),
                _text(one.metric),
                f"{one.n:,}",
                signed(one.difference),
                interval(one.ci95),
                "n/a" if math.isnan(one.p_holm) else f"{one.p_holm:.2g}",
                _text(one.spoken),
            ]
            lines.append(_row(cells))
    return [f"Compared with {_text(comparison.base.label)}, on the same items:", "", *lines, ""]


def _distances(subject: Subject) -> list[str]:
    found = distances(subject.comparison)
    if found is None:
        return []
    lines = _head(["Distance of the distributions", *map(_text, found.columns)], left={0})
    lines += [_row([_text(name), *cells]) for name, cells in found.rows]
    return [*lines, "", *map(_text, found.about), ""]


def _models(subject: Subject) -> list[str]:
    found = costs(subject)
    head = ["Model", "Type", "Parameters", *(one.heading for one in found)]
    lines = _head(head, left={0, 1})
    for model in subject.models:
        kind = _text(str(model.results.model.get("quantisation") or "n/a"))
        cells = [_text(model.label), kind, parameters(model)]
        lines.append(_row([*cells, *(one.shown(model.index) for one in found)]))
    return [*lines, "", *(f"- {_text(note)}" for note in cost_notes(subject)), ""]


def _remarks(subject: Subject) -> list[str]:
    said: dict[str, None] = {}
    for model in subject.models:
        for note in [*notes(model.results, verbose=True), *footer(model.results)]:
            ahead = "" if len(subject.models) == 1 else f"{model.label}: "
            said[f"- {_text(ahead + note)}"] = None
    if subject.comparison is not None:
        for line in (*subject.comparison.warnings, *remarks(subject.comparison)):
            said[f"- {_text(line)}"] = None
    made: dict[str, list[str]] = {}
    for model in subject.models:
        versions = ", ".join(f"{name} {one}" for name, one in model.results.versions.items())
        made.setdefault(versions, []).append(model.label)
    for versions, labels in made.items():
        ahead = "" if len(made) == 1 else f"{conjoined(labels)}: "
        said[f"- {_text(f'{ahead}Made with {versions}')}."] = None
    return [*said]


def _head(cells: list[str], left: set[int]) -> list[str]:
    rule = ["---" if i in left else "---:" for i in range(len(cells))]
    return [_row(cells), _row(rule)]


def _row(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _value(value: float, stderr: float) -> str:
    if math.isnan(value):
        return "n/a"
    return f"{value:.4f}" if math.isnan(stderr) else f"{value:.4f} ± {stderr:.4f}"


def _text(text: str) -> str:
    """Escape what Markdown and HTML would act on: names come from files."""
    escaped = "".join(f"\\{c}" if c in "\\`*_[]|~#" else c for c in printable(text))
    return escaped.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
