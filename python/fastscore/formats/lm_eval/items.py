"""The lines of lm-eval's ``samples_<task>_<date>.jsonl`` as scored items."""

from __future__ import annotations

import ast
import json
import math
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from fastscore.errors import ResultsError
from fastscore.formats.lm_eval.choices import Choices, Right, right_choices
from fastscore.formats.lm_eval.names import imported
from fastscore.metrics import Score
from fastscore.results import GenerationSample, Sample
from fastscore.results.digest import item_digest
from fastscore.results.generation_sample import EndReason
from fastscore.results.values import AnySample
from fastscore.types import Item, OpenItem

_UNKNOWN: tuple[EndReason, ...] = ("unknown",)
_KINDS = ("multiple_choice", "loglikelihood", "generate_until")
_DIGEST = re.compile(r"[0-9a-f]{16}")
# A metric that is made of the choices' own probabilities beside those after their context.
_MUTUAL = "acc_mutual_info"


class NotUsableError(Exception):
    """A task that is read from lm-eval's files says too little of its items."""


def read_samples(file: Path, kind: str) -> list[AnySample]:
    """Read the items of a task, in the order of their rows; ``kind`` is its ``output_type``.

    Raises NotUsableError for a task whose items say too little, ResultsError for a damaged file.
    """
    if kind not in _KINDS:
        raise NotUsableError(f"its items are not scored by themselves (output_type {kind})")
    lines = sorted(_lines(file), key=lambda line: line["doc_id"])
    if not lines:
        raise NotUsableError(f"{file.name} is empty")
    try:
        if kind == "generate_until":
            return _texts(lines)
        return _judged([_choices(line) for line in lines], single=kind == "loglikelihood")
    except (KeyError, IndexError, TypeError, ValueError) as error:
        raise ResultsError(
            f"{file}: a line is not as lm-eval writes it: {type(error).__name__} {error}"
        ) from error


def keep_scores(sample: AnySample, names: Collection[str]) -> AnySample:
    """Return a sample with these of its metrics."""
    scores = {name: score for name, score in sample.scores.items() if name in names}
    return replace(sample, scores=scores)


def _digest_in(doc: Any) -> str | None:
    """The digest that fastscore writes in place of a row."""
    item = doc.get("item") if isinstance(doc, dict) and len(doc) == 1 else None
    return item if isinstance(item, str) and _DIGEST.fullmatch(item) else None


def _lines(file: Path) -> Iterator[dict[str, Any]]:
    with file.open("rb") as lines:
        for number, text in enumerate(lines, 1):
            try:
                line = json.loads(text)
            except (ValueError, RecursionError) as error:
                raise ResultsError(f"{file}:{number}: this is not JSON: {error}.") from None
            if not isinstance(line, dict) or type(line.get("doc_id")) is not int:
                raise ResultsError(f"{file}:{number}: expected an object with a whole doc_id.")
            yield line


