"""How a run is asked for: the settings that are stored with its results."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal, TypedDict

from fastscore.errors import UsageError
from fastscore.generation_settings import GenerationSettings
from fastscore.nearest import did_you_mean

Fewshot = Literal["lm-eval", "shared"]

MAX_SEED = 2**64 - 1
"""Of either sign; a larger number could not be read back by what reads JSON elsewhere."""

RowsOf = Mapping[str, "str | os.PathLike[str] | Sequence[Mapping[str, Any]]"]
"""Rows of a task in place of its own: a file, or the rows themselves; by task or group."""


class ModelOptions(TypedDict, total=False):
    """What can be said about loading a model file; see ``fastscore.Model``."""

    n_ctx: int | None
    n_gpu_layers: int
    n_threads: int | None
    n_batch: int | None
    logits_mb: int
    tokenizer: str | os.PathLike[str] | None
    exact: bool | None
    tune: bool
    weights: Literal["native", "fast"]


@dataclass(frozen=True, slots=True)
class RunSettings:
    """The request behind a run. Checked on creation; UsageError says what is wrong with a value.

    ``limit`` is a number of rows, or below 1 a fraction of them; both are per task, and per
    subject for MMLU. ``until`` is the rule that ends a run before all items are scored.
    """

    tasks: tuple[str, ...]
    num_fewshot: int | None = None
    limit: int | float | None = None
    seed: int = 1234
    fewshot: Fewshot = "lm-eval"
    apply_chat_template: bool = False
    fewshot_as_multiturn: bool = True
    system_instruction: str | None = None
    data: str | None = None
    rows: Mapping[str, str] | None = None
    fewshot_rows: Mapping[str, str] | None = None
    log_prompts: bool = False
    until: str | None = None
    generation: GenerationSettings = field(default_factory=GenerationSettings)

    def __post_init__(self) -> None:
        if self.num_fewshot is not None and not _is_count(self.num_fewshot):
            raise UsageError(
                f"num_fewshot is {self.num_fewshot!r}; it must be a whole number, 0 or more"
            )
        if isinstance(self.seed, bool) or not isinstance(self.seed, int):
            raise UsageError(f"seed is {self.seed!r}; it must be a whole number")
        if abs(self.seed) > MAX_SEED:
            raise UsageError(
                f"seed is a number of {self.seed.bit_length()} bits; the limit is 64 bits"
            )
        if self.limit is not None and not _is_limit(self.limit):
            raise UsageError(
                f"limit is {self.limit!r}; it must be a whole number of rows from 1, or a fraction "
                "between 0 and 1"
            )
        if self.fewshot not in ("lm-eval", "shared"):
            raise UsageError(f"fewshot is {self.fewshot!r}; it must be 'lm-eval' or 'shared'")

    def to_dict(self) -> dict[str, Any]:
        """Plain values for ``results.json``, named as the arguments of `evaluate`."""
        values = asdict(self) | {"tasks": list(self.tasks)} | self.generation.to_dict()
        del values["generation"]
        return values


def rows_within(limit: int | float | None, n_rows: int) -> int:
    """Count the rows that ``limit`` leaves of ``n_rows``, rounding fractions up as lm-eval does."""
    if limit is None:
        return n_rows
    return min(n_rows, math.ceil(n_rows * limit) if limit < 1 else int(limit))


def describe_rows(rows: RowsOf | None) -> dict[str, str] | None:
    """Name what was handed over in place of a task's own rows, in plain values."""
    if not rows:
        return None
    return {
        name: str(Path(given))
        if isinstance(given, (str, os.PathLike))
        else f"{len(given)} rows from Python"
        for name, given in rows.items()
    }


def refuse_options(options: Iterable[str], opened: str, maker: str) -> None:
    """Raise UsageError for options beside something that is ``opened`` and so has its own."""
    if names := ", ".join(options):
        raise UsageError(f"{names} cannot be set for {opened} that is open; give them to {maker}")


def check_model_options(options: Mapping[str, object], others: Iterable[str]) -> None:
    """Raise UsageError for an option that neither a model nor ``others`` have."""
    known = [*others, *ModelOptions.__annotations__]
    for name in options:
        if name not in ModelOptions.__annotations__:
            hint = did_you_mean(name, known, f"there are {', '.join(known)}")
            raise UsageError(f"there is no option {name!r}; {hint}")


def _is_count(number: object) -> bool:
    return isinstance(number, int) and not isinstance(number, bool) and number >= 0


def _is_limit(limit: object) -> bool:
    if isinstance(limit, bool) or not isinstance(limit, (int, float)) or not math.isfinite(limit):
        return False
    return 0 < limit < 1 or (limit >= 1 and limit == int(limit))
