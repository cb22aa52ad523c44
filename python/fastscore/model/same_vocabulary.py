"""Whether two models give probabilities to the same tokens."""

from __future__ import annotations

from pathlib import Path

from fastscore.errors import UsageError
from fastscore.model.weights import Weights


def check_same_vocabulary(base: Weights, candidate: Weights) -> None:
    """Raise UsageError, naming the first difference, unless both have the same tokens."""
    one, other = base.info, candidate.info
    name, other_name = Path(one.path).name, Path(other.path).name
    ask = "a distance needs two models with the same vocabulary, as quantisations of one have"
    if one.n_vocab != other.n_vocab:
        raise UsageError(
            f"{name} has {one.n_vocab} tokens and {other_name} has {other.n_vocab}; {ask}"
        )
    if not (base.has_vocabulary and candidate.has_vocabulary):
        return  # a file without texts of tokens fits any of its size
    token = base.token_pieces.first_difference(candidate.token_pieces)
    if token >= 0:
        (piece,), (other_piece,) = base.pieces([token]), candidate.pieces([token])
        raise UsageError(
            f"token {token} is {_shown(piece)} in {name} and {_shown(other_piece)} in "
            f"{other_name}; {ask}"
        )


def _shown(piece: bytes) -> str:
    return repr(piece.decode("utf-8", errors="backslashreplace"))
