"""A generation run: texts written after many prompts at once, a decode step at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager

import numpy as np

from fastscore import _core
from fastscore.errors import DecodeError
from fastscore.model import library
from fastscore.model.generation_limits import GenerationLimits
from fastscore.model.settings import Limits
from fastscore.tokenise import EncodedPrompts
from fastscore.types import Finished, Generation, GenerationRequest, Sampling


class GenerationRun:
    """Iterate to carry the run out, a decode step at a time.

    Each step yields the samples that it finished, often none. Between steps the interpreter runs,
    so Ctrl-C lands within one batch and what was yielded is kept. A run can be iterated once.

    ``tokens_generated`` counts sampled tokens, ``prompt_tokens_decoded`` tokens of prompts decoded
    so far, ``tokens_prefill_planned`` the size of the prompts' trie, which is what decoding each
    once takes. ``tokens_repeated`` of those decoded were decoded before and lost to a budget.
    ``n_truncated`` prompts lost tokens from the left. ``seconds`` are by phase: ``prefill``,
    ``decode`` and ``sample``; the time of a step that decodes prompts and samples is shared out by
    tokens.
    """

    def __init__(
        self,
        requests: Sequence[GenerationRequest],
        prompts: EncodedPrompts,
        sampling: Sampling,
        grammar: _core.Grammar | None,
        eos_text: str,
        limits: Callable[[_core.PromptOrder], GenerationLimits],
        decoder: Callable[[Limits], _core.Decoder],
        exclusive: AbstractContextManager[object],
        pool: _core.ThreadPool,
        pieces: _core.TokenPieces,
    ) -> None:
        self._sampling = sampling
        self._grammar = grammar
        self._decoder = decoder
        self._exclusive = exclusive
        self._pool = pool
        self._pieces = pieces
        self._started = False
        # lm-eval cuts at the spelling of EOS too, should a model write it in ordinary tokens.
        always = (eos_text,) if eos_text else ()
        self._stops = [
            [text.encode() for text in dict.fromkeys((*request.stop, *always))]
            for request in requests
        ]
        self._samples = [
            (i, number) for i, request in enumerate(requests) for number in request.samples
        ]
        self._lengths = prompts.lengths
        self._order = _core.PromptOrder(
            prompts.ids,
            prompts.offsets,
            np.array([i for i, _ in self._samples], dtype=np.int32),
            np.array([requests[i].max_tokens for i, _ in self._samples], dtype=np.int32),
        )
        self.limits = limits(self._order)
        self.n_samples = len(self._samples)
        self.n_truncated = prompts.n_truncated
        self.tokens_prefill_planned = self._order.n_tokens
        self.tokens_generated = 0
        self.prompt_tokens_decoded = 0
        self.tokens_repeated = 0
        self.seconds = {"prefill": 0.0, "decode": 0.0, "sample": 0.0}

    def __iter__(self) -> Iterator[list[Finished]]:
        if self._started:
            raise RuntimeError("a generation run can be iterated once; ask the model for a new one")
        self._started = True
        if not self._samples:
            return
        with self._exclusive:
            decoder = self._decoder(self.limits.context)
            context = self.limits.context
            schedule = _core.GenerationSchedule(
                self._order,
                n_batch=context.n_batch,
                n_cells=context.n_cells,
                n_running=self.limits.n_running,
                n_ready=self.limits.n_ready,
                n_checkpoints=self.limits.n_checkpoints,
                sharing=context.sharing,
            )
            generator = _core.Generator(
                decoder,
                schedule,
                self._pieces,
                self._pool,
                np.array([number for _, number in self._samples], dtype=np.int64),
                self._stops,
                temperature=self._sampling.temperature,
                top_k=self._sampling.top_k,
                top_p=self._sampling.top_p,
                min_p=self._sampling.min_p,
                repeat_penalty=self._sampling.repeat_penalty,
                seed=self._sampling.seed,
                grammar=self._grammar,
            )
            while not generator.done:
                yield self._step(generator, schedule)

    def _step(
        self, generator: _core.Generator, schedule: _core.GenerationSchedule
    ) -> list[Finished]:
        try:
            finished = generator.step()
        except DecodeError as error:
            failed = generator.failed_sample
            where = "request {}, sample {}: ".format(*self._samples[failed]) if failed >= 0 else ""
            raise DecodeError(f"{where}{error}\n{library.take_log()}".strip()) from error
        self.tokens_generated = generator.n_tokens
        self.prompt_tokens_decoded = schedule.n_prompt_tokens
        self.tokens_repeated = schedule.n_repeated
        self.seconds = {
            "prefill": generator.prefill_seconds,
            "decode": generator.decode_seconds,
            "sample": generator.sample_seconds,
        }
        return [
            Finished(
                *self._samples[index],
                Generation(
                    text=text.decode("utf-8", errors="replace"),
                    finish_reason=reason,
                    n_prompt_tokens=self._lengths[self._samples[index][0]],
                    n_tokens=n_tokens,
                    seconds=seconds,
                ),
            )
            for index, text, reason, n_tokens, seconds in finished
        ]
