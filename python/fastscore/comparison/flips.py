"""The items that a candidate scores differently from the base."""

from __future__ import annotations

import math
from collections.abc import Iterator

from fastscore.comparison.measuring import Pairs, same_score
from fastscore.comparison.values import Flip
from fastscore.metrics import shares
from fastscore.results import GenerationSample, Sample

MOST_CHANGES = 100
"""Where scores are not 0 or 1 nearly all items change; so many of the largest changes are kept."""


def find_flips(pairs: Pairs, metric: str, *, binary: bool) -> tuple[Flip, ...]:
    """Return the items whose scores differ.

    In the order of the rows where every score is 0 or 1, else the largest changes first.
    """
    flips = list(_flips(pairs, metric))
    if binary:
        return tuple(flips)
    flips.sort(key=lambda flip: -abs(flip.candidate_score - flip.base_score))
    return tuple(flips[:MOST_CHANGES])


def chosen(sample: Sample, metric: str) -> int | None:
    """Return the choice that a metric judged, as far as the sample tells."""
    score = sample.scores[metric]
    if score.choice is not None:
        return score.choice
    # Results of schema versions 1 and 2 do not say it; a right answer among one gold is that gold.
    if metric in ("acc_norm", "acc_bytes") and score.value == 1 and len(sample.gold) == 1:
        return sample.gold[0]
    if metric == "acc" and score.value in (0, 1):
        return sample.pred
    return None


def _flips(pairs: Pairs, metric: str) -> Iterator[Flip]:
    for base, candidate in pairs:
        scores = base.scores[metric].value, candidate.scores[metric].value
        if same_score(*scores) or any(map(math.isnan, scores)):
            continue
        if isinstance(base, Sample) and isinstance(candidate, Sample):
            yield Flip(
                doc_id=base.doc_id,
                gold=base.gold,
                base_score=scores[0],
                candidate_score=scores[1],
                base_pred=chosen(base, metric),
                candidate_pred=chosen(candidate, metric),
                base_probabilities=shares(base.loglikelihoods),
                candidate_probabilities=shares(candidate.loglikelihoods),
                contexts=base.contexts or candidate.contexts,
                continuations=base.continuations or candidate.continuations,
            )
        elif isinstance(base, GenerationSample) and isinstance(candidate, GenerationSample):
            context = base.context or candidate.context
            yield Flip(
                doc_id=base.doc_id,
                gold=(base.gold,) if isinstance(base.gold, str) else base.gold,
                base_score=scores[0],
                candidate_score=scores[1],
                contexts=None if context is None else (context,),
                base_output=base.outputs[0],
                candidate_output=candidate.outputs[0],
            )
