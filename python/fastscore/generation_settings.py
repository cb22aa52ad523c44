"""How texts are asked for: how many, sampled how, and whether the code in them may run."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from fastscore.errors import UsageError
from fastscore.sizes import counted
from fastscore.types import Sampling

SandboxLevel = Literal["strong", "weak"]

_SAMPLING = ("temperature", "top_k", "top_p", "min_p", "repeat_penalty")
_OF_TEXTS = ("n", *_SAMPLING, "max_tokens")

MOST_SAMPLES = 100_000
"""Of one problem: each is named and looked for in the store before the first one is written."""


@dataclass(frozen=True, slots=True)
class GenerationPlan:
    """What is asked of a model for each prompt of one task.

    ``n`` samples a prompt; ``max_tokens`` in place of the task's own, None for that; ``k`` are the
    numbers that pass@k is estimated for, none where no code is executed.
    """

    n: int
    sampling: Sampling
    max_tokens: int | None
    k: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class GenerationSettings:
    """The request for generated texts; None stands for the task's own value.

    Checked on creation; UsageError says what is wrong with a value. ``timeout`` is the CPU time of
    one program in seconds, ``sandbox`` the level that programs are confined to.
    """

    n: int | None = None
    k: tuple[int, ...] | None = None
    temperature: float | None = None
    top_k: int | None = None
    top_p: float | None = None
    min_p: float | None = None
    repeat_penalty: float | None = None
    max_tokens: int | None = None
    allow_code_execution: bool = False
    sandbox: SandboxLevel = "strong"
    timeout: float = 3.0

    def __post_init__(self) -> None:
        for name, fits, limit in _RULES:
            value = getattr(self, name)
            if value is not None and not fits(value):
                shown = ",".join(map(str, value)) if isinstance(value, tuple) else repr(value)
                raise UsageError(f"{name} is {shown}; it must be {limit}")
        if self.k is not None:
            if not self.k:
                raise UsageError("k is empty; give the numbers to estimate pass@k for, such as 1")
            most = self.n or 1
            if max(self.k) > most:
                few = "1 sample is" if most == 1 else f"{most} samples are"
                raise UsageError(
                    f"pass@{max(self.k)} cannot be estimated where {few} drawn for each problem; "
                    f"give an n of {max(self.k)} or more (such as n={2 * max(self.k)}), or "
                    f"a k of at most {most}"
                )

    def to_dict(self) -> dict[str, Any]:
        """Plain values for ``results.json``."""
        return asdict(self) | {"k": None if self.k is None else list(self.k)}

    def check_use(self, *, any_texts: bool, any_code: bool) -> None:
        """Raise UsageError for an option that no task of the run would use."""
        idle = [] if any_texts else [name for name in _OF_TEXTS if getattr(self, name) is not None]
        if self.k is not None and not any_code:
            idle.append("k")
        if not idle:
            return
        kind = "writes code that is executed" if idle == ["k"] else "has answers to generate"
        raise UsageError(
            f"{', '.join(idle)} cannot be used here: none of the tasks {kind}. Leave "
            f"{'it' if len(idle) == 1 else 'them'} out, or add a task such as humaneval"
        )

    def plan(self, task: str, own: Sampling, seed: int, *, executes_code: bool) -> GenerationPlan:
        """Put the settings together with a task's own; UsageError where they do not go together."""
        given = {name: getattr(self, name) for name in _SAMPLING}
        values = asdict(own) | {name: v for name, v in given.items() if v is not None}
        sampling = Sampling(**{**values, "seed": seed})
        n = self.n or 1
        if sampling.temperature == 0:
            if n > 1:
                raise UsageError(
                    f"{task}: n is {n} at temperature 0, where all samples of a prompt are the "
                    "same text; give a temperature such as 0.8, or leave n out"
                )
            idle = [name for name in ("top_k", "top_p", "min_p") if given[name] is not None]
            if idle:
                raise UsageError(
                    f"{task}: {idle[0]} is {given[idle[0]]!r} at temperature 0, where the "
                    "likeliest token is taken whatever it is; give a temperature such as 0.8, or "
                    f"leave {' and '.join(idle)} out"
                )
        k = tuple(dict.fromkeys(self.k or (1,))) if executes_code else ()
        return GenerationPlan(n, sampling, self.max_tokens, k)


