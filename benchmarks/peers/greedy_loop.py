"""Greedy decoding one text and one token at a time: ``llama_cpp.Llama`` and an argmax in numpy."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import llama_cpp
import numpy as np
import numpy.typing as npt
from llama_cpp import Llama

from benchmarks.agreement import Reference
from benchmarks.workloads.generation import Prompt

N_BATCH = 512
"""Tokens of a prompt decoded at a time: the default of llama-cpp-python."""

OTHER_BATCHES = (1, 2, 8, 30, 32, 60, 128)
"""Among them are one token at a time, and sizes on both sides of those from which llama.cpp's
kernels for a CPU are others: a few tokens for matrices, 64 for attention."""


class GreedyLoop:
    """Generates from an empty context every time; the lowest id wins among equal logits.

    Flash attention and F16 keys and values, which is what fastscore uses with quantised weights.
    """

    def __init__(self, gguf: Path, n_threads: int, n_ctx: int) -> None:
        self._llm = Llama(
            str(gguf),
            n_ctx=n_ctx,
            n_threads=n_threads,
            n_threads_batch=n_threads,
            n_batch=N_BATCH,
            flash_attn=True,
            verbose=False,
        )
        self._vocab = llama_cpp.llama_model_get_vocab(self._llm.model)

    def write(self, prompt: Prompt) -> Reference:
        """The text after the prompt, up to its first stop text, with every token's runner-up."""
        llm = self._llm
        llm.reset()  # type: ignore[no-untyped-call]
        llm.eval(llm.tokenize(prompt.text.encode(), special=True))
        ids: list[int] = []
        pieces: list[bytes | None] = []
        runner_up: list[bytes | None] = []
        gaps: list[float] = []
        written = b""
        for _ in range(prompt.max_tokens):
            logits = self._logits()
            best, second = _best_two(logits)
            ids.append(best)
            pieces.append(self._piece(best))
            runner_up.append(self._piece(second))
            gaps.append(float(logits[best] - logits[second]))
            piece = pieces[-1]
            if piece is None:
                break
            written += piece
            if any(stop.encode() in written for stop in prompt.stop):
                break
            llm.eval([best])
        text = written.decode(errors="ignore")
        for stop in prompt.stop:
            text = text.split(stop)[0]
        return Reference(text, pieces, runner_up, gaps, ids)

    def gaps_in_other_batches(self, prompt: Prompt, ids: Sequence[int]) -> list[float]:
        """How far the last of ``ids`` leads the best other token, by batch size.

        Negative where another token is the best one.
        """
        llm = self._llm
        *before, chosen = ids
        tokens = llm.tokenize(prompt.text.encode(), special=True) + before
        gaps = []
        for n_batch in OTHER_BATCHES:
            llm.reset()  # type: ignore[no-untyped-call]
            for start in range(0, len(tokens), n_batch):
                llm.eval(tokens[start : start + n_batch])
            logits = self._logits().copy()
            value = logits[chosen]
            logits[chosen] = -np.inf
            gaps.append(float(value - logits.max()))
        return gaps

    def _logits(self) -> npt.NDArray[np.float32]:
        pointer = llama_cpp.llama_get_logits_ith(self._llm.ctx, -1)
        return np.ctypeslib.as_array(pointer, shape=(self._llm.n_vocab(),))

    def _piece(self, token: int) -> bytes | None:
        if llama_cpp.llama_vocab_is_eog(self._vocab, token):
            return None
        return self._llm.detokenize([token], special=True)

    def longest(self, prompts: list[Prompt]) -> int:
        """Tokens of the longest prompt with the room that it asks for."""
        return max(
            len(self._llm.tokenize(prompt.text.encode(), special=True)) + prompt.max_tokens
            for prompt in prompts
        )

    def close(self) -> None:
        """Give the model's memory back."""
        self._llm.close()


def window(n_tokens: int) -> int:
    """``n_ctx`` for texts of up to ``n_tokens``: llama.cpp pads it to 256 anyway."""
    return 256 * math.ceil(n_tokens / 256)


def _best_two(logits: npt.NDArray[np.float32]) -> tuple[int, int]:
    best = int(np.argmax(logits))
    others = logits.copy()
    others[best] = -np.inf
    return best, int(np.argmax(others))
