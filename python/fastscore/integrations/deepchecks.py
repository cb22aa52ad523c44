"""Choices as predictions with probabilities, for the NLP checks of Deepchecks' open package.

>>> from deepchecks.nlp.checks import ConfusionMatrixReport
>>> from fastscore.integrations.deepchecks import to_text_data
>>> said = to_text_data(results, "winogrande")
>>> ConfusionMatrixReport().run(said.data, **said.answers)  # doctest: +SKIP

Deepchecks is under the AGPL; nothing else of fastscore imports it, or this module. Its import tells
its makers, over the network, and this module's does not: it sets
``DISABLE_DEEPCHECKS_ANONYMOUS_TELEMETRY`` where it is not set. The checks that calculate properties
of texts themselves, and those that look for duplicates, download word lists.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from fastscore.errors import UsageError
from fastscore.formats.deepchecks.interactions import (
    choice_probabilities,
    choice_texts,
    require_prompts,
)
from fastscore.integrations.missing import missing_tool
from fastscore.results import Results, Sample, TaskResult

os.environ.setdefault("DISABLE_DEEPCHECKS_ANONYMOUS_TELEMETRY", "True")
try:
    import pandas as pd
    from deepchecks.nlp import TextData
except (ImportError, ValueError) as error:
    # ValueError: a newer scikit-learn has no scorer of a name that deepchecks asks for.
    reason = error if isinstance(error, ImportError) else ImportError(str(error))
    raise missing_tool("Deepchecks", "deepchecks", reason) from error


@dataclass(frozen=True)
class Classified:
    """A task as a classification of texts, one text an item.

    Attributes:
        data: The prompts with the right classes as labels; metadata ``prompt_characters``,
            ``choices_characters`` of all choices together, and ``task`` for a group. Deepchecks
            notes in it at its first use whether it is the first or the second of two sets.
        predictions: The likeliest choice's class; its share of right ones is the task's ``acc``.
        probabilities: The choices' shares of their probability (softmax of log-likelihoods, not
            normalised by length), [n_items, n_classes]; 0 for a choice that an item does not have.
        classes: Names of the classes, in the order of the columns, which is the sorted one.

    """

    data: TextData
    predictions: list[str]
    probabilities: npt.NDArray[np.float64]
    classes: list[str]

    @property
    def answers(self) -> dict[str, Any]:
        """What the ``run`` of a check of one data set takes beside the data."""
        return {
            "predictions": self.predictions,
            "probabilities": self.probabilities,
            "model_classes": self.classes,
        }


def to_text_data(results: Results, name: str) -> Classified:
    """Put the items of a task, or of all tasks of a group, into Deepchecks' terms.

    Where all items have the same choices (letters), these are the classes. Where each has its own,
    the classes are positions, ``1`` for the first: checks of scores and of drift then tell whether
    the model prefers a place, and nothing about the meaning of labels.

    Raises UsageError for generated texts, for a run that did not keep its prompts, for items with
    several right choices or with choices that are all impossible, and where labels say nothing:
    fewer than two items, or a right choice that always stands at the same place.
    """
    tasks = _tasks(results, name)
    samples: list[Sample] = []
    for task, result in tasks.items():
        require_prompts(task, result)
        samples += [_classifiable(task, sample) for sample in result.samples]
    if len(samples) < 2:
        raise UsageError(f"{name} has {len(samples)} items; the checks need at least two")
    texts = [choice_texts(sample) for sample in samples]
    names = list(texts[0][1])
    if len({choices for _, choices in texts}) > 1 or len(set(names)) < len(names):
        names = _positions(name, samples)
    order = sorted(range(len(names)), key=names.__getitem__)
    probabilities = np.zeros((len(samples), len(names)))
    for row, sample in zip(probabilities, samples, strict=True):
        row[: len(sample.loglikelihoods)] = choice_probabilities(sample)
    prompts = [prompt for prompt, _ in texts]
    metadata: dict[str, Sequence[object]] = {
        "prompt_characters": [len(prompt) for prompt in prompts],
        "choices_characters": [sum(map(len, choices)) for _, choices in texts],
    }
    if name in results.groups:
        metadata["task"] = [task for task, result in tasks.items() for _ in range(result.n)]
    return Classified(
        data=TextData(
            raw_text=prompts,
            label=[names[sample.gold[0]] for sample in samples],
            task_type="text_classification",
            # No name: two sets of one name are one to Deepchecks, whatever is in them.
            metadata=pd.DataFrame(metadata),
            categorical_metadata=[column for column in metadata if column == "task"],
        ),
        predictions=[names[_likeliest(sample)] for sample in samples],
        probabilities=probabilities[:, order],
        classes=[names[column] for column in order],
    )


def _tasks(results: Results, name: str) -> dict[str, TaskResult]:
    if name in results.groups:
        return {task: results.tasks[task] for task in results.groups[name].tasks}
    found = results[name]
    assert isinstance(found, TaskResult)
    return {name: found}


def _classifiable(task: str, sample: object) -> Sample:
    if not isinstance(sample, Sample):
        raise UsageError(f"{task} has generated texts; the checks are for tasks of given choices")
    if len(sample.gold) > 1:
        raise UsageError(
            f"item {sample.doc_id} of {task} has {len(sample.gold)} right choices; a text of a "
            "classification has one class"
        )
    if sample.pred is None:
        raise UsageError(
            f"item {sample.doc_id} of {task} has no prediction: the model holds all its choices "
            "for impossible"
        )
    return sample


def _likeliest(sample: Sample) -> int:
    assert sample.pred is not None
    return sample.pred


def _positions(name: str, samples: Sequence[Sample]) -> list[str]:
    if len({sample.gold for sample in samples}) == 1:
        raise UsageError(
            f"choice {samples[0].gold[0] + 1} is the right one in all {len(samples)} items of "
            f"{name}, so that positions as labels say nothing"
        )
    n = max(len(sample.loglikelihoods) for sample in samples)
    # Deepchecks sorts names as texts.
    return [str(i + 1).zfill(len(str(n))) for i in range(n)]
