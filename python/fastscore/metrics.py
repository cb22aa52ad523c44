"""What one multiple-choice item is worth, given what the model says of its choices.

Every function here is lm-evaluation-harness 0.4.13's (``ConfigurableTask.process_results`` in
``lm_eval/api/task.py``, and ``process_results_mc2`` of its TruthfulQA), on float64, with numpy's
argmax: of equal choices the first wins.

Where the harness would let an undefined value decide, the score here is NaN with the reason
beside it, and the NaN reaches the table: no item is dropped from a mean, and none is guessed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from fastscore.errors import DataError, DecodeError, UsageError
from fastscore.nearest import did_you_mean
from fastscore.types import Item, Likelihood

LogProbs = npt.NDArray[np.float64]
"""Sums of log-probabilities, [n_choices]."""


@dataclass(frozen=True, slots=True)
class Score:
    """One item's value of one metric; where it is NaN, ``reason`` says why.

    ``choice`` is the index of the choice that was judged, None for metrics that judge no single
    one.
    """

    value: float
    reason: str | None = None
    choice: int | None = None


@dataclass(frozen=True, slots=True)
class Metric:
    """A way to score an item.

    ``binary`` says that a score is 0 or 1, so that a mean is a proportion; ``score`` takes an
    item and the likelihoods of its continuations in the order of its choices.
    """

    name: str
    higher_is_better: bool
    binary: bool
    score: Callable[[Item, Sequence[Likelihood]], Score]


def shares(loglikelihoods: Sequence[float]) -> tuple[float, ...] | None:
    """Return each choice's share of the probability of all, the softmax of log-likelihoods.

    Of sum 1; None where every choice has probability zero.
    """
    highest = max(loglikelihoods)
    if highest == -math.inf:
        return None
    weights = [math.exp(one - highest) for one in loglikelihoods]
    total = math.fsum(weights)
    return tuple(weight / total for weight in weights)


def prediction(item: Item, likelihoods: Sequence[Likelihood]) -> int | None:
    """Return the index of the likeliest choice (the first of equals), which ``acc`` judges.

    None where every choice has probability zero: the model then prefers none of them, and the
    first would be no answer of its own.
    """
    logprobs = _logprobs(item, likelihoods)
    return None if np.isneginf(logprobs).all() else int(np.argmax(logprobs))


def acc(item: Item, likelihoods: Sequence[Likelihood]) -> Score:
    """Score 1 if the likeliest choice is a gold one, else 0."""
    return _accuracy(item, _logprobs(item, likelihoods))


def acc_norm(item: Item, likelihoods: Sequence[Likelihood]) -> Score:
    """Judge as ``acc`` after dividing by the choice's characters, delimiter not counted."""
    return _normalised_accuracy(item, likelihoods, [len(choice) for choice in item.choices])


def acc_bytes(item: Item, likelihoods: Sequence[Likelihood]) -> Score:
    """Judge as ``acc`` after dividing by the choice's UTF-8 bytes, delimiter not counted."""
    return _normalised_accuracy(item, likelihoods, [len(c.encode()) for c in item.choices])


def exact_match(item: Item, likelihoods: Sequence[Likelihood]) -> Score:
    """Score 1 if greedy decoding would produce a gold choice token for token, else 0."""
    _logprobs(item, likelihoods)
    return Score(float(any(likelihoods[gold].is_greedy for gold in item.gold)))


def mc2(item: Item, likelihoods: Sequence[Likelihood]) -> Score:
    """Return the share that the gold choices have of all choices' probability, 0 to 1.

    TruthfulQA's second measure (Lin et al. 2021, https://arxiv.org/abs/2109.07958). The harness
    computes ``sum(exp(ll[gold])) / sum(exp(ll))``, which is 0/0 for long answers; shifting by the
    largest log-likelihood first changes nothing else.
    """
    logprobs = _logprobs(item, likelihoods)
    if np.isneginf(logprobs).all():
        return _no_preference(item)
    weights = np.exp(logprobs - logprobs.max())
    return Score(float(weights[sorted(set(item.gold))].sum() / weights.sum()))


METRICS: Mapping[str, Metric] = MappingProxyType(
    {
        metric.name: metric
        for metric in (
            Metric("acc", higher_is_better=True, binary=True, score=acc),
            Metric("acc_norm", higher_is_better=True, binary=True, score=acc_norm),
            Metric("acc_bytes", higher_is_better=True, binary=True, score=acc_bytes),
            Metric("exact_match", higher_is_better=True, binary=True, score=exact_match),
            Metric("mc2", higher_is_better=True, binary=False, score=mc2),
        )
    }
)
"""The metrics by name. A task may report one under another name: lm-eval's ``truthfulqa_mc2``
calls its only metric ``acc``, and it is ``mc2``."""


def get_metric(name: str) -> Metric:
    """Return the metric of this name.

    Raises:
        UsageError: there is none; the message names the nearest and lists them all.

    """
    if name in METRICS:
        return METRICS[name]
    listed = f"there are {', '.join(METRICS)}"
    hint = did_you_mean(name, METRICS, "")
    raise UsageError(f"there is no metric {name!r}; {f'{hint} ' if hint else ''}{listed}")


def _logprobs(item: Item, likelihoods: Sequence[Likelihood]) -> LogProbs:
    """Return the log-likelihoods, [n_choices]; refuse what no metric could judge."""
    n_choices = len(item.choices)
    if len(likelihoods) != n_choices:
        raise ValueError(
            f"item {item.doc_id} has {n_choices} choices, but {len(likelihoods)} likelihoods came"
        )
    if not item.gold or not all(0 <= gold < n_choices for gold in item.gold):
        raise DataError(
            f"item {item.doc_id}: the gold answer {list(item.gold)} is not among its {n_choices} "
            f"choices (0 to {n_choices - 1}); correct the row, it cannot be scored"
        )
    logprobs = np.array([likelihood.logprob for likelihood in likelihoods], dtype=np.float64)
    impossible = np.isnan(logprobs) | np.isposinf(logprobs)
    if impossible.any():
        choice = int(np.argmax(impossible))
        raise DecodeError(
            f"item {item.doc_id}: the log-likelihood of choice {choice} is {logprobs[choice]}, "
            "which is no logarithm of a probability; the model or its "
            "device computes no numbers here. `fastscore doctor` looks for the cause"
        )
    return logprobs


def _accuracy(item: Item, values: LogProbs) -> Score:
    if np.isneginf(values).all():
        return _no_preference(item)
    choice = int(np.argmax(values))
    return Score(float(choice in item.gold), choice=choice)


def _normalised_accuracy(
    item: Item, likelihoods: Sequence[Likelihood], lengths: Sequence[int]
) -> Score:
    logprobs = _logprobs(item, likelihoods)
    if 0 in lengths:
        raise DataError(
            f"item {item.doc_id}: choice {lengths.index(0)} is empty, and a log-likelihood cannot "
            "be divided by its length; correct the row, it cannot be scored"
        )
    return _accuracy(item, logprobs / np.array(lengths, dtype=np.float64))


def _no_preference(item: Item) -> Score:
    return Score(
        math.nan, f"doc_id {item.doc_id}: the model gives every choice the probability zero"
    )
