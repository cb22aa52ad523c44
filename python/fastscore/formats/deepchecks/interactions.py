"""Items of a run as interactions: what Deepchecks' LLM product calls one question and one answer.

An item of given choices is one interaction, whose output is the choice that its metric judged; a
generated text is one each. Nothing of Deepchecks is needed here.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from fastscore.errors import UsageError
from fastscore.formats.naming import model_name
from fastscore.metrics import shares
from fastscore.results import GenerationSample, Results, Sample, TaskResult
from fastscore.results.primary import primary_metric

Annotation = Literal["good", "bad"]

_PREFIX = "CP_"
"""By which Deepchecks' client makes a property that it has not seen before, as its example says."""

_NOT_IN_A_NAME = re.compile(r"\W+", re.ASCII)


@dataclass(frozen=True, slots=True)
class Interaction:
    """One answer of the model, by the names of Deepchecks' upload.

    Attributes:
        user_interaction_id: ``task/doc_id``, for generated texts ``task/doc_id/sample``: the same
            in each run of the task, by which Deepchecks holds versions against each other.
        session_id: ``task/doc_id``: the samples of an item are one session.
        input: The prompt. Where choices stand in the middle of it (WinoGrande), its beginning.
        output: The chosen answer or the generated text; None where all choices are impossible.
        full_prompt: All that was before the answer, as the model read it.
        expected_output: The first right answer; None for programs, which tests judge.
        annotation: ``good`` for a score of 1 of this very output, ``bad`` for 0, else None.
        annotation_reason: The score in words, or why there is none.
        interaction_type: ``Generation`` for programs, else ``Q&A``.
        model: The model's name.
        properties: Scores of the item by metric (``CP_acc``, ``CP_pass_at_1``), and for choices
            ``CP_probability``, the output's share of the probability of all choices.
        metadata: Texts: task, item, metric, and what is known of a text's end.

    There are no times: an item has none of its own, since all of a task are decoded together.

    """

    user_interaction_id: str
    session_id: str
    input: str
    output: str | None
    full_prompt: str
    expected_output: str | None
    annotation: Annotation | None
    annotation_reason: str
    interaction_type: str
    model: str
    properties: Mapping[str, float]
    metadata: Mapping[str, str]

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as the client sends them, those without a value left out."""
        fields = {
            "user_interaction_id": self.user_interaction_id,
            "session_id": self.session_id,
            "input": self.input,
            "output": self.output,
            "full_prompt": self.full_prompt,
            "expected_output": self.expected_output,
            "annotation": self.annotation,
            "annotation_reason": self.annotation_reason,
            "interaction_type": self.interaction_type,
            "model": self.model,
            "custom_props": dict(self.properties),
            "metadata": dict(self.metadata),
        }
        return {name: value for name, value in fields.items() if value is not None}


def interactions(results: Results, *, metric: str | None = None) -> Iterator[Interaction]:
    """Yield the interactions of all tasks, in the order of tasks, items and samples.

    ``metric`` is what annotations go by, `primary_metric` of each task if not given.

    Raises UsageError before the first of them where a run did not keep its prompts, without which
    an interaction has no input, and where a task does not report the metric.
    """
    for name, task in results.tasks.items():
        require_prompts(name, task)
        if metric is not None:
            _ = task.metrics[metric]
    return _interactions(results, metric)


def require_prompts(name: str, task: TaskResult) -> None:
    """Raise UsageError for a task whose samples were kept without their texts."""
    for sample in task.samples:
        texts = sample.continuations if isinstance(sample, Sample) else sample.context
        if texts is None or (isinstance(sample, Sample) and sample.contexts is None):
            raise UsageError(
                f"the samples of {name} hold no texts, because the run did not keep them, and "
                "Deepchecks is about texts; run again with --log-prompts (log_prompts=True), which "
                "takes all answers from the store"
            )


def choice_texts(sample: Sample) -> tuple[str, tuple[str, ...]]:
    """Return what all choices have before them, and each choice's text without outer blanks.

    Where each choice has a context of its own, they part at the end of the last word in common.
    """
    contexts, continuations = sample.contexts or (), sample.continuations or ()
    if len(contexts) == 1:
        return contexts[0], tuple(text.strip() for text in continuations)
    first, last = min(contexts), max(contexts)
    pairs = enumerate(zip(first, last, strict=False))
    shared = first[: next((i for i, (one, other) in pairs if one != other), len(first))]
    cut = max(shared.rfind(blank) for blank in " \t\n") + 1
    texts = zip(contexts, continuations, strict=True)
    return shared[:cut], tuple((context[cut:] + rest).strip() for context, rest in texts)


def choice_probabilities(sample: Sample) -> npt.NDArray[np.float64]:
    """Return the choices' shares of their probability, [n_choices]; NaN where all have zero."""
    return np.array(shares(sample.loglikelihoods) or [math.nan] * len(sample.loglikelihoods))


