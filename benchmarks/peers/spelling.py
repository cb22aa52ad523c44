"""What the tokens of a GGUF file spell, asked of llama-cpp-python."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import llama_cpp


class Spelling:
    """The vocabulary of a GGUF file."""

    def __init__(self, gguf: Path) -> None:
        self._llm = llama_cpp.Llama(str(gguf), vocab_only=True, verbose=False)
        self._vocab = llama_cpp.llama_model_get_vocab(self._llm.model)

    def pieces(self, ids: Sequence[int]) -> list[bytes | None]:
        """The bytes of each token, None for one that ends a text."""
        return [
            None
            if llama_cpp.llama_vocab_is_eog(self._vocab, token)
            else self._llm.detokenize([token], special=True)
            for token in ids
        ]
