"""``llama-perplexity --kl-divergence`` written again from its source, slow and obvious.

Sums, not arrays, as ``kl_divergence`` in llama.cpp's tools/perplexity/perplexity.cpp has them; in
double where it has float, and without its rounding of the base's log-probabilities to 16 bits.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import llama_cpp
import numpy as np

from models.llama import PlainLlama


@dataclass(frozen=True)
class Position:
    """A token of a second half: divergence, both log-probabilities, whether the tops agree."""

    kl: float
    base: float
    candidate: float
    same_top: bool


def positions_of_text(base: Path, candidate: Path, text: str, n_ctx: int) -> list[Position]:
    """Both models over a text in windows, one window at a time on an empty memory."""
    found = []
    with PlainLlama(base) as one, PlainLlama(candidate) as other:
        add_bos = llama_cpp.llama_vocab_get_add_bos(one.vocab)
        bos = llama_cpp.llama_vocab_bos(one.vocab)
        tokens = [bos] * add_bos + one.tokenize(text, special=False)
        for begin in range(0, len(tokens) // n_ctx * n_ctx, n_ctx):
            window = tokens[begin : begin + n_ctx]
            if add_bos:
                window[0] = bos
            logits = one.alone(window), other.alone(window)
            found += [
                position(logits[0][at], logits[1][at], window[at + 1])
                for at in range(n_ctx // 2, n_ctx - 1)
            ]
    return found


def position(base: np.ndarray, candidate: np.ndarray, right: int) -> Position:
    """Compare two rows of logits."""
    log_p, log_q = log_softmax(base), log_softmax(candidate)
    return Position(
        float((np.exp(log_p) * (log_p - log_q)).sum()),
        float(log_p[right]),
        float(log_q[right]),
        int(base.argmax()) == int(candidate.argmax()),
    )


def log_softmax(row: np.ndarray) -> np.ndarray:
    shifted = row.astype(np.longdouble) - row.max()
    return shifted - np.log(np.exp(shifted).sum())


def mean_and_uncertainty(values: Sequence[float]) -> tuple[float, float]:
    n = len(values)
    mean = math.fsum(values) / n
    variance = math.fsum(v * v for v in values) / n - mean * mean
    return mean, math.sqrt(variance / (n - 1)) if variance > 0 else 0.0


def covariance(a: Sequence[float], b: Sequence[float]) -> float:
    n = len(a)
    products = math.fsum(x * y for x, y in zip(a, b, strict=True)) / n
    return (products - math.fsum(a) / n * math.fsum(b) / n) / (n - 1)


def percentile(values: Sequence[float], fraction: float) -> float:
    ordered = sorted(values)
    place = fraction * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    weight = place - below
    return (1 - weight) * ordered[below] + weight * ordered[above]


def statistics(found: Sequence[Position]) -> dict[str, float | tuple[float, float]]:
    """The figures, each with its uncertainty where the program gives one."""
    nll = [-one.candidate for one in found]
    nll_base = [-one.base for one in found]
    log_ppl, log_ppl_base = mean_and_uncertainty(nll), mean_and_uncertainty(nll_base)
    ppl, ppl_base = math.exp(log_ppl[0]), math.exp(log_ppl_base[0])
    cov = covariance(nll, nll_base)
    ratio = log_ppl[0] - log_ppl_base[0]
    ratio_unc = math.sqrt(max(0.0, log_ppl[1] ** 2 + log_ppl_base[1] ** 2 - 2 * cov))
    unc, unc_base = ppl * log_ppl[1], ppl_base * log_ppl_base[1]
    difference_unc = math.sqrt(max(0.0, unc**2 + unc_base**2 - 2 * ppl * ppl_base * cov))
    dp = [math.exp(one.candidate) - math.exp(one.base) for one in found]
    square = mean_and_uncertainty([d * d for d in dp])
    same = sum(one.same_top for one in found) / len(found)
    return {
        "ppl": (ppl, unc),
        "ppl_base": (ppl_base, unc_base),
        "correlation": cov / (log_ppl[1] * log_ppl_base[1]),
        "ln_ppl_ratio": (ratio, ratio_unc),
        "ppl_ratio": (math.exp(ratio), math.exp(ratio) * ratio_unc),
        "ppl_difference": (ppl - ppl_base, difference_unc),
        "kld": mean_and_uncertainty([one.kl for one in found]),
        "dp": mean_and_uncertainty(dp),
        "dp_rms": (math.sqrt(square[0]), 0.5 / math.sqrt(square[0]) * square[1]),
        "same_top": (same, math.sqrt(same * (1 - same) / (len(found) - 1))),
    }
