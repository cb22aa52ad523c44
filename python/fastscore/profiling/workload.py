"""What is timed: the tests of ``llama-bench``, named as it names them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Workload:
    """One test: ``n_prompt`` tokens read, or ``n_gen`` tokens written one after the other.

    ``n_depth`` tokens are in the KV cache beforehand. ``n_batch`` tokens go to a ``llama_decode``
    and ``n_ubatch`` through the model at a time. ``n_parallel`` sequences are written side by
    side, a token of each a step, as ``llama-batched-bench`` does it.
    """

    n_prompt: int
    n_gen: int
    n_depth: int = 0
    n_batch: int = 2048
    n_ubatch: int = 512
    n_parallel: int = 1

    @property
    def name(self) -> str:
        """``pp512``, ``tg128``, ``tg128 @ d4096``; several sequences in front: ``4 x tg128``."""
        test = f"pp{self.n_prompt}" if self.n_prompt else f"tg{self.n_gen}"
        several = f"{self.n_parallel} x " if self.n_parallel > 1 else ""
        depth = f" @ d{self.n_depth}" if self.n_depth else ""
        return f"{several}{test}{depth}"

    @property
    def n_tokens(self) -> int:
        """Tokens that a repetition reads or writes."""
        return (self.n_prompt + self.n_gen) * self.n_parallel

    @property
    def n_ctx(self) -> int:
        """Tokens that each sequence has in the end."""
        return self.n_depth + self.n_prompt + self.n_gen

    @property
    def is_headline(self) -> bool:
        """Whether it is one sequence in an empty cache, as devices are compared by."""
        return self.n_depth == 0 and self.n_parallel == 1
