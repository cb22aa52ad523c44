"""Which items of two runs are the same one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from fastscore.errors import ResultsError
from fastscore.results import GenerationSample, Sample, TaskResult
from fastscore.results.values import AnySample

Check = Literal["content", "place", "question"]
"""What the items of a pair were found to have in common.

``content``: their digests, so prompts, choices and gold. ``place``: index of the row, gold and
number of choices, because one of the two runs kept no digests. ``question``: the same though the
prompts differ, because each model has its own chat template.
"""


@dataclass(frozen=True, slots=True)
class Pairing:
    """The items that two runs of one task have in common, base's first.

    ``n_base`` and ``n_candidate`` count the items of each run, ``n_other`` those that both runs
    have in the same place with another content.
    """

    pairs: list[tuple[AnySample, AnySample]]
    n_base: int
    n_candidate: int
    n_other: int
    check: Check


def pair_items(base: TaskResult, candidate: TaskResult, *, own_templates: bool) -> Pairing:
    """Pair the items of two runs by their row and content.

    ``own_templates`` says that both runs put the same rows into chat templates, which may be
    different ones.

    Raises:
        ResultsError: one of the runs has two items of the same row.

    """
    others = _by_row(candidate.samples)
    common = [(one, others[row]) for row, one in _by_row(base.samples).items() if row in others]
    has_digests = all(one.item is not None and other.item is not None for one, other in common)
    check: Check = "content" if has_digests else "place"
    pairs = [pair for pair in common if _same_item(*pair, by_content=has_digests)]
    if common and not pairs and has_digests and own_templates:
        check = "question"
        pairs = [pair for pair in common if _same_item(*pair, by_content=False)]
    return Pairing(pairs, base.n, candidate.n, len(common) - len(pairs), check)


def _by_row(samples: Sequence[AnySample]) -> dict[int, AnySample]:
    found: dict[int, AnySample] = {}
    for sample in samples:
        if sample.doc_id in found:
            raise ResultsError(
                f"the doc_id {sample.doc_id} is there twice in one samples file, so its items "
                "cannot be told apart; run again with the same arguments"
            )
        found[sample.doc_id] = sample
    return found


def _same_item(base: AnySample, candidate: AnySample, *, by_content: bool) -> bool:
    if by_content:
        return base.item == candidate.item
    if isinstance(base, Sample) and isinstance(candidate, Sample):
        same_choices = len(base.loglikelihoods) == len(candidate.loglikelihoods)
        return same_choices and base.gold == candidate.gold
    if isinstance(base, GenerationSample) and isinstance(candidate, GenerationSample):
        return base.gold == candidate.gold
    return False
