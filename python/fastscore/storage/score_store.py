"""The store of scored requests: what makes a stopped run go on where it was.

A result is found by the content it came from: a *space* (the model's bytes and the engine settings
that decide its numbers) and the *digest* of a request's token ids. Nothing else is needed to trust
it, so runs of different tasks, limits and shots share one store.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fastscore.storage.block_store import BlockStore

MERGED_BLOCK = 65_536  # results in one block when blocks are merged

RECORD = np.dtype([("digest", "S16"), ("logprob", "<f8"), ("n_tokens", "<i4"), ("is_greedy", "u1")])
"""One result as stored: 29 bytes, little-endian, no padding."""


@dataclass(frozen=True, slots=True)
class Found:
    """What the store knows of some requests; where ``mask`` is false the rest means nothing.

    Shapes: all ``[n_requests]``.
    """

    mask: NDArray[np.bool_]
    logprob: NDArray[np.float64]
    is_greedy: NDArray[np.bool_]
    n_tokens: NDArray[np.int32]


class Store(BlockStore):
    """The scored requests of one space; see `fastscore.storage.block_store.BlockStore`."""

    _known = np.empty(0, RECORD)  # sorted by digest, no digest twice

    def lookup(self, digests: Sequence[bytes]) -> Found:
        """Find the results of many requests at once."""
        self._refresh()
        wanted = np.frombuffer(b"".join(digests), dtype="S16")
        place = np.searchsorted(self._known["digest"], wanted)
        mask = np.zeros(len(wanted), bool)
        inside = place < len(self._known)
        mask[inside] = self._known["digest"][place[inside]] == wanted[inside]
        records = np.zeros(len(wanted), RECORD)
        records[mask] = self._known[place[mask]]
        return Found(
            mask,
            records["logprob"].astype(np.float64),
            records["is_greedy"].astype(np.bool_),
            records["n_tokens"].astype(np.int32),
        )

    def put(
        self,
        digests: Sequence[bytes],
        logprob: NDArray[np.float64],
        is_greedy: NDArray[np.bool_],
        n_tokens: NDArray[np.int32],
    ) -> None:
        """Keep results; they are on disk within ``COMMIT_SECONDS``, or after ``flush``."""
        if self._journal is None or not digests:
            return
        if np.isnan(logprob).any() or np.isposinf(logprob).any():
            raise ValueError("a log-likelihood that is NaN or +inf is no result")
        records = np.zeros(len(digests), RECORD)
        records["digest"] = np.frombuffer(b"".join(digests), dtype="S16")
        records["logprob"] = logprob
        records["is_greedy"] = is_greedy
        records["n_tokens"] = n_tokens
        self._keep(records.tobytes())

    def _take_in(self, blocks: Sequence[bytes]) -> int:
        new = np.frombuffer(b"".join(blocks), RECORD)
        self._known = _newest(np.concatenate([self._known, new]))
        return len(new)

    def _forget(self) -> None:
        self._known = np.empty(0, RECORD)

    @property
    def _n_results(self) -> int:
        return len(self._known)

    def _merged(self) -> list[bytes]:
        starts = range(0, len(self._known), MERGED_BLOCK)
        return [self._known[at : at + MERGED_BLOCK].tobytes() for at in starts]


def _newest(records: NDArray[np.void]) -> NDArray[np.void]:
    """Sort by digest, and of equal digests keep the one that came last."""
    ordered = records[np.argsort(records["digest"], kind="stable")]
    is_last = np.ones(len(ordered), np.bool_)
    is_last[:-1] = ordered["digest"][:-1] != ordered["digest"][1:]
    return ordered[is_last]
