"""What a run says about generated texts: how they were asked for, how they ended, how they ran."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fastscore.types import Sampling

GENERATION_PHASES = ("prefill", "decode", "sample", "execute")
"""The keys of `GenerationWork.seconds`."""


@dataclass(frozen=True, slots=True)
class ExecutionSummary:
    """How the programs of a task were run.

    Attributes:
        sandbox: The level in force, ``strong`` or ``weak``.
        description: What confines the programs, in one line for people.
        limits: Of each program: CPU and wall-clock time in seconds, memory, and so on.
        outcomes: How many programs ended in each way; the ways that occurred.
        near_limit: Programs that used nearly all of their time, so that their outcome might be
            another on another machine.

    """

    sandbox: str
    description: str
    limits: Mapping[str, Any]
    outcomes: Mapping[str, int]
    near_limit: int


@dataclass(frozen=True, slots=True)
class GenerationSummary:
    """How the texts of a task were generated.

    Attributes:
        n: Samples a problem.
        sampling: How tokens were picked.
        max_tokens: The most tokens a text could have.
        mean_tokens: Tokens of a text, on average; NaN where the texts were read from another
            tool's files, which do not say.
        finish_reasons: How many texts ended by ``stop``, ``eos`` and ``length``, or ``unknown``.
        k: The numbers that pass@k is estimated for; none where no code is judged.
        none_passed: Share of problems with c = 0: no sample's program passed. None where no
            program was run, as are the next two.
        all_passed: Share of problems with c = n.
        execution: How the programs were run.

    """

    n: int
    sampling: Sampling
    max_tokens: int
    mean_tokens: float
    finish_reasons: Mapping[str, int]
    k: tuple[int, ...] = ()
    none_passed: float | None = None
    all_passed: float | None = None
    execution: ExecutionSummary | None = None


@dataclass(frozen=True, slots=True)
class GenerationWork:
    """What the generated texts of a run cost.

    Attributes:
        samples: Texts that the scores needed.
        from_store: Those of them that an earlier run had left in the store. The counts of tokens
            are about the others.
        tokens_generated: Tokens sampled.
        prompt_tokens_decoded: Tokens of prompts that went through the model.
        prompt_tokens_minimal: Tokens of prompts that must, when what is shared is decoded once.
        programs: Programs that were run.
        seconds: Wall-clock time of ``prefill``, ``decode``, ``sample`` and ``execute``.

    """

    samples: int
    from_store: int
    tokens_generated: int
    prompt_tokens_decoded: int
    prompt_tokens_minimal: int
    programs: int
    seconds: Mapping[str, float]
