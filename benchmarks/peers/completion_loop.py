"""What a user would write today: ``Llama.create_completion``, sample after sample."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from llama_cpp import Llama
from llama_cpp.llama_cache import LlamaRAMCache

from benchmarks.peers.batched_bench import Pace


class CompletionLoop:
    """Samples of a prompt one after the other, in llama-cpp-python's default context.

    ``n_threads`` None is its default as well: half of the cores.
    Its prompt cache: a call finds the tokens that it shares with the one before still decoded, and
    with ``ram_cache`` every finished state is kept besides (``LlamaRAMCache``, 2 GiB).
    """

    def __init__(self, gguf: Path, n_threads: int | None, n_ctx: int, ram_cache: bool) -> None:
        self._llm = Llama(
            str(gguf), n_ctx=n_ctx, n_threads=n_threads, n_threads_batch=n_threads, verbose=False
        )
        if ram_cache:
            self._llm.set_cache(LlamaRAMCache())

    def run(self, prompts: Sequence[str], n: int, max_tokens: int, temperature: float) -> Pace:
        """``n`` samples of each prompt, drawn from the whole distribution."""
        tokens = 0
        started = time.perf_counter()
        for prompt in prompts:
            for sample in range(n):
                answer: Any = self._llm.create_completion(
                    prompt,
                    max_tokens=max_tokens,
                    temperature=temperature,
                    top_k=0,
                    top_p=1.0,
                    min_p=0.0,
                    seed=sample,
                )
                written = answer["usage"]["completion_tokens"]
                # The last token of a text that was cut off is sampled and never decoded.
                cut_off = answer["choices"][0]["finish_reason"] == "length"
                tokens += written - 1 if cut_off else written
        return Pace(tokens, time.perf_counter() - started)

    def close(self) -> None:
        """Give the model's memory back."""
        self._llm.close()
