"""llama.cpp's own measure of parallel generation: ``llama-batched-bench``.

It decodes a prompt once, shares it among sequences (``-pps -kvu``) and decodes a token of each per
step. The tokens are random and nothing is sampled, so it is the pace of ``llama_decode`` alone.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.report import process


@dataclass(frozen=True)
class Pace:
    """Tokens decoded after prompts, and the seconds of prompts and tokens together."""

    tokens: int
    seconds: float

    @property
    def tokens_per_second(self) -> float:
        return self.tokens / self.seconds


@dataclass(frozen=True)
class BatchedBench:
    """The tool, with ``n_parallel`` sequences of one prompt at a time.

    The rest are its defaults: flash attention "auto" and an F16 KV cache, as fastscore has them
    with quantised weights, and batches in which every prompt fits.
    """

    binary: Path
    threads: int
    n_parallel: int

    def run(self, gguf: Path, prompt_lengths: Sequence[int], n_tokens: int) -> Pace:
        """One prompt of each length, and ``n_tokens`` decoded after it in every sequence.

        The times are the tool's own, without loading the model and warming up.
        """
        cells = max(prompt_lengths) + self.n_parallel * n_tokens
        command = [str(self.binary), "-m", str(gguf), "-t", str(self.threads), "-pps", "-kvu"]
        command += ["-npp", ",".join(map(str, prompt_lengths)), "-ntg", str(n_tokens)]
        command += ["-npl", str(self.n_parallel), "-c", str(cells), "--output-format", "jsonl"]
        finished = process.run(command)
        rows = [json.loads(line) for line in finished.output.splitlines() if line.startswith("{")]
        if [row["pp"] for row in rows] != list(prompt_lengths):
            raise SystemExit(f"{' '.join(command)} left prompts out:\n{finished.output[-2000:]}")
        return Pace(sum(row["pl"] * row["tg"] for row in rows), sum(row["t"] for row in rows))
