"""What callers hand over as texts and pairs, checked before a text is read as a list of letters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fastscore.errors import UsageError

_MAX_SHOWN = 60


def check_pairs(pairs: Sequence[tuple[str, str]]) -> None:
    """Raise UsageError for what is no list of (context, continuation) pairs.

    A bare text would be read as a list of its letters, and a text of two letters as a pair.
    """
    if isinstance(pairs, (str, bytes)):
        raise UsageError(f"{_shown(pairs)} is one text and no list of pairs; {_PAIRS}")
    for i, pair in enumerate(pairs):
        if (
            isinstance(pair, (str, bytes))
            or not isinstance(pair, Sequence)
            or len(pair) != 2
            or not all(isinstance(part, str) for part in pair)
        ):
            raise UsageError(f"entry {i}, {_shown(pair)}, is no pair of texts; {_PAIRS}")


def check_texts(texts: Sequence[str], call: str) -> None:
    """Raise UsageError for what is no list of texts; ``call`` is the function that wants one."""
    example = f'write {call}(["The sky is blue.", "Grass is green."])'
    if isinstance(texts, (str, bytes)):
        raise UsageError(f"{_shown(texts)} is one text and no list of texts; {example}")
    for i, text in enumerate(texts):
        if not isinstance(text, str):
            raise UsageError(f"entry {i}, {_shown(text)}, is no text; {example}")


_PAIRS = 'write loglikelihood([("The sky is", " blue"), ("The sky is", " green")])'


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= _MAX_SHOWN else text[: _MAX_SHOWN - 3] + "..."
