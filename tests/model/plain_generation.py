"""Greedy decoding of one prompt after the other, the slow and obvious way."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from dataclasses import dataclass

import llama_cpp
import numpy as np

from models.llama import Entry, PlainLlama


@dataclass(frozen=True)
class Written:
    """Tokens drawn, one that ends the text included, and how near the second best ever was."""

    tokens: list[int]
    text: str
    ended: bool
    least_gap: float


def greedy(model: PlainLlama, prompt: Sequence[int], max_tokens: int) -> Written:
    """Decode token by token on an empty memory, until a token that ends texts."""
    llama_cpp.llama_memory_clear(model.memory, True)
    entries = [Entry(token, i, output=i + 1 == len(prompt)) for i, token in enumerate(prompt)]
    tokens: list[int] = []
    gaps: list[float] = []
    while True:
        code, rows = model.decode(entries)
        assert code == 0
        best, second = np.sort(rows[-1])[[-1, -2]]
        gaps.append(float(best - second))
        token = int(np.argmax(rows[-1]))
        tokens.append(token)
        ended = bool(llama_cpp.llama_vocab_is_eog(model.vocab, token))
        if ended or len(tokens) == max_tokens:
            return Written(tokens, text_of(model, tokens[: len(tokens) - ended]), ended, min(gaps))
        entries = [Entry(token, len(prompt) + len(tokens) - 1)]


def text_of(model: PlainLlama, tokens: Sequence[int], *, marks: bool = False) -> str:
    """The text of tokens as Hugging Face decodes it, but without half a character at its end.

    ``marks``: show tokens such as ``<|im_end|>`` as they are spelled, which is nothing otherwise.
    """
    kinds = llama_cpp.LLAMA_TOKEN_ATTR_CONTROL | llama_cpp.LLAMA_TOKEN_ATTR_UNKNOWN
    shown = [
        token
        for token in tokens
        if marks or not llama_cpp.llama_vocab_get_attr(model.vocab, token) & kinds
    ]
    data = b"".join(_piece(model, token) for token in shown)
    if llama_cpp.llama_vocab_type(model.vocab) == llama_cpp.LLAMA_VOCAB_TYPE_SPM:
        # The tiny vocabularies of this kind put a space in front when they encode.
        data = data.removeprefix(b" ")
    return without_half_character(data).decode(errors="replace")


def without_half_character(data: bytes) -> bytes:
    """Drop the first bytes of a character whose others are missing at the end."""
    for n in range(1, min(4, len(data)) + 1):
        try:
            data[-n:].decode()
        except UnicodeDecodeError as error:
            if error.reason == "unexpected end of data":
                return data[:-n]
    return data


def _piece(model: PlainLlama, token: int) -> bytes:
    buffer = ctypes.create_string_buffer(64)
    n = llama_cpp.llama_token_to_piece(model.vocab, token, buffer, len(buffer), 0, True)
    return buffer.raw[:n]
