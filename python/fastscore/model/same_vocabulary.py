"""Whether two models give probabilities to the same tokens."""

from __future__ import annotations

from pathlib import Path

from fastscore.errors import UsageError
from fastscore.model.weights import Weights

# Tokens whose spellings are asked for at a time.
_AT_ONCE = 4096


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
    for begin in range(0, one.n_vocab, _AT_ONCE):
        ids = range(begin, min(begin + _AT_ONCE, one.n_vocab))
        pieces, others = base.pieces(ids), candidate.pieces(ids)
        if pieces != others:
            k = next(k for k, piece in enumerate(pieces) if piece != others[k])
            raise UsageError(
                f"token {begin + k} is {_shown(pieces[k])} in {name} and "
                f"{_shown(others[k])} in {other_name}; {ask}"
            )


def _shown(piece: bytes) -> str:
    return repr(piece.decode("utf-8", errors="backslashreplace"))
