"""What spans say of a run, its tasks and its items, in the words of OpenInference.

The names are those of openinference-semantic-conventions 0.1.42, which Phoenix, Arize and other
readers of OpenTelemetry know. An attribute is a text, a number or a boolean; what has parts is
strict JSON, where an undefined number is null.

Texts of prompts and answers leave this process with the spans. ``OPENINFERENCE_HIDE_INPUTS``,
``OPENINFERENCE_HIDE_OUTPUTS``, ``OPENINFERENCE_HIDE_PROMPTS`` and ``OPENINFERENCE_HIDE_CHOICES``
(``true`` or ``1``) keep them back, as they do in OpenInference's own instrumentation; so does its
``TraceConfig`` of a tracer provider, as far as a span shows what that has hidden.

Of what is numbered (prompts, texts, evaluations) a span has the first `MOST_NUMBERED`: an SDK keeps
128 attributes and drops those that came first, which say what the span is. Input and output hold
all of it.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from itertools import islice
from typing import Any

from fastscore.metrics import shares
from fastscore.observing import RunStart
from fastscore.results import GenerationSample, Results, Sample, TaskResult
from fastscore.results.primary import primary_metric

Attributes = dict[str, "str | bool | int | float"]

KIND = "openinference.span.kind"
REDACTED = "__REDACTED__"
TIMING = "fastscore.timing"
"""Whose time an item's span carries; see `opentelemetry`."""
MOST_NUMBERED = 20
"""Attributes of one numbered kind."""

_TEXT = "text/plain"
_JSON = "application/json"


class Hidden:
    """Which texts the environment says to keep back."""

    def __init__(self) -> None:
        self.inputs = _is_set("OPENINFERENCE_HIDE_INPUTS")
        self.outputs = _is_set("OPENINFERENCE_HIDE_OUTPUTS")
        self.prompts = self.inputs or _is_set("OPENINFERENCE_HIDE_PROMPTS")
        self.choices = self.outputs or _is_set("OPENINFERENCE_HIDE_CHOICES")

    def learns(self, masked: Mapping[str, Any]) -> bool:
        """Take over what a provider of OpenInference's has masked in a span; whether it is news.

        By settings of its own (``TraceConfig``), which do not reach the texts in ``metadata``.
        """
        before = dict(vars(self))
        self.inputs |= masked.get("input.value") == REDACTED
        self.outputs |= masked.get("output.value") == REDACTED
        self.prompts |= self.inputs or masked.get("llm.prompts.0.prompt.text") == REDACTED
        self.choices |= self.outputs or masked.get("llm.choices.0.completion.text") == REDACTED
        return vars(self) != before


def _is_set(variable: str) -> bool:
    return os.environ.get(variable, "").strip().lower() in ("true", "1")


def model_name(model: Mapping[str, Any]) -> str:
    """Name a model for people, by the facts that a run has of it."""
    return f"{model['name']} {model['quantisation']}"


def of_run(start: RunStart, hidden: Hidden) -> Attributes:
    """Say what is going to run."""
    asked = {"model": model_name(start.model), "tasks": dict(start.tasks), **_asked(start.settings)}
    if hidden.inputs and "system_instruction" in asked:
        asked["system_instruction"] = REDACTED
    metadata = {
        "fingerprint": start.model["fingerprint"],
        "n_params": start.model["n_params"],
        "engine": start.settings["engine"],
        "date": start.date,
    }
    return {
        KIND: "CHAIN",
        "input.value": to_json(asked),
        "input.mime_type": _JSON,
        "metadata": to_json(metadata),
    }


def of_results(results: Results) -> Attributes:
    """Say what came out, of all tasks and groups.

    The primary metric of each group, and of each task that belongs to none, is an evaluation too:
    what one looks at first when runs stand below each other.
    """
    scores = {
        name: {
            metric: {"value": found.value, "stderr": found.stderr}
            for metric, found in results[name].metrics.items()
        }
        for name in [*results.groups, *results.tasks]
    }
    pooled = {task for group in results.groups.values() for task in group.tasks}
    first: dict[str, tuple[float, str | None]] = {}
    for name in scores:
        if name not in pooled and results[name].metrics:
            metric = primary_metric(results[name].metrics)
            found = results[name].metrics[metric]
            first[f"{name} {metric}"] = found.value, found.reason
    return {"output.value": to_json(scores), "output.mime_type": _JSON, **_evaluations(first)}


def of_task(task: str, n_items: int, start: RunStart) -> Attributes:
    """Say what is asked of a task."""
    asked = {"task": task, "items": n_items, "model": model_name(start.model)}
    return {KIND: "EVALUATOR", "input.value": to_json(asked), "input.mime_type": _JSON}


def of_task_result(task: str, result: TaskResult) -> Attributes:
    """Say a task's scores, each as an evaluation too."""
    scores = {
        name: {"value": one.value, "stderr": one.stderr, "ci95": list(one.ci95)}
        for name, one in result.metrics.items()
    }
    metadata = {
        "task": task,
        "n": result.n,
        "num_fewshot": result.num_fewshot,
        "version": result.version,
        "variant": result.variant,
        "truncated": result.truncated,
        "rows": result.origin.location,
        "rows_sha256": result.origin.sha256,
    }
    return {
        "output.value": to_json(scores),
        "output.mime_type": _JSON,
        "metadata": to_json(metadata),
        **_evaluations({name: (one.value, one.reason) for name, one in result.metrics.items()}),
    }


