"""Whether a tokenizer's ids mean to it what they mean to the model."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from fastscore.errors import TokenizerError

# Ids compared, spread evenly over the vocabulary.
_MOST_COMPARED = 4096
# Of a model's own tokenizer a few added tokens may be named otherwise than in the GGUF file; two
# vocabularies of different models share little beyond single bytes.
_LEAST_EQUAL = 0.99


def check_vocabulary(
    file: Path, text_of: Callable[[int], str | None], api: Any, vocab: Any
) -> None:
    """Raise TokenizerError where the texts of ids differ from those in the model file.

    Ids that only one side has count as different if they are ordinary tokens of the model;
    converters fill a vocabulary up with tokens of other kinds, which a tokenizer.json lacks.
    A model file without texts of tokens fits any.
    """
    if api.llama_vocab_type(vocab) == api.LLAMA_VOCAB_TYPE_NONE:
        return  # the file holds no texts, and llama.cpp ends the process over a question for one
    n_vocab = int(api.llama_vocab_n_tokens(vocab))
    ids = np.unique(np.linspace(0, n_vocab - 1, min(n_vocab, _MOST_COMPARED), dtype=np.int64))
    n_compared = 0
    different: list[tuple[int, str | None, str]] = []
    for token in ids.tolist():
        given = text_of(token)
        if (
            given is None
            and not api.llama_vocab_get_attr(vocab, token) & api.LLAMA_TOKEN_ATTR_NORMAL
        ):
            continue
        own = (api.llama_vocab_get_text(vocab, token) or b"").decode("utf-8", errors="replace")
        n_compared += 1
        if given is None or _plain(given) != _plain(own):
            different.append((token, given, own))
    if len(different) > (1 - _LEAST_EQUAL) * n_compared:
        token, given, own = different[0]
        theirs = "is not there" if given is None else f"is {given!r}"
        raise TokenizerError(
            f"{file} belongs to another model: of {n_compared} ids compared {len(different)} mean "
            f"other texts; the first, id {token}, {theirs} in it and {own!r} in the model file"
        )


def _plain(text: str) -> str:
    """Spell the space as one: converters do so in some tokens of SPM vocabularies."""
    return text.replace("\u2581", " ")
