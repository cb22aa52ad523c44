"""Greedy decoding one text and one token at a time: ``llama_cpp.Llama`` and an argmax in numpy."""

from __future__ import annotations

import math
from pathlib import Path

import llama_cpp
import numpy as np
import numpy.typing as npt
from llama_cpp import Llama

from benchmarks.agreement import Reference
from benchmarks.workloads.generation import Prompt
from fastscore.types import FinishReason


class GreedyLoop:
    """Generates from an empty context every time; the lowest id wins among equal logits.

    Flash attention and F16 keys and values, which is what fastscore uses with quantised weights.
    ``n_batch`` tokens of a prompt are decoded at a time.
    """

    def __init__(self, gguf: Path, n_threads: int, n_ctx: int, n_batch: int) -> None:
        self._llm = Llama(
            str(gguf),
            n_ctx=n_ctx,
            n_threads=n_threads,
            n_threads_batch=n_threads,
            n_batch=n_batch,
            flash_attn=True,
            verbose=False,
        )
        self._vocab = llama_cpp.llama_model_get_vocab(self._llm.model)

    def write(self, prompt: Prompt) -> Reference:
        """The text after the prompt, up to its first stop text, with every token's runner-up."""
        llm = self._llm
        llm.reset()  # type: ignore[no-untyped-call]
        llm.eval(llm.tokenize(prompt.text.encode(), special=True))
        pieces: list[bytes | None] = []
        runner_up: list[bytes | None] = []
        gaps: list[float] = []
        written = b""
        reason: FinishReason = "length"
        for _ in range(prompt.max_tokens):
            logits = self._logits()
            best, second = _best_two(logits)
            pieces.append(self._piece(best))
            runner_up.append(self._piece(second))
            gaps.append(float(logits[best] - logits[second]))
            piece = pieces[-1]
            if piece is None:
                reason = "eos"
                break
            written += piece
            if any(stop.encode() in written for stop in prompt.stop):
                reason = "stop"
                break
            llm.eval([best])
        text = written.decode(errors="ignore")
        for stop in prompt.stop:
            text = text.split(stop)[0]
        return Reference(text, pieces, runner_up, gaps, reason)

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