def departure(plan: GenerationPlan, own: Sampling, own_max_tokens: int) -> str | None:
    """Say what sets texts apart from a task's own, which are lm-eval's; None where nothing does."""
    now, usual = [], []
    if replace(plan.sampling, seed=own.seed) != own:
        now.append(describe_sampling(plan.sampling))
        usual.append(describe_sampling(own))
    if plan.max_tokens not in (None, own_max_tokens):
        now.append(f"at most {counted(plan.max_tokens, 'token')} a text")
        usual.append(f"at most {own_max_tokens:,}")
    return f"{', '.join(now)}: the task's own is {', '.join(usual)}" if now else None


def read_numbers(given: str | int | Sequence[int] | None, name: str) -> tuple[int, ...] | None:
    """Read ``"1,5,10"``, one number or several; UsageError names what is no number."""
    if given is None:
        return None
    if isinstance(given, str):
        parts = [part.strip() for part in given.split(",")]
        if not all(re.fullmatch("[0-9]{1,18}", part) for part in parts):
            raise UsageError(f"{name} is {given!r:.80}; give whole numbers, such as 1,5,10")
        return tuple(map(int, parts))
    return tuple(given) if isinstance(given, Iterable) else (given,)


def describe_sampling(sampling: Sampling) -> str:
    """Say in a few words how tokens are picked: ``greedy``, ``temperature 0.8, top_p 0.95``."""
    penalty = (
        "" if sampling.repeat_penalty == 1 else f", repeat_penalty {sampling.repeat_penalty:g}"
    )
    if sampling.temperature == 0:
        return f"greedy{penalty}"
    usual = Sampling()
    filters = "".join(
        f", {name} {getattr(sampling, name):g}"
        for name in ("top_k", "top_p", "min_p")
        if getattr(sampling, name) != getattr(usual, name)
    )
    return f"temperature {sampling.temperature:g}{filters}{penalty}, seed {sampling.seed}"


def _is_count(least: int, most: float = math.inf) -> Callable[[object], bool]:
    return lambda v: isinstance(v, int) and not isinstance(v, bool) and least <= v <= most


def _is_number(fits: Callable[[float], bool]) -> Callable[[object], bool]:
    return lambda v: (
        isinstance(v, (int, float)) and not isinstance(v, bool) and math.isfinite(v) and fits(v)
    )


_RULES: tuple[tuple[str, Callable[[Any], bool], str], ...] = (
    (
        "k",
        lambda ks: all(map(_is_count(1, MOST_SAMPLES), ks)),
        f"whole numbers, each from 1 to {MOST_SAMPLES:,}",
    ),
    ("n", _is_count(1, MOST_SAMPLES), f"a whole number from 1 to {MOST_SAMPLES:,}"),
    ("temperature", _is_number(lambda v: v >= 0), "a number, 0 (greedy) or more"),
    ("top_k", _is_count(0), "a whole number, 0 (off) or more"),
    ("top_p", _is_number(lambda v: 0 < v <= 1), "above 0 and at most 1 (off)"),
    ("min_p", _is_number(lambda v: 0 <= v <= 1), "between 0 (off) and 1"),
    ("repeat_penalty", _is_number(lambda v: v > 0), "above 0; 1 is off"),
    ("max_tokens", _is_count(1), "a whole number, 1 or more"),
    ("timeout", _is_number(lambda v: 0 < v <= 3600), "seconds, above 0 and at most 3600"),
    ("sandbox", lambda v: v in ("strong", "weak"), "'strong' or 'weak'"),
)
