"""Benchmarks that a model answers in its own words: what is asked, when it stops, what counts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

from fastscore.errors import DataError, UsageError
from fastscore.metrics import Score
from fastscore.tasks.base import BaseTask, between
from fastscore.types import OpenItem, ProgramParts, Row, Sampling

if TYPE_CHECKING:
    from fastscore.sandbox import Program
    from fastscore.tasks.prompting import Prompting

Extract = Callable[[str], str]
"""From a text that a model wrote to the part of it that is judged."""

Match = Callable[[str, Sequence[str]], bool]
"""Whether an extracted answer is one of the references."""


@dataclass(frozen=True, slots=True)
class OpenQuestion:
    """A row as it is put to a model that answers in its own words.

    ``prompt`` is the text before the answer, ``solution`` the answer as a few-shot example shows
    it. ``gold`` is the reference, or several of which one must be met. ``prefix`` is the beginning
    of the answer, given to the model. ``program`` says how a program is made of the answer.
    """

    prompt: str
    solution: str
    gold: str | tuple[str, ...]
    prefix: str = ""
    program: ProgramParts | None = None

    @property
    def solved(self) -> tuple[str, str]:
        """Prompt and answer as a few-shot example shows them."""
        return self.prompt, self.prefix + between(self.prefix, " ", self.solution) + self.solution


def as_it_stands(output: str) -> str:
    """Extract nothing: the whole output is the answer."""
    return output


def is_among(answer: str, references: Sequence[str]) -> bool:
    """Match an answer that equals a reference, character for character."""
    return answer in references


AS_IT_STANDS: Mapping[str, Extract] = MappingProxyType({"none": as_it_stands})
"""The only filter of a task that judges the whole output."""


@dataclass(frozen=True, slots=True)
class GenerationTask(BaseTask[OpenQuestion]):
    r"""A benchmark whose answers are generated.

    Example:
        >>> def question(row):
        ...     prompt = f"Question: {row['question']}\nAnswer:"
        ...     return OpenQuestion(prompt, row["answer"], gold=row["answer"])
        >>> capitals = GenerationTask("capitals", question, rows="capitals.jsonl", stop=("\n",))

    Attributes:
        stop: Texts that end an answer; they and what follows are no part of it.
        max_tokens: Tokens after which an answer is cut.
        sampling: How tokens are picked where nothing else is asked for.
        filters: Ways to extract the answer from an output, by lm-eval's names.
        match: Whether an extracted answer is right. Not used where code is executed.
        executes_code: Whether outputs are programs, judged by running them.

    The other attributes are those of `fastscore.tasks.base.BaseTask`.

    """

    stop: tuple[str, ...] = ()
    max_tokens: int = 256
    sampling: Sampling = field(default_factory=Sampling)
    filters: Mapping[str, Extract] = field(default_factory=lambda: AS_IT_STANDS)
    match: Match = lambda answer, references: answer in references
    executes_code: bool = False

    def __post_init__(self) -> None:
        BaseTask.__post_init__(self)
        if isinstance(self.stop, str) or not all(self.stop):
            raise UsageError(
                f"{self.name}: stop is {self.stop!r}; give a tuple of texts that are not empty, "
                'such as ("\\n",)'
            )
        if self.max_tokens < 1:
            raise UsageError(f"{self.name}: max_tokens is {self.max_tokens}; it must be 1 or more")
        if not self.filters:
            raise UsageError(f"{self.name}: there are no filters; leave them out to have none")
        if self.executes_code and len(self.filters) != 1:
            raise UsageError(
                f"{self.name}: {len(self.filters)} filters, but code is executed once an output; "
                "give one filter"
            )

    @property
    def columns(self) -> dict[str, str]:
        """Name in the results to the name of the filter whose answers are judged.

        Where code is executed, that is ``pass@1``; a run may estimate it for other numbers too.
        """
        first, *others = self.filters
        if self.executes_code:
            return {"pass@1": first}
        if not others:
            return {"exact_match": first}
        return {f"exact_match,{name}": name for name in self.filters}

    def items(
        self, rows: Sequence[Row], pool: Sequence[Row] = (), prompting: Prompting | None = None
    ) -> list[OpenItem]:
        """Make the items of ``rows``, in order; ``pool`` holds the rows examples are drawn from.

        Give the first n rows for a limit: examples are drawn from one stream, item after item.
        DataError names the row that is no question, UsageError what cannot be asked for.
        """
        from fastscore.tasks.prompting import Prompting, make_open_items

        return make_open_items(self, rows, pool, prompting or Prompting())

    def extract(self, output: str) -> dict[str, str]:
        """Apply every filter to one output."""
        return {name: extract(output) for name, extract in self.filters.items()}

    def judge(self, item: OpenItem, extracted: Mapping[str, str]) -> dict[str, Score]:
        """Judge one output, given what `extract` made of it: 1 or 0 in each of `columns`."""
        if self.executes_code:
            raise UsageError(f"{self.name} is judged by running programs; see `program`")
        references = (item.gold,) if isinstance(item.gold, str) else item.gold
        return {
            column: Score(float(self.match(extracted[name], references)))
            for column, name in self.columns.items()
        }

    def program(self, item: OpenItem, extracted: Mapping[str, str]) -> Program:
        """Make the program to run for one output, given what `extract` made of it."""
        (name,) = self.filters
        return self._program(item, extracted[name])

    def check_programs(self, items: Sequence[OpenItem]) -> None:
        """Raise DataError for an item whose own tests are not Python, before a model writes."""
        from fastscore.sandbox import check_trusted

        for item in items:
            try:
                check_trusted(self._program(item, ""))
            except UsageError as error:
                raise DataError(f"{self.name}: item {item.doc_id}: {error}") from error

    def _program(self, item: OpenItem, written: str) -> Program:
        from fastscore.sandbox import Program

        parts = item.program
        if parts is None:
            raise UsageError(f"{self.name}: item {item.doc_id} is not judged by running programs")
        return Program(
            source=parts.before + written,
            test=parts.test,
            entry_point=parts.entry_point,
            prelude=parts.prelude,
            reference=parts.reference,
        )

    def fault(self, question: OpenQuestion) -> str | None:
        """Say what makes ``question`` impossible to score; None where nothing does."""
        golds = (question.gold,) if isinstance(question.gold, str) else question.gold
        texts = [question.prompt, question.solution, question.prefix, *golds]
        if not all(isinstance(text, str) for text in texts):
            kinds = ", ".join(sorted({type(text).__name__ for text in texts} - {"str"}))
            return f"prompt, solution, prefix and gold must be texts, not {kinds}"
        if not golds:
            return "there is no reference answer"
        if self.executes_code != (question.program is not None):
            return "a program belongs to a task that executes code, and to no other"
        return None
