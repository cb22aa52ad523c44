"""The outcome of a comparison: what ``compare`` returns, and what a saved one is read back to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from fastscore.comparison.values import Candidate, Contender
from fastscore.results.values import Named


@dataclass(frozen=True)
class Comparison:
    """Candidates held against a base, on the same items.

    ``comparison["Q8_0"]["arc_easy"].difference`` is one number; ``print(comparison)`` shows all.

    Attributes:
        base: The model that the others are held against.
        candidates: The others.
        margin: Differences smaller than this are held for none.
        warnings: What the models' results do not have in common, in whole sentences.
        method: How the numbers were computed, in whole sentences.

    """

    base: Contender
    candidates: tuple[Candidate, ...]
    margin: float
    warnings: tuple[str, ...] = ()
    method: tuple[str, ...] = ()

    def __getitem__(self, label: str) -> Candidate:
        """Return a candidate by its label; the error for another name says what there is."""
        return Named("candidate", {one.label: one for one in self.candidates})[label]

    def __iter__(self) -> Iterator[Candidate]:
        return iter(self.candidates)

    def __len__(self) -> int:
        return len(self.candidates)