def of_item(
    task: str,
    result: TaskResult,
    sample: Sample | GenerationSample,
    start: RunStart,
    hidden: Hidden,
) -> Attributes:
    """Say what was asked of a model in one item, what it said, and what that is worth.

    Tokens are those of the prompts, each counted in full whatever the engine had to decode of it.
    Of answers none are counted: choices are not written, and the tokens of texts are not kept.
    """
    if isinstance(sample, Sample):
        prompts = sample.contexts or ()
        said, metadata = _chosen(sample, primary_metric(result.metrics), hidden)
        written: tuple[str, ...] = ()
        invocation: dict[str, Any] = {"method": "loglikelihood"}
    else:
        prompts = () if sample.context is None else (sample.context,)
        said, metadata = _written(sample, hidden)
        written = said
        invocation = _sampling(result)
    n_tokens = sum(map(start.count_tokens, prompts))
    return {
        KIND: "LLM",
        "llm.model_name": model_name(start.model),
        "llm.system": "llama.cpp",
        "llm.provider": "fastscore",
        "llm.invocation_parameters": to_json(invocation),
        "llm.token_count.prompt": n_tokens,
        "llm.token_count.total": n_tokens,
        TIMING: "task",
        **_value("input", (REDACTED,) if hidden.inputs else prompts),
        **_value("output", (REDACTED,) if hidden.outputs else said),
        **_numbered("llm.prompts.{}.prompt.text", () if hidden.prompts else prompts),
        **_numbered("llm.choices.{}.completion.text", () if hidden.choices else written),
        "metadata": to_json({"task": task, "doc_id": sample.doc_id, **metadata}),
        **_evaluations({name: (one.value, one.reason) for name, one in sample.scores.items()}),
    }


def _chosen(sample: Sample, metric: str, hidden: Hidden) -> tuple[tuple[str, ...], dict[str, Any]]:
    """Return the text that the metric takes for the answer, and what is known of all choices.

    Where choices differ in what goes before them, that is part of the text. A choice's probability
    is that of its log-likelihood among those of all choices.
    """
    texts = sample.continuations
    score = sample.scores[metric]
    choice = sample.pred if score.choice is None else score.choice
    n = len(sample.loglikelihoods)
    probabilities = shares(sample.loglikelihoods) or (math.nan,) * n
    choices = [
        {
            **({} if texts is None or hidden.choices else {"text": texts[index]}),
            "loglikelihood": loglikelihood,
            "probability": probabilities[index],
        }
        for index, loglikelihood in enumerate(sample.loglikelihoods)
    ]
    return _text_of(sample, choice, hidden), {
        "gold": list(sample.gold),
        "chosen": choice,
        "scores": {name: one.value for name, one in sample.scores.items()},
        "choices": choices,
    }


def _text_of(sample: Sample, choice: int | None, hidden: Hidden) -> tuple[str, ...]:
    if choice is None or sample.contexts is None or sample.continuations is None:
        return ()
    before = sample.contexts[choice] if len(sample.contexts) > 1 and not hidden.inputs else ""
    return (f"{before}{sample.continuations[choice]}".strip(),)


def _written(sample: GenerationSample, hidden: Hidden) -> tuple[tuple[str, ...], dict[str, Any]]:
    metadata: dict[str, Any] = {
        "gold": REDACTED if hidden.outputs else sample.gold,
        "scores": {name: one.value for name, one in sample.scores.items()},
        "finish_reasons": sample.finish_reasons,
    }
    if not hidden.choices:
        metadata["extracted"] = sample.extracted
    if sample.outcomes is not None:
        metadata["outcomes"] = sample.outcomes
    return sample.outputs, metadata


def _sampling(result: TaskResult) -> dict[str, Any]:
    if result.generation is None:
        return {}
    how = result.generation
    return {"n": how.n, "max_tokens": how.max_tokens, **asdict(how.sampling)}


def _value(end: str, texts: tuple[str, ...]) -> Attributes:
    """Say what went in or came out: a text as it is, several as a list; nothing where none is."""
    if not texts:
        return {}
    if len(texts) == 1:
        return {f"{end}.value": texts[0], f"{end}.mime_type": _TEXT}
    return {f"{end}.value": to_json(texts), f"{end}.mime_type": _JSON}


def _numbered(name: str, texts: Sequence[str]) -> Attributes:
    return {name.format(index): text for index, text in enumerate(texts[:MOST_NUMBERED])}


def _evaluations(scores: Mapping[str, tuple[float, str | None]]) -> Attributes:
    """Say scores the way OpenInference says evaluations; of an undefined one, why it is so."""
    found: Attributes = {}
    for index, (name, (value, reason)) in enumerate(islice(scores.items(), MOST_NUMBERED)):
        prefix = f"evaluations.{index}.evaluation"
        found |= {f"{prefix}.name": name, f"{prefix}.annotator_kind": "CODE"}
        if math.isfinite(value):
            found[f"{prefix}.score"] = value
        else:
            found[f"{prefix}.label"] = "undefined"
        if reason is not None:
            found[f"{prefix}.explanation"] = reason
    return found


def _asked(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings that were not left as they are, in the order of `evaluate`."""
    return {
        name: value
        for name, value in settings.items()
        if name not in ("tasks", "engine") and value is not None and value is not False
    }


def to_json(value: Any) -> str:
    """Write strict JSON: numbers that are not finite become null."""
    return json.dumps(_strict(value), ensure_ascii=False, allow_nan=False, default=str)


def _strict(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, Mapping):
        return {str(key): _strict(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_strict(one) for one in value]
    return value