def _arguments(line: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    """What each request of a line asked."""
    arguments = line["arguments"]
    requests = [arguments[f"gen_args_{i}"] for i in range(len(arguments))]
    return [tuple(request[f"arg_{j}"] for j in range(len(request))) for request in requests]


def _scores(line: Mapping[str, Any]) -> dict[str, Score]:
    """The metrics of a line that are numbers, by fastscore's names."""
    values = {imported(name): line.get(name) for name in line["metrics"]}
    return {
        name: Score(float(value))
        for name, value in values.items()
        if isinstance(value, (int, float)) and math.isfinite(value)
    }


def _choices(line: Mapping[str, Any]) -> Choices:
    answers = [response[0] for response in line["resps"]]
    requests = _arguments(line)
    if _MUTUAL in line["metrics"]:
        answers, requests = answers[: len(answers) // 2], requests[: len(requests) // 2]
    if not requests or len(requests) != len(answers):
        raise NotUsableError("its lines do not hold what was asked")
    contexts = tuple(str(request[0]) for request in requests)
    return Choices(
        doc_id=line["doc_id"],
        contexts=contexts[:1] if len(set(contexts)) == 1 else contexts,
        continuations=tuple(str(request[1]) for request in requests),
        loglikelihoods=tuple(float(answer[0]) for answer in answers),
        is_greedy=tuple(str(answer[1]) == "True" for answer in answers),
        target=str(line["target"]),
        doc=line["doc"] if isinstance(line.get("doc"), dict) else {},
        scores=_scores(line),
    )


def _judged(lines: Sequence[Choices], *, single: bool) -> list[AnySample]:
    """Items with their right choices."""
    if any(any(map(math.isnan, line.loglikelihoods)) for line in lines):
        raise NotUsableError("some of its log-likelihoods are NaN")
    if single:
        gold: list[Right] | None = [(0,)] * len(lines)
    else:
        gold = right_choices(lines)
    if gold is None:
        raise NotUsableError("which of its choices are right cannot be told from its lines")
    samples = []
    for line, right in zip(lines, gold, strict=True):
        item = Item(line.doc_id, line.contexts, line.continuations, line.continuations, right)
        samples.append(
            Sample(
                doc_id=line.doc_id,
                gold=right,
                pred=line.pred,
                loglikelihoods=line.loglikelihoods,
                is_greedy=line.is_greedy,
                scores=line.scores,
                contexts=line.contexts,
                continuations=line.continuations,
                item=_digest_in(line.doc) or item_digest(item),
            )
        )
    shared = set.intersection(*(set(line.scores) for line in lines))
    return [keep_scores(sample, shared) for sample in samples]


def _texts(lines: Sequence[Mapping[str, Any]]) -> list[AnySample]:
    """Items of generated texts; lm-eval writes a line for each filter."""
    by_row: dict[int, list[Mapping[str, Any]]] = {}
    for line in lines:
        by_row.setdefault(line["doc_id"], []).append(line)
    one_filter = len({line.get("filter") for line in lines}) == 1
    samples = [_text(doc_id, of_row, one_filter) for doc_id, of_row in by_row.items()]
    shared = set.intersection(*(set(sample.scores) for sample in samples))
    return [keep_scores(sample, shared) for sample in samples]


def _text(doc_id: int, lines: Sequence[Mapping[str, Any]], one_filter: bool) -> GenerationSample:
    first = lines[0]
    ((prompt, kwargs),) = _arguments(first)
    outputs = tuple(str(text) for text in first["resps"][0])
    scores: dict[str, Score] = {}
    extracted: dict[str, tuple[str, ...]] = {}
    for line in lines:
        filtered = str(line.get("filter", "none"))
        found = line["filtered_resps"][0]
        texts = tuple(map(str, found)) if isinstance(found, list) else (str(found),)
        # Of several samples a filter may leave one, such as the answer of most.
        extracted[filtered] = texts if len(texts) == len(outputs) else (texts[0],) * len(outputs)
        for name, score in _scores(line).items():
            scores[name if one_filter else f"{name},{filtered}"] = score
    gold = _references(str(first["target"]))
    item = OpenItem(doc_id, str(prompt), _stops(kwargs), 0, gold)
    return GenerationSample(
        doc_id=doc_id,
        gold=gold,
        outputs=outputs,
        finish_reasons=_UNKNOWN * len(outputs),
        extracted=extracted,
        scores=scores,
        context=str(prompt),
        item=_digest_in(first.get("doc")) or item_digest(item),
    )


def _stops(kwargs: Any) -> tuple[str, ...]:
    until = kwargs.get("until") if isinstance(kwargs, dict) else None
    return (until,) if isinstance(until, str) else tuple(until or ())


def _references(target: str) -> str | tuple[str, ...]:
    """One reference, or all of a list."""
    if target.startswith("["):
        try:
            values = ast.literal_eval(target)
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            return target
        if isinstance(values, list) and values and all(isinstance(one, str) for one in values):
            return tuple(values)
    return target
