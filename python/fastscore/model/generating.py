"""Texts written after prompts, all at once: what callers who need no steps between use."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, overload

from fastscore.errors import UsageError
from fastscore.model.arguments import check_texts, is_whole
from fastscore.model.generation import GenerationRun
from fastscore.model.sampling import check_stops
from fastscore.types import Generation, GenerationRequest, Sampling

GREEDY = Sampling()


class Generating(ABC):
    """What can plan a generation run, and so write texts."""

    @abstractmethod
    def generating(
        self,
        requests: Sequence[GenerationRequest],
        sampling: Sampling = GREEDY,
        *,
        grammar: str | None = None,
        json_schema: Mapping[str, Any] | str | None = None,
        n_parallel: int | None = None,
    ) -> GenerationRun:
        """Plan the samples that ``requests`` ask for."""

    @overload
    def generate(  # type: ignore[overload-overlap]
        self,
        prompts: str,
        n: int = ...,
        max_tokens: int = ...,
        temperature: float = ...,
        top_k: int = ...,
        top_p: float = ...,
        min_p: float = ...,
        repeat_penalty: float = ...,
        stop: Sequence[str] = ...,
        seed: int = ...,
        *,
        grammar: str | None = ...,
        json_schema: Mapping[str, Any] | str | None = ...,
        n_parallel: int | None = ...,
    ) -> list[Generation]: ...
    @overload
    def generate(
        self,
        prompts: Sequence[str],
        n: int = ...,
        max_tokens: int = ...,
        temperature: float = ...,
        top_k: int = ...,
        top_p: float = ...,
        min_p: float = ...,
        repeat_penalty: float = ...,
        stop: Sequence[str] = ...,
        seed: int = ...,
        *,
        grammar: str | None = ...,
        json_schema: Mapping[str, Any] | str | None = ...,
        n_parallel: int | None = ...,
    ) -> list[list[Generation]]: ...
    def generate(
        self,
        prompts: str | Sequence[str],
        n: int = 1,
        max_tokens: int = 256,
        temperature: float = 0.0,
        top_k: int = 0,
        top_p: float = 1.0,
        min_p: float = 0.0,
        repeat_penalty: float = 1.0,
        stop: Sequence[str] = (),
        seed: int = 1234,
        *,
        grammar: str | None = None,
        json_schema: Mapping[str, Any] | str | None = None,
        n_parallel: int | None = None,
    ) -> list[Generation] | list[list[Generation]]:
        """Write ``n`` texts after each prompt; of one prompt, its texts alone.

        Parameters
        ----------
        prompts
            A text, or several: they are written after together, and what they share is read once.
        n
            Texts a prompt.
        max_tokens
            Most tokens of a text. A prompt that leaves no room for them in the window loses tokens
            from the left, as in lm-evaluation-harness.
        temperature
            0 takes the likeliest token each time, the lowest id of equals. Filters apply before it,
            as in llama.cpp. Tokens that all together are less than a millionth as likely as the
            likeliest one are left out, which llama.cpp does not do.
        top_k, top_p, min_p
            Draw from the k likeliest tokens; from the likeliest that have this probability
            together; from those at least this share as likely as the likeliest. 0, 1 and 0: all.
        repeat_penalty
            Divides the logits of the last 64 tokens, the prompt's included; 1: none.
        stop
            Texts that end a text; they and what follows them are not part of it. So does the
            spelling of the model's EOS.
        seed
            With the prompt and the number of the sample it decides the random numbers: the text
            does not depend on what else is generated, but for the rounding of another batching.
        grammar, json_schema
            A GBNF grammar, or a JSON schema, that every text keeps unless max_tokens cuts it short.
        n_parallel
            Texts written at a time. Default: 16 on a CPU, as many as fit on a GPU.

        Raises
        ------
        UsageError, MemoryLimitError, TokenizerError, DecodeError

        """
        one = isinstance(prompts, str)
        texts = check_texts([prompts] if isinstance(prompts, str) else prompts, "generate")
        check_stops(stop)
        if not is_whole(n) or n < 1:
            raise UsageError(f"n is {n!r:.60}; it is a whole number, at least 1 text a prompt")
        run = self.generating(
            [GenerationRequest(text, tuple(range(n)), tuple(stop), max_tokens) for text in texts],
            Sampling(temperature, top_k, top_p, min_p, repeat_penalty, seed),
            grammar=grammar,
            json_schema=json_schema,
            n_parallel=n_parallel,
        )
        found = {(done.request, done.sample): done.generation for step in run for done in step}
        written = [[found[i, k] for k in range(n)] for i in range(len(texts))]
        return written[0] if one else written
