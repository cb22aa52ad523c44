"""One scored item, and its line in ``samples/<task>.jsonl``."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from fastscore.metrics import Score, get_metric, prediction
from fastscore.results.digest import item_digest, read_digest
from fastscore.results.fields import Fields, is_finite_number, parse_object
from fastscore.results.lines import read_scores, write_line, write_reasons, write_scores
from fastscore.types import Item, Likelihood

_OWN_KEYS = frozenset(
    {
        "doc_id",
        "gold",
        "item",
        "pred",
        "chosen",
        "loglikelihoods",
        "is_greedy",
        "undefined",
        "context",
        "continuations",
    }
)


@dataclass(frozen=True, slots=True)
class Sample:
    """What a model said of one item, and what that is worth.

    ``loglikelihoods`` are natural logarithms summed over each continuation's tokens, one a choice.
    ``pred`` is the likeliest choice before any normalisation, None where every choice has
    probability zero. ``scores`` hold each metric under the name the task reports it by.
    ``item`` is a digest of prompts, choices and gold, None where results of an older fastscore do
    not say it. ``contexts`` (one, or one a choice) and ``continuations`` are kept only when prompts
    are logged.
    """

    doc_id: int
    gold: tuple[int, ...]
    pred: int | None
    loglikelihoods: tuple[float, ...]
    is_greedy: tuple[bool, ...]
    scores: Mapping[str, Score]
    contexts: tuple[str, ...] | None = None
    continuations: tuple[str, ...] | None = None
    item: str | None = None

    @classmethod
    def score(
        cls,
        item: Item,
        likelihoods: Sequence[Likelihood],
        metrics: Mapping[str, str],
        *,
        log_prompts: bool = False,
    ) -> Sample:
        """Judge ``item`` by its likelihoods, one a choice.

        ``metrics`` maps the name a task reports to the metric behind it (``{"acc": "mc2"}``).

        Raises:
            UsageError: there is no such metric.
            DataError: the item's gold answer is none of its choices.
            DecodeError: a log-likelihood is NaN.

        """
        return cls(
            doc_id=item.doc_id,
            gold=item.gold,
            pred=prediction(item, likelihoods),
            loglikelihoods=tuple(float(likelihood.logprob) for likelihood in likelihoods),
            is_greedy=tuple(bool(likelihood.is_greedy) for likelihood in likelihoods),
            scores={
                name: get_metric(metric).score(item, likelihoods)
                for name, metric in metrics.items()
            },
            contexts=item.contexts if log_prompts else None,
            continuations=item.continuations if log_prompts else None,
            item=item_digest(item),
        )

    @property
    def has_prompt(self) -> bool:
        """Whether texts are kept."""
        return self.contexts is not None or self.continuations is not None

    def without_prompt(self) -> Sample:
        """Return the same without texts."""
        return replace(self, contexts=None, continuations=None)

    def to_dict(self) -> dict[str, Any]:
        """Return the line's object: strict JSON values, as docs/results_schema.md describes."""
        line: dict[str, Any] = {
            "doc_id": self.doc_id,
            "gold": _one_or_list(self.gold),
            "pred": self.pred,
            **write_scores(self.scores, _OWN_KEYS),
        }
        if self.item is not None:
            line["item"] = self.item
        if chosen := {
            name: one.choice for name, one in self.scores.items() if one.choice is not None
        }:
            line["chosen"] = chosen
        line["loglikelihoods"] = ["-inf" if x == -math.inf else x for x in self.loglikelihoods]
        line["is_greedy"] = list(self.is_greedy)
        line |= write_reasons(self.scores)
        if self.contexts is not None:
            line["context"] = _one_or_list(self.contexts)
        if self.continuations is not None:
            line["continuations"] = list(self.continuations)
        return line

    def to_line(self) -> bytes:
        """Return the line with its end, in UTF-8."""
        return write_line(self.to_dict())

    @classmethod
    def from_line(cls, line: bytes, metrics: Sequence[str], where: str) -> Sample:
        """Read a line back; ResultsError names ``where`` when it is not a sample's."""
        fields = parse_object(line, where)
        loglikelihoods = tuple(_loglikelihoods(fields))
        n_choices = len(loglikelihoods)
        is_greedy = fields.list("is_greedy")
        if len(is_greedy) != n_choices or not all(isinstance(g, bool) for g in is_greedy):
            raise fields.wrong("is_greedy", f"{n_choices} times true or false")
        return cls(
            doc_id=fields.count("doc_id"),
            gold=_gold(fields, n_choices),
            pred=_prediction(fields, n_choices),
            loglikelihoods=loglikelihoods,
            is_greedy=tuple(is_greedy),
            scores=_scores(fields, metrics, n_choices),
            contexts=_contexts(fields, n_choices) if "context" in fields.values else None,
            continuations=(
                _continuations(fields, n_choices) if "continuations" in fields.values else None
            ),
            item=read_digest(fields),
        )


def _one_or_list(values: tuple[Any, ...]) -> Any:
    return values[0] if len(values) == 1 else list(values)


def _loglikelihoods(fields: Fields) -> list[float]:
    values = fields.list("loglikelihoods")
    for value in values:
        if not is_finite_number(value) and value != "-inf":
            raise fields.wrong("loglikelihoods", 'a list of finite numbers or "-inf"')
    if not values:
        raise fields.wrong("loglikelihoods", "at least one number")
    return [float(value) for value in values]


def _scores(fields: Fields, metrics: Sequence[str], n_choices: int) -> dict[str, Score]:
    scores = read_scores(fields, metrics)
    chosen = fields.object_if_there("chosen")
    if chosen is None:
        return scores
    for name in chosen.values:
        if name not in scores:
            raise chosen.wrong(name, f"nothing: the metrics are {', '.join(metrics)}")
        choice = chosen.count(name)
        if choice >= n_choices:
            raise chosen.wrong(name, f"a choice, 0 to {n_choices - 1}")
        scores[name] = replace(scores[name], choice=choice)
    return scores


def _prediction(fields: Fields, n_choices: int) -> int | None:
    choice = fields.count_or_none("pred")
    if choice is not None and choice >= n_choices:
        raise fields.wrong("pred", f"a choice, 0 to {n_choices - 1}, or null")
    return choice


def _gold(fields: Fields, n_choices: int) -> tuple[int, ...]:
    value = fields.values.get("gold")
    gold = value if isinstance(value, list) else [value]
    if not gold or not all(type(index) is int and 0 <= index < n_choices for index in gold):
        raise fields.wrong("gold", f"a choice, 0 to {n_choices - 1}, or a list of them")
    return tuple(gold)


def _contexts(fields: Fields, n_choices: int) -> tuple[str, ...]:
    if isinstance(fields.values["context"], str):
        return (fields.text("context"),)
    contexts = fields.texts("context")
    if len(contexts) != n_choices:
        raise fields.wrong("context", f"one text, or {n_choices}")
    return contexts


def _continuations(fields: Fields, n_choices: int) -> tuple[str, ...]:
    continuations = fields.texts("continuations")
    if len(continuations) != n_choices:
        raise fields.wrong("continuations", f"{n_choices} texts")
    return continuations
