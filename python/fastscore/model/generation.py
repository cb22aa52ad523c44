"""A generation run: texts written after many prompts at once, a decode step at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from fastscore.types import Finished, GenerationRequest, Sampling


class GenerationRun:
    """Iterate to carry the run out, a decode step at a time.

    Each step yields the samples that it finished, often none. Between steps the interpreter runs,
    so Ctrl-C lands within one batch and what was yielded is kept. A run can be iterated once.

    ``tokens_generated`` counts sampled tokens, ``prompt_tokens_decoded`` tokens of prompts decoded
    so far, ``tokens_prefill_planned`` how many there will be: the size of the prompts' trie.
    ``tokens_repeated`` of those decoded were decoded before and lost to a budget.
    ``n_truncated`` prompts lost tokens from the left. ``seconds`` are by phase: ``prefill``,
    ``decode`` and ``sample``.
    """

    tokens_generated: int
    prompt_tokens_decoded: int
    tokens_prefill_planned: int
    tokens_repeated: int
    n_samples: int
    n_truncated: int
    seconds: dict[str, float]

    def __init__(self, requests: Sequence[GenerationRequest], sampling: Sampling) -> None:
        raise NotImplementedError

    def __iter__(self) -> Iterator[list[Finished]]:
        raise NotImplementedError
