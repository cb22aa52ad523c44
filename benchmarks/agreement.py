"""The rule by which a greedily generated text counts as another decoder's.

Equal, or different from a token on at which the other decoder's two best logits were closer than
``TIE``: there, the rounding of another batching decides. Our side gives a text and not its tokens,
so the token of the first difference is found in the other side's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from fastscore.types import FinishReason

TIE = 0.05
"""Difference of the two best logits below which either may come first."""


@dataclass(frozen=True)
class Reference:
    """What the other decoder wrote, token by token.

    ``text`` is cut at the first stop text. ``pieces`` are the bytes of each token, None for one
    that ends a text; ``runner_up`` those of the second best there, ``gaps`` how far its logit was
    from the best one. ``finish_reason`` is None where the other decoder does not tell.
    """

    text: str
    pieces: Sequence[bytes | None]
    runner_up: Sequence[bytes | None]
    gaps: Sequence[float]
    finish_reason: FinishReason | None = None


@dataclass(frozen=True)
class Verdict:
    """``token`` is where the texts part, with the gap there; None for equal texts."""

    kind: Literal["equal", "excused", "different"]
    token: int | None = None
    gap: float | None = None


def judge(
    reference: Reference, text: str, finish_reason: FinishReason, stop: Sequence[str]
) -> Verdict:
    """Whether ``text``, which ended for ``finish_reason``, is the reference's or parts at a tie."""
    if text == reference.text:
        return Verdict("equal")
    # What a stop text cut off began with one of the stops: the longest agreement counts.
    ends = list(stop) if finish_reason == "stop" else [""]
    written = max(((text + end).encode() for end in ends), key=lambda it: _parting(reference, it))
    token = _parting(reference, written)
    if token == len(reference.gaps):
        # Ours went on where the other stopped for length: no token of it differs.
        return Verdict("different", token, None)
    for candidate in (token, *_spelled_alike(reference, written, token)):
        if reference.gaps[candidate] < TIE:
            return Verdict("excused", candidate, reference.gaps[candidate])
    return Verdict("different", token, reference.gaps[token])


def _parting(reference: Reference, written: bytes) -> int:
    """The first token of the reference that does not continue ``written``."""
    position = 0
    for token, piece in enumerate(reference.pieces):
        if piece is None or not piece or written[position : position + len(piece)] != piece:
            return token
        position += len(piece)
    return len(reference.pieces)


def _spelled_alike(reference: Reference, written: bytes, parting: int) -> list[int]:
    """Earlier tokens whose runner-up spells ``written`` as well, the nearest first.

    "ab" and "a" begin with the same letter: the text parts later than the tokens do.
    """
    tokens = []
    position = 0
    for token in range(parting):
        rest = written[position:]
        runner_up = reference.runner_up[token]
        if runner_up and (rest.startswith(runner_up) or runner_up.startswith(rest)):
            tokens.append(token)
        position += len(reference.pieces[token] or b"")
    return tokens[::-1]