def _interactions(results: Results, metric: str | None) -> Iterator[Interaction]:
    model = model_name(results)
    for name, task in results.tasks.items():
        judged = metric or primary_metric(task.metrics)
        about = {
            "model": model,
            "metadata": {"task": name, "metric": judged, "num_fewshot": str(task.num_fewshot)},
        }
        # Of tasks that run programs, gold are the tests.
        tested = task.generation is not None and bool(task.generation.k)
        for sample in task.samples:
            if isinstance(sample, Sample):
                yield _of_choices(name, sample, judged, about)
            else:
                for number in range(len(sample.outputs)):
                    yield _of_text(name, sample, number, judged, tested, about)


def _of_choices(name: str, sample: Sample, metric: str, about: Mapping[str, Any]) -> Interaction:
    score = sample.scores[metric]
    # A metric that judges no single choice says nothing of the likeliest one.
    chosen = sample.pred if score.choice is None else score.choice
    prompt, texts = choice_texts(sample)
    right = [texts[gold] for gold in sample.gold]
    properties = _scores(sample)
    if chosen is not None:
        properties[_property("probability")] = float(choice_probabilities(sample)[chosen])
    return Interaction(
        user_interaction_id=f"{name}/{sample.doc_id}",
        session_id=f"{name}/{sample.doc_id}",
        input=prompt,
        output=None if chosen is None else texts[chosen],
        full_prompt=prompt,
        expected_output=right[0],
        annotation=None if score.choice is None else _annotation(score.value),
        annotation_reason=_reason(metric, score.value, score.reason),
        interaction_type="Q&A",
        model=about["model"],
        properties=properties,
        metadata={**about["metadata"], **_item(sample), **_several(right)},
    )


def _of_text(
    name: str,
    sample: GenerationSample,
    number: int,
    metric: str,
    tested: bool,
    about: Mapping[str, Any],
) -> Interaction:
    right = [sample.gold] if isinstance(sample.gold, str) else list(sample.gold)
    annotation, reason = _verdict(sample, number, metric)
    prompt = sample.context or ""
    return Interaction(
        user_interaction_id=f"{name}/{sample.doc_id}/{number}",
        session_id=f"{name}/{sample.doc_id}",
        input=prompt,
        output=sample.outputs[number],
        full_prompt=prompt,
        expected_output=None if tested else right[0],
        annotation=annotation,
        annotation_reason=reason,
        interaction_type="Generation" if tested else "Q&A",
        model=about["model"],
        properties=_scores(sample),
        metadata={
            **about["metadata"],
            **_item(sample),
            "sample": str(number),
            "finish_reason": sample.finish_reasons[number],
            **({} if tested else _several(right)),
        },
    )


def _verdict(sample: GenerationSample, number: int, metric: str) -> tuple[Annotation | None, str]:
    """Return the annotation of one text and its reason."""
    if sample.outcomes is not None:
        outcome = sample.outcomes[number]
        detail = "" if sample.details is None else sample.details[number]
        said = f"the program {outcome}" if outcome in ("passed", "failed") else outcome
        return (
            "good" if outcome == "passed" else "bad",
            f"{said}: {detail}" if detail else said,
        )
    score = sample.scores[metric]
    n = len(sample.outputs)
    reason = _reason(metric, score.value, score.reason)
    if n > 1:
        # The mean over the samples tells of each only where all are alike.
        reason += f", the mean over {n} samples"
    return _annotation(score.value), reason


def _annotation(score: float) -> Annotation | None:
    return {1.0: "good", 0.0: "bad"}.get(score)  # type: ignore[return-value]


def _reason(metric: str, score: float, reason: str | None) -> str:
    return f"{metric} is undefined: {reason}" if math.isnan(score) else f"{metric} is {score:g}"


def _scores(sample: Sample | GenerationSample) -> dict[str, float]:
    return {
        _property(name): score.value
        for name, score in sample.scores.items()
        if not math.isnan(score.value)
    }


def _property(metric: str) -> str:
    return _PREFIX + _NOT_IN_A_NAME.sub("_", metric.replace("@", "_at_"))


def _item(sample: Sample | GenerationSample) -> dict[str, str]:
    return {"doc_id": str(sample.doc_id), **({"item": sample.item} if sample.item else {})}


def _several(right: Sequence[str]) -> dict[str, str]:
    return {"right_answers": json.dumps(right, ensure_ascii=False)} if len(right) > 1 else {}
