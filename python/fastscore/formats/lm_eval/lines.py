"""The lines of lm-eval's ``samples_<task>_<date>.jsonl``, made of scored items."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterator, Mapping
from typing import Any

from fastscore.formats.lm_eval.names import exported_filter, exported_metric
from fastscore.formats.lm_eval.programs import TASKS, programs
from fastscore.formats.lm_eval.sampling import written_sampling
from fastscore.results import GenerationSample, Sample, TaskResult


def lines_of(name: str, task: TaskResult, settings: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the lines of a task: one an item, or of generated texts one an item and filter.

    ``settings`` are the run's.
    """
    for sample in task.samples:
        if isinstance(sample, Sample):
            yield _choice_line(sample)
        else:
            for filtered in sample.extracted:
                found = _filtered(sample, filtered, name, settings)
                yield _text_line(sample, filtered, name, task) | {"filtered_resps": found}


def _choice_line(sample: Sample) -> dict[str, Any]:
    target = str(sample.gold[0] if len(sample.gold) == 1 else list(sample.gold))
    answers = [
        [str(logprob), str(greedy)]
        for logprob, greedy in zip(sample.loglikelihoods, sample.is_greedy, strict=True)
    ]
    arguments, prompt = {}, None
    if sample.contexts is not None and sample.continuations is not None:
        n = len(sample.continuations)
        contexts = sample.contexts if len(sample.contexts) > 1 else sample.contexts * n
        prompt = contexts[0]
        arguments = {
            f"gen_args_{i}": {"arg_0": context, "arg_1": continuation}
            for i, (context, continuation) in enumerate(
                zip(contexts, sample.continuations, strict=True)
            )
        }
    scores = {name: score.value for name, score in sample.scores.items()}
    return _line(sample, target, arguments, prompt) | {
        "resps": [[answer] for answer in answers],
        "filtered_resps": answers,
        "filter": "none",
        "metrics": list(scores),
        **_defined(scores),
    }


def _text_line(
    sample: GenerationSample, filtered: str, name: str, task: TaskResult
) -> dict[str, Any]:
    target = sample.gold if isinstance(sample.gold, str) else str(list(sample.gold))
    arguments = {}
    if sample.context is not None:
        kwargs = {} if task.generation is None else written_sampling(task.generation)
        arguments = {"gen_args_0": {"arg_0": sample.context, "arg_1": kwargs}}
    only = len(sample.extracted) == 1
    scores = {
        exported_metric(name, metric.partition(",")[0]): score.value
        for metric, score in sample.scores.items()
        if metric.partition(",")[2] == filtered or (only and "," not in metric)
    }
    return _line(sample, target, arguments, sample.context) | {
        "resps": [list(sample.outputs)],
        "filter": exported_filter(name, filtered),
        "metrics": list(scores),
        **_defined(scores),
    }


def _filtered(
    sample: GenerationSample, filtered: str, name: str, settings: Mapping[str, Any]
) -> list[Any]:
    """What a filter made of the texts: where it takes the one that there is, that by itself."""
    found = list(sample.extracted[filtered])
    if name in TASKS:
        return [programs(name, sample, filtered, settings) or found]
    return found if len(found) == 1 else [found]


def _line(
    sample: Sample | GenerationSample,
    target: str,
    arguments: Mapping[str, Any],
    prompt: str | None,
) -> dict[str, Any]:
    doc = {"item": sample.item}  # in place of the row, which is not kept
    line: dict[str, Any] = {
        "doc_id": sample.doc_id,
        "doc": doc,
        "target": target,
        "arguments": arguments,
        "doc_hash": sha(json.dumps(doc, indent=2, ensure_ascii=False)),
        "target_hash": sha(target),
    }
    return line if prompt is None else {**line, "prompt_hash": sha(prompt)}


def _defined(scores: Mapping[str, float]) -> dict[str, float | None]:
    return {name: None if math.isnan(value) else value for name, value in scores.items()}


def sha(text: str | None) -> str | None:
    """Return lm-eval's hash of a text."""
    return None if text is None else hashlib.sha256(text.encode()).hexdigest()
