"""The items of a report: compressed into the file itself, and read when they are opened.

A block is JSON, gzipped, in base64. Each task has one block of numbers, for its table, and some of
texts, a few hundred items each, which are left out where the file would grow too large. Columns
rather than objects, and chances in thousandths: most of a block is numbers, and they must be small.
"""

from __future__ import annotations

import base64
import gzip
import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from fastscore.report.subject import Entry, Subject
from fastscore.results import GenerationSample, Sample
from fastscore.results.values import AnySample

ITEMS_A_BLOCK = 256
MOST_CHARACTERS = 3000
"""Of one text: the end of a prompt, the beginning of an answer."""


@dataclass(slots=True)
class TaskBlocks:
    """A task's items, ready for the page.

    Attributes:
        task: Its name.
        metrics: What its items were scored by, the one to look at first ahead.
        binary: Whether every score of the first is 0 or 1.
        n: Items.
        numbers: The block of the table.
        texts: Blocks of texts by their number; those left out are not there.
        has_texts: Whether any item has a text.

    """

    task: str
    metrics: tuple[str, ...]
    binary: bool
    n: int
    numbers: str
    pending: list[Any] = field(repr=False)
    texts: dict[int, str] = field(default_factory=dict)
    has_texts: bool = False


@dataclass(frozen=True, slots=True)
class _Row:
    """An item with what each model said of it, None where a model was not asked."""

    said: tuple[AnySample | None, ...]

    @property
    def first(self) -> AnySample:
        return next(one for one in self.said if one is not None)

    def differs(self, metric: str) -> bool:
        scores = [one.scores[metric].value for one in self.said if one and metric in one.scores]
        return len(set(scores)) > 1


def pack(subject: Subject, budget: int) -> list[TaskBlocks]:
    """Return the items of all tasks; texts only as far as ``budget`` bytes last.

    What the models differ in comes first, and tasks take turns.
    """
    packed = [_pack_task(subject, entry) for entry in subject.tasks if entry.metrics]
    left = budget - sum(len(one.numbers) for one in packed)
    turn = 0
    while any(turn < len(one.pending) for one in packed):
        for one in packed:
            if turn < len(one.pending) and left > 0:
                block = _encode(one.pending[turn])
                left -= len(block)
                if left >= 0:
                    one.texts[turn] = block
        turn += 1
    return packed


