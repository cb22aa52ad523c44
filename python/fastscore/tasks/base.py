"""What every benchmark has, whatever it asks for: rows, examples, and a function that asks."""

from __future__ import annotations

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, Protocol, TypeVar, get_args

from fastscore.datasets import load_rows
from fastscore.errors import DataError, UsageError
from fastscore.fewshot import SamplerName
from fastscore.types import DataSource, LoadedRows, Origin, Role, Row


class Solvable(Protocol):
    """What can stand in a prompt as a solved example."""

    @property
    def solved(self) -> tuple[str, str]:
        """Prompt and answer, as a few-shot example shows them."""
        ...


AnyQuestion = TypeVar("AnyQuestion", bound=Solvable)

_OWN = DataSource(benchmark="custom")


@dataclass(frozen=True, slots=True)
class BaseTask(ABC, Generic[AnyQuestion]):
    """The part of a task that does not depend on how its answers are judged.

    Attributes:
        name: lm-eval's name where lm-eval has the task.
        question: From a row in the hub's layout to what is asked. KeyError, IndexError, TypeError
            and ValueError are reported as an error in the row.
        source: Where rows are published; a task of your own has none.
        rows: The file of rows of a task of your own: JSONL, CSV or parquet.
        fewshot_rows: The file of rows its examples come from; without one they come from `rows`.
        fixed_examples: The rows its examples come from where they are part of the benchmark.
        description: Text ahead of all examples.
        delimiter: Text between a prompt and its answer; nothing under a chat template.
        separator: Text between two examples.
        sampler: How few-shot examples are picked from their rows.
        exclude_item: Whether an item's own row is kept out of its examples, at the price of one
            more draw an item (see `fastscore.fewshot.RandomSampler`).
        num_fewshot: Examples shown where nothing else is asked for.
        fixed_fewshot: Whether that number is part of the benchmark and cannot be changed.
        version: lm-eval's version of the task.
        about: Paper, licence and prompt format, for people.

    """

    name: str
    question: Callable[[Row], AnyQuestion]
    source: DataSource = _OWN
    rows: str | Path | None = None
    fewshot_rows: str | Path | None = None
    fixed_examples: tuple[Row, ...] = field(default=(), repr=False)
    description: str = ""
    delimiter: str = " "
    separator: str = "\n\n"
    sampler: SamplerName = "random"
    exclude_item: bool = True
    num_fewshot: int = 0
    fixed_fewshot: bool = False
    version: str = "1.0"
    about: str = field(default="", repr=False)

    @abstractmethod
    def fault(self, question: AnyQuestion) -> str | None:
        """Say what makes ``question`` impossible to score; None where nothing does."""

    def __post_init__(self) -> None:
        # Named here, where the mistake is: a run would notice it after hours of decoding.
        if not isinstance(self.name, str) or not self.name.strip():
            raise UsageError(f"a task is called {self.name!r}; its name must be a text")
        if self.sampler not in get_args(SamplerName):
            listed = " or ".join(map(repr, get_args(SamplerName)))
            raise UsageError(f"{self.name}: sampler is {self.sampler!r}; it must be {listed}")
        shots = self.num_fewshot
        if isinstance(shots, bool) or not isinstance(shots, int) or shots < 0:
            raise UsageError(
                f"{self.name}: num_fewshot is {shots!r}; it must be a whole number, 0 or more"
            )
        for name in ("description", "delimiter", "separator"):
            text = getattr(self, name)
            if not isinstance(text, str):
                raise UsageError(f"{self.name}: {name} is {text!r}; it must be a text")

    @property
    def summary(self) -> str:
        """The first line of `about`."""
        return self.about.strip().partition("\n")[0]

    @property
    def same_shots(self) -> bool:
        """Whether all items show the same examples in any case, as MMLU's do."""
        return self.sampler == "first" and not self.exclude_item

    @property
    def shots_from_eval(self) -> bool:
        """Whether examples come from the evaluated rows, there being no others."""
        return (
            self.source.fewshot_split is None
            and self.fewshot_rows is None
            and not self.fixed_examples
        )

    def load(
        self,
        role: Role,
        *,
        data_dir: Path | None = None,
        file: Path | None = None,
        offline: bool | None = None,
    ) -> LoadedRows:
        """Load the rows to score, or to draw examples from; see `fastscore.datasets.load_rows`.

        ``file`` goes before the task's own examples or file, those before the data directory and
        the hub.
        """
        if role == "fewshot" and file is None:
            if self.fixed_examples:
                return self._own_examples()
            if self.shots_from_eval:
                role = "eval"
        own = self.rows if role == "eval" else self.fewshot_rows
        if file is None and own is not None:
            file = Path(own)
        if file is None and self.source == _OWN:
            raise UsageError(
                f"{self.name} has no rows; say rows=... where the task is made, or name a file "
                f"with --rows {self.name}=FILE"
            )
        return load_rows(self.source, role, data_dir=data_dir, file=file, offline=offline)

    def _own_examples(self) -> LoadedRows:
        rows = [dict(row) for row in self.fixed_examples]
        text = json.dumps(rows, sort_keys=True, ensure_ascii=False).encode()
        sha256 = hashlib.sha256(text).hexdigest()
        place = f"the examples of {self.name}, part of the benchmark"
        return LoadedRows(rows, Origin("package", place, sha256, len(rows)))

    def shots(self, requested: int | None = None) -> int:
        """Return the number of examples to show; UsageError where the task cannot show so many."""
        if requested is None or requested == self.num_fewshot:
            return self.num_fewshot
        if requested < 0:
            raise UsageError(f"num_fewshot is {requested}; it must be 0 or more")
        if self.fixed_fewshot:
            raise UsageError(
                f"{self.name} always has {self.num_fewshot} few-shot examples and {requested} were "
                "asked for; its prompt is part of the benchmark. Leave num_fewshot out"
            )
        return requested

    def ask(self, row: Row, where: str) -> AnyQuestion:
        """Return the question of ``row``, checked; ``where`` names the row in a DataError."""
        try:
            question = self.question(row)
            fault = self.fault(question)
        except KeyError as error:
            raise DataError(
                f"{self.name}: {where} has no field or value {error}; "
                f"its fields are {', '.join(map(str, row)) or 'none'}"
            ) from error
        except (IndexError, TypeError, ValueError, AttributeError) as error:
            raise DataError(f"{self.name}: {where} cannot be read: {error}") from error
        if fault:
            raise DataError(f"{self.name}: {where}: {fault}")
        return question


def between(before: str, delimiter: str, after: str) -> str:
    """Return the delimiter where two texts would touch without any white space, else nothing."""
    touching = before and after and not (before[-1].isspace() or after[0].isspace())
    return delimiter if touching else ""
