"""What ``_core.compare_rows`` must do, slow and obvious: KL by its definition, 80 bits of it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from log_softmax_oracle import log_softmax_gather


def compare_rows(
    base: npt.NDArray[np.float32],  # [n_rows, n_vocab]
    candidate: npt.NDArray[np.float32],  # [n_rows, n_vocab]
    offsets: npt.NDArray[np.int64],  # [n_rows + 1]
    targets: npt.NDArray[np.int32],  # [n_targets]
) -> tuple[
    npt.NDArray[np.float64],
    npt.NDArray[np.float64],
    npt.NDArray[np.float64],
    npt.NDArray[np.uint8],
]:
    """Return (kl [n_rows], log-probabilities of both [n_targets], same top [n_rows])."""
    if base.shape != candidate.shape:
        raise ValueError("shapes differ")
    base_log_probs, base_top = log_softmax_gather(base, offsets, targets)
    candidate_log_probs, candidate_top = log_softmax_gather(candidate, offsets, targets)
    kl = [divergence(p, q) for p, q in zip(base, candidate, strict=True)]
    return (
        np.array(kl, dtype=np.float64),
        base_log_probs,
        candidate_log_probs,
        (base_top == candidate_top).astype(np.uint8),
    )


def divergence(base: npt.NDArray[np.float32], candidate: npt.NDArray[np.float32]) -> float:
    """KL of the distributions of two rows: sum of p log(p / q) where p > 0."""
    log_p, log_q = log_softmax(base), log_softmax(candidate)
    p = np.exp(log_p)
    counts = p > 0
    return float((p[counts] * (log_p[counts] - log_q[counts])).sum())


def log_softmax(row: npt.NDArray[np.float32]) -> npt.NDArray[np.longdouble]:
    """Log-probabilities of a row."""
    shifted = row.astype(np.longdouble) - row.max()
    return shifted - np.log(np.exp(shifted).sum())