def _pack_task(subject: Subject, entry: Entry) -> TaskBlocks:
    rows = list(_rows(subject, entry.name))
    primary = str(entry.primary)
    metrics = (primary, *(name for name in entry.metrics if name != primary))
    ordered = sorted(range(len(rows)), key=lambda i: (not rows[i].differs(primary), i))
    ordered = [i for i in ordered if _has_text(rows[i])]
    place = {i: at // ITEMS_A_BLOCK for at, i in enumerate(ordered)}
    pending: list[dict[str, Any]] = []
    for at, i in enumerate(ordered):
        if at % ITEMS_A_BLOCK == 0:
            pending.append({})
        pending[-1][str(i)] = _texts(rows[i])
    numbers = {
        "id": [row.first.doc_id for row in rows],
        "gold": [list(row.first.gold) if isinstance(row.first, Sample) else None for row in rows],
        "block": [place.get(i, -1) for i in range(len(rows))],
        "models": [
            _numbers([row.said[model.index] for row in rows], metrics) for model in subject.models
        ],
    }
    scores = {
        one.scores[primary].value
        for row in rows
        for one in row.said
        if one is not None and primary in one.scores
    }
    return TaskBlocks(
        task=entry.name,
        metrics=metrics,
        binary=all(math.isnan(x) or x in (0.0, 1.0) for x in scores),
        n=len(rows),
        numbers=_encode(numbers),
        pending=pending,
        has_texts=bool(ordered),
    )


def _rows(subject: Subject, task: str) -> Iterator[_Row]:
    """Yield the items of a task, those of several models paired by row and content."""
    n_models = len(subject.models)
    rows: dict[tuple[int, object], list[AnySample | None]] = {}
    for model in subject.models:
        if task not in model.results.tasks:
            continue
        for sample in model.results.tasks[task].samples:
            rows.setdefault((sample.doc_id, _content(sample)), [None] * n_models)[model.index] = (
                sample
            )
    for _, said in sorted(rows.items(), key=lambda row: row[0][0]):
        yield _Row(tuple(said))


def _content(sample: AnySample) -> object:
    """Return what tells an item from another of the same number.

    Results of schema versions 1 and 2 have no digest: gold and number of choices must do.
    """
    if sample.item is not None:
        return sample.item
    n_choices = len(sample.loglikelihoods) if isinstance(sample, Sample) else 0
    return str((sample.gold, n_choices))


def _numbers(samples: Sequence[AnySample | None], metrics: Sequence[str]) -> dict[str, Any] | None:
    if not any(samples):
        return None
    return {
        "scores": {
            name: [_score(one, name) for one in samples]
            for name in metrics
            if any(one is not None and name in one.scores for one in samples)
        },
        "chosen": [_chosen(one, metrics[0]) for one in samples],
        "chance": [_thousandths(one) if isinstance(one, Sample) else None for one in samples],
    }


def _score(sample: AnySample | None, metric: str) -> float | int | None:
    if sample is None or metric not in sample.scores:
        return None
    value = sample.scores[metric].value
    if math.isnan(value):
        return None
    return int(value) if value == int(value) else round(value, 4)


def _chosen(sample: AnySample | None, metric: str) -> int | None:
    """Return the choice that the metric judged, the likeliest where that is not known."""
    if not isinstance(sample, Sample):
        return None
    choice = sample.scores[metric].choice if metric in sample.scores else None
    return sample.pred if choice is None else choice


def _thousandths(sample: Sample) -> list[int] | None:
    """Return the choices' shares of probability, in thousandths; None where all have none."""
    best = max(sample.loglikelihoods)
    if best == -math.inf:
        return None
    weights = [math.exp(x - best) for x in sample.loglikelihoods]
    total = math.fsum(weights)
    return [round(1000 * weight / total) for weight in weights]


def _has_text(row: _Row) -> bool:
    return any(
        isinstance(one, GenerationSample) or (one is not None and one.contexts is not None)
        for one in row.said
    )


def _texts(row: _Row) -> dict[str, Any]:
    """Return what there is to read of an item; the prompt of the first model that logged it."""
    texts: dict[str, Any] = {}
    for one in row.said:
        if isinstance(one, Sample) and one.contexts is not None and "context" not in texts:
            texts["context"] = [_end(text) for text in one.contexts]
            texts["choices"] = [_beginning(text) for text in one.continuations or ()]
        if isinstance(one, GenerationSample):
            if one.context is not None and "context" not in texts:
                texts["context"] = [_end(one.context)]
            gold = (one.gold,) if isinstance(one.gold, str) else one.gold
            texts["gold"] = [_beginning(text) for text in gold]
    if any(isinstance(one, GenerationSample) for one in row.said):
        texts["outputs"] = [
            _outputs(one) if isinstance(one, GenerationSample) else None for one in row.said
        ]
    return texts


def _outputs(sample: GenerationSample) -> list[dict[str, Any]]:
    outputs = []
    for i, text in enumerate(sample.outputs):
        output: dict[str, Any] = {"text": _beginning(text), "end": sample.finish_reasons[i]}
        extracted = {name: texts[i] for name, texts in sample.extracted.items()}
        output["extracted"] = {k: _beginning(v) for k, v in extracted.items() if v != text}
        if sample.outcomes is not None:
            output["outcome"] = sample.outcomes[i]
        if sample.details is not None and sample.details[i]:
            output["detail"] = _beginning(sample.details[i])
        outputs.append(output)
    return outputs


def _end(text: str) -> str:
    cut = len(text) - MOST_CHARACTERS
    return text if cut <= 0 else f"[{cut:,} characters before this are not shown] …{text[cut:]}"


def _beginning(text: str) -> str:
    cut = len(text) - MOST_CHARACTERS
    if cut <= 0:
        return text
    return f"{text[:MOST_CHARACTERS]}… [{cut:,} characters after this are not shown]"


def _encode(values: Any) -> str:
    """Pack plain values; the same values give the same text."""
    text = json.dumps(values, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    packed = gzip.compress(text.encode("utf-8", "backslashreplace"), 9, mtime=0)
    return base64.b64encode(packed).decode("ascii")
