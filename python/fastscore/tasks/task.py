"""Multiple-choice benchmarks: a function from a row to a question, and a few facts around it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from fastscore.errors import UsageError
from fastscore.metrics import get_metric
from fastscore.tasks.base import BaseTask
from fastscore.types import Item, Row

if TYPE_CHECKING:
    from fastscore.tasks.prompting import Prompting


@dataclass(frozen=True, slots=True)
class Question:
    """A row as it is put to a model.

    ``prompt`` is the text before the answer, or one text per choice where the choice stands in
    the middle of it (WinoGrande). ``choices`` are the answers' texts without the delimiter that
    will join them to the prompt. ``gold`` is the index of the right choice, or of each right one.
    """

    prompt: str | Sequence[str]
    choices: Sequence[str]
    gold: int | Sequence[int]

    @property
    def prompts(self) -> tuple[str, ...]:
        """One text, or one per choice."""
        return (self.prompt,) if isinstance(self.prompt, str) else tuple(self.prompt)

    @property
    def golds(self) -> tuple[int, ...]:
        """The indices of the right choices."""
        return (self.gold,) if isinstance(self.gold, int) else tuple(self.gold)

    @property
    def solved(self) -> tuple[str, str]:
        """Prompt and answer as a few-shot example shows them: with the (first) right choice."""
        gold = self.golds[0]
        prompts = self.prompts
        return prompts[gold] if len(prompts) > 1 else prompts[0], self.choices[gold]


@dataclass(frozen=True, slots=True)
class Task(BaseTask[Question]):
    """One benchmark. Its own code is `question`; everything else has the usual default.

    Example:
        >>> def question(row):
        ...     return Question(f"{row['country']}'s capital is", row["cities"], row["answer"])
        >>> capitals = Task("capitals", question, rows="capitals.jsonl")

    Attributes:
        metrics: What the task reports, by the names of `fastscore.metrics`, the main one first.
        reported_as: Other names for some of them in the results: lm-eval calls what it computes
            for TruthfulQA MC2 `acc`.

    The other attributes are those of `fastscore.tasks.base.BaseTask`.

    """

    metrics: tuple[str, ...] = ("acc", "acc_norm")
    reported_as: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        BaseTask.__post_init__(self)
        if isinstance(self.metrics, str) or not self.metrics:
            raise UsageError(
                f"{self.name}: metrics is {self.metrics!r}; give one or more names, such as "
                '("acc", "acc_norm")'
            )
        for metric in self.metrics:
            try:
                get_metric(metric)
            except UsageError as error:
                raise UsageError(f"{self.name}: {error}") from error

    @property
    def columns(self) -> dict[str, str]:
        """Name in the results to name in `fastscore.metrics`."""
        return {self.reported_as.get(metric, metric): metric for metric in self.metrics}

    def items(
        self, rows: Sequence[Row], pool: Sequence[Row] = (), prompting: Prompting | None = None
    ) -> list[Item]:
        """Make the items of ``rows``, in order; ``pool`` holds the rows examples are drawn from.

        Give the first n rows for a limit: examples are drawn from one stream, item after item.
        DataError names the row that is no question, UsageError what cannot be asked for.
        """
        from fastscore.tasks.prompting import Prompting, make_items

        return make_items(self, rows, pool, prompting or Prompting())

    def fault(self, question: Question) -> str | None:
        """Say what makes ``question`` impossible to score; None where nothing does."""
        if isinstance(question.choices, str):
            return "choices must be a list of texts, not one text"
        if isinstance(question.choices, (Mapping, Set)):
            # A set has an order of its own each time, and gold counts the choices.
            return f"choices must be a list of texts, not a {type(question.choices).__name__}"
        texts = [*question.prompts, *question.choices]
        if not all(isinstance(text, str) for text in texts):
            kinds = ", ".join(sorted({type(text).__name__ for text in texts} - {"str"}))
            return f"prompt and choices must be texts, not {kinds}"
        if not question.choices:
            return "there are no choices"
        for index, choice in enumerate(question.choices):
            if not choice:
                return f"choice {index} (counted from 0) is empty"
        if len(question.prompts) not in (1, len(question.choices)):
            return f"{len(question.prompts)} prompts do not fit {len(question.choices)} choices"
        if not question.golds:
            return "no choice is marked as right"
        for gold in question.golds:
            if isinstance(gold, bool) or not isinstance(gold, int):
                return f"the right choice must be an index, not {gold!r}"
            if not 0 <= gold < len(question.choices):
                return (
                    f"the right choice is number {gold} (counted from 0) of "
                    f"{len(question.choices)}; test splits without public labels cannot be scored"
                )
        return None


def index_in(row: Row, name: str) -> int:
    """Return the index of a choice that the field ``name`` holds, as a number or as digits."""
    value = row[name]
    if isinstance(value, str) and value.isdecimal():
        return int(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    raise ValueError(
        f"{name} is {value!r}, not the index of a choice; test splits without public labels cannot "
        "be scored"
    )
