"""llama.cpp's own distance of two models: ``llama-perplexity --kl-divergence``.

Two runs: the base's log-probabilities of every row go to a file, 16 bits each, and the candidate is
compared with that file. The 16 bits span the 16 nats below a row's largest logit: tokens below that
are left out of the divergence, the base's loss of a right token ends there, and the step of 2.4e-4
nats adds some 1e-5 nats to a mean divergence and lets single ones go below zero.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks.report import process

_LINES = {
    "ppl": r"Mean PPL\(Q\)",
    "ppl_base": r"Mean PPL\(base\)",
    "ln_ppl_ratio": r"Mean ln\(PPL\(Q\)/PPL\(base\)\)",
    "kld": r"Mean +KLD",
    "kld_99": r"99\.0% +KLD",
    "kld_median": r"Median +KLD",
    "dp": r"Mean +Δp",
    "dp_rms": r"RMS +Δp",
    "same_top": r"Same top p",
}
_PER_CENT = {"dp", "dp_rms", "same_top"}


@dataclass(frozen=True)
class Answer:
    """What the second run printed (fractions, not per cent), and the size of the first's file."""

    figures: Mapping[str, float]
    base_file_bytes: int


def kl_divergence(
    binary: Path, base: Path, candidate: Path, text: Path, logits: Path, threads: int, n_ctx: int
) -> Answer:
    """Run both; ``logits`` is the base's file, deleted afterwards. Plain attention in float32."""
    command = [str(binary), "-f", str(text), "-c", str(n_ctx), "-t", str(threads)]
    command += ["-fa", "off", "-ctk", "f32", "-ctv", "f32", "--kl-divergence-base", str(logits)]
    try:
        process.run([*command, "-m", str(base)])
        size = logits.stat().st_size
        second = process.run([*command, "-m", str(candidate), "--kl-divergence"])
    finally:
        logits.unlink(missing_ok=True)
    return Answer(parse(second.output), size)


def parse(output: str) -> dict[str, float]:
    """Read the figures of the tables; SystemExit where one is missing."""
    figures = {}
    for name, label in _LINES.items():
        found = re.search(rf"^{label} *: *(-?[0-9.]+)", output, re.MULTILINE)
        if found is None:
            raise SystemExit(f"llama-perplexity gave no line {label}:\n{output[-3000:]}")
        figures[name] = float(found[1]) / (100 if name in _PER_CENT else 1)
    return figures
